//! Keys that the operator and others look objects up by: labels, annotations, finalizers, and the names of managers.
//!
//! All of them are upstream's. Selectors can't change, dashboards and autoscalers select by labels, and an
//! installation that is taken over carries the annotations already.

use crate::ComponentName;

/// API group of all kinds.
pub const GROUP: &str = "milvus.io";
/// Field manager of everything that is applied.
pub const FIELD_MANAGER: &str = "milvus-operator";
/// Value of [`NAME`] on every owned object.
pub const APP_NAME: &str = "milvus";
/// Value of [`MANAGED_BY`] on every owned object.
pub const MANAGER: &str = "milvus-operator";
/// Name of the Lease, in the namespace of the operator.
pub const LEADER_LEASE: &str = "71808ec5.milvus.io";

/// Finalizer of a `Milvus`.
pub const FINALIZER: &str = "milvus.milvus.io/finalizer";
/// Finalizer of a `MilvusUpgrade`.
pub const UPGRADE_FINALIZER: &str = "milvusupgrade.milvus.io/finalizer";
/// Finalizer that old operators left on a `MilvusCluster`.
pub const CLUSTER_FINALIZER: &str = "milvuscluster.milvus.io/finalizer";

/// Name of the `Milvus` that an object belongs to.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// Always [`APP_NAME`].
pub const NAME: &str = "app.kubernetes.io/name";
/// Always [`MANAGER`].
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Component of a Deployment or pod.
pub const COMPONENT: &str = "app.kubernetes.io/component";
/// Group of a Deployment or pod.
pub const DEPLOYMENT_GROUP: &str = "milvus.io/deployment-group";
/// `true` on the pods behind the Service.
pub const SERVICE: &str = "milvus.io/service";
/// Version of the operator that first accepted the object.
pub const OPERATOR_VERSION: &str = "milvus.io/operator-version";
/// Value of [`OPERATOR_VERSION`] where the object is older than the label.
pub const LEGACY_OPERATOR_VERSION: &str = "v0.5.0-legacy";
/// Which `MilvusUpgrade` a task belongs to.
pub const UPGRADE: &str = "milvus.io/upgrade";
/// What a task of a `MilvusUpgrade` does: `backup-meta`, `update-meta`, `rollback-meta`.
pub const TASK_KIND: &str = "milvus.io/task-kind";

/// `true`: the operator leaves the object alone.
pub const PAUSE_RECONCILE: &str = "milvus.io/pause-reconcile";
/// `true`: the metric of the status says that somebody works on it.
pub const MAINTAINING: &str = "milvus.io/maintaining";
/// `<component>` or `<component>/<pods>`: a roll stands still before the component, or after so many of its pods.
pub const HOLD_BEFORE: &str = "milvus.io/hold-before";
/// A list of `<from>-><to>` or `<field>: <from>-><to>`: allows changes that are refused otherwise.
pub const ALLOW_UPGRADE: &str = "milvus.io/allow-upgrade";
/// `true`: pods carry [`SERVICE`] and the Service selects by it.
pub const POD_SERVICE_LABEL_ADDED: &str = "milvus.io/pod-service-label-added";
/// `true`: defaults of the charts are written into the values.
pub const DEPENDENCY_VALUES_MERGED: &str = "milvus.io/dependency-values-merged";
/// `true`: values of releases older than the annotation are written into the object.
pub const DEPENDENCY_VALUES_LEGACY_SYNCED: &str = "milvus.io/dependency-values-legacy-synced";
/// When the installation was stopped for a `MilvusUpgrade`, RFC 3339.
pub const STOPPED_AT: &str = "milvus.io/stopped-at";
/// Hash of the Kafka credentials that were rendered last.
pub const KAFKA_SASL_CHECKSUM: &str = "milvus.io/kafka-sasl-checksum";
/// Old form of the query nodes' `…-current-group-id`.
pub const LEGACY_QUERYNODE_GROUP_ID: &str = "milvus.io/current-querynode-group-id";

