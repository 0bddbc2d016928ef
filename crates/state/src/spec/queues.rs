//! Parses the message queue of `spec.dependencies`, with upstream's defaults.

use milvus_api::{Milvus, MilvusSpec};
use milvus_plan::{Mode, Queue as Kind, Version, default_queue};

use super::config::Config;
use super::config_values::{Names, missing, tls_files};
use super::dependencies::{KafkaSecurity, Masked, Pool, PulsarLogin, Queue};
use super::files;
use crate::convert;
use crate::refusal::Refusal;

/// The queue that is asked for: the spec's, else the one that was pinned when the Milvus was first accepted, else the
/// default of the version that runs. An upgrade never changes it by a default.
fn kind(milvus: &Milvus, version: &Version) -> Kind {
    let asked = milvus.spec.dependencies.as_ref().and_then(|d| d.msg_stream_type).and_then(convert::queue);
    let status = milvus.status.as_ref();
    let mode = convert::mode(milvus.spec.mode);
    let pinned = status
        .and_then(|s| s.resolved.as_ref())
        .filter(|r| r.mode.map(convert::mode) == Some(mode))
        .and_then(|r| r.msg_stream_type.as_deref())
        .and_then(|text| text.parse().ok());
    asked.or(pinned).unwrap_or_else(|| {
        let running = status.and_then(|s| {
            Some(Version::of(
                s.current_version.as_deref().filter(|v| !v.is_empty()),
                s.current_image.as_deref()?,
            ))
        });
        let version = running.filter(|v| v.known().is_some()).unwrap_or_else(|| version.clone());
        match (&version, milvus_plan::layout(&version), mode) {
            (Version::Known(version), _, mode) => default_queue(mode, version),
            (Version::Unknown(_), _, Mode::Cluster) => Kind::Pulsar,
            (Version::Unknown(_), milvus_plan::facts::Layout::Streaming, Mode::Standalone) => {
                Kind::Woodpecker
            }
            (Version::Unknown(_), milvus_plan::facts::Layout::IndexNodes, Mode::Standalone) => Kind::Rocksmq,
        }
    })
}

/// Parses the queue.
pub(super) fn parse(
    milvus: &Milvus,
    config: &Config<'_>,
    names: &Names<'_>,
    version: &Version,
    refusals: &mut Vec<Refusal>,
) -> Queue {
    let spec = &milvus.spec;
    let given = spec.dependencies.clone().unwrap_or_default();
    match kind(milvus, version) {
        Kind::Pulsar => pulsar(spec, config, given.pulsar.unwrap_or_default(), names, refusals),
        Kind::Kafka => kafka(spec, config, given.kafka.unwrap_or_default(), names, refusals),
        Kind::Woodpecker => {
            let woodpecker = given.woodpecker.unwrap_or_default();
            if woodpecker.external && woodpecker.quorum_buffer_pools.is_empty() {
                let example = "- {name: pool1, seeds: [woodpecker-0.example:18080]}";
                refusals.push(missing("woodpecker.quorumBufferPools", "an external Woodpecker", example));
            }
            let pool = |p: milvus_api::QuorumBufferPool| Pool { name: p.name, seeds: p.seeds };
            let pools = woodpecker.quorum_buffer_pools.into_iter().map(pool).collect();
            Queue::Woodpecker { pools: woodpecker.external.then_some(pools) }
        }
        Kind::Rocksmq => Queue::Rocksmq,
        Kind::Natsmq => Queue::Natsmq,
        Kind::Custom => Queue::Custom,
    }
}

fn pulsar(
    spec: &MilvusSpec,
    config: &Config<'_>,
    given: milvus_api::Pulsar,
    names: &Names<'_>,
    refusals: &mut Vec<Refusal>,
) -> Queue {
    let endpoint = given.endpoint.filter(|e| !e.is_empty());
    if given.external && endpoint.is_none() {
        refusals.push(missing("pulsar.endpoint", "an external Pulsar", "pulsar.example:6650"));
    }
    let endpoint = match given.external {
        true => endpoint.unwrap_or_default(),
        false => format!("{}-pulsar-proxy.{}:6650", names.name, names.namespace),
    };
    let text = |key: &str, default: &str| {
        config.text(&format!("pulsar.{key}")).unwrap_or_else(|| default.to_owned())
    };
    let (tenant, namespace) = (text("tenant", "public"), text("namespace", "default"));
    Queue::Pulsar { endpoint, external: given.external, login: pulsar_login(spec, config), tenant, namespace }
}

