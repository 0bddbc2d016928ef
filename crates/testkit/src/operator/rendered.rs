//! What a Deployment says about how the operator is to be run, translated for a process on this machine.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{Container, EnvVar, HTTPGetAction},
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use snafu::OptionExt;

use super::{CONTAINER, DeploymentSnafu, Error, NAME};
use crate::ports::Port;

/// The flags that name listening addresses, and their ports where the Deployment does not set them.
const HEALTH: (&str, i32) = ("--health-probe-bind-address", 8081);
const METRICS: (&str, i32) = ("--metrics-bind-address", 8080);

/// What the process needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) service_account: String,
    /// The arguments, with listening addresses of this machine.
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    /// Where the readiness probe finds it.
    pub(super) ready_url: String,
}

impl Rendered {
    /// Reads the Deployment; `health` and `metrics` are the ports to listen on.
    pub(super) fn read(deployment: &Deployment, health: &Port, metrics: &Port) -> Result<Self, Error> {
        let pod = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
        let pod = pod.context(DeploymentSnafu { problem: "it has no pod template" })?;
        let container = pod.containers.iter().find(|container| container.name == CONTAINER);
        let container =
            container.context(DeploymentSnafu { problem: format!("it has no container {CONTAINER}") })?;
        let account = pod.service_account_name.clone();
        let service_account = account.context(DeploymentSnafu { problem: "it names no ServiceAccount" })?;
        // Two operators on one machine are two pods; one that is started again is the same pod.
        let pod_name = format!("{NAME}-{}", health.number());
        let env = environment(container, &service_account, &pod_name)?;
        let command = container.command.iter().flatten().skip(1);
        let mut args: Vec<String> = command.chain(container.args.iter().flatten()).cloned().collect();
        expand(&mut args, &env);
        let health_before = listen_at(&mut args, HEALTH, health)?;
        let metrics_before = listen_at(&mut args, METRICS, metrics)?;
        let (probe, port) = readiness(container)?;
        let path = probe.path.clone().unwrap_or_else(|| "/".to_owned());
        let host = match port {
            port if port == health_before => health.http(),
            port if port == metrics_before => metrics.http(),
            port => {
                let problem =
                    format!("its readiness probe asks port {port}, where no listening address is set");
                return DeploymentSnafu { problem }.fail();
            }
        };
        Ok(Self { service_account, args, env, ready_url: format!("{host}{path}") })
    }
}

/// Replaces the address after `flag` by one of `port`, or adds it; the port that it was before.
fn listen_at(args: &mut Vec<String>, (flag, default): (&str, i32), port: &Port) -> Result<i32, Error> {
    let assigned = format!("{flag}=");
    let found = args.iter().position(|arg| arg == flag || arg.starts_with(&assigned));
    let Some(index) = found else {
        args.push(format!("{assigned}{}", port.address()));
        return Ok(default);
    };
    let before = if args[index] != flag {
        args[index][assigned.len()..].to_owned()
    } else if index + 1 < args.len() {
        args.remove(index + 1)
    } else {
        String::new()
    };
    args[index] = format!("{assigned}{}", port.address());
    let number = before.rsplit(':').next().and_then(|number| number.parse().ok());
    number.context(DeploymentSnafu { problem: format!("{flag} is {before:?}, which has no port") })
}

fn readiness(container: &Container) -> Result<(&HTTPGetAction, i32), Error> {
    let probe = container.readiness_probe.as_ref().and_then(|probe| probe.http_get.as_ref());
    let probe = probe.context(DeploymentSnafu { problem: "its readiness probe is no HTTP request" })?;
    let number = match &probe.port {
        IntOrString::Int(number) => *number,
        IntOrString::String(name) => {
            let named = container.ports.iter().flatten().find(|port| port.name.as_ref() == Some(name));
            let problem = format!("its readiness probe asks the port {name}, which it does not have");
            named.context(DeploymentSnafu { problem })?.container_port
        }
    };
    Ok((probe, number))
}

