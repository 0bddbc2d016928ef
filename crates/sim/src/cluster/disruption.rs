//! The status of PodDisruptionBudgets.

use serde_json::{Value, json};

use super::look::Look;
use super::objects::{condition, holds, is_ending, namespace, selects, stamp};
use crate::server::{Failure, Kind};

const ACTOR: &str = "disruption-controller";

/// Looks at every budget.
pub(super) fn look(look: &mut Look<'_>) -> Result<(), Failure> {
    for (namespace, name) in look.names(Kind::PodDisruptionBudget) {
        let Some(budget) = look.store.get(Kind::PodDisruptionBudget, &namespace, &name) else { continue };
        let status = status(look, budget);
        let at = (namespace.as_str(), name.as_str());
        look.write_status(ACTOR, Kind::PodDisruptionBudget, at, status)?;
    }
    Ok(())
}

fn status(look: &Look<'_>, budget: &Value) -> Value {
    let spec = &budget["spec"];
    let pods = look.store.list_in(Kind::Pod, namespace(budget));
    let own: Vec<&Value> =
        pods.filter(|pod| selects(&spec["selector"], &pod["metadata"]["labels"])).collect();
    let expected = i64::try_from(own.len()).unwrap_or(i64::MAX);
    let healthy = own.iter().filter(|pod| holds(pod, "Ready") && !is_ending(pod)).count();
    let healthy = i64::try_from(healthy).unwrap_or(i64::MAX);
    let desired = match (spec.get("minAvailable"), spec.get("maxUnavailable")) {
        (Some(least), _) => share(least, expected),
        (None, Some(most)) => (expected - share(most, expected)).max(0),
        (None, None) => 1,
    };
    let allowed = (healthy - desired).max(0);
    let (said, reason) = if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    let before = condition(budget, "DisruptionAllowed").filter(|c| c["status"] == said);
    let since = before.map_or_else(|| stamp(look.now), |c| c["lastTransitionTime"].clone());
    json!({
        "observedGeneration": budget["metadata"]["generation"],
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "disruptionsAllowed": allowed,
        "expectedPods": expected,
        "conditions": [{
            "type": "DisruptionAllowed", "status": said, "reason": reason, "message": "",
            "lastTransitionTime": since, "observedGeneration": budget["metadata"]["generation"],
        }],
    })
}

/// A number, or a part of all, rounded up.
fn share(value: &Value, all: i64) -> i64 {
    let percent = value.as_str().and_then(|text| text.trim_end_matches('%').parse::<i64>().ok());
    percent.map_or_else(|| value.as_i64().unwrap_or_default(), |percent| (all * percent + 99) / 100)
}
