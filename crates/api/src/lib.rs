//! The custom resources of `milvus.io` and every name that other programs rely on.
//!
//! Takes nothing and gives types: what a user may write ([`Milvus`], [`MilvusUpgrade`]), what the operator answers
//! ([`status`], [`conditions`]), and the contract with everything that looks at the objects from outside
//! ([`keys`], [`names`]). [`crd`] turns the types into the definitions that are installed.
//!
//! It may not decide anything: no default is applied here except those that the API server itself applies
//! (a field with a schema default has the same default when it is decoded), and nothing is read or written.

pub mod cluster;
pub mod components;
pub mod conditions;
pub mod crd;
pub mod dependencies;
pub mod free_form;
pub mod keys;
pub mod milvus;
pub mod names;
pub mod pod_monitor;
pub mod reasons;
pub mod status;
pub mod upgrade;

mod schema;

pub use cluster::{MilvusCluster, MilvusClusterSpec};
pub use components::{
    Autoscaler, Component, ComponentName, ComponentSpec, ComponentStatefulSet, Components, DeploymentGroup,
    GroupedComponent, ImageUpdateMode, IndexNode, Ingress, Proxy, RollingUpdate, SegmentNode,
    ServiceComponent, ServiceType, TargetPortType,
};
pub use conditions::{ConditionStatus, ConditionType};
pub use dependencies::{
    BuiltInQueue, DeletionPolicy, Dependencies, Etcd, InClusterConfig, Kafka, MsgStreamType, Persistence,
    PersistentVolumeClaim, Pulsar, QuorumBufferPool, Storage, StorageSsl, StorageType, Tei, Woodpecker,
};
pub use free_form::FreeForm;
pub use milvus::{Milvus, MilvusSpec, Mode, UpgradePolicy};
pub use pod_monitor::{PodMonitor, PodMonitorSpec};
pub use reasons::{Place, Reason, Row, Severity};
pub use status::{
    ComponentDeployStatus, ComponentRollout, CoordinatorSet, MilvusCondition, MilvusState, MilvusStatus,
    ResolvedDefaults, RolloutDirection, RolloutImage, RolloutPhase, RolloutStatus, RolloutStep, StepState,
    WaitingFor,
};
pub use upgrade::{
    MilvusReference, MilvusUpgrade, MilvusUpgradeSpec, MilvusUpgradeStatus, Operation, ReplicasBeforeUpgrade,
};
