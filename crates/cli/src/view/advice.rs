//! What to do about a reason: one sentence, with the command to type.

use milvus_api::{ConditionType, Reason};

use super::Object;

/// What to do about a reason. `None` where there is nothing to do, or where the message itself says it, as every refusal does.
/// `step` is the step that waits: its components are named in the command.
pub fn advice(reason: &str, object: Object<'_>, step: Option<&str>) -> Option<String> {
    let reason: Reason = reason.parse().ok()?;
    let Object { name, namespace } = object;
    let pods = pods(object, step);
    let secret = || {
        format!("Compare the Secret with what spec.dependencies names: `kubectl get secrets -n {namespace}`.")
    };
    let text = match reason {
        Reason::EtcdNotReady => {
            "See that etcd runs and that spec.dependencies.etcd.endpoints can be reached from the operator's pod."
                .to_owned()
        }
        Reason::StorageNotReady | Reason::ClientError => {
            "See that spec.dependencies.storage names the right endpoint, bucket and Secret, and that the storage runs."
                .to_owned()
        }
        Reason::SecretNotExist | Reason::SecretError | Reason::SecretDecodeError => secret(),
        Reason::MsgStreamNotReady | Reason::CreateClientFailed => {
            "See that the message queue runs and that its address in spec.dependencies is right.".to_owned()
        }
        Reason::ConnectionFailed => {
            "See that the address in spec.dependencies is right and reachable from the operator's pod."
                .to_owned()
        }
        Reason::DependencyNotReady => return None,
        Reason::MilvusComponentNotHealthy => format!("See what the pods say: `{pods}`."),
        Reason::PodProblem => format!(
            "See what Kubernetes says of the pod: `{pods}`. A wrong image, resource or setting can be put right, or put back, at \
             any time with `kubectl edit milvus {name} -n {namespace}`: the roll follows at once."
        ),
        Reason::WaitingForPodsReady => {
            format!("Nothing, if the numbers go up. If they stand still, see what the pods say: `{pods}`.")
        }
        Reason::WaitingForPodsGone => format!(
            "Nothing, while the old pods hand over their work. To see which are left: `{pods}`."
        ),
        Reason::WaitingForUnpause => {
            format!("Set `paused` back in spec.components: `kubectl edit milvus {name} -n {namespace}`.")
        }
        Reason::WaitingForDependencies => format!(
            "Repair what {}, {} or {} says.",
            ConditionType::EtcdReady,
            ConditionType::StorageReady,
            ConditionType::MsgStreamReady
        ),
        Reason::WriteFailed => {
            "See what the message says was refused; a missing permission is repaired by installing the operator's chart anew."
                .to_owned()
        }
        Reason::InvalidSpec
        | Reason::UpgradeRefused
        | Reason::ModeChangeRefused
        | Reason::DependencyChangeRefused
        | Reason::UnknownVersion
        | Reason::NotYetSupported
        | Reason::UpgradeHalted => return None,
        Reason::EtcdReady
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
        | Reason::Supported
        | Reason::NoUpgrade
        | Reason::UpgradeRecorded
        | Reason::WaitingForRollout
        | Reason::UpgradeDone
        | Reason::UpgradeSuperseded => return None,
    };
    Some(text)
}

/// The command that describes the pods of a Milvus, or of the components of one step.
fn pods(Object { name, namespace }: Object<'_>, step: Option<&str>) -> String {
    let component = match step {
        Some(step) if step.contains('+') => {
            format!(",app.kubernetes.io/component in ({})", step.replace('+', ","))
        }
        Some(step) => format!(",app.kubernetes.io/component={step}"),
        None => String::new(),
    };
    format!("kubectl describe pods -n {namespace} -l 'app.kubernetes.io/instance={name}{component}'")
}
