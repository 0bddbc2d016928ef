//! From the parsed dependencies and their credentials to what is probed: as Milvus would connect, or, where the operator lacks what that takes,
//! as far as it can, with the words that say what is not checked.

use milvus_controller::credentials::Credentials;
use milvus_probe::etcd::{EtcdTarget, EtcdTransport, EtcdUser};
use milvus_probe::queue::{
    KafkaAccess, KafkaClient, KafkaSasl, KafkaTarget, PulsarAccess, PulsarClient, PulsarTarget, QueueTarget,
    SaslMechanism,
};
use milvus_probe::storage::{StorageAccess, StorageKeys, StorageKind, StorageTarget};
use milvus_probe::{ClientCertificate, Secret, Tls, Trust};
use milvus_state::ProbeView;
use milvus_state::spec::Spec;
use milvus_state::spec::dependencies::{self, KafkaSecurity, PodFile, PulsarLogin, Queue, TlsFiles};

/// The account that Milvus' own configuration has for MinIO: of Azure, none is known then.
const NO_ACCOUNT: &str = "minioadmin";

/// What etcd is asked with.
pub fn etcd(spec: &Spec, credentials: &Credentials) -> Result<EtcdTarget, ProbeView> {
    let etcd = &spec.dependencies.etcd;
    let user = etcd.auth.as_ref();
    let transport = match &etcd.tls {
        None => EtcdTransport::Plain,
        Some(files) => match unreadable(files).or_else(|| unnamed(files)) {
            Some(why) => EtcdTransport::DialOnly(dialled(&why)),
            None => EtcdTransport::Tls(tls(spec, credentials, files)?),
        },
    };
    Ok(EtcdTarget {
        endpoints: etcd.endpoints.clone(),
        user: user.map(|u| EtcdUser { name: u.user.clone(), password: Secret::new(u.password.0.clone()) }),
        transport,
    })
}

/// What is told of an address that accepts connections and is asked no more.
fn dialled(why: &str) -> String {
    format!("connections are accepted; TLS and log-in are not checked from the operator: {why}")
}

/// Files that the operator has no way to read.
fn unreadable(files: &TlsFiles) -> Option<String> {
    files.each().find_map(not_in_a_secret)
}

fn not_in_a_secret(file: &PodFile) -> Option<String> {
    match file {
        PodFile::Elsewhere { path } => {
            Some(format!("{path} does not come from a Secret in spec.components.volumes"))
        }
        PodFile::Secret { .. } => None,
    }
}

fn unnamed(files: &TlsFiles) -> Option<String> {
    files.each().next().is_none().then(|| "config.etcd.ssl names no files".to_owned())
}

/// TLS with files that all lie in Secrets.
fn tls(spec: &Spec, credentials: &Credentials, files: &TlsFiles) -> Result<Tls, ProbeView> {
    let read =
        |file: &Option<PodFile>| file.as_ref().map_or(Ok(None), |file| content(spec, credentials, file));
    let client = match (read(&files.certificate)?, read(&files.key)?) {
        (Some(certificate_pem), Some(key)) => {
            Some(ClientCertificate { certificate_pem, key_pem: Secret::new(key) })
        }
        _ => None,
    };
    Ok(Tls { trust: read(&files.ca)?.map_or(Trust::System, Trust::Ca), client })
}

fn content(spec: &Spec, credentials: &Credentials, file: &PodFile) -> Result<Option<String>, ProbeView> {
    match file {
        PodFile::Secret { name, key } => Ok(Some(credentials.text(spec, name, key)?.to_owned())),
        PodFile::Elsewhere { .. } => Ok(None),
    }
}

