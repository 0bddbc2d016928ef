//! Environment of the Milvus container.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, ResourceFieldSelector, SecretKeySelector};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::spec::dependencies::Queue;
use crate::spec::{ComponentSettings, Spec};

/// Secret keys of the storage credentials, each with the variables that Milvus reads (2.1 the short, 2.2+ the long).
const STORAGE: [(&str, [&str; 2]); 2] = [
    ("accesskey", ["MINIO_ACCESS_KEY", "MINIO_ACCESS_KEY_ID"]),
    ("secretkey", ["MINIO_SECRET_KEY", "MINIO_SECRET_ACCESS_KEY"]),
];

/// Secret keys of the Kafka credentials and their variables.
const KAFKA: [(&str, &str); 2] = [("password", "KAFKA_SASLPASSWORD"), ("username", "KAFKA_SASLUSERNAME")];

/// Name of the variable that undoes Kubernetes' service link of a Service named `minio`.
const MINIO_PORT: &str = "MINIO_PORT";

/// The variables in upstream's order, without `MINIO_PORT`; a variable that the user sets is not set again.
pub fn of(spec: &Spec, component: &ComponentSettings) -> Vec<EnvVar> {
    let mut env = component.env.clone();
    env.push(cache_size());
    if let Some(secret) = &spec.dependencies.storage.secret {
        for (key, names) in STORAGE {
            env.extend(names.iter().map(|name| from_secret(name, secret, key)));
        }
    }
    if let Queue::Kafka { secret: Some(secret), .. } = &spec.dependencies.queue {
        env.extend(KAFKA.iter().map(|(key, name)| from_secret(name, secret, key)));
    }
    user_wins(env, component)
}

/// What undoes Kubernetes' service link of a Service named `minio`: Kubernetes injects `MINIO_PORT=tcp://…`,
/// which Milvus would take for `minio.port`. None where the user sets the variable.
pub fn minio_port(spec: &Spec, component: &ComponentSettings) -> Option<EnvVar> {
    let port = || value(MINIO_PORT, &spec.dependencies.storage.port.to_string());
    component.env.iter().all(|var| var.name != MINIO_PORT).then(port)
}

/// Keeps the user's value where the operator has one of the same name.
fn user_wins(env: Vec<EnvVar>, component: &ComponentSettings) -> Vec<EnvVar> {
    let users: BTreeSet<&str> = component.env.iter().map(|v| v.name.as_str()).collect();
    let mut seen = BTreeSet::new();
    env.into_iter()
        .filter(|var| {
            let is_users = component.env.contains(var);
            (is_users || !users.contains(var.name.as_str())) && seen.insert(var.name.clone())
        })
        .collect()
}

fn value(name: &str, value: &str) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value.to_owned()), ..EnvVar::default() }
}

fn from_secret(name: &str, secret: &str, key: &str) -> EnvVar {
    let selector =
        SecretKeySelector { name: secret.to_owned(), key: key.to_owned(), ..SecretKeySelector::default() };
    EnvVar {
        name: name.to_owned(),
        value_from: Some(EnvVarSource { secret_key_ref: Some(selector), ..EnvVarSource::default() }),
        ..EnvVar::default()
    }
}

/// Query nodes size their cache by the container's memory limit, in GiB.
fn cache_size() -> EnvVar {
    let selector = ResourceFieldSelector {
        resource: "limits.memory".to_owned(),
        divisor: Some(Quantity("1Gi".to_owned())),
        // Upstream names no container (its own is meant), and one more field would restart every pod that is taken over.
        container_name: None,
    };
    EnvVar {
        name: "CACHE_SIZE".to_owned(),
        value_from: Some(EnvVarSource { resource_field_ref: Some(selector), ..EnvVarSource::default() }),
        ..EnvVar::default()
    }
}
