//! Reads by name or label, for what is not watched.
//!
//! A failed read is an error, never an empty value: "no such Secret" and "the API server did not answer" are different
//! things.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Secret};
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::ApiResource;
use milvus_api::keys;
use milvus_state::records::{ClaimRecord, PodRecord};
use serde_json::Value;
use snafu::{ResultExt as _, Snafu};

/// A read that failed.
#[derive(Debug, Snafu)]
pub enum Error {
    /// List of pods.
    #[snafu(display("can't list the pods of {namespace}/{name}: {source}"))]
    Pods {
        /// Namespace of the Milvus.
        namespace: String,
        /// Name of the Milvus.
        name: String,
        /// What the API server said.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
    /// A live template.
    #[snafu(display("can't read Deployment {namespace}/{name}: {source}"))]
    Deployment {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// What the API server said.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
    /// A volume claim.
    #[snafu(display("can't read PersistentVolumeClaim {namespace}/{name}: {source}"))]
    Claim {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// What the API server said.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
    /// A Secret.
    #[snafu(display("can't read Secret {namespace}/{name}: {source}"))]
    Secret {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// What the API server said.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
}

/// Pods of a Milvus that are not finished, as the API server has them now.
pub async fn pods(client: &Client, namespace: &str, name: &str) -> Result<Vec<PodRecord>, Error> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let selector =
        format!("{}={name},{}={},{}", keys::INSTANCE, keys::MANAGED_BY, keys::MANAGER, keys::COMPONENT);
    let params =
        ListParams::default().labels(&selector).fields("status.phase!=Succeeded,status.phase!=Failed");
    let list = api.list(&params).await.context(PodsSnafu { namespace, name })?;
    Ok(list.items.iter().filter_map(PodRecord::of).collect())
}

/// The live pod template of a Deployment, as JSON; `None` if the Deployment is gone.
pub async fn template(client: &Client, namespace: &str, name: &str) -> Result<Option<Value>, Error> {
    let kind = ApiResource::erase::<Deployment>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
    let object = api.get_opt(name).await.context(DeploymentSnafu { namespace, name })?;
    Ok(object.and_then(|o| o.data.pointer("/spec/template").cloned()))
}

/// A volume claim; `None` if there is none of that name.
pub async fn claim(client: &Client, namespace: &str, name: &str) -> Result<Option<ClaimRecord>, Error> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let found = api.get_opt(name).await.context(ClaimSnafu { namespace, name })?;
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
    match api.get_opt(name).await {
        Ok(None) => Ok(SecretRead::Missing),
        Ok(Some(found)) => {
            let data = found.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0));
            Ok(SecretRead::Data(SecretData(data.collect())))
        }
        Err(kube::Error::Api(status)) if status.code == FORBIDDEN => {
            Ok(SecretRead::Forbidden(status.message.clone()))
        }
        Err(source) => Err(source).context(SecretSnafu { namespace, name }),
    }
}

/// The HTTP status of what a role does not allow.
const FORBIDDEN: u16 = 403;
