//! The reasons in what the operator stores, the keys that it sets, and whether the registries have them so.

use std::collections::BTreeSet;

use milvus_api::keys::{DOCUMENTED, FIELD_MANAGER, KeyDoc, KeyUse};
use milvus_api::{ConditionType, Place, Severity};
use milvus_sim::cluster::text;
use milvus_sim::server::{Event, Kind, Subresource};
use milvus_state::Reason;
use serde_json::Value;

/// Every reason that the operator has told by a write, with where.
pub fn told(event: &Event) -> BTreeSet<(Place, String)> {
    let Some(after) = event.after.as_deref() else { return BTreeSet::new() };
    match (event.kind, event.subresource) {
        (Kind::Milvus, Some(Subresource::Status)) => of_status(&after["status"]),
        (Kind::MilvusUpgrade, Some(Subresource::Status)) => {
            conditions(&after["status"]).map(|condition| (Place::Handled, word(condition))).collect()
        }
        (Kind::Event, _) => {
            let severity = match text(after, "/type") {
                "Normal" => Severity::Normal,
                _ => Severity::Warning,
            };
            BTreeSet::from([(Place::Event(severity), word(after))])
        }
        _ => BTreeSet::new(),
    }
}

/// What of it is not registered for where it stands.
pub fn unregistered(told: &BTreeSet<(Place, String)>) -> Vec<&(Place, String)> {
    let registered =
        |(place, word): &(Place, String)| word.parse::<Reason>().is_ok_and(|reason| reason.stands(*place));
    told.iter().filter(|entry| !registered(entry)).collect()
}

fn word(of: &Value) -> String {
    text(of, "/reason").to_owned()
}

fn conditions(status: &Value) -> impl Iterator<Item = &Value> {
    status["conditions"].as_array().into_iter().flatten()
}

fn of_status(status: &Value) -> BTreeSet<(Place, String)> {
    let in_conditions = conditions(status).filter_map(|condition| {
        let type_: ConditionType = text(condition, "/type").parse().ok()?;
        Some((Place::Condition(type_), word(condition)))
    });
    let upgrade = &status["upgrade"];
    let of_upgrade = [(Place::Upgrade, word(upgrade)), (Place::Wait, word(&upgrade["waitingFor"]))];
    in_conditions.chain(of_upgrade.into_iter().filter(|(_, word)| !word.is_empty())).collect()
}

/// A label, an annotation or a finalizer: which of them, and its key.
pub type Key = (&'static str, String);

/// The keys that the operator owns in an object, those of its pod template among them. Keys of users (of their pods) are
/// not looked at.
pub fn keys(event: &Event) -> BTreeSet<Key> {
    let fields = event.after.as_deref().map(|after| &after["metadata"]["managedFields"]);
    let owned = fields.and_then(Value::as_array).into_iter().flatten();
    let mut found = BTreeSet::new();
    for entry in owned.filter(|entry| entry["manager"] == FIELD_MANAGER) {
        collect(&entry["fieldsV1"], &mut found);
    }
    found
}

fn collect(fields: &Value, found: &mut BTreeSet<Key>) {
    for (name, below) in fields.as_object().into_iter().flatten() {
        let kind = match name.as_str() {
            "f:labels" => "label",
            "f:annotations" => "annotation",
            "f:finalizers" => "finalizer",
            _ => {
                collect(below, found);
                continue;
            }
        };
        let keys = below.as_object().into_iter().flatten().filter_map(|(key, _)| {
            let value = key.strip_prefix("v:").map(|value| value.trim_matches('"'));
            key.strip_prefix("f:").or(value).filter(|key| is_ours(key))
        });
        found.extend(keys.map(|key| (kind, key.to_owned())));
    }
}

fn is_ours(key: &str) -> bool {
    ["milvus.io/", "app.kubernetes.io/", "checksum/"].iter().any(|part| key.contains(part))
}

/// The row of a key that the operator sets.
pub fn row_of((kind, key): &Key) -> Option<&'static KeyDoc> {
    DOCUMENTED.iter().find(|row| row.usage == KeyUse::Set && row.kind == *kind && row.names(key))
}
