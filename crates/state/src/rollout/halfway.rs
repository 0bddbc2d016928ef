//! A change of image that another operator has begun, and that is refused here.

use std::collections::{BTreeMap, BTreeSet};

use milvus_plan::Component;

use crate::observed::Watched;
use crate::records::DeploymentRecord;
use crate::rollout::layout;

/// What runs, and the ways on from there, if components run the image that is asked for beside others; both are left
/// as they are.
pub fn words(watched: &Watched, components: &BTreeSet<Component>, asked: &str) -> Option<String> {
    let mut running: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for component in components {
        let records = layout::names(watched, *component).map(|name| watched.deployment(&name));
        for record in records.into_iter().flatten().filter(|record| theirs(record)) {
            running.entry(&record.image).or_default().insert(component.name());
        }
    }
    if !running.contains_key(asked) || running.len() < 2 {
        return None;
    }
    let listed = |all: &BTreeSet<&str>| all.iter().copied().collect::<Vec<_>>().join(", ");
    let parts: Vec<String> =
        running.iter().map(|(image, all)| format!("{} run {image}", listed(all))).collect();
    let before: Vec<&str> = running.keys().copied().filter(|image| *image != asked).collect();
    Some(format!(
        "Another operator has begun it: {}. All of them are left as they are. To go back, set spec.components.image to {}; to go \
         on, do what is said above, or let that operator finish it.",
        parts.join("; "),
        before.join(" or ")
    ))
}

/// It has pods, and its template is none of ours.
fn theirs(record: &DeploymentRecord) -> bool {
    record.has_pods() && record.rendered_hash.is_none()
}
