//! What the scenarios share: a control plane with the operator installed as users install it, etcd, MinIO, and for each
//! test a namespace with a bucket of its own in which everything that happens is recorded.
#![allow(dead_code, unused_imports, reason = "each of the test binaries uses its part")]

pub mod crs;
pub mod history;

use std::{path::Path, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::{
    core::v1::{Namespace, Secret, Service},
    events::v1::Event,
};
use kube::{
    Api, Client, ResourceExt as _,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
};
use milvus_api::{ConditionType, Milvus, MilvusState};
use milvus_testkit::{
    ControlPlane, audit, control_plane,
    etcd::{self, Etcd},
    minio::Minio,
    operator::{Operator, Options},
    recorder::{Change, Recorder},
    stages::Delays,
    wait::{wait_for, wait_for_dynamic},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

pub use crs::{NAME, Places, image};
pub use history::{History, condition, listed};

/// Longest wait for anything that takes seconds on an idle machine.
pub const SOON: Duration = Duration::from_secs(90);

const ACCESS_KEY: &str = "milvus";
const SECRET_KEY: &str = "a-long-secret";

/// Pods of the scenarios are faster than real ones.
const DELAYS: Delays = Delays { ready: Duration::from_millis(400), delete: Duration::from_millis(200) };

/// Servers without an operator.
#[derive(Debug)]
pub struct Ground {
    pub plane: ControlPlane,
    pub etcd: Etcd,
    pub minio: Minio,
}

impl Ground {
    pub async fn start() -> Self {
        let plane = ControlPlane::start(control_plane::Options { delays: DELAYS, ..Default::default() });
        let etcd = Etcd::start(etcd::Options::default());
        // Boxed, because test threads have small stacks.
        let (plane, etcd, minio) =
            tokio::join!(Box::pin(plane), Box::pin(etcd), Box::pin(Minio::start(ACCESS_KEY, SECRET_KEY)));
        Self { plane: plane.unwrap(), etcd: etcd.unwrap(), minio: minio.unwrap() }
    }

    /// Where the dependencies are, and a bucket.
    pub fn places(&self, bucket: &str) -> Places {
        Places { etcd: self.etcd.address(), minio: self.minio.address(), bucket: bucket.to_owned() }
    }

    /// Installs the chart, without an operator that runs.
    pub async fn install_chart(&self) {
        let chart = Self::operator_options().chart;
        let name = milvus_testkit::operator::NAME;
        let args = [
            "upgrade",
            "--install",
            name,
            chart.to_str().unwrap(),
            "--namespace",
            name,
            "--create-namespace",
        ];
        self.plane.access().helm(args).await.unwrap().success().unwrap();
    }

    /// The operator of this build and the chart of this tree.
    pub fn operator_options() -> Options {
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/milvus-operator");
        Options::new(chart, env!("CARGO_BIN_EXE_milvus-operator"))
    }
}

/// The ground with one operator that all tests of a binary share.
#[derive(Debug)]
pub struct World {
    pub ground: Ground,
    pub operator: Operator,
}

static WORLD: OnceCell<World> = OnceCell::const_new();

impl World {
    /// The one of this process; the first call starts it.
    pub async fn shared() -> &'static Self {
        WORLD
            .get_or_init(async || {
                let ground = Box::pin(Ground::start()).await;
                let options = Ground::operator_options();
                let operator = Box::pin(Operator::install(ground.plane.access(), &options)).await;
                Self { ground, operator: operator.unwrap() }
            })
            .await
    }

    /// Where the dependencies of a story of that name will be.
    pub async fn places(name: &str) -> Places {
        Self::shared().await.ground.places(name)
    }

    /// A namespace for one test.
    pub async fn story(name: &str) -> Story {
        let world = Self::shared().await;
        Story::begin(&world.ground, world.operator.user(), name).await
    }
}

/// One test's namespace, with one Milvus [`NAME`] in it.
pub struct Story {
    pub ground: &'static Ground,
    /// The operator, as the audit log names it.
    pub user: String,
    pub namespace: String,
    pub client: Client,
    pub recorder: Recorder,
    pub places: Places,
}

impl Story {
    pub async fn begin(ground: &'static Ground, user: &str, name: &str) -> Self {
        let client = ground.plane.client().unwrap();
        let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        ground.minio.create_bucket(name).await.unwrap();
        let recorder = Recorder::start(client.clone(), name).await.unwrap();
        let (user, namespace, places) = (user.to_owned(), name.to_owned(), ground.places(name));
        let story = Self { ground, user, namespace, client, recorder, places };
        story.secret("storage", &[("accesskey", ACCESS_KEY), ("secretkey", SECRET_KEY)]).await;
        story
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
        let found = wait_for_dynamic(self.milvus(), "Milvus", name, SOON, found).await;
        typed(found.unwrap_or_else(|error| panic!("{error}\n{}", self.history().lines())).unwrap())
    }

    /// Waits until there is no Milvus of that name.
    pub async fn until_gone(&self, name: &str) {
        wait_for_dynamic(self.milvus(), "Milvus", name, SOON, |milvus| milvus.is_none()).await.unwrap();
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
        let interval = format!("{}s", Timestamp::now().as_nanosecond());
        let patched = self.patch(json!({ "spec": { "components": { "metricInterval": interval } } })).await;
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

    /// The Events about the Milvus: reason and note, in the order of their creation.
    pub async fn events(&self) -> Vec<(String, String)> {
        let mut events = self.api::<Event>().list(&ListParams::default()).await.unwrap().items;
        events.sort_by_key(|event| event.creation_timestamp());
        events.retain(|event| event.regarding.as_ref().is_some_and(|r| r.kind.as_deref() == Some("Milvus")));
        events.into_iter().map(|e| (e.reason.unwrap_or_default(), e.note.unwrap_or_default())).collect()
    }

    /// Waits for an Event of that reason; its note.
    pub async fn until_event(&self, reason: &str) -> String {
        use futures::StreamExt as _;
        let mut events = std::pin::pin!(kube::runtime::watcher(self.api::<Event>(), Default::default()));
        let find = async {
            while let Some(event) = events.next().await {
                use kube::runtime::watcher::Event::{Apply, InitApply};
                if let Ok(Apply(event) | InitApply(event)) = event
                    && event.reason.as_deref() == Some(reason)
                {
                    return event.note.unwrap_or_default();
                }
            }
            String::new()
        };
        let found = tokio::time::timeout(SOON, find).await;
        found.unwrap_or_else(|_| panic!("no Event {reason} in {}", self.namespace))
    }

    /// Reads the audit log until it has what is looked for. An event is in it before its writer has the answer, but
    /// whoever learns of the change by a watch may be earlier.
    pub async fn until_audited<T>(&self, find: impl Fn(&[audit::Event]) -> Option<T>) -> T {
        let look = async {
            loop {
                if let Some(found) = find(&self.ground.plane.audit().unwrap()) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(SOON, look).await.expect("the audit log never had it")
    }

    /// What the operator asked for in this namespace.
    pub fn requests(&self) -> Vec<audit::Event> {
        let mut all = self.ground.plane.audit().unwrap();
        all.retain(|event| event.user == self.user && event.namespace == self.namespace);
        all
    }

    /// What the operator wrote in this namespace.
    pub fn writes(&self) -> Vec<audit::Event> {
        let mut all = self.requests();
        all.retain(audit::Event::is_write);
        all
    }

    /// What the operator wrote in this namespace from now on for so long. That nothing happens can't be waited for in any other
    /// way than by waiting.
    pub async fn quiet_for(&self, time: Duration) -> Vec<audit::Event> {
        let before = self.writes().len();
        tokio::time::sleep(time).await;
        self.writes().split_off(before)
    }

    /// kubectl in the namespace; standard output.
    pub async fn kubectl(&self, args: &[&str]) -> String {
        let all = ["-n", &self.namespace].into_iter().chain(args.iter().copied());
        self.ground.plane.access().kubectl(all).await.unwrap().success().unwrap()
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