fn environment(
    container: &Container,
    service_account: &str,
    pod_name: &str,
) -> Result<BTreeMap<String, String>, Error> {
    container
        .env
        .iter()
        .flatten()
        .map(|variable| {
            value(variable, service_account, pod_name).map(|value| (variable.name.clone(), value))
        })
        .collect()
}

fn value(variable: &EnvVar, service_account: &str, pod_name: &str) -> Result<String, Error> {
    let Some(source) = &variable.value_from else { return Ok(variable.value.clone().unwrap_or_default()) };
    let field = source.field_ref.as_ref().map(|field| field.field_path.as_str());
    let value = match field {
        Some("metadata.namespace") => NAME.to_owned(),
        Some("metadata.name") => pod_name.to_owned(),
        Some("spec.serviceAccountName") => service_account.to_owned(),
        Some("status.podIP" | "status.hostIP") => "127.0.0.1".to_owned(),
        _ => {
            let problem = format!("the variable {} comes from where a process has nothing", variable.name);
            return DeploymentSnafu { problem }.fail();
        }
    };
    Ok(value)
}

/// Replaces `$(NAME)` in arguments, as the kubelet does.
fn expand(args: &mut [String], env: &BTreeMap<String, String>) {
    for (name, value) in env {
        for arg in args.iter_mut() {
            *arg = arg.replace(&format!("$({name})"), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn deployment(container: &Value) -> Deployment {
        let pod = json!({ "serviceAccountName": "account", "containers": [container] });
        let template = json!({ "template": { "spec": pod }, "selector": {} });
        serde_json::from_value(json!({ "metadata": {}, "spec": template })).unwrap()
    }

    fn container() -> Value {
        json!({
            "name": "manager",
            "command": ["/milvus-operator", "run"],
            "args": ["--metrics-bind-address", ":8080", "--health-probe-bind-address=:9999", "--in=$(NS)"],
            "env": [{ "name": "NS", "valueFrom": { "fieldRef": { "fieldPath": "metadata.namespace" } } }],
            "ports": [{ "name": "health", "containerPort": 9999 }],
            "readinessProbe": { "httpGet": { "path": "/readyz", "port": "health" } },
        })
    }

    #[test]
    fn the_process_gets_what_the_pod_would_but_listens_on_its_own_ports() {
        let (health, metrics) = (Port::free().unwrap(), Port::free().unwrap());
        let rendered = Rendered::read(&deployment(&container()), &health, &metrics).unwrap();
        let expected = [
            "run".to_owned(),
            format!("--metrics-bind-address={}", metrics.address()),
            format!("--health-probe-bind-address={}", health.address()),
            "--in=milvus-operator".to_owned(),
        ];
        assert_eq!(rendered.args, expected);
        assert_eq!(rendered.service_account, "account");
        assert_eq!(rendered.ready_url, format!("{}/readyz", health.http()));
    }

    #[test]
    fn a_probe_of_a_port_that_nothing_listens_on_is_refused() {
        let (health, metrics) = (Port::free().unwrap(), Port::free().unwrap());
        let mut container = container();
        container["readinessProbe"]["httpGet"]["port"] = json!(8082);
        let error = Rendered::read(&deployment(&container), &health, &metrics).unwrap_err();
        assert!(error.to_string().contains("asks port 8082, where no listening address is set"), "{error}");
    }

    #[test]
    fn a_variable_that_a_process_cannot_have_is_refused_by_name() {
        let (health, metrics) = (Port::free().unwrap(), Port::free().unwrap());
        let mut container = container();
        container["env"][0]["valueFrom"] = json!({ "secretKeyRef": { "name": "a", "key": "b" } });
        let error = Rendered::read(&deployment(&container), &health, &metrics).unwrap_err();
        assert!(error.to_string().contains("the variable NS"), "{error}");
    }
}
