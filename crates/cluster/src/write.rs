//! Writes: server-side apply of complete objects with one field manager, deletes by UID, status by PUT.
//!
//! Takes rendered objects; gives what the API server answered. Every function is one request. Each asks first whether this process
//! may still write for as long as a request can take: of two operators, only one ever does.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::events::v1::Event;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions,
    PropagationPolicy,
};
use kube::{Client, Resource, ResourceExt as _};
use milvus_api::{Milvus, keys};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use snafu::{ResultExt as _, Snafu, ensure};

/// Longest wait for the answer to a write. Shorter than the time by which a lease is held when it is renewed.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Says whether this process may write for at least so long.
pub type Fence = Arc<dyn Fn(Duration) -> bool + Send + Sync>;

/// A write that failed.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The API server refused it, or could not be reached.
    #[snafu(display("can't {action}: {}", words(source)))]
    Refused {
        /// What was attempted.
        action: String,
        /// What the API server said.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
    /// No answer. It may have been done or not: the next pass sees which.
    #[snafu(display("can't {action}: no answer within {} s", REQUEST_TIMEOUT.as_secs()))]
    Silence {
        /// What was attempted.
        action: String,
    },
    /// Another operator may lead before the answer comes.
    #[snafu(display("did not {action}: the lease may be somebody else's before the answer comes"))]
    NotLeading {
        /// What was not attempted.
        action: String,
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

    /// The API server has judged the write and said no: an admission policy, a quota, a role, or what the object says.
    pub fn is_refusal(&self) -> bool {
        matches!(self.code(), Some(400 | 403 | 422))
    }

    /// What was attempted.
    pub fn action(&self) -> &str {
        match self {
            Error::Refused { action, .. } | Error::Silence { action } | Error::NotLeading { action } => {
                action
            }
        }
    }

    /// Why it did not succeed.
    pub fn why(&self) -> String {
        match self {
            Error::Refused { source, .. } => words(source),
            Error::Silence { .. } => format!("no answer within {} s", REQUEST_TIMEOUT.as_secs()),
            Error::NotLeading { .. } => "the lease may be somebody else's before the answer comes".to_owned(),
        }
    }

    /// HTTP code of the API server's answer; `None` when there was none.
    pub fn code(&self) -> Option<u16> {
        match self {
            Error::Refused { source, .. } => match source.as_ref() {
                kube::Error::Api(status) => Some(status.code),
                _ => None,
            },
            Error::Silence { .. } | Error::NotLeading { .. } => None,
        }
    }
}

/// The API server's own words, without the rest of its answer.
fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => other.to_string(),
    }
}

/// Everything that this process writes about Milvus objects goes through it.
#[derive(Clone)]
pub struct Writer {
    client: Client,
    fence: Fence,
}

impl Writer {
    /// A writer that asks `fence` before each write.
    pub fn new(client: Client, fence: Fence) -> Writer {
        Writer { client, fence }
    }

