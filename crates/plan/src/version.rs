//! Milvus versions: read from `spec.components.version` or from an image tag.
//!
//! What cannot be read is [`Version::Unknown`]. It is never taken for an old (or a new) version: that is how
//! Milvus 2.6 under a private tag came to be run with the component set of 2.5 by other tools.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Serialize, Serializer};
use snafu::{OptionExt, ResultExt, Snafu};

/// Words that make what follows the numbers a version *before* the release (`2.6.0-rc1` is older than
/// `2.6.0`). Every other suffix names a build of the release itself (`2.4.23-gpu`, `2.5.0-20240115-abcdef`).
const PRERELEASE_WORDS: [&str; 8] = ["alpha", "beta", "rc", "dev", "pre", "preview", "testing", "nightly"];

/// Why a text is not a Milvus version.
#[derive(Debug, Snafu)]
pub enum ParseVersionError {
    /// There are not exactly three numbers before the first `-` or `+`.
    #[snafu(display("{text:?} is not a Milvus version: write it as major.minor.patch, for example 2.5.16"))]
    NotThreeNumbers {
        /// What was given.
        text: String,
    },
    /// A number is empty, has a leading zero, or is too large.
    #[snafu(display("{text:?} is not a Milvus version: {source}"))]
    Semver {
        /// What was given.
        text: String,
        /// What the semantic version rules object to.
        source: semver::Error,
    },
}

/// A Milvus version that was understood: three numbers, maybe a prerelease, maybe the flavour of the build.
///
/// Two versions are equal when they are the same *release*: `2.5.16` and `v2.5.16-gpu` are, `2.6.0` and
/// `2.6.0-rc1` are not. Order is that of semantic versions, with `rc2` before `rc10`.
#[derive(Debug, Clone)]
pub struct MilvusVersion {
    release: semver::Version,
    flavour: Option<String>,
    text: String,
}

impl MilvusVersion {
    /// The release `major.minor.patch`, without prerelease or flavour.
    pub fn new(major: u64, minor: u64, patch: u64) -> Self {
        let release = semver::Version::new(major, minor, patch);
        Self { text: release.to_string(), release, flavour: None }
    }

    /// Major, minor and patch.
    pub fn numbers(&self) -> (u64, u64, u64) {
        (self.release.major, self.release.minor, self.release.patch)
    }

    /// Whether this is a version before a release, such as `2.6.0-rc1`.
    pub fn is_prerelease(&self) -> bool {
        !self.release.pre.is_empty()
    }

    /// Text of the release that reads back as it, whatever the flavour of the build is: `2.6.0-rc1`.
    pub fn plain(&self) -> String {
        let (major, minor, patch) = self.numbers();
        match self.release.pre.as_str().replacen('.', "", 1) {
            prerelease if prerelease.is_empty() => format!("{major}.{minor}.{patch}"),
            prerelease => format!("{major}.{minor}.{patch}-{prerelease}"),
        }
    }

    /// The flavour of the build: `gpu`, `lite`, `20240115-abcdef`; `None` for the plain release.
    pub fn flavour(&self) -> Option<&str> {
        self.flavour.as_deref()
    }
}

impl FromStr for MilvusVersion {
    type Err = ParseVersionError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let trimmed = given.trim();
        let text = trimmed.strip_prefix(['v', 'V']).unwrap_or(trimmed);
        let (numbers, suffix) = match text.find(['-', '+']) {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, ""),
        };
        (numbers.split('.').count() == 3).then_some(()).context(NotThreeNumbersSnafu { text: given })?;
        let mut release = semver::Version::parse(numbers).context(SemverSnafu { text: given })?;
        let (prerelease, flavour) = split_suffix(suffix);
        release.pre = semver::Prerelease::new(&prerelease).context(SemverSnafu { text: given })?;
        Ok(Self { release, flavour, text: text.to_owned() })
    }
}

