//! Reads by name or label, for what is not watched.
//!
//! A failed read is an error, never an empty value: "no such Secret" and "the API server did not answer" are different
//! things.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Secret};
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::ApiResource;
use milvus_api::keys;
use milvus_state::kinds::Kind;
use milvus_state::records::{ClaimRecord, PodRecord};
use serde_json::Value;
use snafu::{ResultExt as _, Snafu};

/// Longest wait for the answer to a read. A pass that waits holds up its Milvus; nothing else.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A read that failed.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The API server refused it, could not be reached, or gave an answer that can't be decoded.
    #[snafu(display("can't {action}: {source}"))]
    Failed {
        /// What was attempted.
        action: String,
        /// What the API server said.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
    /// A watch brought an object that can't be decoded: what it is like is not known.
    #[snafu(display("{kind} {namespace}/{name} can't be decoded: {why}"))]
    Unreadable {
        /// Its kind.
        kind: Kind,
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// What the decoder says.
        why: String,
    },
    /// No answer.
    #[snafu(display("can't {action}: no answer within {} s", READ_TIMEOUT.as_secs()))]
    Silence {
        /// What was attempted.
        action: String,
    },
}

/// The answer to a read, if it comes in time.
async fn answer<T>(
    request: impl Future<Output = Result<T, kube::Error>>,
    action: String,
) -> Result<T, Error> {
    match tokio::time::timeout(READ_TIMEOUT, request).await {
        Ok(answer) => answer.context(FailedSnafu { action }),
        Err(_elapsed) => SilenceSnafu { action }.fail(),
    }
}

/// Pods of a Milvus that are not finished, as the API server has them now.
pub async fn pods(client: &Client, namespace: &str, name: &str) -> Result<Vec<PodRecord>, Error> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let selector =
        format!("{}={name},{}={},{}", keys::INSTANCE, keys::MANAGED_BY, keys::MANAGER, keys::COMPONENT);
    let params =
        ListParams::default().labels(&selector).fields("status.phase!=Succeeded,status.phase!=Failed");
    let list = answer(api.list(&params), format!("list the pods of {namespace}/{name}")).await?;
    Ok(list.items.iter().filter_map(PodRecord::of).collect())
}

/// The live pod template of a Deployment, as JSON; `None` if the Deployment is gone.
pub async fn template(client: &Client, namespace: &str, name: &str) -> Result<Option<Value>, Error> {
    let kind = ApiResource::erase::<Deployment>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
    let object = answer(api.get_opt(name), format!("read Deployment {namespace}/{name}")).await?;
    Ok(object.and_then(|o| o.data.pointer("/spec/template").cloned()))
}

/// A volume claim; `None` if there is none of that name.
pub async fn claim(client: &Client, namespace: &str, name: &str) -> Result<Option<ClaimRecord>, Error> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let found = answer(api.get_opt(name), format!("read PersistentVolumeClaim {namespace}/{name}")).await?;
    Ok(found.as_ref().map(ClaimRecord::of))
}

/// What the API server says of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRead {
    /// Its data.
    Data(SecretData),
    /// There is none of that name.
    Missing,
    /// The operator may not read it; what the API server says.
    Forbidden(String),
}

/// Keys and values of a Secret, in the order of the keys. `Debug` shows the keys.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretData(Vec<(String, Vec<u8>)>);

impl SecretData {
    /// The value of a key, if there is one that is not empty.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        let (_, value) = self.0.iter().find(|(name, _)| name == key)?;
        (!value.is_empty()).then_some(value.as_slice())
    }

    /// The names of all keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl std::fmt::Debug for SecretData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.keys()).finish()
    }
}

/// Reads a Secret. That it may not be read is an answer, which stays until somebody changes a role; everything else that
/// goes wrong is an error, and nothing is known.
pub async fn secret(client: &Client, namespace: &str, name: &str) -> Result<SecretRead, Error> {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    match answer(api.get_opt(name), format!("read Secret {namespace}/{name}")).await {
        Ok(None) => Ok(SecretRead::Missing),
        Ok(Some(found)) => {
            let data = found.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0));
            Ok(SecretRead::Data(SecretData(data.collect())))
        }
        Err(error) => match &error {
            Error::Failed { source, .. }
                if let kube::Error::Api(status) = &**source
                    && status.code == FORBIDDEN =>
            {
                Ok(SecretRead::Forbidden(status.message.clone()))
            }
            _ => Err(error),
        },
    }
}

/// The HTTP status of what a role does not allow.
const FORBIDDEN: u16 = 403;
