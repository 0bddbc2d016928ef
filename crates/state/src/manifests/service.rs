//! The one Service of a Milvus: `<cr>-milvus`, in front of the proxies or the standalone.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, ContainerPort, Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use milvus_api::{keys, names};
use snafu::ResultExt as _;

use super::error::{Error, NameSnafu};
use super::metadata;
use super::probes::METRICS_PORT;
use crate::hash;
use crate::records::ServiceRecord;
use crate::spec::{ComponentSettings, Spec, TargetPort};

/// Characters of a sidecar's name in the name of a port, which may have 63 with the number.
const LONGEST_BASE: usize = 57;

/// The Service; `None` when no component takes requests (never the case in a valid spec).
pub fn service(spec: &Spec) -> Result<Option<Service>, Error> {
    let Some(component) = spec.entry() else { return Ok(None) };
    let Some(settings) = &component.service else { return Ok(None) };
    let mut labels = settings.labels.clone();
    labels.extend(metadata::app_labels(&spec.name));
    let name = names::service(&spec.name).context(NameSnafu)?;
    let mut metadata = metadata::object(spec, name, labels);
    let mut selector = metadata::app_labels(&spec.name);
    selector.insert(keys::SERVICE.to_owned(), "true".to_owned());
    let spec = ServiceSpec {
        type_: Some(settings.type_.clone()),
        selector: Some(selector),
        ports: Some(ports(spec, component)),
        ..ServiceSpec::default()
    };
    let mut annotations = settings.annotations.clone();
    let hash =
        hash::of_json(&(&metadata.labels, &annotations, &spec)).map_err(|source| Error::Hash { source })?;
    annotations.insert(keys::RENDERED_HASH.to_owned(), hash);
    metadata.annotations = Some(annotations);
    Ok(Some(Service { metadata, spec: Some(spec), ..Service::default() }))
}

fn ports(spec: &Spec, component: &ComponentSettings) -> Vec<ServicePort> {
    let port = |name: &str, number: i32| ServicePort {
        name: Some(name.to_owned()),
        port: number,
        protocol: Some("TCP".to_owned()),
        target_port: Some(match spec.target_port {
            TargetPort::Name => IntOrString::String(name.to_owned()),
            TargetPort::Number => IntOrString::Int(number),
        }),
        ..ServicePort::default()
    };
    let settings = component.service.as_ref();
    let mut ports: Vec<ServicePort> = settings.map(|s| port("milvus", s.port)).into_iter().collect();
    ports.push(port("metrics", METRICS_PORT));
    let restful = settings.and_then(|s| s.restful_port).map(|number| port("restful", number));
    for wanted in component.sidecars.iter().flat_map(sidecar_ports) {
        // Of two ports of one name or number a Service would be refused: Milvus' own come first.
        let mut others = ports.iter().chain(&restful);
        let taken =
            others.any(|p| p.name == wanted.name || (p.port == wanted.port && p.protocol == wanted.protocol));
        ports.extend((!taken).then_some(wanted));
    }
    ports.extend(restful);
    ports
}

/// The ports of a container as ports of the Service. There they need names.
fn sidecar_ports(sidecar: &Container) -> Vec<ServicePort> {
    let named = |exposed: &ContainerPort| {
        let given = exposed.name.clone().filter(|name| !name.is_empty());
        given.unwrap_or_else(|| {
            let base: String = sidecar.name.chars().take(LONGEST_BASE).collect();
            format!("{base}-{}", exposed.container_port)
        })
    };
    let port = |exposed: &ContainerPort| ServicePort {
        name: Some(named(exposed)),
        port: exposed.container_port,
        protocol: exposed.protocol.clone().or_else(|| Some("TCP".to_owned())),
        target_port: Some(IntOrString::Int(exposed.container_port)),
        ..ServicePort::default()
    };
    sidecar.ports.iter().flatten().map(port).collect()
}

/// The live Service has everything that was rendered, and nothing that was rendered earlier is left.
pub fn in_sync(live: &ServiceRecord, wanted: &Service) -> bool {
    let empty = BTreeMap::new();
    let contains = |have: &BTreeMap<String, String>, want: Option<&BTreeMap<String, String>>| {
        want.unwrap_or(&empty).iter().all(|(key, value)| have.get(key) == Some(value))
    };
    let Some(spec) = &wanted.spec else { return false };
    let annotations = wanted.metadata.annotations.as_ref();
    live.rendered_hash.as_ref() == annotations.and_then(|a| a.get(keys::RENDERED_HASH))
        && spec.type_.as_ref() == Some(&live.type_)
        && spec.selector.as_ref() == Some(&live.selector)
        && contains(&live.labels, wanted.metadata.labels.as_ref())
        && contains(&live.annotations, annotations)
        && spec.ports.iter().flatten().all(|port| live.ports.contains(port))
}