/// What the object storage is asked with.
pub fn storage(spec: &Spec, credentials: &Credentials) -> Result<StorageTarget, ProbeView> {
    let storage = &spec.dependencies.storage;
    let account = || match &storage.secret {
        Some(secret) => credentials.text(spec, secret, "accesskey").map(str::to_owned),
        None => Ok(Some(storage.config_keys.0.clone())
            .filter(|account| account != NO_ACCOUNT)
            .unwrap_or_default()),
    };
    let unreadable = storage.ca.as_ref().filter(|_| !storage.insecure).and_then(not_in_a_secret);
    let trust = match &storage.ca {
        _ if storage.insecure || unreadable.is_some() => Trust::Anything,
        Some(file) => content(spec, credentials, file)?.map_or(Trust::System, Trust::Ca),
        None => Trust::System,
    };
    Ok(StorageTarget {
        kind: match storage.kind {
            dependencies::StorageKind::MinIO | dependencies::StorageKind::S3 => StorageKind::S3,
            dependencies::StorageKind::Azure => StorageKind::Azure { account: account()? },
        },
        endpoint: format!("{}:{}", storage.host, storage.port),
        bucket: storage.bucket.clone(),
        access: match unreadable {
            Some(why) => StorageAccess::Stranger(format!(
                "the storage answers; certificate and keys are not checked from the operator: {why}"
            )),
            None => storage_access(spec, credentials)?,
        },
        use_ssl: storage.tls,
        trust,
        virtual_host: storage.virtual_host,
        region: storage.region.clone(),
    })
}

fn storage_access(spec: &Spec, credentials: &Credentials) -> Result<StorageAccess, ProbeView> {
    let storage = &spec.dependencies.storage;
    let stranger = |whose: &str| {
        StorageAccess::Stranger(format!(
            "the storage answers; bucket and rights are not checked from the operator: with {whose}"
        ))
    };
    if storage.iam {
        return Ok(stranger("config.minio.useIAM only the service account of the Milvus pods has them"));
    }
    if storage.provider == "gcpnative" {
        return Ok(stranger(
            "cloudProvider gcpnative Milvus has a client of its own, which the operator has not",
        ));
    }
    let (access_key, secret_key) = match &storage.secret {
        Some(secret) => {
            let text = |key| credentials.text(spec, secret, key).map(Secret::new);
            (text("accesskey")?, text("secretkey")?)
        }
        None => (Secret::new(&storage.config_keys.0), Secret::new(&storage.config_keys.1.0)),
    };
    Ok(StorageAccess::Keys(StorageKeys { access_key, secret_key }))
}

/// What the message queue is asked with; `None`: one that can't be asked, because it is inside Milvus or somebody else's.
pub fn queue(spec: &Spec, credentials: &Credentials) -> Result<Option<QueueTarget>, ProbeView> {
    Ok(match &spec.dependencies.queue {
        Queue::Pulsar { endpoint, login, tenant, namespace, .. } => Some(QueueTarget::Pulsar(PulsarTarget {
            endpoint: endpoint.clone(),
            access: pulsar(spec, credentials, login)?,
            tenant: tenant.clone(),
            namespace: namespace.clone(),
        })),
        Queue::Kafka { brokers, secret, security, .. } => Some(QueueTarget::Kafka(KafkaTarget {
            brokers: dependencies::each_broker(brokers),
            access: kafka(spec, credentials, secret.as_deref(), security)?,
        })),
        Queue::Woodpecker { pools: Some(pools) } => {
            let seeds = pools.iter().flat_map(|p| p.seeds.iter().cloned()).collect();
            Some(QueueTarget::Woodpecker(seeds))
        }
        Queue::Woodpecker { pools: None } | Queue::Rocksmq | Queue::Natsmq | Queue::Custom => None,
    })
}

