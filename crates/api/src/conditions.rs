//! Condition types: the words that scripts, dashboards and people wait for.
//!
//! Those of upstream are kept letter by letter. Each carries the sentence that `docs/reference/conditions.md` shows for
//! it. Their reasons are in [`crate::reasons`].

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
    /// Nothing of what is waited for has moved for 10 minutes. It is listed only while that is so.
    Stalled,
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
