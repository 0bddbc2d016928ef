//! The kinds of objects that belong to a Milvus, in one table, whose words `docs/reference/owned-objects.md` shows.
//!
//! What is watched and how, the order in which objects are applied, what is kept while a change is refused, the
//! rights that the operator needs, and what is left when the Milvus goes: all of it is a row here. A test compares
//! the role of the chart with this table.

use strum::{Display, EnumIter, EnumMessage, IntoEnumIterator as _};

/// A kind, in the order in which objects of a pass are applied: configuration before the pods that read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumIter, EnumMessage)]
pub enum Kind {
    /// The configuration.
    ConfigMap,
    /// The entry.
    Service,
    /// The volume of a queue inside Milvus.
    PersistentVolumeClaim,
    /// What is in front of the entry.
    Ingress,
    /// By which Prometheus finds the pods.
    PodMonitor,
    /// How many pods an eviction may take at a time.
    PodDisruptionBudget,
    /// The workloads.
    Deployment,
    /// A task that ends. Nothing makes one yet; one that a former Milvus has left is waited for.
    Job,
    /// A workload of another operator: recognised, never written.
    StatefulSet,
}

/// How the operator sees objects of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumMessage)]
pub enum Seen {
    /// By a watch of those with the label `app.kubernetes.io/managed-by: milvus-operator`.
    Watched,
    /// By a watch of all of them: those of others count too.
    WatchedAll,
    /// By its name, once a pass.
    Read,
}

/// What happens to an object while the change that asks for it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumMessage)]
pub enum OnRefusal {
    /// It is made where it is missing, and otherwise left as it is.
    MadeIfMissing,
    /// It is kept as the version that runs has it.
    KeptAsItRuns,
    /// It is not touched.
    Untouched,
}

/// What a failed write means for the rest of the pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumMessage)]
pub enum OnFailure {
    /// What follows may depend on it, so it is not written.
    EndsThePass,
    /// The rest is written; then the pass fails.
    HoldsUpNothing,
}

/// What becomes of an object when its Milvus is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumMessage)]
pub enum AtEnd {
    /// It is deleted first, and its pods are waited for.
    Stopped,
    /// It is garbage-collected.
    Collected,
    /// It stays, unless `pvcDeletion` is set.
    StaysUnlessAsked,
    /// It is none of ours.
    NotOurs,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct OwnedKind {
    /// Group, empty for the core group.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// The resource in paths and roles.
    pub plural: &'static str,
    /// How it is seen.
    pub seen: Seen,
    /// What a refusal keeps of it.
    pub on_refusal: OnRefusal,
    /// What a failed write holds up.
    pub on_failure: OnFailure,
    /// What is left at the end.
    pub at_end: AtEnd,
    /// It has a `metadata.generation`, which tells that somebody else has written its spec.
    pub has_generation: bool,
    /// What the operator must be allowed to do with it.
    pub verbs: &'static [&'static str],
}

const WATCH: &[&str] = &["list", "watch"];
const MANAGE: &[&str] = &["list", "watch", "create", "patch"];
const MANAGE_AND_DELETE: &[&str] = &["list", "watch", "create", "patch", "delete"];

impl Kind {
    /// Its row.
    pub const fn row(self) -> OwnedKind {
        let base = OwnedKind {
            group: "",
            version: "v1",
            plural: "",
            seen: Seen::Watched,
            on_refusal: OnRefusal::MadeIfMissing,
            on_failure: OnFailure::EndsThePass,
            at_end: AtEnd::Collected,
            has_generation: true,
            verbs: MANAGE,
        };
        let accessory = OwnedKind { on_failure: OnFailure::HoldsUpNothing, verbs: MANAGE_AND_DELETE, ..base };
        match self {
            Kind::ConfigMap => OwnedKind { plural: "configmaps", has_generation: false, ..base },
            Kind::Service => OwnedKind { plural: "services", has_generation: false, ..base },
            Kind::PersistentVolumeClaim => OwnedKind {
                plural: "persistentvolumeclaims",
                seen: Seen::Read,
                at_end: AtEnd::StaysUnlessAsked,
                has_generation: false,
                verbs: &["get", "create", "patch", "delete"],
                ..accessory
            },
            Kind::Ingress => OwnedKind { group: "networking.k8s.io", plural: "ingresses", ..accessory },
            Kind::PodMonitor => {
                OwnedKind { group: "monitoring.coreos.com", plural: "podmonitors", ..accessory }
            }
            Kind::PodDisruptionBudget => OwnedKind {
                group: "policy",
                plural: "poddisruptionbudgets",
                seen: Seen::WatchedAll,
                on_refusal: OnRefusal::KeptAsItRuns,
                ..accessory
            },
            Kind::Deployment => OwnedKind {
                group: "apps",
                plural: "deployments",
                on_refusal: OnRefusal::KeptAsItRuns,
                at_end: AtEnd::Stopped,
                verbs: &["get", "list", "watch", "create", "patch", "delete"],
                ..base
            },
            Kind::Job => OwnedKind {
                group: "batch",
                plural: "jobs",
                on_refusal: OnRefusal::Untouched,
                verbs: WATCH,
                ..base
            },
            Kind::StatefulSet => OwnedKind {
                group: "apps",
                plural: "statefulsets",
                on_refusal: OnRefusal::Untouched,
                at_end: AtEnd::NotOurs,
                verbs: WATCH,
                ..base
            },
        }
    }

    /// All kinds, in the order in which they are applied.
    pub fn all() -> impl Iterator<Item = Kind> {
        Kind::iter()
    }

    /// `group/version`, or `version` for the core group.
    pub fn api_version(self) -> String {
        let row = self.row();
        match row.group {
            "" => row.version.to_owned(),
            group => format!("{group}/{}", row.version),
        }
    }

    /// Key of an object in `status.appliedGenerations`: the name of a Deployment, else `KIND/NAME`.
    pub fn applied_key(self, name: &str) -> String {
        match self {
            Kind::Deployment => name.to_owned(),
            _ => format!("{self}/{name}"),
        }
    }
}
