//! The reasons that are no refusals of a path of versions.

use strum::{Display, EnumIter, EnumMessage, EnumString, IntoStaticStr};

/// Why something is as it is, in one word.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    EnumIter,
    EnumMessage,
    EnumString,
    IntoStaticStr,
)]
pub enum Reason {
    /// At least one etcd member can be used.
    EtcdReady,
    /// No etcd member can be used.
    EtcdNotReady,
    /// The object storage answers.
    StorageReady,
    /// The object storage can't be reached, or refuses the credentials.
    ClientError,
    /// The object storage answers, and the bucket of a Milvus that has run is not there.
    BucketMissing,
    /// A Secret that is needed is missing, or lacks a key.
    SecretNotExist,
    /// The Secret could not be read.
    SecretError,
    /// The Secret holds something that can't be used.
    SecretDecodeError,
    /// The message queue answers, or is one that can't be asked.
    MsgStreamReady,
    /// No Kafka broker can be used.
    MsgStreamNotReady,
    /// The address of Pulsar is not one.
    CreateClientFailed,
    /// An address accepts connections; the message says what was not checked, and why.
    ConnectionOK,
    /// An address does not accept connections, or what is behind it does not answer as it should.
    ConnectionFailed,
    /// The first answer has not come back yet.
    DependencyNotReady,
    /// The operator's own check crashed.
    ProbeCrashed,
    /// Every component is available. The word begins with `Reason`; upstream's does, and scripts know it.
    #[strum(serialize = "ReasonMilvusHealthy")]
    MilvusHealthy,
    /// A component is not available; the message names it and its first trouble.
    MilvusComponentNotHealthy,
    /// All replicas are set to 0, and pods still run.
    MilvusStopping,
    /// All replicas are set to 0, and no pod runs.
    MilvusStopped,
    /// Every component runs what `spec` asks for, and nothing older is left.
    MilvusComponentsUpdated,
    /// Components are being changed, or pods of an older template still end.
    MilvusComponentsUpdating,
    /// Components go to another image in the order of an upgrade.
    MilvusUpgradingImage,
    /// Components go to another image in the order of a downgrade.
    MilvusDowngradingImage,
    /// `spec` is accepted. A message, if there is one, is a warning about the plan.
    Accepted,
    /// `spec` is accepted and carried out; the message says what in it is probably not meant so.
    AcceptedWithWarnings,
    /// A field has a value that can't be right; the message names it.
    InvalidSpec,
    /// The topology can't be changed in this way; often a short YAML was applied.
    ModeChangeRefused,
    /// `spec` no longer points to where the data is.
    DependencyChangeRefused,
    /// Everything that `spec` asks for is done by this operator.
    Supported,
    /// Something is asked for that this operator does not do yet; the message says what.
    NotYetSupported,
    /// The Milvus that a `MilvusUpgrade` names does not exist.
    MilvusNotFound,
    /// No change of image is under way.
    NoUpgrade,
    /// The plan for a change of image is written down; it begins with the next pass.
    UpgradeRecorded,
    /// A Deployment is being replaced pod by pod.
    WaitingForRollout,
    /// New pods are not ready, or not for long enough.
    WaitingForPodsReady,
    /// A pod can't start or does not get ready; the message names it and what Kubernetes says of it.
    PodProblem,
    /// Kubernetes can't create pods; the message has the words of the quota or policy that refuses them.
    PodsRefused,
    /// Pods of the older template have not ended.
    WaitingForPodsGone,
    /// It begins when etcd, object storage and message queue can be used.
    WaitingForDependencies,
    /// Objects of a former Milvus of the same name are still there; it begins when they are gone.
    WaitingForFormerObjects,
    /// The annotation `milvus.io/hold-before` holds a step of the roll.
    HeldByAnnotation,
    /// A Deployment is paused by `spec`.
    WaitingForUnpause,
    /// Manual mode: a Deployment that has pods is left as it is.
    WaitingForManualMode,
    /// Every component was seen at the target.
    UpgradeDone,
    /// `spec` is refused; nothing moves.
    UpgradeHalted,
    /// Another target took the place of this one.
    UpgradeSuperseded,
    /// The API server refused a write of the operator, or could not be reached; the message says which and why.
    WriteFailed,
    /// `status.status` changed; the message says from what to what.
    StatusChanged,
    /// A step of a change of image began.
    StepStarted,
    /// All components of a step were seen at the target.
    StepDone,
    /// Nothing of what is waited for has moved for 10 minutes; the message says since when, and what is waited for.
    Stalled,
    /// A Secret that pods read at their start holds other credentials now.
    CredentialsChanged,
}

impl Reason {
    /// The word as it stands in `reason`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
