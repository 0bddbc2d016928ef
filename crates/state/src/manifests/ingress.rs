//! The Ingress in front of the Service.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend,
    IngressSpec, IngressTLS, ServiceBackendPort,
};
use milvus_api::names;
use snafu::ResultExt as _;

use super::error::{Error, NameSnafu};
use super::metadata::{self, hashed};
use super::object::Manifest;
use crate::kinds::Kind;
use crate::spec::Spec;

/// The Ingress in front of the Service, on the port that the Service has; `None` where none is asked for.
///
/// # Errors
/// Only bugs: what can't be named or rendered.
pub fn ingress(spec: &Spec) -> Result<Option<Manifest>, Error> {
    let Some(service) = spec.entry().and_then(|e| e.service.as_ref()) else { return Ok(None) };
    let Some(given) = &service.ingress else { return Ok(None) };
    let name = names::ingress(&spec.name).context(NameSnafu)?;
    let backend = IngressServiceBackend {
        name: names::service(&spec.name).context(NameSnafu)?,
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
    let rules_and_tls = IngressSpec {
        ingress_class_name: given.ingress_class_name.clone().filter(|class| !class.is_empty()),
        rules: Some(rules),
        tls: (!tls.is_empty()).then_some(tls),
        ..IngressSpec::default()
    };
    let mut labels = given.labels.clone();
    labels.extend(metadata::app_labels(&spec.name));
    let mut metadata = metadata::object(spec, name.clone(), labels);
    metadata.annotations =
        Some(hashed(given.annotations.clone(), &(&metadata.labels, &given.annotations, &rules_and_tls))?);
    let object = Ingress { metadata, spec: Some(rules_and_tls), status: None };
    Manifest::of(Kind::Ingress, &name, &object).map(Some)
}
