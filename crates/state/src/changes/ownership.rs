//! Who owns the fields of an object, before we apply it.
//!
//! Server-side apply removes what an earlier apply of ours had and this one has not, unless somebody else owns it
//! too. Of a Service that is more than untidy: its ports are told apart by number, so a port that somebody else has
//! written (by an edit of its number, or another operator before us) stays beside the one that we send, and two ports
//! of one name are refused. So what must go becomes ours first; then the apply removes it, in one write with what
//! takes its place.

use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use milvus_api::keys;
use serde_json::{Map, Value, json};

use crate::records::{ServiceRecord, is_ours};

/// Field managers of operators that have written the objects of a Milvus before us, by update. The Go operator's is the
/// name of its program, and that of many others, which own less than a whole Service.
const FORMER: [&str; 2] = ["manager", keys::FIELD_MANAGER];

/// What must become ours before a Service is applied, as a merge patch; `None` if nothing must. The patch is of the
/// version that was seen: it conflicts with any write after it.
pub fn of_service(live: &ServiceRecord, wanted: &Service) -> Option<Value> {
    let stale = stale_ports(live, wanted);
    let (ours, others): (Vec<_>, Vec<_>) = live.owners.iter().cloned().partition(is_ours);
    let mut left = Vec::new();
    let mut moved = Value::Object(Map::new());
    for mut entry in others {
        match &mut entry.fields_v1 {
            Some(FieldsV1(fields)) if entry.subresource.is_none() => {
                let whole = fields.pointer("/f:spec/f:selector").is_some();
                if whole && is_former(entry.manager.as_deref(), entry.operation.as_deref()) {
                    merge(&mut moved, std::mem::take(fields));
                    continue;
                }
                take_ports(fields, &stale, &mut moved);
                left.push(entry);
            }
            _ => left.push(entry),
        }
    }
    if moved.as_object().is_none_or(Map::is_empty) {
        return None;
    }
    let mut mine = ours.into_iter().next().unwrap_or_else(|| ManagedFieldsEntry {
        manager: Some(keys::FIELD_MANAGER.to_owned()),
        operation: Some("Apply".to_owned()),
        api_version: Some("v1".to_owned()),
        fields_type: Some("FieldsV1".to_owned()),
        ..ManagedFieldsEntry::default()
    });
    let FieldsV1(fields) = mine.fields_v1.get_or_insert_with(|| FieldsV1(Value::Object(Map::new())));
    merge(fields, moved);
    left.insert(0, mine);
    Some(json!({"metadata": {"resourceVersion": live.resource_version, "managedFields": left}}))
}

fn is_former(manager: Option<&str>, operation: Option<&str>) -> bool {
    operation == Some("Update") && manager.is_some_and(|manager| FORMER.contains(&manager))
}

/// Ports that are not wanted and have the name of one that is.
fn stale_ports<'a>(live: &'a ServiceRecord, wanted: &Service) -> Vec<&'a ServicePort> {
    let wanted = wanted.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    let is_stale = |port: &&ServicePort| {
        wanted.iter().any(|other| other.name == port.name)
            && !wanted.iter().any(|other| key(other) == key(port))
    };
    live.ports.iter().filter(is_stale).collect()
}

/// What tells the ports of a Service apart.
fn key(port: &ServicePort) -> (i64, &str) {
    (port.port.into(), port.protocol.as_deref().unwrap_or("TCP"))
}

/// Takes the ownership of ports out of `fields`.
fn take_ports(fields: &mut Value, stale: &[&ServicePort], moved: &mut Value) {
    let Some(Value::Object(ports)) = fields.pointer_mut("/f:spec/f:ports") else { return };
    let is_stale = |name: &String| {
        let key_of = |key: &Value| Some((key["port"].as_i64()?, key["protocol"].as_str()?.to_owned()));
        let owned = name.strip_prefix("k:").and_then(|key| key_of(&serde_json::from_str(key).ok()?));
        owned.is_some_and(|(port, protocol)| stale.iter().any(|stale| key(stale) == (port, &*protocol)))
    };
    let names: Vec<String> = ports.keys().filter(|name| is_stale(name)).cloned().collect();
    for name in names {
        if let Some(owned) = ports.remove(&name) {
            merge(moved, json!({"f:spec": {"f:ports": {name: owned}}}));
        }
    }
}

/// Adds all that `more` owns.
fn merge(fields: &mut Value, more: Value) {
    match (fields, more) {
        (Value::Object(fields), Value::Object(more)) => {
            for (name, more) in more {
                merge(fields.entry(name).or_insert_with(|| Value::Object(Map::new())), more);
            }
        }
        (fields, more) => *fields = more,
    }
}
