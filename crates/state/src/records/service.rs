//! What is kept of a Service.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use milvus_api::keys;

use super::fields::{annotation, owner_uid};

/// A Service as the pass sees it: the fields that are rendered, for comparing, and the addresses for the endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceRecord {
    /// UID of the controlling owner.
    pub owner_uid: Option<String>,
    /// `metadata.resourceVersion`
    pub resource_version: String,
    /// Being deleted.
    pub deleting: bool,
    /// Hash of what was rendered ([`keys::RENDERED_HASH`]): tells a removal that a comparison cannot see.
    pub rendered_hash: Option<String>,
    /// `spec.type`
    pub type_: String,
    /// `spec.selector`
    pub selector: BTreeMap<String, String>,
    /// `spec.ports` without node ports, which the API server assigns.
    pub ports: Vec<ServicePort>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// First address of the load balancer: an IP or a host name.
    pub ingress: Option<String>,
    /// `metadata.managedFields`, where others than this operator own fields of it; else empty, to keep it small.
    pub owners: Vec<ManagedFieldsEntry>,
}

impl ServiceRecord {
    /// Keeps what the pass needs of a live Service.
    pub fn of(object: &Service) -> ServiceRecord {
        let spec = object.spec.clone().unwrap_or_default();
        let ports = spec.ports.unwrap_or_default().into_iter().map(|p| ServicePort { node_port: None, ..p });
        let ingress = object
            .status
            .as_ref()
            .and_then(|s| s.load_balancer.as_ref())
            .and_then(|lb| lb.ingress.as_ref())
            .and_then(|all| all.first())
            .and_then(|i| i.ip.clone().or_else(|| i.hostname.clone()));
        ServiceRecord {
            owner_uid: owner_uid(&object.metadata),
            resource_version: object.metadata.resource_version.clone().unwrap_or_default(),
            deleting: object.metadata.deletion_timestamp.is_some(),
            rendered_hash: annotation(&object.metadata, keys::RENDERED_HASH),
            type_: spec.type_.unwrap_or_else(|| "ClusterIP".to_owned()),
            selector: spec.selector.unwrap_or_default(),
            ports: ports.collect(),
            labels: object.metadata.labels.clone().unwrap_or_default(),
            annotations: object.metadata.annotations.clone().unwrap_or_default(),
            ingress,
            owners: owners(&object.metadata),
        }
    }
}

fn owners(meta: &ObjectMeta) -> Vec<ManagedFieldsEntry> {
    let all = meta.managed_fields.clone().unwrap_or_default();
    match all.iter().any(|entry| entry.subresource.is_none() && !is_ours(entry)) {
        true => all,
        false => Vec::new(),
    }
}

/// What this operator has applied.
pub fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(keys::FIELD_MANAGER)
        && entry.operation.as_deref() == Some("Apply")
        && entry.subresource.is_none()
}
