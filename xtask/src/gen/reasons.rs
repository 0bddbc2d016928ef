//! The pages of reasons, from the registry.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use milvus_api::{ConditionType, Place, Severity};
use milvus_state::Reason;
use strum::IntoEnumIterator as _;

use super::MARK;

/// The doc comment of a variant, in one line.
pub(super) fn sentence(variant: &impl strum::EnumMessage) -> String {
    variant.get_documentation().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reasons that may stand at one of these places.
fn at(places: &[Place]) -> impl Iterator<Item = Reason> {
    Reason::all().filter(move |reason| places.iter().any(|place| reason.stands(*place)))
}

/// `docs/reference/conditions.md`.
pub(super) fn conditions_page() -> String {
    let mut page = format!("<!-- {MARK} -->\n\n# Conditions\n\n");
    page.push_str(
        "Conditions of a `Milvus`, in the order in which a new object lists them. Select them by type: an ",
    );
    page.push_str("object that was made by another operator keeps its order.\n");
    for type_ in ConditionType::iter() {
        let _ = writeln!(page, "\n## {type_}\n\n{}\n", sentence(&type_));
        page.push_str(&table(at(&[Place::Condition(type_)]), "../reasons/"));
    }
    page
}

fn table(reasons: impl Iterator<Item = Reason>, folder: &str) -> String {
    let mut table = "| Reason | Meaning |\n|---|---|\n".to_owned();
    for reason in reasons {
        let word = reason.as_str();
        let shown =
            if reason.row().page { format!("[`{word}`]({folder}{word}.md)") } else { format!("`{word}`") };
        // Writing to a String can't fail.
        let _ = writeln!(table, "| {shown} | {} |", reason.meaning());
    }
    table
}

const EVENTS: [Place; 2] = [Place::Event(Severity::Normal), Place::Event(Severity::Warning)];

/// The parts of the index: title, a sentence or none, and the places whose reasons it lists.
fn parts() -> [(&'static str, &'static str, Vec<Place>); 9] {
    use ConditionType as C;

    let of = |types: &[ConditionType]| types.iter().map(|type_| Place::Condition(*type_)).collect();
    [
        (
            "Dependencies: `EtcdReady`, `StorageReady`, `MsgStreamReady`",
            "While one is not `True`, a first start or a new change of image waits. What runs is left alone, and a roll that is \
             under way goes on.",
            of(&[C::EtcdReady, C::StorageReady, C::MsgStreamReady]),
        ),
        ("Is it up: `MilvusReady`", "", of(&[C::MilvusReady])),
        (
            "Is the spec accepted: `SpecAccepted`",
            "While it is `False` nothing is changed, and what runs keeps running.",
            of(&[C::SpecAccepted]),
        ),
        (
            "Is it as the spec asks: `MilvusUpdated`",
            "While `spec` is refused, the reason of the refusal stands here too.",
            of(&[C::MilvusUpdated]),
        ),
        ("Is everything in the spec done: `SpecSupported`", "", of(&[C::SpecSupported])),
        (
            "What a change of image waits for: `UpgradeProgressing`",
            "`True` while a change of image is under way. The same word stands in `status.upgrade.waitingFor.reason`, with \
             `since`. Where what is waited for has not moved for 10 minutes, it is also the reason of the condition `Stalled`.",
            of(&[C::UpgradeProgressing, C::Stalled]),
        ),
        ("How a change of image ended: `status.upgrade.reason`", "", vec![Place::Upgrade, Place::Wait]),
        ("On a `MilvusUpgrade`: `Handled`", "", vec![Place::Handled]),
        ("Only in Events", "", EVENTS.to_vec()),
    ]
}

/// `docs/reasons/README.md`: every reason once, where it stands first.
pub(super) fn index() -> String {
    let mut page = format!("<!-- {MARK} -->\n\n# Reasons\n\n");
    page.push_str(
        "Every word that can stand as `reason` in a condition of a `Milvus`, in `status.upgrade`, or in an Event. A word with \
         a link has a page: where it stands, what it means, why, what to do. A word without one says that all is well, and its \
         line is all there is to know.\n\nHow to find the word: [Reading the status](../status.md). `kubectl milvus status \
         NAME` shows those that matter now, with what to do.\n",
    );
    let mut listed: Vec<Reason> = Vec::new();
    for (title, sentence, places) in parts() {
        let new: Vec<Reason> = at(&places).filter(|reason| !listed.contains(reason)).collect();
        if new.is_empty() {
            continue;
        }
        let _ = writeln!(page, "\n## {title}\n");
        if !sentence.is_empty() {
            let _ = writeln!(page, "{sentence}\n");
        }
        page.push_str(&table(new.iter().copied(), ""));
        listed.extend(new);
    }
    page
}

/// The head of a page: where the reason stands, and its meaning.
fn head(reason: Reason) -> String {
    let places: Vec<String> = reason.row().places.iter().map(ToString::to_string).collect();
    let (word, meaning) = (reason.as_str(), reason.meaning());
    let mut head = format!("# {word}\n\n{meaning}\n\nStands as reason in: {}.\n\n", places.join(", "));
    if let Some(to_do) = reason.row().to_do {
        let _ = writeln!(head, "In short: {to_do}\n");
    }
    head
}

/// Where the head ends that is generated, and the rest of the page begins.
const REST: &str = "## What it means";

/// The pages of single reasons, each with its head as the registry has it. One that is not there yet is only its head.
pub(super) fn pages() -> impl Iterator<Item = (String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Reason::all().filter(|reason| reason.row().page).map(move |reason| {
        let path = format!("docs/reasons/{}.md", reason.as_str());
        let now = fs::read_to_string(root.join(&path)).unwrap_or_default();
        let rest = now.find(REST).map_or("", |start| &now[start..]);
        let page = format!("{}{rest}", head(reason));
        (path, page)
    })
}
