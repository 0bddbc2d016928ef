//! What is known to be done. Data only: `state` fills it from what was observed, [`mod@crate::next`] reads
//! it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::component::Component;
use crate::step::GateName;

/// How far a component is on its way to the target.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub enum ComponentState {
    /// It does not exist.
    Absent,
    /// It exists and is not at the target template yet.
    Pending,
    /// The target template was sent; it is not yet seen to be complete.
    Updating(Waiting),
    /// Seen: the generation is observed, all replicas are updated and available, no pod of the old template
    /// is left.
    Done,
}

/// What a component waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Waiting {
    /// The thing itself.
    pub what: WaitReason,
}

impl Waiting {
    /// Waiting for `what`.
    pub fn new(what: WaitReason) -> Self {
        Self { what }
    }
}

/// What can be waited for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, strum::IntoStaticStr)]
pub enum WaitReason {
    /// Kubernetes has not yet seen the last change (`status.observedGeneration` is behind).
    Generation,
    /// Not all replicas are new and available.
    Replicas {
        /// Pods of the new template.
        updated: u32,
        /// Pods that were ready for `minReadySeconds`.
        available: u32,
        /// Pods asked for.
        wanted: u32,
    },
    /// The Deployment is paused (`paused: true` in `spec`): Kubernetes changes none of its pods.
    Paused,
    /// Manual mode (`enableManualMode: true` in `spec`): a Deployment with pods keeps its template.
    Manual {
        /// Name of the Deployment.
        deployment: String,
    },
    /// Pods of the old template are still there; evicted and failed ones are not counted.
    OldPods {
        /// How many.
        count: u32,
    },
    /// A new pod cannot start or does not get ready.
    PodProblem {
        /// Its name.
        pod: String,
        /// The reason that Kubernetes gives: `ImagePullBackOff`, `CrashLoopBackOff`, `Unschedulable`, ….
        reason: String,
        /// The message that Kubernetes gives; may be empty.
        message: String,
    },
    /// Kubernetes can't create pods: a quota or an admission policy refuses them.
    PodsRefused {
        /// The reason that Kubernetes gives: `FailedCreate`.
        reason: String,
        /// The message that Kubernetes gives, with the words of whoever refuses.
        message: String,
    },
    /// A Job has not ended.
    Job {
        /// Its name.
        name: String,
    },
    /// Everything is ready, and is watched until it has been so for long enough.
    Settling {
        /// Seconds that are left.
        seconds: u32,
    },
    /// A gate is closed.
    Gate {
        /// Which one.
        gate: GateName,
        /// Why, as a half sentence.
        message: String,
    },
    /// One of two Deployments of the component takes over from the other, pod by pod.
    SlotHandOver {
        /// Pods of the Deployment that takes over.
        new: u32,
        /// Pods of the Deployment that is left.
        old: u32,
        /// Pods asked for.
        wanted: u32,
    },
}

/// How far a step is that does something else than to roll components.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub enum StepState {
    /// It has not begun.
    NotStarted,
    /// It has begun; it is not yet seen to be complete.
    Running(Waiting),
    /// Seen.
    Done,
    /// It has ended, and not as it should. It is begun again only when somebody or something says so.
    Failed {
        /// Why, in one word.
        reason: String,
        /// What happened and what to do, in sentences.
        message: String,
    },
}

/// How far everything is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The hop that is recorded: all before it are over, and the rest of this is about it. 0 in a plan of one
    /// hop.
    pub hop: usize,
    /// By component, on its way to the target of the hop. One that is not listed is
    /// [`ComponentState::Absent`].
    pub components: BTreeMap<Component, ComponentState>,
    /// Steps of the hop that do not roll components, by their names. One that is not listed is
    /// [`StepState::NotStarted`].
    pub steps: BTreeMap<String, StepState>,
}

impl Progress {
    /// How far components are in a plan of one hop that does nothing but roll them.
    pub fn of_components(components: BTreeMap<Component, ComponentState>) -> Self {
        Self { components, ..Self::default() }
    }

    /// How far `component` is.
    pub fn of(&self, component: Component) -> &ComponentState {
        self.components.get(&component).unwrap_or(&ComponentState::Absent)
    }

    /// How far the step `name` is, which does not roll components.
    pub fn of_step(&self, name: &str) -> &StepState {
        self.steps.get(name).unwrap_or(&StepState::NotStarted)
    }
}
