//! How many pods a Deployment may have while it rolls.

use serde_json::Value;

/// The numbers of a Deployment's spec, percentages resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Pods that are asked for.
    pub replicas: i64,
    /// Old pods end before new ones start.
    pub recreate: bool,
    /// Pods that there may be too many.
    pub surge: i64,
    /// Pods that may be missing.
    pub unavailable: i64,
}

impl Bounds {
    /// Those of a Deployment. Both default to 25 %; the surge is rounded up, what may be missing down, and if
    /// both come to 0, one may be missing.
    pub fn of(deployment: &Value) -> Bounds {
        let spec = &deployment["spec"];
        let replicas = spec["replicas"].as_i64().unwrap_or(1);
        let recreate = spec["strategy"]["type"] == "Recreate";
        let rolling = &spec["strategy"]["rollingUpdate"];
        let surge = resolve(&rolling["maxSurge"], replicas, true);
        let mut unavailable = resolve(&rolling["maxUnavailable"], replicas, false);
        if surge == 0 && unavailable == 0 {
            unavailable = 1;
        }
        if recreate {
            return Bounds { replicas, recreate, surge: 0, unavailable: 0 };
        }
        Bounds { replicas, recreate, surge, unavailable: unavailable.min(replicas) }
    }

    /// As many pods as there may be at once.
    pub fn maximum(&self) -> i64 {
        self.replicas + self.surge
    }

    /// As many pods as must be available.
    pub fn minimum(&self) -> i64 {
        self.replicas - self.unavailable
    }
}

fn resolve(value: &Value, replicas: i64, up: bool) -> i64 {
    let percent = match value {
        Value::Number(number) => return number.as_i64().unwrap_or_default(),
        Value::String(text) => text.trim_end_matches('%').parse().unwrap_or_default(),
        _ => 25,
    };
    let hundredfold = replicas * percent;
    if up { (hundredfold + 99) / 100 } else { hundredfold / 100 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn percentages_are_rounded_for_and_against() {
        let of = |replicas: i64, surge: Value, unavailable: Value| {
            let rolling = json!({ "maxSurge": surge, "maxUnavailable": unavailable });
            let spec = json!({ "replicas": replicas, "strategy": { "type": "RollingUpdate", "rollingUpdate": rolling } });
            let bounds = Bounds::of(&json!({ "spec": spec }));
            (bounds.maximum(), bounds.minimum())
        };
        assert_eq!(of(3, json!("25%"), json!("25%")), (4, 3));
        assert_eq!(of(10, json!("25%"), json!("25%")), (13, 8));
        assert_eq!(of(4, json!(0), json!(0)), (4, 3), "one must be able to move");
        assert_eq!(of(2, json!(0), json!(5)), (2, 0));
        assert_eq!(of(3, Value::Null, Value::Null), (4, 3));
    }
}
