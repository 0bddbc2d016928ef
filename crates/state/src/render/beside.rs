//! The objects beside the workloads: volume claim, Ingress, PodMonitor. Each is there when the spec asks for it, and gone when it does not.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend,
    IngressSpec, IngressTLS, ServiceBackendPort,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use milvus_api::pod_monitor::{NamespaceSelector, PodMetricsEndpoint, RelabelConfig};
use milvus_api::{PodMonitor, PodMonitorSpec, keys, names};
use serde::Serialize;
use serde_json::{Value, json};
use snafu::ResultExt as _;

use super::objects::{BesideWrite, Kind, Removal, Removed};
use super::{Error, NameSnafu, meta};
use crate::hash;
use crate::records::{ClaimRecord, MetaRecord, MonitorKind};
use crate::snapshot::{Core, Snapshot};
use crate::validate::{ClaimSettings, DataVolume, MonitorSettings, Validated};

/// Fields of a claim's spec that may be changed while it exists.
const CHANGEABLE: [&str; 2] = ["resources", "volumeAttributesClassName"];

/// What differs from what exists.
pub fn writes(milvus: &Validated, snapshot: &Snapshot) -> Result<Vec<BesideWrite>, Error> {
    let core = &snapshot.core;
    let mut found = Vec::new();
    if let Some(DataVolume::Claim(settings)) = &milvus.data {
        let live = snapshot.claim.as_ref();
        let wanted = claim(milvus, settings)?;
        // What can't be changed is not sent: the API server would refuse it at every pass. It is said as a warning.
        let fixed = live.is_some_and(|live| unchangeable(live, settings).is_some());
        found.extend((!fixed && live.is_none_or(|live| !has(&live.meta, &wanted))).then_some(wanted));
    }
    if let Some(wanted) = ingress(milvus)? {
        let live = core.ingress.as_ref().map(|i| &i.meta);
        found.extend((!settled(core, live, &wanted)).then_some(wanted));
    }
    if let (Some(settings), MonitorKind::Present) = (&milvus.monitor, core.monitor_kind) {
        let wanted = pod_monitor(milvus, settings)?;
        found.extend((!settled(core, core.pod_monitor.as_ref(), &wanted)).then_some(wanted));
    }
    Ok(found)
}

/// What the spec no longer asks for. The volume claim is not among it: data is never deleted by an edit.
pub fn removals(milvus: &Validated, core: &Core) -> Vec<Removal> {
    let asks_ingress = milvus.entry().and_then(|e| e.service.as_ref()).is_some_and(|s| s.ingress.is_some());
    let ingress = core.ingress.as_ref().map(|i| &i.meta).filter(|_| !asks_ingress);
    let monitor = core.pod_monitor.as_ref().filter(|_| milvus.monitor.is_none());
    let ours = |live: &&MetaRecord| !live.deleting && live.owner_uid.as_deref() == Some(&milvus.uid);
    let removal = |kind, name: String, live: &MetaRecord| Removal {
        kind: Removed::Beside(kind),
        name,
        uid: live.uid.clone(),
    };
    let mut found = Vec::new();
    found.extend(ingress.filter(ours).map(|i| removal(Kind::Ingress, format!("{}-milvus", milvus.name), i)));
    found.extend(monitor.filter(ours).map(|m| removal(Kind::PodMonitor, milvus.name.clone(), m)));
    found
}

/// The field of an existing claim that the spec would change and that can't be changed.
pub fn unchangeable<'a>(live: &ClaimRecord, wanted: &'a ClaimSettings) -> Option<&'a str> {
    let changed = |(key, value): &(&'a String, &Value)| {
        !CHANGEABLE.contains(&key.as_str()) && !value.is_null() && live.spec.get(*key) != Some(*value)
    };
    wanted.spec.iter().find(changed).map(|(key, _)| key.as_str())
}

/// It is there with all that was rendered, and nobody has written its spec since.
fn settled(core: &Core, live: Option<&MetaRecord>, wanted: &BesideWrite) -> bool {
    let status = core.milvus.status.as_ref();
    let written = status.and_then(|s| s.applied_generations.get(&wanted.key()));
    live.is_some_and(|live| !live.deleting && has(live, wanted) && written == Some(&live.generation))
}

/// Its metadata is what was rendered.
fn has(live: &MetaRecord, wanted: &BesideWrite) -> bool {
    let contains = |have: &BTreeMap<String, String>, want: &Value| {
        want.as_object().into_iter().flatten().all(|(k, v)| have.get(k).map(String::as_str) == v.as_str())
    };
    let meta = &wanted.object["metadata"];
    contains(&live.annotations, &meta["annotations"]) && contains(&live.labels, &meta["labels"])
}

