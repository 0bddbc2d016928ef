//! How the machines of the simulated cluster behave. A test may change it at any moment.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::objects::label;

/// Label that says which part of a workload a pod is.
pub const COMPONENT: &str = "app.kubernetes.io/component";

/// Which pods something happens to: all that fit what is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    /// Value of the label [`COMPONENT`].
    pub component: Option<String>,
    /// Image of one of its containers.
    pub image: Option<String>,
    /// `metadata.name`
    pub name: Option<String>,
}

impl Pods {
    /// All pods.
    pub fn all() -> Pods {
        Pods::default()
    }

    /// Those of a component.
    pub fn of(component: &str) -> Pods {
        Pods { component: Some(component.to_owned()), ..Pods::default() }
    }

    /// Those that run an image.
    pub fn with(image: &str) -> Pods {
        Pods { image: Some(image.to_owned()), ..Pods::default() }
    }

    /// One pod.
    pub fn named(name: &str) -> Pods {
        Pods { name: Some(name.to_owned()), ..Pods::default() }
    }

    /// Of these, only those that run an image.
    #[must_use]
    pub fn and_image(self, image: &str) -> Pods {
        Pods { image: Some(image.to_owned()), ..self }
    }

    /// Whether a pod is one of them.
    pub fn contain(&self, pod: &Value) -> bool {
        let image = |image: &String| images(pod).any(|known| known == image);
        self.component.as_ref().is_none_or(|component| label(pod, COMPONENT) == component)
            && self.image.as_ref().is_none_or(image)
            && self.name.as_ref().is_none_or(|name| pod["metadata"]["name"] == **name)
    }
}

/// Images of the containers of a pod, those that run first included.
pub(crate) fn images(pod: &Value) -> impl Iterator<Item = &str> {
    let lists = ["initContainers", "containers"].into_iter().filter_map(|key| pod["spec"][key].as_array());
    lists.flatten().filter_map(|container| container["image"].as_str())
}

/// How pods behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// From the start of a pod until it is ready.
    pub ready_after: Duration,
    /// Pods that take another time to get ready; the last that fits counts.
    pub slow: Vec<(Pods, Duration)>,
    /// From the deletion of a pod until it is gone.
    pub ends_after: Duration,
    /// Images that can't be pulled. What has been pulled keeps running.
    pub broken: BTreeSet<String>,
    /// Pods that a quota refuses.
    pub refused: Vec<Pods>,
    /// What the quota says.
    pub refusal: String,
    /// Pods that find no node.
    pub unschedulable: Vec<Pods>,
    /// Pods whose containers end again and again.
    pub crash_loops: Vec<Pods>,
    /// Pods that run and are not ready.
    pub unready: Vec<Pods>,
    /// Pods that don't end.
    pub hang_on_end: Vec<Pods>,
    /// How long the pod of a Job runs.
    pub runs_for: Duration,
    /// Pods of Jobs that fail.
    pub fails: Vec<Pods>,
}

impl Default for Behaviour {
    fn default() -> Behaviour {
        Behaviour {
            ready_after: Duration::from_secs(2),
            slow: Vec::new(),
            ends_after: Duration::from_secs(2),
            broken: BTreeSet::new(),
            refused: Vec::new(),
            refusal: "exceeded quota: team".to_owned(),
            unschedulable: Vec::new(),
            crash_loops: Vec::new(),
            unready: Vec::new(),
            hang_on_end: Vec::new(),
            runs_for: Duration::from_secs(5),
            fails: Vec::new(),
        }
    }
}

impl Behaviour {
    /// How long a pod takes to get ready.
    pub(crate) fn ready_after(&self, pod: &Value) -> Duration {
        let own = self.slow.iter().rev().find(|(pods, _)| pods.contain(pod));
        own.map_or(self.ready_after, |(_, after)| *after)
    }

    /// The first image of a pod that can't be pulled.
    pub(crate) fn broken_image<'a>(&self, pod: &'a Value) -> Option<&'a str> {
        images(pod).find(|image| self.broken.contains(*image))
    }
}

/// Whether a pod is in one of the groups.
pub(crate) fn hits(groups: &[Pods], pod: &Value) -> bool {
    groups.iter().any(|pods| pods.contain(pod))
}