/// ConfigMap that a pod mounts.
pub const USING_CONFIGMAP: &str = "milvus.io/using-configmap";
/// Hash of the configuration, where `updateConfigMapOnly` is false.
pub const CONFIG_CHECKSUM: &str = "checksum/config";
/// Generation of the `Milvus` that a Deployment was rendered from.
pub const GENERATION: &str = "milvus.io/generation";

/// Hash of the pod template that was rendered for a Deployment, or of another rendered object: tells a change from a drift.
pub const RENDERED_HASH: &str = "milvus.io/rendered-hash";
/// Hash of everything around the pod template of a Deployment.
pub const RENDERED_SPEC_HASH: &str = "milvus.io/rendered-spec-hash";

/// Label that tells the two Deployments of a component apart; its value is `0` or `1`.
pub fn group_id(component: ComponentName) -> String {
    format!("milvus.io/{component}-group-id")
}

/// Annotation of a `Milvus` with the slot (`0` or `1`) that serves, by [`crate::names::state_key`].
pub fn current_group_id(state_key: &str) -> String {
    format!("milvus.io/{state_key}-current-group-id")
}

/// Label of a `Milvus` whose component moves to the other slot; its value is the generation that began it.
pub fn rolling_id(state_key: &str) -> String {
    format!("milvus.io/{state_key}-rolling-id")
}

/// Annotation of a `Milvus` whose component changes between one and two Deployments.
pub fn changing_mode(state_key: &str) -> String {
    format!("milvus.io/changing-{state_key}-mode")
}

/// Who sets a key, and what this operator does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// This operator sets it.
    Set,
    /// A user sets it, this operator reads it.
    Read,
    /// The Go operator has set it, this operator reads it and leaves it as it is.
    ReadOfOthers,
    /// The Go operator has set it, this operator leaves it as it is.
    Kept,
}

impl KeyUse {
    /// In a few words, for the reference documentation.
    pub fn words(self) -> &'static str {
        match self {
            KeyUse::Set => "set by this operator",
            KeyUse::Read => "set by users, read by this operator",
            KeyUse::ReadOfOthers => "set by the Go operator, read and kept by this one",
            KeyUse::Kept => "set by the Go operator, kept by this one",
        }
    }
}

/// What a key is for: a row of the registry of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyDoc {
    /// The key; `<…>` stands for a part that varies.
    pub key: &'static str,
    /// Label, annotation or finalizer.
    pub kind: &'static str,
    /// Objects that carry it.
    pub on: &'static str,
    /// Who sets it, and what this operator does with it.
    pub usage: KeyUse,
    /// Its values and what they mean.
    pub meaning: &'static str,
}

impl KeyDoc {
    /// The row is about `key`: it is the same, but for the part that varies.
    pub fn names(&self, key: &str) -> bool {
        let Some((before, after)) = self.key.split_once('<') else { return self.key == key };
        let after = after.split_once('>').map_or(after, |(_, after)| after);
        key.strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|part| !part.is_empty())
    }
}

const fn doc(
    key: &'static str,
    kind: &'static str,
    on: &'static str,
    usage: KeyUse,
    meaning: &'static str,
) -> KeyDoc {
    KeyDoc { key, kind, on, usage, meaning }
}

const OWNED: &str = "every owned object and pod";
const POD: &str = "Deployments and pods";
const CR: &str = "Milvus";
const US: KeyUse = KeyUse::Set;
const USER: KeyUse = KeyUse::Read;

