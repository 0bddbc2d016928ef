//! What the server gives to a Service.

use serde_json::{Value, json};

use super::{default, each};

/// Gives addresses and ports to a Service that has none; `old` is the Service before, if there was one.
/// `number` makes them different.
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
    leave_type(before, spec);
    let takes_ports =
        kind == "NodePort" || (kind == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] != false);
    if !takes_ports {
        return;
    }
    let known = before.and_then(|spec| spec["ports"].as_array()).cloned().unwrap_or_default();
    for port in each(spec, "ports") {
        let same = |known: &&Value| known["port"] == port["port"] && known["protocol"] == port["protocol"];
        if let Some(given) = known.iter().find(same).and_then(|known| known.get("nodePort")) {
            default(port, "nodePort", given.clone());
        }
    }
    let mut used: Vec<Value> = each(spec, "ports").filter_map(|port| port.get("nodePort").cloned()).collect();
    let mut fresh = (0..).map(|next| json!(30000 + (number * 8 + next) % 2767));
    for port in each(spec, "ports").filter(|port| port.get("nodePort").is_none()) {
        let free = fresh.find(|port| !used.contains(port)).unwrap_or_default();
        used.push(free.clone());
        port["nodePort"] = free;
    }
}

/// Takes away what only the type of before needs, and what nobody has changed with the type.
fn leave_type(before: Option<&Value>, spec: &mut Value) {
    let outside = |spec: &Value| matches!(spec["type"].as_str(), Some("NodePort" | "LoadBalancer"));
    let Some(before) = before.filter(|before| outside(before)) else { return };
    let drop = |spec: &mut Value, field: &str| {
        if spec.get(field) == before.get(field) {
            _ = spec.as_object_mut().map(|fields| fields.remove(field));
        }
    };
    if before["type"] == "LoadBalancer" && spec["type"] != "LoadBalancer" {
        drop(spec, "allocateLoadBalancerNodePorts");
    }
    if outside(spec) {
        return;
    }
    drop(spec, "externalTrafficPolicy");
    let numbers = |spec: &Value| -> Vec<Value> {
        let ports = spec["ports"].as_array().into_iter().flatten();
        ports.filter_map(|port| port.get("nodePort").cloned()).collect()
    };
    let (old, new) = (numbers(before), numbers(spec));
    if new.iter().all(|port| old.contains(port)) {
        each(spec, "ports").for_each(|port| _ = port.as_object_mut().map(|fields| fields.remove("nodePort")));
    }
}
