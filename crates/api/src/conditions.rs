//! Condition types and reasons: the words that scripts, dashboards and people wait for.
//!
//! The texts of upstream are kept letter by letter. Each word carries the sentence that `docs/reference/conditions.md`
//! shows for it.

use strum::{Display, EnumIter, EnumMessage, EnumString, IntoStaticStr};

/// Type of a condition of a `Milvus`, in the order in which a new object lists them.
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
pub enum ConditionType {
    /// etcd answers.
    EtcdReady,
    /// The object storage answers.
    StorageReady,
    /// The message queue answers, or is one that can't be asked.
    MsgStreamReady,
    /// Every component is available and clients can connect.
    MilvusReady,
    /// Every component runs what `spec` asks for, and no pod of anything older is left.
    MilvusUpdated,
    /// `spec` was accepted. While it is False nothing is changed, and what runs keeps running.
    SpecAccepted,
    /// Everything that `spec` asks for is something this operator does.
    SpecSupported,
    /// A change of image is under way; the reason is what it waits for.
    UpgradeProgressing,
}

impl ConditionType {
    /// The word as it stands in `type`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr)]
pub enum ConditionStatus {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// It could not be found out.
    Unknown,
}

impl ConditionStatus {
    /// The word as it stands in `status`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Reason of a condition.
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
    /// At least one etcd member answers.
    EtcdReady,
    /// No etcd member answers, or none is configured.
    EtcdNotReady,
    /// The object storage answers.
    StorageReady,
    /// The object storage does not answer.
    StorageNotReady,
    /// The object storage is taken to be ready without being asked.
    S3StorageAssumeReady,
    /// A client for the dependency could not be made, or it answered with an error.
    ClientError,
    /// The Secret that `spec` names does not exist or lacks a key.
    SecretNotExist,
    /// The Secret could not be read.
    SecretError,
    /// The Secret holds something that can't be used.
    SecretDecodeError,
    /// The message queue answers, or is one that can't be asked.
    MsgStreamReady,
    /// The message queue does not answer.
    MsgStreamNotReady,
    /// A client for the message queue could not be made.
    CreateClientFailed,
    /// A TCP connection could be opened.
    ConnectionOK,
    /// A TCP connection could not be opened.
    ConnectionFailed,
    /// All endpoints answer.
    EndpointsHealthy,
    /// Another dependency is not ready yet.
    DependencyNotReady,
    /// Every component is available. The word begins with `Reason`; upstream's does, and scripts know it.
    #[strum(serialize = "ReasonMilvusHealthy")]
    MilvusHealthy,
    /// A component is not available; the message names it and its first trouble.
    MilvusComponentNotHealthy,
    /// All replicas are set to 0 and pods still run.
    MilvusStopping,
    /// All replicas are set to 0 and no pod runs.
    MilvusStopped,
    /// Every component runs what `spec` asks for.
    MilvusComponentsUpdated,
    /// Components are being changed, or pods of an older template still end.
    MilvusComponentsUpdating,
    /// Components are being brought to another image in the order of an upgrade.
    MilvusUpgradingImage,
    /// Components are being brought to another image in the order of a downgrade.
    MilvusDowngradingImage,
    /// `spec` is accepted as it is.
    Accepted,
    /// `spec` is accepted and carried out; the message says what in it is probably not meant so.
    AcceptedWithWarnings,
    /// A field has a value that can't be right; the message names it.
    InvalidSpec,
    /// The change of image is known to lose data or is not supported; the message says why and what to do instead.
    UpgradeRefused,
    /// The topology can't be changed in this way.
    ModeChangeRefused,
    /// etcd, object storage or message queue can't be changed under data that exists.
    DependencyChangeRefused,
    /// The version can't be told from the image; set `spec.components.version`.
    UnknownVersion,
    /// Everything that `spec` asks for is done by this operator.
    Supported,
    /// `spec` asks for something that this operator does not do yet; the message lists the fields.
    NotYetSupported,
    /// The Milvus that a `MilvusUpgrade` names does not exist.
    MilvusNotFound,
    /// No change of image is under way.
    NoUpgrade,
    /// The change of image was recorded and begins with the next pass.
    UpgradeRecorded,
    /// A Deployment is being replaced pod by pod.
    WaitingForRollout,
    /// New pods are not ready, or not for long enough.
    WaitingForPodsReady,
    /// A new pod can't start or does not get ready; the message names it and what Kubernetes says of it.
    PodProblem,
    /// Kubernetes can't create pods; the message has the words of the quota or policy that refuses them.
    PodsRefused,
    /// Pods of the older template have not ended.
    WaitingForPodsGone,
    /// A dependency does not answer.
    WaitingForDependencies,
    /// The annotation `milvus.io/hold-before` holds a step of the roll.
    HeldByAnnotation,
    /// A Deployment is paused by `spec`.
    WaitingForUnpause,
    /// Manual mode: a Deployment that has pods is left as it is.
    WaitingForManualMode,
    /// Every component was seen at the target.
    UpgradeDone,
    /// The change of image was refused; nothing was changed.
    UpgradeHalted,
    /// Another target took the place of this one.
    UpgradeSuperseded,
    /// The API server refused a write of the operator, or could not be reached; the message says which and why.
    WriteFailed,
}

impl Reason {
    /// The word as it stands in `reason`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The condition types that this reason appears in.
    pub fn condition_types(self) -> &'static [ConditionType] {
        use ConditionType as C;
        match self {
            Self::EtcdReady | Self::EtcdNotReady => &[C::EtcdReady],
            Self::StorageReady | Self::StorageNotReady | Self::S3StorageAssumeReady | Self::ClientError => {
                &[C::StorageReady]
            }
            Self::MsgStreamReady | Self::MsgStreamNotReady | Self::CreateClientFailed => &[C::MsgStreamReady],
            Self::ConnectionOK | Self::ConnectionFailed => &[C::EtcdReady, C::MsgStreamReady],
            Self::SecretNotExist
            | Self::SecretError
            | Self::SecretDecodeError
            | Self::EndpointsHealthy
            | Self::DependencyNotReady => &[C::EtcdReady, C::StorageReady, C::MsgStreamReady],
            Self::MilvusHealthy
            | Self::MilvusComponentNotHealthy
            | Self::MilvusStopping
            | Self::MilvusStopped => &[C::MilvusReady],
            Self::MilvusComponentsUpdated
            | Self::MilvusComponentsUpdating
            | Self::MilvusUpgradingImage
            | Self::MilvusDowngradingImage => &[C::MilvusUpdated],
            Self::Accepted
            | Self::AcceptedWithWarnings
            | Self::InvalidSpec
            | Self::UpgradeRefused
            | Self::ModeChangeRefused
            | Self::DependencyChangeRefused
            | Self::UnknownVersion => &[C::SpecAccepted],
            Self::Supported | Self::NotYetSupported => &[C::SpecSupported],
            Self::MilvusNotFound => &[],
            Self::NoUpgrade
            | Self::UpgradeRecorded
            | Self::WaitingForRollout
            | Self::WaitingForPodsReady
            | Self::PodProblem
            | Self::PodsRefused
            | Self::WaitingForPodsGone
            | Self::WaitingForDependencies
            | Self::HeldByAnnotation
            | Self::WaitingForUnpause
            | Self::WaitingForManualMode
            | Self::UpgradeDone
            | Self::UpgradeHalted
            | Self::UpgradeSuperseded
            | Self::WriteFailed => &[C::UpgradeProgressing],
        }
    }
}
