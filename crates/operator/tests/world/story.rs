//! One test's namespace: what a user does in it, and waits for.

use std::path::Path;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{
    Api, Client, ResourceExt as _,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
};
use milvus_api::{ConditionType, Milvus, MilvusState};
use milvus_testkit::{
    recorder::{Change, Recorder},
    wait::{wait_for, wait_for_dynamic},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::canary::{self, ACCESS_KEY, Grown, SECRET_KEY};
use super::{Ground, History, NAME, Places, SOON, image};

/// One test's namespace, with one Milvus [`NAME`] in it.
pub struct Story {
    pub ground: &'static Ground,
    /// The operator, as the audit log names it.
    pub user: String,
    pub namespace: String,
    pub client: Client,
    pub recorder: Recorder,
    pub places: Places,
    /// The operator's log, if it is known, and the audit log.
    log: Option<Grown>,
    audit: Grown,
    /// What the test itself takes the right to from the operator, as the audit log names it.
    taken: Option<&'static str>,
}

impl Story {
    pub async fn begin(ground: &'static Ground, user: &str, name: &str) -> Self {
        let client = ground.plane.client().unwrap();
        let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        ground.minio.create_bucket(name).await.unwrap();
        let recorder = Recorder::start(client.clone(), name).await.unwrap();
        let (user, namespace, places) = (user.to_owned(), name.to_owned(), ground.places(name));
        let audit = Grown::since_now(&ground.plane.directory().join("audit.log"));
        let story = Self { ground, user, namespace, client, recorder, places, log: None, audit, taken: None };
        story.secret("storage", &[("accesskey", ACCESS_KEY), ("secretkey", SECRET_KEY)]).await;
        story
    }

    /// The same with the log of the operator, which is looked through at the end.
    pub fn with_log(mut self, log: &Path) -> Self {
        self.log = Some(Grown::since_now(log));
        self
    }

    /// The same, in which the operator may be refused a resource.
    pub fn without_right_to(mut self, resource: &'static str) -> Self {
        self.taken = Some(resource);
        self
    }

    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType: Default>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Creates or replaces a Secret.
    pub async fn secret(&self, name: &str, data: &[(&str, &str)]) {
        let data: serde_json::Map<String, Value> =
            data.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": data,
        });
        let params = PatchParams::apply("test").force();
        self.api::<Secret>().patch(name, &params, &Patch::Apply(&secret)).await.unwrap();
    }

    /// Creates a Milvus.
    pub async fn create(&self, milvus: Value) -> Milvus {
        self.try_create(milvus).await.unwrap()
    }

    /// Creates a Milvus, or gives what the API server says against it.
    pub async fn try_create(&self, milvus: Value) -> Result<Milvus, kube::Error> {
        let object = serde_json::from_value(milvus).unwrap();
        Ok(typed(self.milvus().create(&PostParams::default(), &object).await?))
    }

    /// The Milvus objects of the namespace as JSON: a future that holds typed ones is too large for the stack of a test thread.
    fn milvus(&self) -> Api<DynamicObject> {
        let kind = ApiResource::erase::<Milvus>(&());
        Api::namespaced_with(self.client.clone(), &self.namespace, &kind)
    }

    /// A merge patch of the Milvus.
    pub async fn patch(&self, patch: Value) -> Milvus {
        self.try_patch(patch).await.unwrap()
    }

    pub async fn try_patch(&self, patch: Value) -> Result<Milvus, kube::Error> {
        Ok(typed(self.milvus().patch(NAME, &PatchParams::default(), &Patch::Merge(&patch)).await?))
    }

    /// Changes the image to a tag; the generation of that change.
    pub async fn set_image(&self, tag: &str) -> i64 {
        let milvus = self.patch(json!({ "spec": { "components": { "image": image(tag) } } })).await;
        milvus.metadata.generation.unwrap()
    }

    pub async fn delete(&self) {
        self.milvus().delete(NAME, &DeleteParams::default()).await.unwrap();
    }

    /// The Milvus as JSON.
    pub async fn raw(&self) -> Value {
        serde_json::to_value(self.milvus().get(NAME).await.unwrap()).unwrap()
    }

    /// Replaces the Milvus, as `kubectl edit` and `kubectl replace` do.
    pub async fn try_replace(&self, milvus: Value) -> Result<(), kube::Error> {
        let object = serde_json::from_value(milvus).unwrap();
        self.milvus().replace(NAME, &PostParams::default(), &object).await.map(|_| ())
    }

    /// Waits until the Milvus is as expected.
    pub async fn until(&self, expected: impl Fn(&Milvus) -> bool) -> Milvus {
        self.until_named(NAME, expected).await
    }

    /// Waits until a Milvus is as expected.
    pub async fn until_named(&self, name: &str, expected: impl Fn(&Milvus) -> bool) -> Milvus {
        let found = |milvus: Option<&DynamicObject>| milvus.is_some_and(|m| expected(&typed(m.clone())));
        let found = Box::pin(wait_for_dynamic(self.milvus(), "Milvus", name, SOON, found)).await;
        typed(found.unwrap_or_else(|error| panic!("{error}\n{}", self.history().lines())).unwrap())
    }

    /// Waits until every dependency was probed.
    pub async fn until_probed(&self) {
        let kinds = [ConditionType::EtcdReady, ConditionType::StorageReady, ConditionType::MsgStreamReady];
        let known = |m: &Milvus, kind| said(m, kind).is_some_and(|[status, ..]| status != "Unknown");
        self.until(|milvus| kinds.iter().all(|kind| known(milvus, *kind))).await;
    }

    /// Waits until there is no Milvus of that name.
    pub async fn until_gone(&self, name: &str) {
        let gone = |milvus: Option<&DynamicObject>| milvus.is_none();
        Box::pin(wait_for_dynamic(self.milvus(), "Milvus", name, SOON, gone)).await.unwrap();
    }

    /// Waits until a step is under way.
    pub async fn until_step(&self, step: &str) {
        self.until(|milvus| {
            let upgrade = milvus.status.as_ref().and_then(|status| status.upgrade.as_ref());
            upgrade.and_then(|u| u.waiting_for.as_ref()?.step.as_deref()) == Some(step)
        })
        .await;
    }

    /// Waits until the namespace has no object of a kind.
    pub async fn until_none<K>(&self)
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType: Default>
            + Clone
            + std::fmt::Debug
            + Serialize
            + DeserializeOwned
            + Send
            + 'static,
    {
        for object in self.api::<K>().list(&ListParams::default()).await.unwrap() {
            wait_for(self.api::<K>(), &object.name_any(), SOON, |found| found.is_none()).await.unwrap();
        }
    }

    /// Waits until a condition of the newest generation is as expected; its message.
    pub async fn until_condition(&self, kind: ConditionType, status: &str, reason: &str) -> String {
        let milvus = self
            .until(|milvus| {
                observed(milvus) && said(milvus, kind).is_some_and(|[s, r, _]| s == status && r == reason)
            })
            .await;
        said(&milvus, kind).unwrap()[2].to_owned()
    }

    /// Waits until everything runs the image of a tag.
    pub async fn until_healthy(&self, tag: &str) -> Milvus {
        let target = image(tag);
        self.until(|milvus| {
            let Some(status) = &milvus.status else { return false };
            observed(milvus)
                && status.status == MilvusState::Healthy
                && status.is_true(ConditionType::MilvusUpdated)
                && status.current_image.as_deref() == Some(&target)
        })
        .await
    }

    /// Creates a Milvus and waits until it is healthy; the mark after which everything is news.
    pub async fn running(&self, milvus: Value, tag: &str) -> u64 {
        self.create(milvus).await;
        let healthy = self.until_healthy(tag).await;
        self.caught_up(&healthy).await
    }

    /// Waits until the recorder has seen this state of the Milvus; its resource version.
    pub async fn caught_up(&self, milvus: &Milvus) -> u64 {
        let version = milvus.resource_version().unwrap();
        let seen = |changes: &[Change]| {
            changes
                .iter()
                .any(|c| c.kind == "Milvus" && c.object.resource_version().as_ref() == Some(&version))
        };
        self.recorder.wait(SOON, seen).await.unwrap();
        version.parse().unwrap()
    }

    /// Waits until the operator has had a whole pass that began now or later, and the recorder has seen what came of it.
    ///
    /// The pass is that over a new generation, which differs from the one before in a field that nothing is made of.
    pub async fn settle(&self) {
        let mark = json!({ "settled": Timestamp::now().as_nanosecond().to_string() });
        let patched = self.patch(json!({ "spec": { "dependencies": { "customMsgStream": mark } } })).await;
        let done = self.until(|m| observed(m) && m.metadata.generation >= patched.metadata.generation).await;
        self.caught_up(&done).await;
    }

    /// Deletes an object and waits until the operator has made it anew.
    pub async fn recreated<K>(&self, name: &str) -> K
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType: Default>
            + Clone
            + std::fmt::Debug
            + Serialize
            + DeserializeOwned
            + Send
            + 'static,
    {
        let old = self.api::<K>().get(name).await.unwrap().uid();
        self.api::<K>().delete(name, &DeleteParams::background()).await.unwrap();
        let new = |found: Option<&K>| {
            found.is_some_and(|k| k.uid() != old && k.meta().deletion_timestamp.is_none())
        };
        wait_for(self.api::<K>(), name, SOON, new).await.unwrap().unwrap()
    }

    pub fn history(&self) -> History {
        assert_eq!(self.recorder.gaps(), 0, "the recording is not complete");
        History::of(self.recorder.changes())
    }
}

