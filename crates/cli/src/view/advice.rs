//! What to do about a reason: a sentence, and the command to type.

use milvus_api::Reason;
use serde::Serialize;

use super::object::Object;

/// What to do about a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    /// In a sentence.
    pub text: String,
    /// A command that helps, ready to be copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// What to do about a reason. `None` where there is nothing to do, or where the message itself says it, as
/// every refusal does. `step` is the step that waits: its components are named in the command.
pub fn advice(reason: &str, object: Object<'_>, step: Option<&str>) -> Option<Advice> {
    let reason: Reason = reason.parse().ok()?;
    let text = text(reason)?;
    let Object { name, namespace } = object;
    let command = match reason {
        Reason::MilvusComponentNotHealthy
        | Reason::PodProblem
        | Reason::WaitingForPodsReady
        | Reason::WaitingForPodsGone => Some(describe_pods(object, step)),
        Reason::SecretNotExist | Reason::SecretError | Reason::SecretDecodeError => {
            Some(format!("kubectl get secrets -n {namespace}"))
        }
        Reason::PodsRefused => {
            let filter = "involvedObject.kind=ReplicaSet,reason=FailedCreate";
            Some(format!("kubectl get events -n {namespace} --field-selector {filter}"))
        }
        Reason::WaitingForUnpause => Some(format!("kubectl edit milvus {name} -n {namespace}")),
        _ => None,
    };
    Some(Advice { text: text.to_owned(), command })
}

/// Every reason has its line, so that a new one is not forgotten.
#[allow(clippy::too_many_lines, reason = "a table: a line for each reason")]
fn text(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::EtcdNotReady => {
            "See that etcd runs, and that spec.dependencies.etcd.endpoints can be reached from the operator's pod."
        }
        Reason::StorageNotReady | Reason::ClientError => {
            "See that the storage runs, and that spec.dependencies.storage names the right endpoint, bucket and Secret."
        }
        Reason::SecretNotExist | Reason::SecretError | Reason::SecretDecodeError => {
            "Compare the Secret and its keys with what spec.dependencies names."
        }
        Reason::MsgStreamNotReady | Reason::CreateClientFailed => {
            "See that the message queue runs, and that its address in spec.dependencies is right."
        }
        Reason::ConnectionFailed => {
            "See that the address in spec.dependencies is right and can be reached from the operator's pod."
        }
        Reason::MilvusComponentNotHealthy => "See what the pods say.",
        Reason::PodProblem => {
            "See what Kubernetes says of the pod. An image, a resource or a setting that is wrong can be put right, or put back, \
             in the Milvus at any time: the roll follows at once."
        }
        Reason::PodsRefused => {
            "Give the quota more room, or change the policy that refuses the pods; or ask for less in the Milvus. Nothing needs to be restarted."
        }
        Reason::WaitingForPodsReady => "Nothing, while the numbers go up. Else see what the pods say.",
        Reason::WaitingForPodsGone => "Nothing, while the old pods hand over their work. See which are left.",
        Reason::WaitingForUnpause => "Set `paused` in spec.components back to false.",
        Reason::WaitingForManualMode => {
            "Scale the Deployment that the message names to 0, and up again when it has the new template; or leave manual mode."
        }
        Reason::WaitingForDependencies => "Repair what EtcdReady, StorageReady or MsgStreamReady says.",
        Reason::HeldByAnnotation => "Remove the annotation `milvus.io/hold-before` to go on.",
        Reason::WriteFailed => {
            "Change what refuses the write, or the Milvus. Permissions that are missing come with the operator's chart: install it anew."
        }
        // The message says what to do, or another condition does; after those, there is nothing to do.
        Reason::InvalidSpec
        | Reason::MilvusNotFound
        | Reason::UpgradeRefused
        | Reason::ModeChangeRefused
        | Reason::DependencyChangeRefused
        | Reason::UnknownVersion
        | Reason::NotYetSupported
        | Reason::UpgradeHalted
        | Reason::DependencyNotReady
        | Reason::EtcdReady
        | Reason::StorageReady
        | Reason::S3StorageAssumeReady
        | Reason::MsgStreamReady
        | Reason::ConnectionOK
        | Reason::EndpointsHealthy
        | Reason::MilvusHealthy
        | Reason::MilvusStopping
        | Reason::MilvusStopped
        | Reason::MilvusComponentsUpdated
        | Reason::MilvusComponentsUpdating
        | Reason::MilvusUpgradingImage
        | Reason::MilvusDowngradingImage
        | Reason::Accepted
        | Reason::AcceptedWithWarnings
        | Reason::Supported
        | Reason::NoUpgrade
        | Reason::UpgradeRecorded
        | Reason::WaitingForRollout
        | Reason::UpgradeDone
        | Reason::UpgradeSuperseded => return None,
    })
}

/// The command that describes the pods of a Milvus, or of the components of one step.
fn describe_pods(Object { name, namespace }: Object<'_>, step: Option<&str>) -> String {
    let component = match step {
        Some(step) if step.contains('+') => {
            format!(",app.kubernetes.io/component in ({})", step.replace('+', ","))
        }
        Some(step) => format!(",app.kubernetes.io/component={step}"),
        None => String::new(),
    };
    format!("kubectl describe pods -n {namespace} -l 'app.kubernetes.io/instance={name}{component}'")
}
