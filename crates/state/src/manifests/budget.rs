//! A PodDisruptionBudget for each component with two or more pods: of an eviction, one pod at a time.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::error::Error;
use super::metadata::{self, hashed};
use super::object::Manifest;
use super::workload;
use crate::kinds::Kind;
use crate::records::BudgetRecord;
use crate::spec::{ComponentSettings, Replicas, Spec};

/// The budget of a component. It selects the pods of both Deployments, of any template: in a hand-over they are
/// counted together.
///
/// # Errors
/// Only bugs: what can't be rendered.
pub fn budget(spec: &Spec, settings: &ComponentSettings) -> Result<Manifest, Error> {
    let name = name(spec, settings);
    let labels = metadata::component_labels(&spec.name, settings.component, None);
    let wanted = PodDisruptionBudgetSpec {
        max_unavailable: Some(IntOrString::Int(1)),
        selector: Some(LabelSelector { match_labels: Some(labels.clone()), match_expressions: None }),
        ..PodDisruptionBudgetSpec::default()
    };
    let mut metadata = metadata::object(spec, name.clone(), labels);
    metadata.annotations = Some(hashed(BTreeMap::new(), &wanted)?);
    let object = PodDisruptionBudget { metadata, spec: Some(wanted), status: None };
    Manifest::of(Kind::PodDisruptionBudget, &name, &object)
}

/// Those of `components` that get a budget: they were asked for, the component has two pods or more, and no budget of
/// somebody else is for its pods. Two budgets for one pod would block every eviction of it.
pub fn wanted<'a>(
    spec: &'a Spec,
    components: impl Iterator<Item = &'a ComponentSettings>,
    existing: &BTreeMap<String, BudgetRecord>,
) -> Vec<&'a ComponentSettings> {
    let several = |settings: &&ComponentSettings| match settings.replicas {
        Replicas::Fixed(number) | Replicas::Manual(number) => number >= 2,
        Replicas::External => true,
    };
    let free = |settings: &&ComponentSettings| {
        let mut labels = settings.pod_labels.clone();
        labels.extend(metadata::component_labels(&spec.name, settings.component, None));
        let ours = |budget: &BudgetRecord| budget.meta.owner_uid.as_deref() == Some(&spec.uid);
        !existing.values().any(|budget| !ours(budget) && budget.selects(&labels))
    };
    components.filter(|_| spec.budgets).filter(several).filter(free).collect()
}

/// The names of budgets.
pub fn names(spec: &Spec, components: &[&ComponentSettings]) -> BTreeSet<String> {
    components.iter().map(|settings| name(spec, settings)).collect()
}

fn name(spec: &Spec, settings: &ComponentSettings) -> String {
    workload::name(&spec.name, settings.component, None)
}
