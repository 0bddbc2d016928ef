//! A scenario as a list of steps: what users do, and what they wait for each time.

use std::sync::Arc;
use std::time::Duration;

use milvus_api::Milvus;
use milvus_sim::cluster::{Behaviour, holds, label, text};
use milvus_sim::harness::{Options, Plan, Scenario, Settled, World, run};
use milvus_sim::server::{Kind, Preconditions, Propagation, Store};
use serde_json::{Map, Value, json};

use crate::invariants;
use crate::operator::{Dials, OPERATORS, alone, elected};

/// The one Milvus.
pub const MILVUS: &str = "my-release";
/// Its namespace.
pub const NAMESPACE: &str = "default";
/// The world is at rest when nothing was written for so long: longer than Secrets are read again after.
const REST: Duration = Duration::from_mins(2);
/// How long a leader stands still or is cut off: longer than its Lease holds.
const BLOW: Duration = Duration::from_mins(1);
/// Where a Lease names its holder.
pub const HOLDER: &str = "/spec/holderIdentity";

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
    /// A condition of the Milvus says this.
    Told(&'static str),
    /// The `MilvusUpgrade` is answered with this reason.
    Answered(&'static str),
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
    /// From now on pods behave so.
    Pods(fn(&mut Behaviour)),
    /// A `MilvusUpgrade` is created.
    Upgrade,
    /// This happens to the operator that leads.
    Leader(Blow),
}

/// What happens to the process that leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// It dies for good.
    Dies,
    /// It stands still for a minute, and knows nothing of it.
    StandsStill,
    /// It runs, and does not reach the API server for a minute.
    CutOff,
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
    /// Two operators, of which one leads; one that works without an election else.
    pub elected: bool,
    /// What it begins with, and how that came to be in words; an empty cluster else.
    pub after: Option<(&'static str, Arc<Settled>)>,
    /// How long nothing may be written after all of it.
    pub silence: Duration,
}

impl Script {
    /// The same with a longer silence after it.
    #[must_use]
    pub fn silent_for(self, silence: Duration) -> Script {
        Script { silence, ..self }
    }

    /// The same from a cluster in which its first step is done and all is at rest: what comes of faults in that step
    /// is the matter of another scenario. Operators start anew.
    #[must_use]
    pub fn settled(mut self, seed: u64) -> Script {
        let first = Script { steps: vec![self.steps.remove(0)], silence: REST, after: None, ..self };
        let words = first.steps[0].words;
        let options = Options::plan(Plan { seed, steps: first.steps(), faults: Vec::new() });
        let outcome = run(options, |world| async move {
            first.play(world.clone()).await?;
            Ok(world.settled())
        });
        self.after = Some((words, Arc::new(outcome.result.unwrap())));
        self
    }

    fn start(&self, world: &World, dials: &Arc<Dials>) {
        if !self.elected {
            return world.start(OPERATORS[0], alone(dials));
        }
        for name in OPERATORS {
            world.start(name, elected(dials, name));
        }
    }
}

impl Scenario for Script {
    fn steps(&self) -> Vec<String> {
        let before = self.after.iter().map(|(words, _)| format!("after {words}"));
        before.chain(self.steps.iter().map(|step| step.words.to_owned())).collect()
    }

    async fn play(&self, world: World) -> Result<(), String> {
        let dials = Arc::new(Dials::default());
        invariants::demand(&world, self.elected.then(|| dials.clone()));
        match &self.after {
            // What the demands see first is how it came to be.
            Some(_) => world.with(|_| ()),
            None => world.create(secret()).map(drop)?,
        }
        self.start(&world, &dials);
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

    fn options(&self, plan: Plan) -> Options {
        Options { after: self.after.as_ref().map(|(_, settled)| settled.clone()), ..Options::plan(plan) }
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
            dials.set_away(*away, &(NAMESPACE.to_owned(), MILVUS.to_owned()));
            Ok(())
        }
        Doing::Pods(change) => {
            world.tell(words.to_owned());
            world.behave(change);
            Ok(())
        }
        Doing::Upgrade => world.create(upgrade()).map(drop),
        Doing::Leader(blow) => {
            world.tell(words.to_owned());
            let leader = OPERATORS.into_iter().find(|name| leads(world, dials, name));
            let leader = leader.ok_or("nobody leads")?;
            match blow {
                Blow::Dies => world.remove(leader),
                Blow::StandsStill => world.stop(leader, BLOW),
                Blow::CutOff => world.cut_off(leader, BLOW),
            }
            Ok(())
        }
    }
}

fn leads(world: &World, dials: &Dials, name: &str) -> bool {
    let holder =
        world.with(|store| store.list(Kind::Lease).map(|lease| text(lease, HOLDER).to_owned()).next());
    holder.is_some() && holder == dials.identity(name)
}

fn upgrade() -> Value {
    json!({
        "apiVersion": "milvus.io/v1beta1", "kind": "MilvusUpgrade",
        "metadata": { "name": "to-2-5", "namespace": NAMESPACE },
        "spec": { "milvus": { "name": MILVUS }, "sourceVersion": "2.4.9", "targetVersion": "2.5.16" },
    })
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
        if let Until::Answered(reason) = self {
            let asked = store.get(Kind::MilvusUpgrade, NAMESPACE, "to-2-5");
            return asked.is_some_and(|asked| condition(asked, "Handled") == ("False", *reason));
        }
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
            Until::Told(words) => {
                let conditions = milvus["status"]["conditions"].as_array();
                conditions.is_some_and(|all| all.iter().any(|one| text(one, "/message").contains(words)))
            }
            Until::Gone | Until::Answered(_) => false,
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