/// Every key, in the order of the documentation.
pub const DOCUMENTED: &[KeyDoc] = &[
    doc(
        PAUSE_RECONCILE,
        "annotation",
        CR,
        USER,
        "`true`: the operator changes nothing; deletion still works",
    ),
    doc(MAINTAINING, "annotation", CR, USER, "`true`: the metric `milvus_status` reads 5"),
    doc(
        ALLOW_UPGRADE,
        "annotation",
        CR,
        USER,
        "a list, separated by commas, of `<from>-><to>` (versions or message queues) or `<field>: <from>-><to>`: \
         allows these changes, which are refused otherwise",
    ),
    doc(
        HOLD_BEFORE,
        "annotation",
        CR,
        USER,
        "`querynode`: a roll stands still before this component; `querynode/2`: after two of its pods",
    ),
    doc(INSTANCE, "label", OWNED, US, "name of the `Milvus`"),
    doc(NAME, "label", OWNED, US, "always `milvus`"),
    doc(MANAGED_BY, "label", OWNED, US, "always `milvus-operator`"),
    doc(COMPONENT, "label", POD, US, "component, for example `querynode`"),
    doc(DEPLOYMENT_GROUP, "label", POD, KeyUse::ReadOfOthers, "group of the component"),
    doc(
        "milvus.io/<component>-group-id",
        "label",
        POD,
        US,
        "`0` or `1`: which of the component's two Deployments",
    ),
    doc(SERVICE, "label", "pods", US, "`true`: the pod serves clients; the Service selects by it"),
    doc(OPERATOR_VERSION, "label", CR, US, "version of the operator that first accepted the object"),
    doc(
        "milvus.io/<key>-rolling-id",
        "label",
        CR,
        US,
        "generation that began the move to the other Deployment",
    ),
    doc("milvus.io/<key>-current-group-id", "annotation", CR, US, "`0` or `1`: the Deployment that serves"),
    doc(
        "milvus.io/changing-<key>-mode",
        "annotation",
        CR,
        KeyUse::Kept,
        "`true`: changes between one and two Deployments",
    ),
    doc(POD_SERVICE_LABEL_ADDED, "annotation", CR, US, "`true`: the Service selects by `milvus.io/service`"),
    doc(
        DEPENDENCY_VALUES_MERGED,
        "annotation",
        CR,
        KeyUse::Kept,
        "`true`: defaults of the charts are in the values",
    ),
    doc(
        DEPENDENCY_VALUES_LEGACY_SYNCED,
        "annotation",
        CR,
        KeyUse::Kept,
        "`true`: values of old releases were read back",
    ),
    doc(
        STOPPED_AT,
        "annotation",
        CR,
        KeyUse::Kept,
        "RFC 3339 time when it was stopped for a `MilvusUpgrade`",
    ),
    doc(
        KAFKA_SASL_CHECKSUM,
        "annotation",
        CR,
        KeyUse::ReadOfOthers,
        "hash of the Kafka credentials that were rendered last",
    ),
    doc(
        LEGACY_QUERYNODE_GROUP_ID,
        "annotation",
        CR,
        KeyUse::Kept,
        "old form of `milvus.io/querynode-current-group-id`",
    ),
    doc(USING_CONFIGMAP, "annotation", "pods", US, "ConfigMap that the pod mounts"),
    doc(
        CONFIG_CHECKSUM,
        "annotation",
        "pods",
        US,
        "hash of the configuration, where `updateConfigMapOnly` is false",
    ),
    doc(GENERATION, "annotation", "Deployments", US, "generation of the `Milvus` that it was rendered from"),
    doc(
        RENDERED_HASH,
        "annotation",
        "Deployments, Service, Ingress, PodMonitor, volume claim",
        US,
        "hash of what was rendered; when it is the same, nothing is sent",
    ),
    doc(RENDERED_SPEC_HASH, "annotation", "Deployments", US, "hash of what is around the pod template"),
    doc(UPGRADE, "label", "tasks of a MilvusUpgrade", KeyUse::Kept, "name of the `MilvusUpgrade`"),
    doc(
        TASK_KIND,
        "label",
        "tasks of a MilvusUpgrade",
        KeyUse::Kept,
        "`backup-meta`, `update-meta` or `rollback-meta`",
    ),
    doc(FINALIZER, "finalizer", CR, US, "what was installed for it is dealt with before it goes"),
    doc(
        UPGRADE_FINALIZER,
        "finalizer",
        "MilvusUpgrade",
        KeyUse::Kept,
        "Milvus is brought back up before it goes",
    ),
    doc(CLUSTER_FINALIZER, "finalizer", "MilvusCluster", KeyUse::Kept, "of a kind that is no longer served"),
];
