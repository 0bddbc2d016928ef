//! The objects of one pass: everything that must be written, in the order in which it is written.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{ConfigMap, Service};
use milvus_plan::Component;
use serde_json::{Value, json};
use strum::Display;

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

/// Kinds of objects beside the workloads, which come and go with what the spec asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display)]
pub enum Kind {
    /// PersistentVolumeClaim
    #[strum(serialize = "PersistentVolumeClaim")]
    Claim,
    /// Ingress
    Ingress,
    /// PodMonitor
    PodMonitor,
}

/// An object beside the workloads to apply: volume claim, Ingress or PodMonitor.
#[derive(Clone, Debug, PartialEq)]
pub struct BesideWrite {
    /// Its kind.
    pub kind: Kind,
    /// `metadata.name`
    pub name: String,
    /// The complete object.
    pub object: Value,
}

impl BesideWrite {
    /// Its key in `status.appliedGenerations`: `Ingress/NAME`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

/// What is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// A workload.
    Deployment,
    /// An object beside them.
    Beside(Kind),
}

/// An object that this Milvus has no more: the Deployment of a component that is gone, an Ingress that is not asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Its kind.
    pub kind: Removed,
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
    pub config_maps: Vec<ConfigMap>,
    /// Entry.
    pub service: Option<Service>,
    /// Volume claim, Ingress, PodMonitor. None of them holds up what follows.
    pub beside: Vec<BesideWrite>,
    /// Workloads.
    pub deployments: Vec<DeploymentWrite>,
    /// What is no longer asked for; Deployments once everything wanted is there.
    pub removals: Vec<Removal>,
}

impl Objects {
    /// There is nothing to write.
    pub fn is_empty(&self) -> bool {
        *self == Objects::default()
    }

    /// Components of which a Deployment is written whose pods are to be seen. An idle twin has none: nothing follows from making it.
    pub fn awaited(&self) -> BTreeSet<Component> {
        let replicas = |object: &Value| object.pointer("/spec/replicas").and_then(Value::as_i64);
        let with_pods = self.deployments.iter().filter(|write| replicas(&write.object) != Some(0));
        with_pods.map(|write| write.component).collect()
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
