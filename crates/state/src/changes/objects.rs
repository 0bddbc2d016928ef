//! The objects of one pass: everything that must be written, in the order in which it is written.

use std::collections::{BTreeMap, BTreeSet};

use milvus_plan::Component;
use serde_json::{Value, json};

use crate::kinds::Kind;
use crate::manifests::Manifest;
use crate::records::MilvusRecord;

/// An object to apply.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The complete object.
    pub manifest: Manifest,
    /// The component that it is a workload of.
    pub component: Option<Component>,
    /// Sent before it, as a merge patch: fields that others own and that must go become ours.
    pub takes_over: Option<Value>,
}

impl From<Manifest> for Write {
    fn from(manifest: Manifest) -> Write {
        Write { manifest, component: None, takes_over: None }
    }
}

/// Metadata of the Milvus itself: upstream keeps the current slot, and the finalizer, there. Never its spec.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataWrite {
    /// The complete set of our labels.
    pub labels: BTreeMap<String, String>,
    /// The complete set of our annotations.
    pub annotations: BTreeMap<String, String>,
    /// Our finalizer.
    pub finalizers: Vec<String>,
}

impl MetadataWrite {
    /// The object for server-side apply. The UID is part of it: a Milvus that was deleted meanwhile is not created
    /// anew.
    pub fn object(&self, milvus: &MilvusRecord) -> Value {
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

/// An object that this Milvus has no more: the Deployment of a component that is gone, an Ingress that is not asked
/// for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Its kind.
    pub kind: Kind,
    /// `metadata.name`
    pub name: String,
    /// `metadata.uid`: what is deleted is what was seen.
    pub uid: String,
}

impl Removal {
    /// Of what was seen.
    pub fn new(kind: Kind, name: &str, uid: &str) -> Removal {
        Removal { kind, name: name.to_owned(), uid: uid.to_owned() }
    }
}

/// Everything a pass writes beside the status. Applied in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objects {
    /// Metadata of the Milvus.
    pub metadata: Option<MetadataWrite>,
    /// What is made or changed, in the order of [`Kind`].
    pub writes: Vec<Write>,
    /// What is no longer asked for; Deployments once everything wanted is there.
    pub removals: Vec<Removal>,
}

impl Objects {
    /// There is nothing to write.
    pub fn is_empty(&self) -> bool {
        *self == Objects::default()
    }

    /// The writes of one kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Manifest> {
        self.writes.iter().map(|write| &write.manifest).filter(move |manifest| manifest.kind == kind)
    }

    /// Components of which a Deployment is written whose pods are to be seen. An idle Deployment has none: nothing
    /// follows from making it.
    pub fn awaited(&self) -> BTreeSet<Component> {
        let replicas = |object: &Value| object.pointer("/spec/replicas").and_then(Value::as_i64);
        let with_pods = self.writes.iter().filter(|write| replicas(&write.manifest.object) != Some(0));
        with_pods.filter_map(|write| write.component).collect()
    }
}
