//! Records every change of the workloads of a namespace and of what belongs to them, so that a test can assert on the sequence of what happened
//! and not only on how it ended.

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, GroupVersionKind},
    runtime::{
        WatchStreamExt,
        watcher::{self, Event},
    },
};
use serde_json::Value;
use snafu::{ResultExt, Snafu};
use tokio::{sync::watch, task::JoinSet};

/// What is always recorded.
const KINDS: [(&str, &str, &str, &str); 6] = [
    ("apps", "v1", "Deployment", "deployments"),
    ("apps", "v1", "StatefulSet", "statefulsets"),
    ("", "v1", "Pod", "pods"),
    ("", "v1", "ConfigMap", "configmaps"),
    ("", "v1", "Service", "services"),
    ("events.k8s.io", "v1", "Event", "events"),
];
/// What is recorded where its definition is installed when the recorder starts.
const CUSTOM: [(&str, &str, &str, &str); 2] = [
    ("milvus.io", "v1beta1", "Milvus", "milvuses"),
    ("milvus.io", "v1beta1", "MilvusUpgrade", "milvusupgrades"),
];
/// How long the first lists may take.
const FIRST_LISTS_WITHIN: Duration = Duration::from_secs(30);

/// Why a recorder gives no answer.
#[derive(Debug, Snafu)]
pub enum Error {
    /// It could not be found out whether the definitions are installed.
    #[snafu(display("asking for the kinds of milvus.io/v1beta1: {source}"))]
    Discover {
        /// Why.
        source: kube::Error,
    },
    /// The first lists did not come.
    #[snafu(display(
        "the workloads of {namespace} could not be listed within {FIRST_LISTS_WITHIN:?}: {failure}"
    ))]
    FirstLists {
        /// The namespace.
        namespace: String,
        /// What the watches failed with last; empty if they did not.
        failure: String,
    },
    /// What was waited for did not happen.
    #[snafu(display("it was not recorded within {within:?}. Recorded were:\n{recorded}"))]
    Late {
        /// How long was waited.
        within: Duration,
        /// One line per change.
        recorded: String,
    },
}

/// An object as it was after a change.
#[derive(Debug, Clone)]
pub struct Change {
    /// When the change was seen here.
    pub at: Timestamp,
    /// `Deployment`, `StatefulSet`, `Pod`, `ConfigMap`, `Service`, `Event`, `Milvus` or `MilvusUpgrade`.
    pub kind: &'static str,
    /// Whether this is the last state before the object was removed.
    pub gone: bool,
    /// The object without managed fields.
    pub object: DynamicObject,
}

impl Change {
    /// The object's name.
    pub fn name(&self) -> String {
        self.object.name_any()
    }

    /// Anything below `spec`, `status` and so on, by JSON pointer; null if it is missing.
    pub fn at_path(&self, pointer: &str) -> &Value {
        self.object.data.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// `metadata.generation`; 0 if the kind has none.
    pub fn generation(&self) -> i64 {
        self.object.metadata.generation.unwrap_or_default()
    }

    /// `status.observedGeneration`; 0 if it was never set.
    pub fn observed_generation(&self) -> i64 {
        self.at_path("/status/observedGeneration").as_i64().unwrap_or_default()
    }

    /// The images of the containers (of the template, for workloads), or of `spec.components.image` for a Milvus.
    pub fn images(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let containers = match self.kind {
            "Milvus" => return text(self.at_path("/spec/components/image")).into_iter().collect(),
            "Pod" => self.at_path("/spec/containers"),
            _ => self.at_path("/spec/template/spec/containers"),
        };
        containers
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|container| text(&container["image"]))
            .collect()
    }

    /// The replicas that are asked for; 0 if the kind has none.
    pub fn replicas(&self) -> i64 {
        self.at_path("/spec/replicas").as_i64().unwrap_or_default()
    }

    /// `status.readyReplicas`, `updatedReplicas`, `availableReplicas` and so on; 0 if it is not set.
    pub fn count(&self, field: &str) -> i64 {
        self.at_path("/status").get(field).and_then(Value::as_i64).unwrap_or_default()
    }

    /// The status of a condition, for example of `Ready`.
    pub fn condition(&self, kind: &str) -> Option<&str> {
        let conditions = self.at_path("/status/conditions").as_array()?;
        conditions.iter().find(|condition| condition["type"] == kind)?["status"].as_str()
    }

    /// Whether a deletion was asked for.
    pub fn is_terminating(&self) -> bool {
        self.object.metadata.deletion_timestamp.is_some()
    }