    async fn send<T>(
        &self,
        action: String,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, Error> {
        ensure!((self.fence)(REQUEST_TIMEOUT), NotLeadingSnafu { action });
        match tokio::time::timeout(REQUEST_TIMEOUT, request).await {
            Ok(answer) => answer.context(RefusedSnafu { action }),
            Err(_elapsed) => SilenceSnafu { action }.fail(),
        }
    }

    fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Applies a complete object of a type, as [`Writer::apply_as`].
    ///
    /// # Errors
    /// What the API server refused, or that it gave no answer, or one that can't be decoded.
    pub async fn apply<K, T>(&self, namespace: &str, name: &str, object: &T) -> Result<K, Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
        T: Serialize + std::fmt::Debug,
    {
        self.send_apply(self.api(namespace), &K::kind(&()), namespace, name, object).await
    }

    /// Applies a complete object of any kind. Fields that were in an earlier apply and are not in this one are removed;
    /// fields of other managers stay unless this names them: then this wins.
    ///
    /// # Errors
    /// What the API server refused, or that it gave no answer, or one that can't be decoded.
    pub async fn apply_as(
        &self,
        kind: &ApiResource,
        namespace: &str,
        name: &str,
        object: &Value,
    ) -> Result<DynamicObject, Error> {
        let api = Api::namespaced_with(self.client.clone(), namespace, kind);
        self.send_apply(api, &kind.kind, namespace, name, object).await
    }

    /// Changes who owns the fields of an object, by a merge patch of `metadata.managedFields` that names the version
    /// that was seen: whoever has written since then makes it a conflict.
    ///
    /// # Errors
    /// What the API server refused, or that it gave no answer.
    pub async fn take_over(
        &self,
        kind: &ApiResource,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<(), Error> {
        let params =
            PatchParams { field_manager: Some(keys::FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, kind);
        let action = format!("take over fields of {} {namespace}/{name}", kind.kind);
        self.send(action, api.patch(name, &params, &Patch::Merge(patch))).await.map(|_| ())
    }

    async fn send_apply<K, T>(
        &self,
        api: Api<K>,
        kind: &str,
        namespace: &str,
        name: &str,
        object: &T,
    ) -> Result<K, Error>
    where
        K: Clone + DeserializeOwned + std::fmt::Debug,
        T: Serialize + std::fmt::Debug,
    {
        let params = PatchParams::apply(keys::FIELD_MANAGER).force();
        let action = format!("apply {kind} {namespace}/{name}");
        self.send(action, api.patch(name, &params, &Patch::Apply(object))).await
    }

    /// Deletes the object that was seen; one of the same name that came after it stays.
    ///
    /// # Errors
    /// What the API server refused, or that it gave no answer.
    pub async fn delete(
        &self,
        kind: &ApiResource,
        namespace: &str,
        name: &str,
        uid: &str,
    ) -> Result<(), Error> {
        let params = DeleteParams {
            preconditions: Some(Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
            propagation_policy: Some(PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, kind);
        let action = format!("delete {} {namespace}/{name}", kind.kind);
        gone_is_good(self.send(action, api.delete(name, &params)).await)
    }

    /// Replaces the status. The resource version is part of it: a second writer shows as a conflict, and what is stale
    /// goes.
    ///
    /// # Errors
    /// What the API server refused, or that it gave no answer.
    pub async fn status<K>(&self, object: &K) -> Result<K, Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Serialize
            + std::fmt::Debug,
    {
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let params =
            PostParams { field_manager: Some(keys::FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let action = format!("write the status of {} {namespace}/{name}", K::kind(&()));
        let api = self.api::<K>(&namespace);
        self.send(action, api.replace_status(&name, &params, object)).await
    }

    /// Writes an Event: creates it or, if it has a series, tells how often it was said.
    pub async fn event(&self, event: &Event) -> Result<(), Error> {
        let (namespace, name) = (event.namespace().unwrap_or_default(), event.name_any());
        let api = self.api::<Event>(&namespace);
        let action = format!("write Event {namespace}/{name}");
        let written = match &event.series {
            None => self.send(action, api.create(&PostParams::default(), event)).await,
            Some(series) => {
                let patch = Patch::Merge(json!({ "series": series }));
                self.send(action, api.patch(&name, &PatchParams::default(), &patch)).await
            }
        };
        written.map(|_| ())
    }

    /// Removes our finalizer, whoever has set it (the Go operator's has the same name).
    pub async fn release(&self, milvus: &Milvus) -> Result<(), Error> {
        let (namespace, name) = (milvus.namespace().unwrap_or_default(), milvus.name_any());
        let left: Vec<&String> = milvus.finalizers().iter().filter(|f| *f != keys::FINALIZER).collect();
        let patch = json!({"metadata": {
            "finalizers": left,
            "resourceVersion": milvus.metadata.resource_version,
        }});
        let params =
            PatchParams { field_manager: Some(keys::FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let action = format!("remove the finalizer of Milvus {namespace}/{name}");
        let api = self.api::<Milvus>(&namespace);
        gone_is_good(self.send(action, api.patch(&name, &params, &Patch::Merge(patch))).await)
    }
}

fn gone_is_good<T>(result: Result<T, Error>) -> Result<(), Error> {
    match result {
        Err(error) if error.is_gone() => Ok(()),
        other => other.map(|_| ()),
    }
}
