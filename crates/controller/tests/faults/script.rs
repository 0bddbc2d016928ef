//! A scenario as a list of steps: what users do, and what they wait for each time.

use std::sync::Arc;
use std::time::Duration;

use milvus_api::Milvus;
use milvus_sim::cluster::{holds, label, text};
use milvus_sim::harness::{Scenario, World};
use milvus_sim::server::{Kind, Preconditions, Propagation, Store};
use serde_json::{Map, Value, json};

use crate::invariants;
use crate::operator::{Dials, NAME, operator};

/// The one Milvus.
pub const MILVUS: &str = "my-release";
/// Its namespace.
pub const NAMESPACE: &str = "default";
/// The world is at rest when nothing was written for so long: longer than Secrets are read again after.
const REST: Duration = Duration::from_mins(2);

/// What is waited for.
#[derive(Clone, Debug)]
pub enum Until {
    /// All of it runs as the spec says.
    Updated,
    /// The spec is refused for this reason, and what runs is healthy.
    Refused(&'static str),
    /// A component's Deployment asks for this image: the middle of a roll.
    Moved(&'static str, String),
    /// The dependencies are seen to be away.
    Away,
    /// Nothing of it is left.
    Gone,
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Doing {
    /// A Milvus is created.
    Create(Box<Milvus>),
    /// It is changed.
    Merge(Value),
    /// It is deleted.
    Delete,
    /// Its dependencies go away or come back.
    Away(bool),
}

/// A step.
#[derive(Clone, Debug)]
pub struct Step {
    /// In words.
    pub words: &'static str,
    /// What is done.
    pub doing: Doing,
    /// Then this is waited for.
    pub until: Until,
}

/// A scenario.
pub struct Script {
    /// One after the other.
    pub steps: Vec<Step>,
    /// How long nothing may be written after all of it.
    pub silence: Duration,
}

impl Script {
    /// The same with a longer silence after it.
    #[must_use]
    pub fn silent_for(self, silence: Duration) -> Script {
        Script { silence, ..self }
    }
}

impl Scenario for Script {
    fn steps(&self) -> Vec<String> {
        self.steps.iter().map(|step| step.words.to_owned()).collect()
    }

    async fn play(&self, world: World) -> Result<(), String> {
        invariants::demand(&world);
        let dials = Arc::new(Dials::default());
        world.create(secret())?;
        world.start(NAME, operator(&dials));
        for step in &self.steps {
            take(&world, &dials, &step.doing, step.words)?;
            world.until(step.words, |store| step.until.there(store)).await?;
        }
        world.calm();
        world.quiet(REST).await?;
        if let Some(last) = self.steps.last() {
            world.until(&format!("{} once more", last.words), |store| last.until.there(store)).await?;
        }
        let silence = world.silence(self.silence).await;
        match silence.commits.is_empty() {
            true => Ok(()),
            false => Err(format!("nothing is to do, and it is written: {:?}", silence.commits)),
        }
    }

    fn end(&self, store: &Store) -> Value {
        end(store)
    }
}

fn take(world: &World, dials: &Dials, doing: &Doing, words: &str) -> Result<(), String> {
    let target = Kind::Milvus.at(NAMESPACE, MILVUS);
    match doing {
        Doing::Create(milvus) => {
            let mut object = serde_json::to_value(milvus).map_err(|error| error.to_string())?;
            object.as_object_mut().map(|object| object.remove("status"));
            world.create(object).map(drop)
        }
        Doing::Merge(patch) => world.merge(words, target, patch).map(drop),
        Doing::Delete => world.edit(words, |store| {
            store.delete("user", target, &Preconditions::default(), Propagation::Background).map(drop)
        }),
        Doing::Away(away) => {
            world.tell(words.to_owned());
            dials.set_away(*away, (NAMESPACE.to_owned(), MILVUS.to_owned()));
            Ok(())
        }
    }
}

fn secret() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "minio", "namespace": NAMESPACE },
        "data": { "accesskey": "dmFsdWU=", "secretkey": "dmFsdWU=" },
    })
}

/// A condition of the Milvus: status and reason.
fn condition<'a>(milvus: &'a Value, type_: &str) -> (&'a str, &'a str) {
    let found = milvus_sim::cluster::condition(milvus, type_);
    found.map(|found| (text(found, "/status"), text(found, "/reason"))).unwrap_or_default()
}

/// The status speaks of the spec that is stored.
pub fn is_current(milvus: &Value) -> bool {
    milvus["status"]["observedGeneration"] == milvus["metadata"]["generation"]
}

impl Until {
    fn there(&self, store: &Store) -> bool {
        let milvus = store.get(Kind::Milvus, NAMESPACE, MILVUS);
        let Some(milvus) = milvus else {
            let left = [Kind::Deployment, Kind::ReplicaSet, Kind::Pod, Kind::ConfigMap, Kind::Service];
            return matches!(self, Until::Gone) && left.iter().all(|kind| store.list(*kind).count() == 0);
        };
        let healthy = is_current(milvus) && milvus["status"]["status"] == "Healthy";
        match self {
            Until::Updated => healthy && holds(milvus, "MilvusUpdated"),
            Until::Refused(reason) => healthy && condition(milvus, "SpecAccepted") == ("False", *reason),
            Until::Moved(component, image) => store.list(Kind::Deployment).any(|live| {
                of(live) == *component && live["spec"]["replicas"] != 0 && main_image(&live["spec"]) == image
            }),
            Until::Away => condition(milvus, "EtcdReady").0 == "False",
            Until::Gone => false,
        }
    }
}

/// The component that a Deployment, ReplicaSet or pod is of.
pub fn of(object: &Value) -> &str {
    label(object, milvus_sim::cluster::COMPONENT)
}

/// The image of the Milvus container, from the spec of a workload.
pub fn main_image(spec: &Value) -> &str {
    text(spec, "/template/spec/containers/0/image")
}

/// What is compared: no words, no times, no names of pods. The two Deployments of a component are alike, as which of them
/// has the pods depends on how many rolls have reached it.
fn end(store: &Store) -> Value {
    let mut deployments = Vec::new();
    for live in store.list(Kind::Deployment).filter(|live| live["spec"]["replicas"] != 0) {
        let hash = &live["metadata"]["annotations"][milvus_api::keys::RENDERED_HASH];
        deployments.push(json!([of(live), main_image(&live["spec"]), live["spec"]["replicas"], hash]));
    }
    deployments.sort_by_key(ToString::to_string);
    let mut pods = Map::new();
    for pod in store.list(Kind::Pod) {
        let key = format!("{} {}", of(pod), text(pod, "/spec/containers/0/image"));
        let count = pods.get(&key).and_then(Value::as_u64).unwrap_or_default() + 1;
        pods.insert(key, count.into());
    }
    let milvus = store.get(Kind::Milvus, NAMESPACE, MILVUS).cloned().unwrap_or_default();
    let conditions = milvus["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let mut conditions: Vec<Value> =
        conditions.iter().map(|c| json!([c["type"], c["status"], c["reason"]])).collect();
    conditions.sort_by_key(ToString::to_string);
    json!({
        "deployments": deployments,
        "allDeployments": store.list(Kind::Deployment).count(),
        "replicaSets": store.list(Kind::ReplicaSet).filter(|set| set["spec"]["replicas"] != 0).count(),
        "pods": pods,
        "conditions": conditions,
        "image": milvus["status"]["currentImage"],
        "state": milvus["status"]["status"],
    })
}
