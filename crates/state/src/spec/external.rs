//! Parses `spec.dependencies` with upstream's defaults: a dependency without `external` is the Helm release that upstream
//! would have installed, found at the addresses of its Services.

use milvus_api::{Milvus, MilvusSpec, StorageType};
use milvus_plan::{Mode, Version};
use serde_json::Value;

use super::config::Config;
use super::config_values::{Names, config_file, missing, tls_files};
use super::dependencies::{Dependencies, Etcd, EtcdAuth, Masked, PodFile, Storage, StorageKind, split_port};
use super::queues;
use crate::convert;
use crate::refusal::Refusal;

/// What Milvus' own configuration has for MinIO's keys.
const MILVUS_DEFAULT_KEY: &str = "minioadmin";

/// The provider whose client takes a URL.
const GCP_NATIVE: &str = "gcpnative";

/// Members of the in-cluster etcd release, unless its values say otherwise.
fn default_members(mode: Mode) -> u64 {
    match mode {
        Mode::Cluster => 3,
        Mode::Standalone => 1,
    }
}

/// Parses all dependencies; `None` when one of them is refused.
pub fn parse(
    milvus: &Milvus,
    config: &Config<'_>,
    version: &Version,
    refusals: &mut Vec<Refusal>,
) -> Option<Dependencies> {
    let before = refusals.len();
    let names =
        Names { name: milvus.metadata.name.as_deref()?, namespace: milvus.metadata.namespace.as_deref()? };
    let etcd = etcd(&milvus.spec, config, &names, refusals);
    let storage = storage(&milvus.spec, config, &names, refusals);
    let queue = queues::parse(milvus, config, &names, version, refusals);
    (refusals.len() == before).then_some(Dependencies { etcd, storage, queue })
}

/// `spec.dependencies.storage.endpoint` with the default of an in-cluster release.
pub fn storage_endpoint(milvus: &Milvus) -> String {
    let names = Names {
        name: milvus.metadata.name.as_deref().unwrap_or_default(),
        namespace: milvus.metadata.namespace.as_deref().unwrap_or_default(),
    };
    let given = milvus.spec.dependencies.as_ref().and_then(|d| d.storage.as_ref());
    match given {
        Some(storage) if storage.external => storage.endpoint.clone().unwrap_or_default(),
        _ => names.minio(),
    }
}

fn etcd(spec: &MilvusSpec, config: &Config<'_>, names: &Names<'_>, refusals: &mut Vec<Refusal>) -> Etcd {
    let given = spec.dependencies.as_ref().and_then(|d| d.etcd.clone()).unwrap_or_default();
    let auth = config.flag("etcd.auth.enabled").then(|| EtcdAuth {
        user: config.text("etcd.auth.userName").unwrap_or_default(),
        password: Masked(config.text("etcd.auth.password").unwrap_or_default()),
    });
    if given.external && given.endpoints.is_empty() {
        refusals.push(missing("etcd.endpoints", "an external etcd", "- etcd-0.example:2379"));
    }
    let endpoints =
        if given.endpoints.is_empty() { release_members(spec, &given, names) } else { given.endpoints };
    Etcd {
        endpoints,
        root_path: config.text("etcd.rootPath").unwrap_or_else(|| names.name.to_owned()),
        external: given.external,
        auth,
        tls: config.flag("etcd.ssl.enabled").then(|| tls_files(spec, config, "etcd", "tlsCACert")),
    }
}

/// Members of the Helm release that upstream would have installed.
fn release_members(spec: &MilvusSpec, given: &milvus_api::Etcd, names: &Names<'_>) -> Vec<String> {
    let values = given.in_cluster.as_ref().and_then(|c| c.values.as_ref());
    let count = values.and_then(|v| v.get_path(&["replicaCount"])).and_then(Value::as_u64);
    let members = count.unwrap_or_else(|| default_members(convert::mode(spec.mode)));
    let (name, namespace) = (names.name, names.namespace);
    (0..members).map(|i| format!("{name}-etcd-{i}.{name}-etcd-headless.{namespace}:2379")).collect()
}

/// Milvus dials a host and a port; its client refuses to start with more.
fn no_address(endpoint: &str) -> Option<Refusal> {
    let field = "spec.dependencies.storage.endpoint";
    let refused = |why: &str, fix: &str| Some(Refusal::invalid(field, why, fix));
    match endpoint.split_once("://") {
        Some(("https", _)) => refused(
            "Milvus takes host:port, without https://",
            "Leave it out, and set spec.config.minio.useSSL to true.",
        ),
        Some(_) => refused("Milvus takes host:port, without a scheme", "Leave it out."),
        None if endpoint.trim_end_matches('/').contains('/') => refused(
            "Milvus takes host:port, without a path",
            "Leave it out; the bucket is spec.config.minio.bucketName, a path in it spec.config.minio.rootPath.",
        ),
        None => None,
    }
}

fn storage(
    spec: &MilvusSpec,
    config: &Config<'_>,
    names: &Names<'_>,
    refusals: &mut Vec<Refusal>,
) -> Storage {
    let given = spec.dependencies.as_ref().and_then(|d| d.storage.clone()).unwrap_or_default();
    let tls = config.flag("minio.useSSL");
    let endpoint = given.endpoint.clone().filter(|e| !e.is_empty());
    if given.external && endpoint.is_none() {
        refusals.push(missing("storage.endpoint", "external object storage", "s3.example:9000"));
    }
    let provider = config.text("minio.cloudProvider").unwrap_or_default();
    // Azure's endpoint is part of a name, and Google's own client takes a URL.
    if given.external && given.type_ != StorageType::Azure && provider != GCP_NATIVE {
        refusals.extend(endpoint.as_deref().and_then(no_address));
    }
    let endpoint = match given.external {
        true => endpoint.unwrap_or_default(),
        false => names.minio(),
    };
    let (host, port) = split_port(&endpoint, if tls { 443 } else { 80 });
    let ssl = given.ssl.unwrap_or_default();
    let own_ca = ssl.ca_certificate_ref.filter(|name| ssl.enabled && !name.is_empty());
    let key =
        |name: &str| config.text(&format!("minio.{name}")).unwrap_or_else(|| MILVUS_DEFAULT_KEY.to_owned());
    let own_secret =
        given.in_cluster.as_ref().and_then(|c| c.values.as_ref()?.get_path(&["existingSecret"])?.as_str());
    let own_secret = own_secret.filter(|name| !name.is_empty()).map(str::to_owned);
    Storage {
        kind: match given.type_ {
            StorageType::MinIO | StorageType::Unset => StorageKind::MinIO,
            StorageType::S3 => StorageKind::S3,
            StorageType::Azure => StorageKind::Azure,
        },
        host: host.to_owned(),
        port,
        external: given.external,
        secret: match given.external {
            true => given.secret_ref.filter(|name| !name.is_empty()),
            false => own_secret.or_else(|| Some(format!("{}-minio", names.name))),
        },
        config_keys: (key("accessKeyID"), Masked(key("secretAccessKey"))),
        provider,
        bucket: config.text("minio.bucketName").unwrap_or_else(|| names.name.to_owned()),
        tls,
        iam: config.flag("minio.useIAM"),
        virtual_host: config.flag("minio.useVirtualHost"),
        region: config.text("minio.region"),
        ca: match own_ca {
            Some(name) => Some(PodFile::Secret { name, key: "ca.crt".to_owned() }),
            None => config_file(spec, config, "minio.ssl.tlsCACert").filter(|_| tls),
        },
        insecure: ssl.insecure_skip_verify,
    }
}