/// The claim has no owner, so that it outlives its Milvus, and upstream's labels: the user's.
fn claim(milvus: &Validated, settings: &ClaimSettings) -> Result<BesideWrite, Error> {
    let parts = (&settings.labels, &settings.annotations, &settings.spec);
    let annotations = hashed(settings.annotations.clone(), &parts)?;
    let object = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": settings.name, "namespace": milvus.namespace, "labels": settings.labels, "annotations": annotations,
        },
        "spec": settings.spec,
    });
    Ok(BesideWrite { kind: Kind::Claim, name: settings.name.clone(), object })
}

/// The Ingress in front of the Service, on the port that the Service has.
fn ingress(milvus: &Validated) -> Result<Option<BesideWrite>, Error> {
    let Some(service) = milvus.entry().and_then(|e| e.service.as_ref()) else { return Ok(None) };
    let Some(given) = &service.ingress else { return Ok(None) };
    let name = names::ingress(&milvus.name).context(NameSnafu)?;
    let backend = IngressServiceBackend {
        name: names::service(&milvus.name).context(NameSnafu)?,
        port: Some(ServiceBackendPort { number: Some(service.port), name: None }),
    };
    let path = HTTPIngressPath {
        path: Some("/".to_owned()),
        path_type: "Prefix".to_owned(),
        backend: IngressBackend { service: Some(backend), resource: None },
    };
    let rule = |host: Option<String>| IngressRule {
        host,
        http: Some(HTTPIngressRuleValue { paths: vec![path.clone()] }),
    };
    // An Ingress without rules is none; without hosts, it is for all of them.
    let rules = match given.hosts.is_empty() {
        true => vec![rule(None)],
        false => given.hosts.iter().cloned().map(Some).map(rule).collect(),
    };
    let tls = given.tls_secret_refs.iter().map(|(secret, hosts)| IngressTLS {
        secret_name: Some(secret.clone()),
        hosts: (!hosts.is_empty()).then(|| hosts.clone()),
    });
    let tls: Vec<IngressTLS> = tls.collect();
    let spec = IngressSpec {
        ingress_class_name: given.ingress_class_name.clone().filter(|class| !class.is_empty()),
        rules: Some(rules),
        tls: (!tls.is_empty()).then_some(tls),
        ..IngressSpec::default()
    };
    let mut labels = given.labels.clone();
    labels.extend(meta::app_labels(&milvus.name));
    let mut metadata = meta::object(milvus, name.clone(), labels);
    metadata.annotations =
        Some(hashed(given.annotations.clone(), &(&metadata.labels, &given.annotations, &spec))?);
    let object = Ingress { metadata, spec: Some(spec), status: None };
    let object = serde_json::to_value(&object).map_err(|source| Error::Hash { source })?;
    Ok(Some(BesideWrite { kind: Kind::Ingress, name, object }))
}

/// Upstream's PodMonitor. Its second endpoint, for an etcd in the cluster, is left out: it asks for a port of Milvus pods that they do not have.
fn pod_monitor(milvus: &Validated, settings: &MonitorSettings) -> Result<BesideWrite, Error> {
    let name = names::pod_monitor(&milvus.name).context(NameSnafu)?;
    let relabel = |(label, value): (&String, &String)| RelabelConfig {
        action: "replace".to_owned(),
        target_label: label.clone(),
        replacement: value.clone(),
    };
    let endpoint = PodMetricsEndpoint {
        port: "metrics".to_owned(),
        path: "/metrics".to_owned(),
        interval: settings.interval.clone(),
        honor_labels: true,
        metric_relabelings: settings.labels.iter().map(relabel).collect(),
    };
    let mut labels = meta::app_labels(&milvus.name);
    labels.remove(keys::MANAGED_BY);
    let target_labels = [keys::INSTANCE, keys::NAME, keys::COMPONENT, keys::DEPLOYMENT_GROUP];
    let spec = PodMonitorSpec {
        pod_metrics_endpoints: vec![endpoint],
        namespace_selector: NamespaceSelector { match_names: vec![milvus.namespace.clone()] },
        selector: LabelSelector { match_labels: Some(labels), match_expressions: None },
        pod_target_labels: target_labels.map(str::to_owned).to_vec(),
    };
    let mut metadata = meta::object(milvus, name.clone(), meta::app_labels(&milvus.name));
    metadata.annotations = Some(hashed(BTreeMap::new(), &spec)?);
    let object = PodMonitor { metadata, spec };
    let object = serde_json::to_value(&object).map_err(|source| Error::Hash { source })?;
    Ok(BesideWrite { kind: Kind::PodMonitor, name, object })
}

/// Annotations with the hash of what was rendered.
fn hashed(
    mut annotations: BTreeMap<String, String>,
    rendered: &impl Serialize,
) -> Result<BTreeMap<String, String>, Error> {
    let hash = hash::of_json(rendered).map_err(|source| Error::Hash { source })?;
    annotations.insert(keys::RENDERED_HASH.to_owned(), hash);
    Ok(annotations)
}
