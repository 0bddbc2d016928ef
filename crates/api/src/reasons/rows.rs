//! The rows of the registry.

use super::place::{Place, Row, Severity};
use super::reason::Reason;
use crate::conditions::ConditionType as C;

const ETCD: Place = Place::Condition(C::EtcdReady);
const STORAGE: Place = Place::Condition(C::StorageReady);
const QUEUE: Place = Place::Condition(C::MsgStreamReady);
const READY: &[Place] = &[Place::Condition(C::MilvusReady)];
const UPDATED: &[Place] = &[Place::Condition(C::MilvusUpdated)];
const ACCEPTED: Place = Place::Condition(C::SpecAccepted);
const SUPPORTED: Place = Place::Condition(C::SpecSupported);
const PROGRESSING: Place = Place::Condition(C::UpgradeProgressing);
const STALLED: Place = Place::Condition(C::Stalled);
const NORMAL: Place = Place::Event(Severity::Normal);
const WARNING: Place = Place::Event(Severity::Warning);

/// A dependency is not as it should be, whichever it is.
const ANY_DEPENDENCY: &[Place] = &[ETCD, STORAGE, QUEUE, WARNING];
/// What a wait is told by.
const WAITS: &[Place] = &[PROGRESSING, Place::Wait];
/// The same of a wait that can turn into a stall.
const MAY_STALL: &[Place] = &[PROGRESSING, Place::Wait, STALLED];

/// Where the reason of a refusal stands: nothing is accepted, so nothing is updated.
pub const REFUSED: &[Place] = &[Place::Condition(C::MilvusUpdated), ACCEPTED, WARNING];

const COMPARE_SECRET: &str = "Compare the Secret and its keys with what spec.dependencies names.";

impl Reason {
    /// Its row in the registry.
    #[allow(clippy::too_many_lines, reason = "a table: a line for each reason")]
    pub fn row(self) -> Row {
        match self {
            Self::EtcdReady => Row::well(&[ETCD, NORMAL]),
            Self::EtcdNotReady => Row::advised(
                &[ETCD, WARNING],
                "See that etcd runs, and that spec.dependencies.etcd.endpoints can be reached from the operator's pod.",
            ),
            Self::StorageReady => Row::well(&[STORAGE, NORMAL]),
            Self::ClientError => Row::advised(
                &[STORAGE, WARNING],
                "See that the storage runs, and that spec.dependencies.storage names the right endpoint, bucket and Secret.",
            ),
            Self::BucketMissing => Row::explained(&[STORAGE, WARNING]),
            Self::SecretNotExist | Self::SecretError | Self::SecretDecodeError => {
                Row::advised(ANY_DEPENDENCY, COMPARE_SECRET)
            }
            Self::MsgStreamReady => Row::well(&[QUEUE, NORMAL]),
            Self::MsgStreamNotReady | Self::CreateClientFailed => Row::advised(
                &[QUEUE, WARNING],
                "See that the message queue runs, and that its address in spec.dependencies is right.",
            ),
            Self::ConnectionOK => Row::well(&[ETCD, QUEUE, NORMAL]),
            Self::ConnectionFailed => Row::advised(
                &[ETCD, QUEUE, WARNING],
                "See that the address in spec.dependencies is right and can be reached from the operator's pod.",
            ),
            Self::DependencyNotReady => Row::explained(&[ETCD, STORAGE, QUEUE]),
            Self::ProbeCrashed => Row::explained(ANY_DEPENDENCY),
            Self::MilvusHealthy | Self::MilvusStopped => Row::well(READY),
            Self::MilvusComponentNotHealthy => Row::advised(READY, "See what the pods say."),
            Self::MilvusStopping => Row::explained(READY),
            Self::MilvusComponentsUpdated => Row::well(UPDATED),
            Self::MilvusComponentsUpdating | Self::MilvusUpgradingImage | Self::MilvusDowngradingImage => {
                Row::explained(UPDATED)
            }
            Self::Accepted => Row::well(&[ACCEPTED, NORMAL]),
            Self::AcceptedWithWarnings => Row::explained(&[ACCEPTED, NORMAL, WARNING]),
            Self::InvalidSpec | Self::ModeChangeRefused | Self::DependencyChangeRefused => {
                Row::explained(REFUSED)
            }
            Self::Supported => Row::well(&[SUPPORTED, NORMAL]),
            Self::NotYetSupported => Row::explained(&[
                Place::Condition(C::MilvusUpdated),
                ACCEPTED,
                SUPPORTED,
                WARNING,
                Place::Handled,
            ]),
            Self::MilvusNotFound => Row::explained(&[Place::Handled]),
            Self::NoUpgrade => Row::well(&[PROGRESSING]),
            Self::WaitingForFormerObjects => Row::advised(
                &[PROGRESSING],
                "Nothing, while Kubernetes deletes them. Look at one that stays: a finalizer may keep it.",
            ),
            Self::UpgradeRecorded => Row::explained(&[PROGRESSING, Place::Upgrade, NORMAL]),
            Self::WaitingForRollout => Row::explained(MAY_STALL),
            Self::WaitingForPodsReady => {
                Row::advised(MAY_STALL, "Nothing, while the numbers go up. Else see what the pods say.")
            }
            Self::PodProblem => Row::advised(
                &[PROGRESSING, Place::Wait, STALLED, WARNING],
                "See what Kubernetes says of the pod. An image, a resource or a setting that is wrong can be put right, or put \
                 back, in the Milvus at any time: the roll follows at once.",
            ),
            Self::PodsRefused => Row::advised(
                &[PROGRESSING, Place::Wait, STALLED, WARNING],
                "Give the quota more room, or change the policy that refuses the pods; or ask for less in the Milvus. Nothing \
                 needs to be restarted.",
            ),
            Self::WaitingForPodsGone => Row::advised(
                MAY_STALL,
                "Nothing, while the old pods hand over their work. See which are left.",
            ),
            Self::WaitingForDependencies => Row::advised(
                &[PROGRESSING, Place::Upgrade, Place::Wait, WARNING],
                "Repair what EtcdReady, StorageReady or MsgStreamReady says.",
            ),
            Self::HeldByAnnotation => Row::advised(
                &[PROGRESSING, Place::Wait, WARNING],
                "Remove the annotation `milvus.io/hold-before` to go on.",
            ),
            Self::WaitingForUnpause => Row::advised(WAITS, "Set `paused` in spec.components back to false."),
            Self::WaitingForManualMode => Row::advised(
                WAITS,
                "Scale the Deployment that the message names to 0, and up again when it has the new template; or leave manual \
                 mode.",
            ),
            Self::UpgradeDone => Row::well(&[PROGRESSING, Place::Upgrade, NORMAL]),
            Self::UpgradeHalted => Row::explained(WAITS),
            Self::UpgradeSuperseded => Row::explained(&[Place::Upgrade]),
            Self::WriteFailed => Row::advised(
                &[PROGRESSING, WARNING],
                "Change what refuses the write, or the Milvus. Permissions that are missing come with the operator's chart: \
                 install it anew.",
            ),
            Self::StatusChanged | Self::StepStarted | Self::StepDone => Row::well(&[NORMAL]),
            Self::Stalled | Self::CredentialsChanged => Row::explained(&[WARNING]),
        }
    }
}
