//! What the annotation `milvus.io/allow-upgrade` allows: a list of consents, each bound to what it is for.
//!
//! The grammar, in which white space around the parts means nothing:
//!
//! ```text
//! list    = item { "," item }
//! item    = [ field ":" ] from "->" to
//! field   = one of FIELDS
//! ```
//!
//! A pair of versions (`2.4.9->2.6.0`) allows that path, a pair of queues (`pulsar->kafka`) that change of
//! queue, and a named field (`etcd.rootPath: old->new`) that change of the field. Any other pair without a
//! field is taken for the field whose change it names; that is how annotations were written before fields had
//! names here. A value may contain anything but a comma.
//!
//! What a refusal prints ([`Consent::annotation`]) is read back as exactly that consent.

use std::fmt;

use crate::queue::Queue;
use crate::version::MilvusVersion;

/// The annotation on the `Milvus` by which the user allows what is refused.
pub const ANNOTATION: &str = "milvus.io/allow-upgrade";

/// Items that are quoted in a warning, and characters that are quoted of each.
const MOST_QUOTES: usize = 3;
const LONGEST_QUOTE: usize = 80;

/// Between what is left and what is gone to.
const ARROW: &str = "->";

/// `spec.config.etcd.rootPath`: where the metadata is in etcd.
pub const ETCD_ROOT_PATH: &str = "etcd.rootPath";
/// `spec.config.minio.bucketName`: where the segments are in the object storage.
pub const BUCKET_NAME: &str = "minio.bucketName";
/// `spec.dependencies.rocksmq.persistence`: the volume of the queue inside Milvus.
pub const ROCKSMQ_PERSISTENCE: &str = "rocksmq.persistence";
/// `spec.dependencies.natsmq.persistence`: the volume of the queue inside Milvus.
pub const NATSMQ_PERSISTENCE: &str = "natsmq.persistence";

/// The fields whose change can be allowed by name.
pub const FIELDS: [&str; 4] = [ETCD_ROOT_PATH, BUCKET_NAME, ROCKSMQ_PERSISTENCE, NATSMQ_PERSISTENCE];

/// One consent, as a refusal asks for it. Shown as an item of the annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent<'a> {
    /// To a path of versions that is refused.
    Version {
        /// The version that is left.
        from: &'a MilvusVersion,
        /// The version that is gone to.
        to: &'a MilvusVersion,
    },
    /// To another message queue under data.
    Queue {
        /// The recorded queue.
        from: Queue,
        /// The queue that is asked for.
        to: Queue,
    },
    /// To another value of a field that says where data is.
    Field {
        /// One of [`FIELDS`].
        name: &'a str,
        /// The value that is recorded.
        from: &'a str,
        /// The value that is asked for.
        to: &'a str,
    },
}

impl Consent<'_> {
    /// The whole annotation, to be pasted under `metadata.annotations`: `milvus.io/allow-upgrade:
    /// "2.4.9->2.6.0"`.
    pub fn annotation(&self) -> String {
        format!("{ANNOTATION}: \"{self}\"")
    }
}

impl fmt::Display for Consent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { from, to } => write!(f, "{}{ARROW}{}", from.plain(), to.plain()),
            Self::Queue { from, to } => write!(f, "{from}{ARROW}{to}"),
            Self::Field { name, from, to } => write!(f, "{name}: {from}{ARROW}{to}"),
        }
    }
}

/// An item of the annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Version(MilvusVersion, MilvusVersion),
    Queue(Queue, Queue),
    /// The change of a field; without a name, of any field that changes so.
    Field {
        name: Option<&'static str>,
        change: String,
    },
    /// Not an item of the grammar: it allows nothing.
    Unread(String),
}

/// All consents of an annotation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consents(Vec<Item>);

impl Consents {
    /// Reads the value of the annotation; without one, nothing is allowed. What cannot be read allows
    /// nothing, too, and is listed by [`Consents::unread`].
    pub fn parse(annotation: Option<&str>) -> Self {
        let items = annotation.unwrap_or_default().split(',').map(str::trim);
        Self(items.filter(|item| !item.is_empty()).map(Item::read).collect())
    }

    /// Whether this path of versions is allowed. Another build of a release is the same release.
    pub fn version(&self, from: &MilvusVersion, to: &MilvusVersion) -> bool {
        let names = |item: &Item| matches!(item, Item::Version(left, right) if left == from && right == to);
        self.0.iter().any(names)
    }

