//! Where Milvus listens for clients, and where Service and pods say that it does.

use milvus_api::{ComponentName, Components};
use milvus_plan::Mode;

use super::config::Config;
use super::model::Spec;
use super::settings::ServiceSettings;
use crate::refusal::Refusal;

/// Where Milvus listens unless it is told otherwise.
pub const DEFAULT: i32 = 19530;
/// Where Milvus shows its metrics and its health.
const METRICS: i32 = 9091;
/// The key of the port in the configuration, in a standalone too.
pub const KEY: &str = "proxy.port";
const REST: &str = "proxy.http.port";

/// The component behind the Service, by its field below `spec.components`.
fn entry(mode: Mode) -> (ComponentName, &'static str) {
    match mode {
        Mode::Cluster => (ComponentName::Proxy, "proxy"),
        Mode::Standalone => (ComponentName::Standalone, "standalone"),
    }
}

/// Ports that contradict each other.
pub(super) fn refusals(common: &Components, mode: Mode, config: &Config<'_>) -> Vec<Refusal> {
    let (name, field) = entry(mode);
    let Some(service) = common.service(name) else { return Vec::new() };
    let given = service.port.filter(|port| *port != 0);
    let restful = service.service_restful_port.filter(|port| *port != 0);
    let mut found = Vec::new();
    let mut refuse = |field: &str, why: String, fix: &str| found.push(Refusal::invalid(field, why, fix));
    let place = format!("spec.components.{field}.port");
    if let (Some(port), Some(configured)) = (given, config.get(KEY))
        && configured.text() != port.to_string()
    {
        let why = format!(
            "Service and pods name {port}, and Milvus listens on {} ({})",
            configured.text(),
            config.path(KEY)
        );
        refuse(&place, why, "Make them equal, or leave the second out.");
    }
    let taken = |port: i32| format!("{port} is the port of the metrics");
    if given == Some(METRICS) {
        refuse(&place, taken(METRICS), "Take another one.");
    }
    let rest = format!("spec.components.{field}.serviceRestfulPort");
    if restful == Some(METRICS) {
        refuse(&rest, taken(METRICS), "Take another one.");
    }
    if restful == Some(given.unwrap_or(DEFAULT)) {
        refuse(&rest, "the port for clients has this number already".to_owned(), "Take another one.");
    }
    found
}

/// The port that the operator writes into the configuration: one that only the component has.
pub fn written(spec: &Spec) -> Option<i32> {
    let port = spec.entry()?.service.as_ref()?.port;
    (port != DEFAULT && Config::of(&spec.config).get(KEY).is_none()).then_some(port)
}

/// Ports at which Milvus listens and to which nothing leads, or the reverse.
pub(super) fn warnings(spec: &Spec) -> Vec<String> {
    let config = Config::of(&spec.config);
    let Some(ServiceSettings { port, restful_port, .. }) = spec.entry().and_then(|e| e.service.as_ref())
    else {
        return Vec::new();
    };
    let (_, field) = entry(spec.topology.mode);
    let mut found = Vec::new();
    if let Some(configured) = config.get(KEY).filter(|entry| entry.text() != port.to_string()) {
        found.push(format!(
            "spec.config.{}: Milvus listens on {}, and Service and pods name {port}; set spec.components.{field}.port to the same",
            configured.path,
            configured.text()
        ));
    }
    let rest = format!("spec.components.{field}.serviceRestfulPort");
    match (config.get(REST), restful_port) {
        (Some(configured), None) if configured.text() != port.to_string() => found.push(format!(
            "spec.config.{}: no port of pods and Service leads to {}; set {rest} to the same",
            configured.path,
            configured.text()
        )),
        (Some(configured), Some(restful)) if configured.text() != restful.to_string() => found.push(format!(
            "{rest}: Milvus answers REST on {} (spec.config.{}), and nothing listens on {restful}; make them equal",
            configured.text(),
            configured.path
        )),
        (None, Some(restful)) => found.push(format!(
            "{rest}: Milvus answers REST on its port for clients, and nothing listens on {restful}; set spec.config.{REST} to the same"
        )),
        _ => {}
    }
    found
}
