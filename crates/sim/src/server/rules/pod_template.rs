//! Defaults of pods and of their templates.

use serde_json::{Value, json};

use super::{default, each};

/// Permissions of files of a volume, in decimal: 0644.
const FILE_MODE: i64 = 420;

/// Fills in the defaults of a pod's spec.
pub(super) fn fill(spec: &mut Value) {
    default(spec, "restartPolicy", "Always");
    default(spec, "dnsPolicy", "ClusterFirst");
    default(spec, "schedulerName", "default-scheduler");
    default(spec, "terminationGracePeriodSeconds", 30);
    default(spec, "securityContext", json!({}));
    if let Some(name) = spec.get("serviceAccountName").or(spec.get("serviceAccount")).cloned() {
        spec["serviceAccountName"] = name.clone();
        spec["serviceAccount"] = name;
    }
    for list in ["initContainers", "containers"] {
        each(spec, list).for_each(container);
    }
    each(spec, "volumes").for_each(volume);
}

fn container(container: &mut Value) {
    let image = container["image"].as_str().unwrap_or_default().to_owned();
    default(container, "terminationMessagePath", "/dev/termination-log");
    default(container, "terminationMessagePolicy", "File");
    default(container, "imagePullPolicy", if moves(&image) { "Always" } else { "IfNotPresent" });
    each(container, "ports").for_each(|port| default(port, "protocol", "TCP"));
    for variable in each(container, "env") {
        if let Some(field) = variable.pointer_mut("/valueFrom/fieldRef") {
            default(field, "apiVersion", "v1");
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe) {
            for (field, value) in [
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ] {
                default(probe, field, value);
            }
            handler(probe);
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(hook) = container.pointer_mut(&format!("/lifecycle/{hook}")) {
            handler(hook);
        }
    }
}

fn handler(handler: &mut Value) {
    if let Some(get) = handler.get_mut("httpGet") {
        default(get, "path", "/");
        default(get, "scheme", "HTTP");
    }
    if let Some(grpc) = handler.get_mut("grpc") {
        default(grpc, "service", "");
    }
}

/// Whether an image may be another one tomorrow: its tag is `latest`, or it has none and no digest.
fn moves(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

fn volume(volume: &mut Value) {
    if volume.as_object().is_some_and(|fields| fields.len() == 1) {
        volume["emptyDir"] = json!({});
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.get_mut(source) {
            default(source, "defaultMode", FILE_MODE);
        }
    }
    if let Some(path) = volume.get_mut("hostPath") {
        default(path, "type", "");
    }
    let projected = volume.get_mut("projected").map(|projected| each(projected, "sources"));
    for source in projected.into_iter().flatten() {
        if let Some(token) = source.get_mut("serviceAccountToken") {
            default(token, "expirationSeconds", 3600);
        }
        if let Some(api) = source.get_mut("downwardAPI") {
            api_items(api);
        }
    }
    if let Some(api) = volume.get_mut("downwardAPI") {
        api_items(api);
    }
}

fn api_items(api: &mut Value) {
    for item in each(api, "items") {
        if let Some(field) = item.get_mut("fieldRef") {
            default(field, "apiVersion", "v1");
        }
    }
}