    /// One line for messages.
    pub fn line(&self) -> String {
        let state = match (self.gone, self.is_terminating()) {
            (true, _) => " gone",
            (false, true) => " terminating",
            _ => "",
        };
        format!(
            "{} {} {}{state} generation {}/{} replicas {} updated {} ready {} {} {}",
            self.at,
            self.kind,
            self.name(),
            self.observed_generation(),
            self.generation(),
            self.replicas(),
            self.count("updatedReplicas"),
            self.count("readyReplicas"),
            self.condition("Ready").map_or_else(String::new, |ready| format!("Ready={ready}")),
            self.images().join(","),
        )
    }
}

/// What is recorded so far.
#[derive(Debug, Default)]
struct Record {
    changes: Vec<Change>,
    listed: usize,
    gaps: usize,
    failure: String,
}

/// A running recorder; it stops when it is dropped.
#[derive(Debug)]
pub struct Recorder {
    record: Arc<Mutex<Record>>,
    changed: watch::Receiver<()>,
    _watches: JoinSet<()>,
}

impl Recorder {
    /// Starts to record the namespace, and returns when what exists is known: it is recorded first.
    pub async fn start(client: Client, namespace: &str) -> Result<Self, Error> {
        let mut kinds = KINDS.to_vec();
        // Not by discovery, which lists a new kind only some time after its definition is there; the watch waits for it.
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for kind in CUSTOM {
            let (group, .., plural) = kind;
            let installed = definitions.get_metadata_opt(&format!("{plural}.{group}")).await;
            kinds.extend(installed.context(DiscoverSnafu)?.map(|_| kind));
        }
        let (sender, changed) = watch::channel(());
        let record = Arc::new(Mutex::new(Record::default()));
        let mut watches = JoinSet::new();
        let expected = kinds.len();
        for (group, version, kind, plural) in kinds {
            let resource =
                ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
            let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
            watches.spawn(follow(api, kind, record.clone(), sender.clone()));
        }
        let recorder = Self { record, changed, _watches: watches };
        let listed = recorder.until(FIRST_LISTS_WITHIN, |record| record.listed >= expected).await;
        if listed {
            return Ok(recorder);
        }
        let failure = recorder.lock().failure.clone();
        FirstListsSnafu { namespace, failure }.fail()
    }

    /// All changes so far, in the order in which they were seen. The order is exact within a kind; between kinds it
    /// is that of arrival.
    pub fn changes(&self) -> Vec<Change> {
        self.lock().changes.clone()
    }

    /// The changes of one kind, and of one object if `name` is given.
    pub fn of(&self, kind: &str, name: Option<&str>) -> Vec<Change> {
        let wanted = |change: &&Change| change.kind == kind && name.is_none_or(|name| change.name() == name);
        self.lock().changes.iter().filter(wanted).cloned().collect()
    }

    /// How often a watch had to start again, so that changes in between may be missing. 0 in a sound recording.
    pub fn gaps(&self) -> usize {
        self.lock().gaps
    }

    /// Waits until the recorded changes satisfy `expected`.
    pub async fn wait(&self, within: Duration, expected: impl Fn(&[Change]) -> bool) -> Result<(), Error> {
        if self.until(within, |record| expected(&record.changes)).await {
            return Ok(());
        }
        let lines: Vec<String> = self.lock().changes.iter().map(Change::line).collect();
        LateSnafu { within, recorded: lines.join("\n") }.fail()
    }

    async fn until(&self, within: Duration, expected: impl Fn(&Record) -> bool) -> bool {
        let mut changed = self.changed.clone();
        let wait = changed.wait_for(|()| expected(&self.lock()));
        tokio::time::timeout(within, wait).await.is_ok_and(|ended| ended.is_ok())
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }
}

/// A record is only ever appended to, so it is whole even if somebody panicked while reading it.
fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn follow(
    api: Api<DynamicObject>,
    kind: &'static str,
    record: Arc<Mutex<Record>>,
    changed: watch::Sender<()>,
) {
    let mut events = pin!(watcher::watcher(api, watcher::Config::default()).default_backoff());
    let mut listed = false;
    while let Some(event) = events.next().await {
        let mut record = lock(&record);
        let mut add = |mut object: DynamicObject, gone: bool| {
            object.managed_fields_mut().clear();
            record.changes.push(Change { at: Timestamp::now(), kind, gone, object });
        };
        match event {
            Ok(Event::Apply(object) | Event::InitApply(object)) => add(object, false),
            Ok(Event::Delete(object)) => add(object, true),
            Ok(Event::Init) => record.gaps += usize::from(listed),
            Ok(Event::InitDone) => {
                record.listed += usize::from(!listed);
                listed = true;
            }
            Err(error) => record.failure = error.to_string(),
        }
        drop(record);
        changed.send_replace(());
    }
}