    /// Whether this change of message queue is allowed.
    pub fn queue(&self, from: Queue, to: Queue) -> bool {
        self.0.contains(&Item::Queue(from, to))
    }

    /// Whether this change of the field `name` (one of [`FIELDS`]) is allowed.
    pub fn field(&self, name: &str, from: &str, to: &str) -> bool {
        let allows = |item: &Item| match item {
            Item::Field { name: named, change } => {
                named.is_none_or(|named| named == name) && is_change(change, from, to)
            }
            Item::Version(..) | Item::Queue(..) | Item::Unread(_) => false,
        };
        self.0.iter().any(allows)
    }

    /// Whether `consent` is given.
    pub fn allow(&self, consent: &Consent<'_>) -> bool {
        match *consent {
            Consent::Version { from, to } => self.version(from, to),
            Consent::Queue { from, to } => self.queue(from, to),
            Consent::Field { name, from, to } => self.field(name, from, to),
        }
    }

    /// The items that are no consent, as they are written: worth a warning, because somebody meant something.
    pub fn unread(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|item| match item {
            Item::Unread(text) => Some(text.as_str()),
            Item::Version(..) | Item::Queue(..) | Item::Field { .. } => None,
        })
    }

    /// What to tell the user about the items that are no consent, with the grammar; `None` when there are none.
    pub fn warning(&self) -> Option<String> {
        let unread: Vec<&str> = self.unread().collect();
        let quoted = |text: &&str| match text.char_indices().nth(LONGEST_QUOTE) {
            Some((end, _)) => format!("{:?}…", &text[..end]),
            None => format!("{text:?}"),
        };
        let shown: Vec<String> = unread.iter().take(MOST_QUOTES).map(quoted).collect();
        let (more, verb) = match unread.len() {
            0 => return None,
            1 => (String::new(), "is no consent and allows"),
            count if count > MOST_QUOTES => {
                (format!(" and {} more", count - MOST_QUOTES), "are no consents and allow")
            }
            _ => (String::new(), "are no consents and allow"),
        };
        Some(format!(
            "{}{more} {verb} nothing. A consent is FROM{ARROW}TO, with two versions or two message queues, or FIELD: \
             FROM{ARROW}TO, with FIELD one of {}; several are separated by commas",
            shown.join(", "),
            FIELDS.join(", ")
        ))
    }
}

impl Item {
    fn read(text: &str) -> Self {
        let (name, change) = match split_field(text) {
            Ok(split) => split,
            Err(UnknownField) => return Self::Unread(text.to_owned()),
        };
        let Some((from, to)) = change.split_once(ARROW).map(|(from, to)| (from.trim(), to.trim())) else {
            return Self::Unread(text.to_owned());
        };
        if from.is_empty() && to.is_empty() {
            return Self::Unread(text.to_owned());
        }
        if name.is_none() {
            if let (Ok(from), Ok(to)) = (from.parse(), to.parse()) {
                return Self::Version(from, to);
            }
            let queue = |text: &str| text.to_ascii_lowercase().parse::<Queue>();
            if let (Ok(from), Ok(to)) = (queue(from), queue(to)) {
                return Self::Queue(from, to);
            }
        }
        Self::Field { name, change: change.to_owned() }
    }
}

/// Something is named as a field is, and is none of [`FIELDS`].
struct UnknownField;

/// The field that an item names, if it names one, and the rest of the item.
///
/// A value may contain colons: what stands before one is a field only if it is one of [`FIELDS`], or if it is
/// written as a field and a space follows (then it is a slip of the pen, and no value).
fn split_field(item: &str) -> Result<(Option<&'static str>, &str), UnknownField> {
    let Some((before, after)) = item.split_once(':') else { return Ok((None, item)) };
    let before = before.trim();
    if let Some(field) = FIELDS.into_iter().find(|field| *field == before) {
        return Ok((Some(field), after.trim()));
    }
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
    let written_as_field = before.contains('.') && before.split('.').all(word);
    if written_as_field && after.starts_with(char::is_whitespace) {
        Err(UnknownField)
    } else {
        Ok((None, item))
    }
}

/// Whether `change` is `from->to`. The values may contain an arrow, so every one is tried.
fn is_change(change: &str, from: &str, to: &str) -> bool {
    let ends = |at: usize| (change[..at].trim(), change[at + ARROW.len()..].trim());
    change.match_indices(ARROW).any(|(at, _)| ends(at) == (from.trim(), to.trim()))
}