/// However a story ends, no credential may have got to where it does not belong, and the chart must have granted all that was asked for.
impl Drop for Story {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let audit = self.audit.text();
        let mut found = canary::in_objects(&self.recorder.changes());
        found.extend(canary::in_text(&audit, &[]).into_iter().map(|what| format!("audit log: {what}")));
        let log = self.log.as_ref().map(Grown::text).unwrap_or_default();
        found.extend(canary::in_text(&log, &[]).into_iter().map(|what| format!("operator's log: {what}")));
        assert!(found.is_empty(), "credentials got to where they don't belong: {found:#?}");
        let user = format!("\"username\":\"{}\"", self.user);
        let taken = self.taken.map(|resource| format!("\"resource\":\"{resource}\""));
        let granted = |line: &str| taken.as_ref().is_none_or(|taken| !line.contains(taken));
        let refused = |line: &&str| line.contains(&user) && line.contains("\"code\":403") && granted(line);
        let refused: Vec<&str> = audit.lines().filter(refused).collect();
        assert!(self.user.is_empty() || refused.is_empty(), "the chart grants too little: {refused:#?}");
    }
}

fn typed(object: DynamicObject) -> Milvus {
    object.try_parse().unwrap()
}

/// The status speaks of the newest spec.
pub fn observed(milvus: &Milvus) -> bool {
    let status = milvus.status.as_ref().and_then(|status| status.observed_generation);
    status.is_some() && status == milvus.metadata.generation
}

/// Status, reason and message of a condition.
pub fn said(milvus: &Milvus, kind: ConditionType) -> Option<[&str; 3]> {
    let condition = milvus.status.as_ref()?.condition(kind)?;
    Some([&condition.status, &condition.reason, &condition.message])
}
