//! Metadata of every owned object: labels, selectors, owner reference. The names and labels are upstream's.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource as _;
use milvus_api::{Milvus, keys};
use milvus_plan::Component;
use serde::Serialize;

use super::error::Error;
use crate::convert;
use crate::hash;
use crate::records::Slot;
use crate::spec::Spec;

/// Labels of everything that belongs to one Milvus.
pub fn app_labels(instance: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (keys::INSTANCE.to_owned(), instance.to_owned()),
        (keys::NAME.to_owned(), keys::APP_NAME.to_owned()),
        (keys::MANAGED_BY.to_owned(), keys::MANAGER.to_owned()),
    ])
}

/// Labels of one component's Deployment and pods, and its selector: they can't change later.
pub fn component_labels(
    instance: &str,
    component: Component,
    slot: Option<Slot>,
) -> BTreeMap<String, String> {
    let mut labels = app_labels(instance);
    labels.insert(keys::COMPONENT.to_owned(), component.name().to_owned());
    if let Some(slot) = slot {
        labels.insert(keys::group_id(convert::component_name(component)), slot.as_str().to_owned());
    }
    labels
}

/// Metadata of an owned object.
pub fn object(spec: &Spec, name: String, labels: BTreeMap<String, String>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(spec.namespace.clone()),
        labels: Some(labels),
        owner_references: Some(vec![owner(spec)]),
        ..ObjectMeta::default()
    }
}

/// The Milvus controls its objects: they go when it goes.
fn owner(spec: &Spec) -> OwnerReference {
    OwnerReference {
        api_version: Milvus::api_version(&()).into_owned(),
        kind: Milvus::kind(&()).into_owned(),
        name: spec.name.clone(),
        uid: spec.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// Annotations with the hash of what was rendered.
pub fn hashed(
    mut annotations: BTreeMap<String, String>,
    rendered: &impl Serialize,
) -> Result<BTreeMap<String, String>, Error> {
    let hash = hash::of_json(rendered).map_err(|source| Error::Hash { source })?;
    annotations.insert(keys::RENDERED_HASH.to_owned(), hash);
    Ok(annotations)
}
