//! What is kept of a PodDisruptionBudget, also of one that is not ours.

use std::collections::BTreeMap;

use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use super::metadata::MetaRecord;

/// A PodDisruptionBudget as the pass sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetRecord {
    /// Its metadata.
    pub meta: MetaRecord,
    /// The pods that it is for; `None` selects none.
    pub selector: Option<LabelSelector>,
}

impl BudgetRecord {
    /// Keeps what the pass needs of a live budget.
    pub fn of(object: &PodDisruptionBudget) -> BudgetRecord {
        BudgetRecord {
            meta: MetaRecord::of(&object.metadata),
            selector: object.spec.as_ref().and_then(|spec| spec.selector.clone()),
        }
    }

    /// Whether it is for a pod with these labels. An empty selector is for every pod of the namespace.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        let Some(selector) = &self.selector else { return false };
        let equal = |(key, value): (&String, &String)| labels.get(key) == Some(value);
        selector.match_labels.iter().flatten().all(equal)
            && selector.match_expressions.iter().flatten().all(|requirement| holds(requirement, labels))
    }
}

/// An operator that is not known selects nothing: the API server takes none.
fn holds(requirement: &LabelSelectorRequirement, labels: &BTreeMap<String, String>) -> bool {
    let value = labels.get(&requirement.key);
    let listed = || value.is_some_and(|value| requirement.values.iter().flatten().any(|one| one == value));
    match requirement.operator.as_str() {
        "In" => listed(),
        "NotIn" => !listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selects(selector: &serde_json::Value) -> bool {
        let budget = json!({"metadata": {"name": "b"}, "spec": {"selector": selector}});
        let record = BudgetRecord::of(&serde_json::from_value(budget).unwrap());
        record.selects(&[("app".to_owned(), "a".to_owned())].into())
    }

    #[test]
    fn a_selector_is_read_as_kubernetes_reads_it() {
        assert!(selects(&json!({})), "an empty one selects everything");
        assert!(!selects(&json!(null)), "none selects nothing");
        assert!(selects(&json!({"matchLabels": {"app": "a"}})));
        assert!(!selects(&json!({"matchLabels": {"app": "b"}})));
        let by = |operator: &str, key: &str, values: &[&str]| {
            selects(&json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]}))
        };
        assert!(by("In", "app", &["a", "b"]) && !by("In", "other", &["a"]));
        assert!(by("NotIn", "app", &["b"]) && by("NotIn", "other", &["a"]));
        assert!(by("Exists", "app", &[]) && !by("Exists", "other", &[]));
        assert!(by("DoesNotExist", "other", &[]) && !by("DoesNotExist", "app", &[]));
    }
}
