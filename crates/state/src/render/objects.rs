//! The objects of one pass: everything that must be written, in the order in which it is written.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Service};
use milvus_plan::Component;
use serde_json::{Value, json};

use crate::validate::Validated;

/// A Deployment to apply.
#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentWrite {
    /// Its component.
    pub component: Component,
    /// `metadata.name`
    pub name: String,
    /// The complete object.
    pub object: Value,
}

/// Metadata of the Milvus itself: upstream keeps the current slot, and the finalizer, there. Never its spec.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetaWrite {
    /// The complete set of our labels.
    pub labels: BTreeMap<String, String>,
    /// The complete set of our annotations.
    pub annotations: BTreeMap<String, String>,
    /// Our finalizer.
    pub finalizers: Vec<String>,
}

/// A Deployment that no component of this Milvus has any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// `metadata.name`
    pub name: String,
    /// `metadata.uid`: what is deleted is what was seen.
    pub uid: String,
}

/// Everything a pass writes beside the status. Applied in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objects {
    /// Metadata of the Milvus.
    pub meta: Option<MetaWrite>,
    /// Configuration: before the pods that read it.
    pub config_map: Option<ConfigMap>,
    /// Entry.
    pub service: Option<Service>,
    /// Workloads.
    pub deployments: Vec<DeploymentWrite>,
    /// What is left over, once everything wanted is there.
    pub removals: Vec<Removal>,
}

impl Objects {
    /// There is nothing to write.
    pub fn is_empty(&self) -> bool {
        *self == Objects::default()
    }
}

impl MetaWrite {
    /// The object for server-side apply. The UID is part of it: a Milvus that was deleted meanwhile is not created anew.
    pub fn object(&self, milvus: &Validated) -> Value {
        json!({
            "apiVersion": "milvus.io/v1beta1",
            "kind": "Milvus",
            "metadata": {
                "name": milvus.name,
                "namespace": milvus.namespace,
                "uid": milvus.uid,
                "labels": self.labels,
                "annotations": self.annotations,
                "finalizers": self.finalizers,
            },
        })
    }
}
