//! Fields of the schema that a change of does not reach any object, each with the reason.
//!
//! A test changes every field of the schema and sees it arrive in an object, in the plan, in what is probed or in a refusal, or finds it
//! here; an entry whose field does arrive fails it as well. The page `docs/reference/fields-without-effect.md` is made from this
//! table.

/// Why a field has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It will have one; until then the condition `SpecSupported` says that it is set.
    NotYet,
    /// It has none by its meaning, here as with the Go operator.
    Inert,
}

/// A field, or everything below it, that has no effect.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its path; `*` is any one name, `[]` any item, `{}` any value of a map. What is below it belongs to it.
    pub path: &'static str,
    /// Which of the two.
    pub why: Why,
    /// The reason.
    pub reason: &'static str,
}

const fn not_yet(path: &'static str, reason: &'static str) -> Field {
    Field { path, why: Why::NotYet, reason }
}

const fn inert(path: &'static str, reason: &'static str) -> Field {
    Field { path, why: Why::Inert, reason }
}

const INSTALLS: &str =
    "in-cluster dependencies are not installed; an existing release is used at the addresses of its Services";
/// What happens instead of deployment groups.
pub(super) const GROUPS: &str = "the component runs as one group";
/// What happens instead of an autoscaler.
pub(super) const AUTOSCALER: &str =
    "no autoscaler is made; `replicas: -1` leaves the number of pods to one of your own";
/// What happens instead of a `StatefulSet`.
pub(super) const STATEFUL_SET: &str = "the component runs in Deployments";

/// All of them.
pub const FIELDS: &[Field] = &[
    not_yet("spec.components.proxy.groups", GROUPS),
    not_yet("spec.components.dataNode.groups", GROUPS),
    not_yet("spec.components.queryNode.groups", GROUPS),
    not_yet("spec.components.streamingNode.groups", GROUPS),
    not_yet("spec.components.*.hpa", AUTOSCALER),
    not_yet("spec.components.dataNode.statefulSet", STATEFUL_SET),
    not_yet("spec.components.queryNode.statefulSet", STATEFUL_SET),
    not_yet("spec.components.indexNode.statefulSet", STATEFUL_SET),
    not_yet("spec.dependencies.etcd.inCluster", INSTALLS),
    not_yet("spec.dependencies.pulsar.inCluster", INSTALLS),
    not_yet("spec.dependencies.kafka.inCluster", INSTALLS),
    not_yet("spec.dependencies.storage.inCluster", INSTALLS),
    not_yet("spec.dependencies.tei", "Text Embeddings Inference is not installed"),
    inert(
        "spec.components.*.version",
        "a component has no version of its own; `spec.components.version` is that of the whole Milvus",
    ),
    inert(
        "spec.dependencies.customMsgStream",
        "for whoever looks after a queue of type `custom`; the operator ignores it",
    ),
];

impl Field {
    /// The field is the one at `path`, or above it.
    pub fn covers(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('.').collect();
        let mine: Vec<&str> = self.path.split('.').collect();
        mine.len() <= parts.len() && mine.iter().zip(&parts).all(|(mine, part)| same(mine, part))
    }
}

/// One step of a path, with or without its `[]` and `{}`.
fn same(mine: &str, part: &str) -> bool {
    mine == "*" || mine == part || mine == part.trim_end_matches("[]").trim_end_matches("{}")
}