fn pulsar(spec: &Spec, credentials: &Credentials, login: &PulsarLogin) -> Result<PulsarAccess, ProbeView> {
    let client = |token: Option<&str>| {
        PulsarAccess::Client(PulsarClient { token: token.map(Secret::new), tls: Tls::default() })
    };
    Ok(match login {
        PulsarLogin::Open => client(None),
        PulsarLogin::Token(token) => client(Some(&token.0)),
        PulsarLogin::TokenFile(PodFile::Secret { name, key }) => {
            client(Some(credentials.text(spec, name, key)?.trim()))
        }
        PulsarLogin::TokenFile(PodFile::Elsewhere { path }) => PulsarAccess::DialOnly(dialled(&format!(
            "{path} does not come from a Secret in spec.components.volumes"
        ))),
        PulsarLogin::Other { plugin } => PulsarAccess::DialOnly(dialled(&format!(
            "it has no client for authPlugin {plugin}, or authParams has no token for it"
        ))),
    })
}

/// The Secret's user counts more than the one in `config.kafka`, and so does its CA, as in the rendered configuration. Where no protocol is
/// set, the intention is read from what else is there: releases of Milvus differ in what they make of it.
fn kafka(
    spec: &Spec,
    credentials: &Credentials,
    secret: Option<&str>,
    security: &KafkaSecurity,
) -> Result<KafkaAccess, ProbeView> {
    let ca = secret.map_or(Ok(None), |secret| credentials.optional(spec, secret, "ca.pem"))?;
    let (encrypted, login) = match security.protocol.as_deref() {
        Some("PLAINTEXT") => (false, false),
        Some("SSL") => (true, false),
        Some("SASL_PLAINTEXT") => (false, true),
        Some("SASL_SSL") => (true, true),
        None => {
            let login = secret.is_some() || security.mechanism.is_some() || !security.user.is_empty();
            (security.tls || ca.is_some(), login)
        }
        Some(other) => {
            return Ok(KafkaAccess::DialOnly(dialled(&format!("securityProtocol {other} is not known"))));
        }
    };
    let mut files = if security.tls { security.files.clone() } else { TlsFiles::default() };
    files.ca = files.ca.filter(|_| ca.is_none());
    if let Some(why) = kafka_beyond_us(security, &files, encrypted, login) {
        return Ok(KafkaAccess::DialOnly(dialled(&why)));
    }
    let mut client = KafkaClient::default();
    if encrypted {
        let tls = tls(spec, credentials, &files)?;
        client.tls = Some(Tls { trust: ca.map_or(tls.trust, |pem| Trust::Ca(pem.to_owned())), ..tls });
    }
    if login {
        client.sasl = Some(kafka_login(spec, credentials, secret, security)?);
    }
    Ok(KafkaAccess::Client(client))
}

/// What the operator lacks to connect as Milvus does.
fn kafka_beyond_us(
    security: &KafkaSecurity,
    files: &TlsFiles,
    encrypted: bool,
    login: bool,
) -> Option<String> {
    if encrypted && let Some(why) = unreadable(files) {
        return Some(why);
    }
    if encrypted && security.tls && security.key_is_encrypted {
        return Some("the client's key is encrypted (tlsKeyPassword)".to_owned());
    }
    let named = security.mechanism.as_deref().filter(|_| login)?;
    mechanism(Some(named)).is_none().then(|| format!("it has no client for saslMechanisms {named}"))
}

fn mechanism(named: Option<&str>) -> Option<SaslMechanism> {
    match named {
        None | Some("PLAIN") => Some(SaslMechanism::Plain),
        Some("SCRAM-SHA-256") => Some(SaslMechanism::ScramSha256),
        Some("SCRAM-SHA-512") => Some(SaslMechanism::ScramSha512),
        Some(_) => None,
    }
}

fn kafka_login(
    spec: &Spec,
    credentials: &Credentials,
    secret: Option<&str>,
    security: &KafkaSecurity,
) -> Result<KafkaSasl, ProbeView> {
    let (username, password) = match secret {
        Some(secret) => {
            let text = |key| credentials.text(spec, secret, key).map(str::to_owned);
            (text("username")?, text("password")?)
        }
        None => (security.user.clone(), security.password.0.clone()),
    };
    let mechanism = mechanism(security.mechanism.as_deref()).unwrap_or(SaslMechanism::Plain);
    Ok(KafkaSasl { mechanism, username, password: Secret::new(password) })
}
