//! `MilvusUpgrade` objects: each gets a condition that says it is not handled yet.
//!
//! Nothing else is done with them: a metadata migration that is silently ignored would leave its user waiting.

use std::sync::Arc;

use futures::StreamExt as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{Api, PostParams};
use kube::runtime::controller::Action;
use kube::runtime::{Controller, watcher};
use kube::{Client, ResourceExt as _};
use milvus_api::{MilvusUpgrade, keys};
use milvus_cluster::scope::Scope;
use snafu::{ResultExt as _, Snafu};

/// Type of the condition.
const TYPE: &str = "Handled";
/// Reason of the condition.
const REASON: &str = "NotYetSupported";
/// Message of the condition.
const MESSAGE: &str = "this release of the operator does not migrate metadata; nothing was changed. Run the meta-migration tool by hand \
                       with Milvus stopped, or wait for a release that handles MilvusUpgrade";

/// The status could not be written.
#[derive(Debug, Snafu)]
#[snafu(display("can't write the status of MilvusUpgrade {namespace}/{name}: {source}"))]
pub struct Error {
    namespace: String,
    name: String,
    #[snafu(source(from(kube::Error, Box::new)))]
    source: Box<kube::Error>,
}

/// Runs until its client does no more.
pub async fn run(client: Client, scope: Scope) {
    let api: Api<MilvusUpgrade> = scope.api(&client);
    Controller::new(api, watcher::Config::default())
        .run(say, |_, error, _| retry(error), Arc::new(client))
        .for_each(|_| futures::future::ready(()))
        .await;
}

fn retry(error: &Error) -> Action {
    tracing::warn!(%error, "will be retried");
    Action::requeue(crate::error::back_off(8))
}

async fn say(upgrade: Arc<MilvusUpgrade>, client: Arc<Client>) -> Result<Action, Error> {
    let (namespace, name) = (upgrade.namespace().unwrap_or_default(), upgrade.name_any());
    let mut next = (*upgrade).clone();
    let status = next.status.get_or_insert_default();
    let said = status
        .conditions
        .iter()
        .any(|c| c.type_ == TYPE && c.observed_generation == upgrade.metadata.generation);
    if said {
        return Ok(Action::await_change());
    }
    status.conditions.retain(|c| c.type_ != TYPE);
    status.conditions.push(Condition {
        type_: TYPE.to_owned(),
        status: "False".to_owned(),
        reason: REASON.to_owned(),
        message: MESSAGE.to_owned(),
        observed_generation: upgrade.metadata.generation,
        last_transition_time: Time(jiff::Timestamp::now()),
    });
    let api: Api<MilvusUpgrade> = Api::namespaced((*client).clone(), &namespace);
    let params = PostParams { field_manager: Some(keys::FIELD_MANAGER.to_owned()), ..PostParams::default() };
    let said = api.replace_status(&name, &params, &next).await;
    said.context(Snafu { namespace: &namespace, name: &name })?;
    tracing::info!(%namespace, %name, "said that MilvusUpgrade is not handled");
    Ok(Action::await_change())
}
