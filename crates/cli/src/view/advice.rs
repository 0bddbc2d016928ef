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
    let text = reason.row().to_do?;
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
