//! What the server gives to a Service.

use serde_json::{Value, json};

use super::{default, each};

/// Gives addresses and ports to a Service that has none; `old` is the Service before, if there was one. `number` makes
/// them different.
pub(in super::super) fn service(old: Option<&Value>, new: &mut Value, number: u64) {
    let spec = &mut new["spec"];
    let kind = spec["type"].as_str().unwrap_or_default().to_owned();
    if kind == "ExternalName" {
        return;
    }
    let before = old.map(|old| &old["spec"]).filter(|spec| spec["type"] != "ExternalName");
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if let Some(value) = before.and_then(|spec| spec.get(field)) {
            default(spec, field, value.clone());
        }
    }
    default(spec, "clusterIP", format!("10.96.{}.{}", number / 250 % 250, number % 250 + 1));
    let address = spec["clusterIP"].clone();
    default(spec, "clusterIPs", json!([address]));
    default(spec, "ipFamilies", json!(["IPv4"]));
    default(spec, "ipFamilyPolicy", "SingleStack");
    let takes_ports =
        kind == "NodePort" || (kind == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] != false);
    if !takes_ports {
        return;
    }
    let known = before.and_then(|spec| spec["ports"].as_array()).cloned().unwrap_or_default();
    for (index, port) in each(spec, "ports").enumerate() {
        let same = |known: &&Value| known["port"] == port["port"] && known["protocol"] == port["protocol"];
        let given = known.iter().find(same).and_then(|known| known.get("nodePort")).cloned();
        let fresh = json!(30000 + (number * 8 + index as u64) % 2767);
        default(port, "nodePort", given.unwrap_or(fresh));
    }
}
