//! The kinds that the server knows: one table.

use super::answer::Failure;

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are those of Kubernetes")]
pub enum Kind {
    Namespace,
    Pod,
    Service,
    ConfigMap,
    Secret,
    PersistentVolumeClaim,
    Deployment,
    ReplicaSet,
    StatefulSet,
    Job,
    HorizontalPodAutoscaler,
    Ingress,
    PodDisruptionBudget,
    Lease,
    Event,
    CustomResourceDefinition,
    Milvus,
    MilvusUpgrade,
    MilvusCluster,
    PodMonitor,
}

/// What the API says of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Version that is served.
    pub version: &'static str,
    /// Name in paths.
    pub plural: &'static str,
    /// Name in objects.
    pub kind: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Whether status is written by a path of its own, and only by it.
    pub status: bool,
    /// Whether it has `/scale`.
    pub scale: bool,
    /// Whether `metadata.generation` counts changes of what is desired.
    pub generation: bool,
    /// Whether it is defined by a CustomResourceDefinition.
    pub custom: bool,
}

const PLAIN: Info = Info {
    group: "",
    version: "v1",
    plural: "",
    kind: "",
    namespaced: true,
    status: false,
    scale: false,
    generation: false,
    custom: false,
};

const OURS: Info =
    Info { group: "milvus.io", version: "v1beta1", status: true, generation: true, custom: true, ..PLAIN };

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 20] = [
        Kind::Namespace,
        Kind::Pod,
        Kind::Service,
        Kind::ConfigMap,
        Kind::Secret,
        Kind::PersistentVolumeClaim,
        Kind::Deployment,
        Kind::ReplicaSet,
        Kind::StatefulSet,
        Kind::Job,
        Kind::HorizontalPodAutoscaler,
        Kind::Ingress,
        Kind::PodDisruptionBudget,
        Kind::Lease,
        Kind::Event,
        Kind::CustomResourceDefinition,
        Kind::Milvus,
        Kind::MilvusUpgrade,
        Kind::MilvusCluster,
        Kind::PodMonitor,
    ];

    /// What the API says of it.
    pub const fn info(self) -> Info {
        let apps = Info { group: "apps", status: true, generation: true, ..PLAIN };
        match self {
            Kind::Namespace => {
                Info { plural: "namespaces", kind: "Namespace", namespaced: false, status: true, ..PLAIN }
            }
            Kind::Pod => Info { plural: "pods", kind: "Pod", status: true, generation: true, ..PLAIN },
            Kind::Service => Info { plural: "services", kind: "Service", status: true, ..PLAIN },
            Kind::ConfigMap => Info { plural: "configmaps", kind: "ConfigMap", ..PLAIN },
            Kind::Secret => Info { plural: "secrets", kind: "Secret", ..PLAIN },
            Kind::PersistentVolumeClaim => Info {
                plural: "persistentvolumeclaims",
                kind: "PersistentVolumeClaim",
                status: true,
                ..PLAIN
            },
            Kind::Deployment => Info { plural: "deployments", kind: "Deployment", scale: true, ..apps },
            Kind::ReplicaSet => Info { plural: "replicasets", kind: "ReplicaSet", scale: true, ..apps },
            Kind::StatefulSet => Info { plural: "statefulsets", kind: "StatefulSet", scale: true, ..apps },
            Kind::Job => Info { group: "batch", plural: "jobs", kind: "Job", ..apps },
            Kind::HorizontalPodAutoscaler => Info {
                group: "autoscaling",
                version: "v2",
                plural: "horizontalpodautoscalers",
                kind: "HorizontalPodAutoscaler",
                status: true,
                ..PLAIN
            },
            Kind::Ingress => {
                Info { group: "networking.k8s.io", plural: "ingresses", kind: "Ingress", ..apps }
            }
            Kind::PodDisruptionBudget => {
                Info { group: "policy", plural: "poddisruptionbudgets", kind: "PodDisruptionBudget", ..apps }
            }
            Kind::Lease => Info { group: "coordination.k8s.io", plural: "leases", kind: "Lease", ..PLAIN },
            Kind::Event => Info { group: "events.k8s.io", plural: "events", kind: "Event", ..PLAIN },
            Kind::CustomResourceDefinition => Info {
                group: "apiextensions.k8s.io",
                plural: "customresourcedefinitions",
                kind: "CustomResourceDefinition",
                namespaced: false,
                ..apps
            },
            Kind::Milvus => Info { plural: "milvuses", kind: "Milvus", ..OURS },
            Kind::MilvusUpgrade => Info { plural: "milvusupgrades", kind: "MilvusUpgrade", ..OURS },
            Kind::MilvusCluster => Info { plural: "milvusclusters", kind: "MilvusCluster", ..OURS },
            Kind::PodMonitor => Info {
                group: "monitoring.coreos.com",
                plural: "podmonitors",
                kind: "PodMonitor",
                generation: true,
                custom: true,
                ..PLAIN
            },
        }
    }

    /// The kind of a path.
    pub fn of_path(group: &str, version: &str, plural: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| {
            let info = kind.info();
            info.group == group && info.version == version && info.plural == plural
        })
    }

    /// The kind of an object or of a reference to one.
    pub fn of(api_version: &str, kind: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|known| known.api_version() == api_version && known.info().kind == kind)
    }

    /// As in objects: `apps/v1`, `v1`.
    pub fn api_version(self) -> String {
        let Info { group, version, .. } = self.info();
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
    }

    /// As in messages: `deployments.apps`, `pods`.
    pub fn resource(self) -> String {
        let Info { group, plural, .. } = self.info();
        if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
    }

    /// 404 for one of its objects.
    pub fn not_found(self, name: &str) -> Failure {
        Failure::new(404, "NotFound", format!("{} \"{name}\" not found", self.resource()))
    }
}
