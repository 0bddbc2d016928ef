//! What happened in a namespace, in the one true order, and what can be asserted on it.
//!
//! All kinds of the API server are kept in one etcd, and a resource version is its revision: sorted by it, the changes of
//! Deployments, pods and the Milvus are in the order in which they were written, whatever watch brought them first.

use std::collections::{BTreeMap, BTreeSet};

use milvus_testkit::recorder::Change;
use serde_json::{Value, json};

use super::crs::image;

/// The label that names the component of a Deployment or pod.
const COMPONENT: &str = "app.kubernetes.io/component";

/// What a history is made of. Other kinds are recorded as evidence.
const WORKLOADS: [&str; 5] = ["Deployment", "StatefulSet", "Pod", "Milvus", "MilvusUpgrade"];

/// Changes of workloads in the order in which they were written.
#[derive(Debug, Clone)]
pub struct History(Vec<Change>);

/// How far a component is on its way to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Old,
    Moving,
    New,
}

/// What exists at a moment.
#[derive(Debug, Default)]
struct Moment<'h> {
    workloads: BTreeMap<String, &'h Change>,
    pods: BTreeMap<String, &'h Change>,
}

fn version(change: &Change) -> u64 {
    change.object.metadata.resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn component(change: &Change) -> String {
    let labels = change.object.metadata.labels.as_ref();
    labels.and_then(|all| all.get(COMPONENT)).cloned().unwrap_or_default()
}

fn runs(change: &Change, image: &str) -> bool {
    change.images().iter().any(|found| found == image)
}

/// The condition of a type: status, reason and message.
pub fn condition(milvus: &Change, kind: &str) -> Option<[String; 3]> {
    let all = milvus.at_path("/status/conditions").as_array()?;
    let found = all.iter().find(|condition| condition["type"] == kind)?;
    Some(["status", "reason", "message"].map(|field| found[field].as_str().unwrap_or_default().to_owned()))
}

impl History {
    /// Sorts what a recorder has.
    pub fn of(mut changes: Vec<Change>) -> Self {
        changes.retain(|change| WORKLOADS.contains(&change.kind));
        changes.sort_by_key(version);
        Self(changes)
    }

    /// What happened after a resource version.
    pub fn after(&self, mark: u64) -> impl Iterator<Item = &Change> {
        self.0.iter().filter(move |change| version(change) > mark)
    }

    /// The newest resource version: what comes later is after it.
    pub fn mark(&self) -> u64 {
        self.0.last().map(version).unwrap_or_default()
    }

    /// The changes of the Milvus after a mark.
    pub fn milvus(&self, mark: u64) -> Vec<&Change> {
        self.after(mark).filter(|change| change.kind == "Milvus").collect()
    }

    /// Everything as lines, for the message of a failed assertion.
    pub fn lines(&self) -> String {
        let lines: Vec<String> =
            self.0.iter().map(|change| format!("{} {}", version(change), change.line())).collect();
        lines.join("\n")
    }

    /// Asserts that the components moved to the image of a tag in this order after `mark`, each when the one before was at
    /// its end: all pods new and available, no old pod left. Those that may move at the same time are joined by `+`.
    pub fn assert_steps(&self, mark: u64, tag: &str, expected: &[&str]) {
        assert_eq!(self.steps(mark, tag), expected, "{}", self.lines());
    }

    /// The components in the order in which they began to move to the image of a tag after `mark`, joined by `+` to the one before if
    /// that was not at its end.
    pub fn steps(&self, mark: u64, tag: &str) -> Vec<String> {
        let target = image(tag);
        let mut moment = Moment::default();
        let mut groups: Vec<BTreeSet<String>> = Vec::new();
        let mut begun = BTreeSet::new();
        for change in &self.0 {
            moment.take(change);
            if version(change) <= mark {
                continue;
            }
            let stages = moment.stages(&target);
            let moving: BTreeSet<String> =
                stages.iter().filter(|(_, stage)| **stage == Stage::Moving).map(|(c, _)| c.clone()).collect();
            let fresh: Vec<String> = stages
                .iter()
                .filter(|(c, stage)| **stage != Stage::Old && !begun.contains(*c))
                .map(|(c, _)| c.clone())
                .collect();
            for name in fresh {
                let together = moving.iter().any(|other| *other != name && begun.contains(other));
                match groups.last_mut().filter(|_| together) {
                    Some(group) => _ = group.insert(name.clone()),
                    None => groups.push(BTreeSet::from([name.clone()])),
                }
                begun.insert(name);
            }
        }
        let stages = moment.stages(&target);
        assert!(
            stages.values().all(|stage| *stage == Stage::New),
            "at the end: {stages:?}\n{}",
            self.lines()
        );
        groups.into_iter().map(|group| group.into_iter().collect::<Vec<_>>().join("+")).collect()
    }

    /// Asserts that `MilvusUpdated` was True for `generation` only when no pod ran another image than that of a tag.
    pub fn assert_true_updated(&self, generation: i64, tag: &str) {
        let target = image(tag);
        let mut moment = Moment::default();
        for change in &self.0 {
            moment.take(change);
            let claims = change.kind == "Milvus"
                && change.observed_generation() == generation
                && condition(change, "MilvusUpdated").is_some_and(|[status, ..]| status == "True");
            if claims {
                let old: Vec<&String> =
                    moment.pods.iter().filter(|(_, pod)| !runs(pod, &target)).map(|(name, _)| name).collect();
                assert!(old.is_empty(), "Updated=True while {old:?} run\n{}", self.lines());
            }
        }
    }

    /// The messages of a condition after a mark, for the generation that they speak of, without repetitions.
    pub fn messages(&self, mark: u64, kind: &str, generation: i64) -> Vec<String> {
        let mut messages: Vec<String> = self
            .milvus(mark)
            .into_iter()
            .filter(|milvus| milvus.observed_generation() == generation)
            .filter_map(|milvus| condition(milvus, kind).map(|[_, _, message]| message))
            .collect();
        messages.dedup();
        messages
    }

    /// Asserts that after a mark every component had a ready pod at any time.
    pub fn assert_always_served(&self, mark: u64) {
        let mut moment = Moment::default();
        let mut expected = BTreeSet::new();
        for change in &self.0 {
            moment.take(change);
            let live =
                moment.pods.values().filter(|p| !p.is_terminating() && p.condition("Ready") == Some("True"));
            let served: BTreeSet<String> = live.map(|pod| component(pod)).collect();
            if version(change) <= mark {
                expected = served;
            } else {
                let missing: Vec<_> = expected.difference(&served).collect();
                assert!(missing.is_empty(), "no ready pod of {missing:?}\n{}", self.lines());
            }
        }
    }

    /// Names and UIDs of the pods that exist.
    pub fn pods(&self) -> BTreeMap<String, String> {
        let mut moment = Moment::default();
        self.0.iter().for_each(|change| moment.take(change));
        moment
            .pods
            .iter()
            .map(|(name, pod)| (name.clone(), pod.object.metadata.uid.clone().unwrap()))
            .collect()
    }

    /// The components in the order in which a Deployment of theirs was first given the image of a tag, and pods, after a mark.
    pub fn written(&self, mark: u64, tag: &str) -> Vec<String> {
        let target = image(tag);
        let mut moment = Moment::default();
        let mut order = Vec::new();
        for change in &self.0 {
            let before =
                moment.workloads.get(&change.name()).is_some_and(|d| runs(d, &target) && d.replicas() > 0);
            moment.take(change);
            let now =
                change.kind == "Deployment" && !change.gone && runs(change, &target) && change.replicas() > 0;
            if version(change) > mark && now && !before && !order.contains(&component(change)) {
                order.push(component(change));
            }
        }
        order
    }

    /// What the Deployments that exist ask for, and how many pods of which image there are.
    pub fn specs(&self) -> Value {
        let mut moment = Moment::default();
        self.0.iter().for_each(|change| moment.take(change));
        let mut specs = serde_json::Map::new();
        for (name, deployment) in &moment.workloads {
            let annotations = deployment.object.metadata.annotations.clone().unwrap_or_default();
            let hash = annotations.get("milvus.io/rendered-hash").cloned();
            let pods: Vec<Vec<String>> = moment
                .pods
                .values()
                .filter(|p| p.name().starts_with(&format!("{name}-")))
                .map(|p| p.images())
                .collect();
            let spec = json!({ "replicas": deployment.replicas(), "images": deployment.images(), "hash": hash,
                "labels": deployment.object.metadata.labels, "pods": pods });
            specs.insert(name.clone(), spec);
        }
        Value::Object(specs)
    }

    /// Asserts that the last object that went was of a kind.
    pub fn assert_last(&self, kind: &str) {
        let last = self.0.iter().rev().find(|change| change.gone);
        assert_eq!(last.map(|change| change.kind), Some(kind), "{}", self.lines());
    }

    /// Asserts that no pod was made after a mark.
    pub fn assert_no_new_pods(&self, mark: u64) {
        let known: BTreeSet<String> =
            self.0.iter().filter(|c| c.kind == "Pod" && version(c) <= mark).map(Change::name).collect();
        let new = self.after(mark).find(|c| c.kind == "Pod" && !known.contains(&c.name()));
        assert!(new.is_none(), "{}", self.lines());
    }

    /// Names and UIDs of the pods that exist, and names, UIDs and generations of the Deployments: equal if no workload was touched.
    pub fn workloads(&self) -> BTreeMap<String, (String, i64)> {
        let mut moment = Moment::default();
        self.0.iter().for_each(|change| moment.take(change));
        let all = moment.workloads.iter().chain(&moment.pods);
        all.map(|(name, change)| {
            let uid = change.object.metadata.uid.clone().unwrap_or_default();
            (name.clone(), (uid, change.generation()))
        })
        .collect()
    }
}

impl<'h> Moment<'h> {
    fn take(&mut self, change: &'h Change) {
        let shelf = match change.kind {
            "Deployment" => &mut self.workloads,
            "Pod" => &mut self.pods,
            _ => return,
        };
        if change.gone {
            shelf.remove(&change.name());
        } else {
            shelf.insert(change.name(), change);
        }
    }

    /// Every component that has pods or wants them.
    fn stages(&self, target: &str) -> BTreeMap<String, Stage> {
        let mut stages = BTreeMap::new();
        let live = self.workloads.values().filter(|d| d.replicas() > 0 || d.count("replicas") > 0);
        let names: BTreeSet<String> =
            live.chain(self.pods.values()).map(|change| component(change)).collect();
        for name in names {
            stages.insert(name.clone(), self.stage(&name, target));
        }
        stages
    }

    fn stage(&self, name: &str, target: &str) -> Stage {
        let populated: Vec<&&Change> =
            self.workloads.values().filter(|d| component(d) == name && d.replicas() > 0).collect();
        let pods: Vec<&&Change> = self.pods.values().filter(|pod| component(pod) == name).collect();
        let none_new =
            populated.iter().all(|d| !runs(d, target)) && pods.iter().all(|pod| !runs(pod, target));
        if none_new {
            return Stage::Old;
        }
        let settled = |d: &Change| {
            let counts = ["replicas", "updatedReplicas", "availableReplicas"];
            d.observed_generation() >= d.generation()
                && counts.iter().all(|field| d.count(field) == d.replicas())
        };
        let all_new = populated.iter().all(|d| runs(d, target)) && pods.iter().all(|pod| runs(pod, target));
        // Of an emptied Deployment the pods count, not what its own status says of them a moment later.
        if all_new && populated.into_iter().all(|d| settled(d)) { Stage::New } else { Stage::Moving }
    }
}

/// Reads the list out of `Milvus components[a,b] are updating`.
pub fn listed(message: &str) -> Option<Vec<String>> {
    let list = message.strip_prefix("Milvus components[")?.strip_suffix("] are updating")?;
    Some(list.split(',').map(str::to_owned).collect())
}

/// A JSON value by pointer as text, for messages.
pub fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