/// Milvus hands `authParams`, written as `key:value,…`, to Pulsar's client, whose token plug-in reads `token` or `file`.
fn pulsar_login(spec: &MilvusSpec, config: &Config<'_>) -> PulsarLogin {
    let Some(plugin) = config.text("pulsar.authPlugin") else { return PulsarLogin::Open };
    let params = config.text("pulsar.authParams").unwrap_or_default();
    let param = |wanted: &str| {
        let value =
            params.split(',').find_map(|param| param.split_once(':').filter(|(key, _)| *key == wanted));
        value.map(|(_, value)| value.to_owned()).filter(|value| !value.is_empty())
    };
    let by_token = plugin == "token" || plugin == "org.apache.pulsar.client.impl.auth.AuthenticationToken";
    match (by_token, param("token"), param("file")) {
        (true, Some(token), _) => PulsarLogin::Token(Masked(token)),
        (true, None, Some(path)) => PulsarLogin::TokenFile(files::source(spec, &path)),
        _ => PulsarLogin::Other { plugin },
    }
}

fn kafka(
    spec: &MilvusSpec,
    config: &Config<'_>,
    given: milvus_api::Kafka,
    names: &Names<'_>,
    refusals: &mut Vec<Refusal>,
) -> Queue {
    if given.external && given.broker_list.is_empty() {
        refusals.push(missing("kafka.brokerList", "an external Kafka", "- kafka-0.example:9092"));
    }
    let brokers = match given.external {
        true => given.broker_list,
        false => vec![format!("{}-kafka.{}:9092", names.name, names.namespace)],
    };
    let secret = given.secret_ref.filter(|name| !name.is_empty());
    Queue::Kafka { brokers, external: given.external, secret, security: kafka_security(spec, config) }
}

fn kafka_security(spec: &MilvusSpec, config: &Config<'_>) -> KafkaSecurity {
    let text = |key: &str| config.text(&format!("kafka.{key}"));
    KafkaSecurity {
        protocol: text("securityProtocol").map(|protocol| protocol.to_ascii_uppercase()),
        mechanism: text("saslMechanisms").map(|mechanism| mechanism.to_ascii_uppercase()),
        user: text("saslUsername").unwrap_or_default(),
        password: Masked(text("saslPassword").unwrap_or_default()),
        tls: config.flag("kafka.ssl.enabled"),
        files: tls_files(spec, config, "kafka", "tlsCaCert"),
        key_is_encrypted: config.text("kafka.ssl.tlsKeyPassword").is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::dependencies::PodFile;

    fn login(pulsar: &str) -> PulsarLogin {
        let volumes =
            "{volumes: [{name: v, secret: {secretName: jwt}}], volumeMounts: [{name: v, mountPath: /jwt}]}";
        let yaml = format!("components: {volumes}\nconfig: {{pulsar: {pulsar}}}\n");
        let spec: MilvusSpec = serde_saphyr::from_str(&yaml).unwrap();
        pulsar_login(&spec, &Config::of(spec.config.as_ref().unwrap().as_map()))
    }

    #[test]
    fn a_token_is_found_where_pulsars_client_looks_for_it() {
        let java = "org.apache.pulsar.client.impl.auth.AuthenticationToken";
        let token = PulsarLogin::Token(Masked("abc".into()));
        assert_eq!(login(r#"{authPlugin: token, authParams: "token:abc"}"#), token);
        assert_eq!(login(&format!(r#"{{authPlugin: {java}, authParams: "x:y,token:abc"}}"#)), token);
        let file = PulsarLogin::TokenFile(PodFile::Secret { name: "jwt".into(), key: "t".into() });
        assert_eq!(login(r#"{authPlugin: token, authParams: "file:/jwt/t"}"#), file);
    }

    #[test]
    fn what_is_no_token_is_not_taken_for_one() {
        assert_eq!(login("{}"), PulsarLogin::Open);
        let other = |plugin: &str| PulsarLogin::Other { plugin: plugin.into() };
        assert_eq!(login("{authPlugin: token}"), other("token"));
        assert_eq!(login(r#"{authPlugin: basic, authParams: "token:abc"}"#), other("basic"));
    }
}
