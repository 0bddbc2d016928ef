//! What the API server does with the fields of a pod template: which lists have keys, what is replaced as a whole,
//! and what it adds or leaves out by itself.

use serde_json::{Value, json};

/// A list whose items have a key: each is merged by itself, and order means nothing to Kubernetes unless it is said.
pub struct List {
    keys: &'static [&'static str],
    /// The items run one after the other.
    pub runs_in_order: bool,
}

impl List {
    /// What an item is known by.
    pub fn key(&self, item: &Value) -> Vec<Value> {
        let part = |key: &&str| match (*key, item.get(key)) {
            ("protocol", None | Some(Value::Null)) => json!("TCP"),
            (_, found) => found.cloned().unwrap_or_default(),
        };
        self.keys.iter().map(part).collect()
    }
}

/// The keys of a list, by the name of the field; `None` for one that is replaced as a whole.
pub fn list(field: &str) -> Option<List> {
    let keys: &[&str] = match field {
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" | "claims"
        | "resourceClaims" => &["name"],
        "ports" => &["containerPort", "protocol"],
        "volumeMounts" => &["mountPath"],
        "volumeDevices" => &["devicePath"],
        "topologySpreadConstraints" => &["topologyKey", "whenUnsatisfiable"],
        "hostAliases" => &["ip"],
        _ => return None,
    };
    Some(List { keys, runs_in_order: field == "initContainers" })
}

/// A list that is replaced as a whole and whose order means nothing.
pub fn is_set(field: &str) -> bool {
    field == "tolerations"
}

/// An object that is replaced as a whole, so that a member of the live one would go.
pub fn is_whole(field: &str) -> bool {
    matches!(
        field,
        "nodeSelector"
            | "labelSelector"
            | "selector"
            | "requiredDuringSchedulingIgnoredDuringExecution"
            | "fieldRef"
            | "resourceFieldRef"
            | "secretKeyRef"
            | "configMapKeyRef"
    )
}

/// A map with keys of users' own, which name no fields.
pub fn is_plain_map(field: &str) -> bool {
    matches!(field, "labels" | "annotations" | "matchLabels" | "nodeSelector")
}

/// A value that stands for a number with a unit: `500m` is `0.5`.
pub fn is_quantity(field: &str) -> bool {
    matches!(field, "divisor" | "sizeLimit")
}

/// A map of such values.
pub fn has_quantities(field: &str) -> bool {
    matches!(field, "limits" | "requests")
}

/// A value that is stored as if it had not been given.
pub fn is_nothing(field: &str, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => {
            const MAY_BE_EMPTY: [&str; 10] = [
                "affinity",
                "annotations",
                "labels",
                "limits",
                "matchLabels",
                "metadata",
                "nodeSelector",
                "requests",
                "resources",
                "securityContext",
            ];
            MAY_BE_EMPTY.contains(&field)
                && members.iter().all(|(key, value)| !is_plain_map(field) && is_nothing(key, value))
        }
        Value::Bool(given) => {
            const FALSE_IS_LEFT_OUT: [&str; 7] =
                ["readOnly", "hostNetwork", "hostPID", "hostIPC", "stdin", "stdinOnce", "tty"];
            !given && FALSE_IS_LEFT_OUT.contains(&field)
        }
        Value::Number(number) => {
            number.as_i64() == Some(0) && matches!(field, "hostPort" | "initialDelaySeconds")
        }
    }
}

/// A value that the API server fills in, inside what is replaced as a whole.
pub fn is_default(field: &str, value: &Value) -> bool {
    let default = match field {
        "apiVersion" => json!("v1"),
        "operator" => json!("Equal"),
        "expirationSeconds" => json!(3600),
        "defaultMode" => json!(420),
        "divisor" => json!("0"),
        _ => return is_nothing(field, value),
    };
    *value == default || is_nothing(field, value)
}
