//! Writes: server-side apply of complete objects with one field manager, deletes by UID, status by PUT.
//!
//! Takes rendered objects; gives what the API server answered. Every function is one request.

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy};
use kube::{Client, Resource, ResourceExt as _};
use milvus_api::{Milvus, keys};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use snafu::{ResultExt as _, Snafu};

/// A write that failed.
#[derive(Debug, Snafu)]
pub enum Error {
    /// Server-side apply.
    #[snafu(display("can't apply {kind} {namespace}/{name}: {source}"))]
    Apply {
        /// Kind of the object.
        kind: String,
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// What the API server said.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
    /// Delete.
    #[snafu(display("can't delete Deployment {namespace}/{name}: {source}"))]
    Delete {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// What the API server said.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
    /// Status.
    #[snafu(display("can't write the status of {namespace}/{name}: {source}"))]
    Status {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// What the API server said.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
    /// Finalizer.
    #[snafu(display("can't remove the finalizer of {namespace}/{name}: {source}"))]
    Finalizer {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// What the API server said.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
}

impl Error {
    /// Somebody else wrote first: what was decided is out of date, the next pass decides anew.
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    /// The object is gone.
    pub fn is_gone(&self) -> bool {
        self.code() == Some(404)
    }

    /// HTTP code of the API server's answer; `None` when there was none.
    pub fn code(&self) -> Option<u16> {
        let (Error::Apply { source, .. }
        | Error::Delete { source, .. }
        | Error::Status { source, .. }
        | Error::Finalizer { source, .. }) = self;
        match source.as_ref() {
            kube::Error::Api(status) => Some(status.code),
            _ => None,
        }
    }
}

/// Applies a complete object. Fields that were in an earlier apply and are not in this one are removed; fields of other
/// managers stay unless this names them: then this wins.
pub async fn apply<K, T>(client: &Client, namespace: &str, name: &str, object: &T) -> Result<K, Error>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
    K::DynamicType: Default,
    T: Serialize + std::fmt::Debug,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let params = PatchParams::apply(keys::FIELD_MANAGER).force();
    let kind = K::kind(&K::DynamicType::default()).into_owned();
    api.patch(name, &params, &Patch::Apply(object)).await.context(ApplySnafu { kind, namespace, name })
}

/// Deletes the Deployment that was seen; one of the same name that came after it stays.
pub async fn delete(client: &Client, namespace: &str, name: &str, uid: &str) -> Result<(), Error> {
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let params = DeleteParams {
        preconditions: Some(Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
        propagation_policy: Some(PropagationPolicy::Background),
        ..DeleteParams::default()
    };
    match api.delete(name, &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(source) => Err(source).context(DeleteSnafu { namespace, name }),
    }
}

/// Replaces the status. The resource version is part of it: a second writer shows as a conflict, and what is stale goes.
pub async fn status(client: &Client, milvus: &Milvus) -> Result<Milvus, Error> {
    let (namespace, name) = (milvus.namespace().unwrap_or_default(), milvus.name_any());
    let api: Api<Milvus> = Api::namespaced(client.clone(), &namespace);
    let params = PostParams { field_manager: Some(keys::FIELD_MANAGER.to_owned()), ..PostParams::default() };
    api.replace_status(&name, &params, milvus).await.context(StatusSnafu { namespace, name })
}

/// Removes our finalizer, whoever has set it (the Go operator's has the same name).
pub async fn release(client: &Client, milvus: &Milvus) -> Result<(), Error> {
    let (namespace, name) = (milvus.namespace().unwrap_or_default(), milvus.name_any());
    let left: Vec<&String> = milvus.finalizers().iter().filter(|f| *f != keys::FINALIZER).collect();
    let patch = json!({"metadata": {
        "finalizers": left,
        "resourceVersion": milvus.metadata.resource_version,
    }});
    let api: Api<Milvus> = Api::namespaced(client.clone(), &namespace);
    let params =
        PatchParams { field_manager: Some(keys::FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    match api.patch(&name, &params, &Patch::Merge(patch)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(source) => Err(source).context(FinalizerSnafu { namespace, name }),
    }
}