/// Splits what follows the numbers into the prerelease (normalised for ordering: `rc1` to `rc.1`) and the
/// flavour.
fn split_suffix(suffix: &str) -> (String, Option<String>) {
    let (head, rest) = match suffix.find(['-', '+']) {
        Some(at) => (&suffix[..at], &suffix[at + 1..]),
        None => (suffix, ""),
    };
    let Some(prerelease) = prerelease(head) else {
        return (String::new(), (!suffix.is_empty()).then(|| suffix.to_owned()));
    };
    (prerelease, (!rest.is_empty()).then(|| rest.to_owned()))
}

/// `rc1`, `rc.1`, `beta` as a semver prerelease; `None` when the word is not one of [`PRERELEASE_WORDS`].
fn prerelease(part: &str) -> Option<String> {
    let lower = part.to_ascii_lowercase();
    let digits_at = lower.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(lower.len());
    let (word, number) = lower.split_at(digits_at);
    let number = number.trim_start_matches('.');
    if !PRERELEASE_WORDS.contains(&word) {
        return None;
    }
    Some(if number.is_empty() { word.to_owned() } else { format!("{word}.{number}") })
}

impl PartialEq for MilvusVersion {
    fn eq(&self, other: &Self) -> bool {
        self.release == other.release
    }
}

impl Eq for MilvusVersion {}

impl Hash for MilvusVersion {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.release.hash(state);
    }
}

impl PartialOrd for MilvusVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MilvusVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.release.cmp(&other.release)
    }
}

/// As given, without the leading `v`: `2.4.23-gpu`.
impl fmt::Display for MilvusVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The version of an image: understood, or not.
///
/// There is an order between two known versions ([`PartialOrd`]); an unknown one is neither older nor newer
/// than anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Version {
    /// A version that was understood.
    Known(MilvusVersion),
    /// What was found where the version should be: the text of `spec.components.version`, the tag, or the
    /// image.
    Unknown(String),
}

impl Version {
    /// The version of `image`: what `spec.components.version` says (`explicit`), else the tag.
    ///
    /// An `explicit` that is blank counts as not given. One that cannot be read makes the version unknown,
    /// whatever the tag says: somebody wanted to say something, and it is not known what. Images without a
    /// tag (`name@sha256:…` too), and tags such as `latest`, `master-…`, `2.6-20250701-abc` (no patch number) are unknown
    /// too.
    pub fn of(explicit: Option<&str>, image: &str) -> Self {
        let stated = explicit.map(str::trim).filter(|text| !text.is_empty());
        let text = stated.or_else(|| tag(image));
        match text.map(MilvusVersion::from_str) {
            Some(Ok(version)) => Self::Known(version),
            Some(Err(_)) => Self::Unknown(text.unwrap_or(image).to_owned()),
            None => Self::Unknown(image.to_owned()),
        }
    }

    /// The version, when it is known.
    pub fn known(&self) -> Option<&MilvusVersion> {
        match self {
            Self::Known(version) => Some(version),
            Self::Unknown(_) => None,
        }
    }
}

/// The tag of an image: what follows the last `:` that is not the port of a registry, without a digest behind it.
fn tag(image: &str) -> Option<&str> {
    let named = image.split_once('@').map_or(image, |(named, _)| named);
    let name_at = named.rfind('/').map_or(0, |slash| slash + 1);
    named[name_at..].rsplit_once(':').map(|(_, tag)| tag).filter(|tag| !tag.is_empty())
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Known(left), Self::Known(right)) => Some(left.cmp(right)),
            (Self::Unknown(left), Self::Unknown(right)) if left == right => Some(Ordering::Equal),
            _ => None,
        }
    }
}

/// `2.5.16`, or `unknown (latest)`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(version) => version.fmt(f),
            Self::Unknown(text) => write!(f, "unknown ({text})"),
        }
    }
}

/// How the version that is gone to stands to the one that is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// It is newer.
    Newer,
    /// It is older.
    Older,
    /// It is the same release, maybe another build of it.
    Same,
    /// One of the two is unknown.
    Unknown,
}

impl Relation {
    /// How `to` stands to `from`.
    pub fn between(from: &Version, to: &Version) -> Self {
        match to.partial_cmp(from) {
            Some(Ordering::Greater) => Self::Newer,
            Some(Ordering::Less) => Self::Older,
            Some(Ordering::Equal) if to.known().is_some() => Self::Same,
            _ => Self::Unknown,
        }
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
