//! Fields that several kinds have.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use milvus_api::keys;
use milvus_api::names::Slot;

pub(super) fn owner_uid(meta: &ObjectMeta) -> Option<String> {
    meta.owner_references.iter().flatten().find(|o| o.controller == Some(true)).map(|o| o.uid.clone())
}

pub(super) fn annotation(meta: &ObjectMeta, key: &str) -> Option<String> {
    meta.annotations.as_ref()?.get(key).cloned()
}

pub(super) fn label(meta: &ObjectMeta, key: &str) -> Option<String> {
    meta.labels.as_ref()?.get(key).cloned()
}

pub(super) fn slot_label(meta: &ObjectMeta) -> Option<Slot> {
    let component = label(meta, keys::COMPONENT)?.parse().ok()?;
    label(meta, &keys::group_id(component))?.parse().ok()
}
