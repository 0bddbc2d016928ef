//! Files that the configuration names and that no mount brings into the pods that read them.

use milvus_api::names::REMOVE;
use milvus_plan::Component;

use super::config::Config;
use super::dependencies::Queue;
use super::files;
use super::model::Spec;
use super::settings::ComponentSettings;

/// Keys below `tls` and `internaltls`.
const SERVER: [&str; 2] = ["serverPemPath", "serverKeyPath"];
const AUTHORITY: &str = "caPemPath";

/// What the image of Milvus brings itself.
const OF_THE_IMAGE: [&str; 4] = ["/milvus/configs/cert", "/etc/ssl", "/etc/pki", "/usr"];

/// Keys of one use of TLS, and who reads the files.
struct Files {
    keys: Vec<String>,
    read_by: fn(Component) -> bool,
}

/// Files of TLS that is on, and that some component has in no mount.
pub(super) fn warnings(spec: &Spec) -> Vec<String> {
    let config = Config::of(&spec.config);
    let mut found = Vec::new();
    for Files { keys, read_by } in used(spec, &config) {
        for entry in keys.iter().filter_map(|key| config.get(key)) {
            let path = entry.text();
            let image = |path: &str| OF_THE_IMAGE.iter().any(|dir| files::below(dir, path).is_some());
            if !path.starts_with('/') || image(path) {
                continue;
            }
            let settings = spec.components_at(&spec.asked.version).filter(|c| c.replicas.wanted(None) != 0);
            let without = settings.filter(|c| read_by(c.component) && !mounted(spec, c, path));
            let names: Vec<&str> = without.map(|c| c.component.name()).collect();
            if !names.is_empty() {
                found.push(format!(
                    "spec.config.{}: {path} is in no mount of {}, and Milvus does not start without a file that it is told of; put it \
                     there with spec.components.volumes and volumeMounts (nothing is wrong if the image has it)",
                    entry.path,
                    names.join(", ")
                ));
            }
        }
    }
    found
}

/// The uses of TLS that are turned on.
fn used(spec: &Spec, config: &Config<'_>) -> Vec<Files> {
    let below =
        |section: &str, names: &[&str]| names.iter().map(|name| format!("{section}.{name}")).collect();
    let mut used = Vec::new();
    let mut add = |on: bool, keys: Vec<String>, read_by: fn(Component) -> bool| {
        used.extend(on.then_some(Files { keys, read_by }));
    };
    let mode = config.text("common.security.tlsMode");
    let (one_way, two_way) = (mode.as_deref() == Some("1"), mode.as_deref() == Some("2"));
    add(one_way || two_way, below("tls", &SERVER), Component::serves_clients);
    add(two_way, below("tls", &[AUTHORITY]), Component::serves_clients);
    let internal = config.flag("common.security.internaltlsEnabled");
    add(internal, below("internaltls", &SERVER), |_| true);
    add(internal, below("internaltls", &[AUTHORITY]), |_| true);
    add(config.flag("etcd.ssl.enabled"), below("etcd.ssl", &["tlsCert", "tlsKey", "tlsCACert"]), |_| true);
    let kafka = matches!(spec.dependencies.queue, Queue::Kafka { .. }) && config.flag("kafka.ssl.enabled");
    add(kafka, below("kafka.ssl", &["tlsCert", "tlsKey", "tlsCaCert"]), |_| true);
    add(config.flag("minio.useSSL"), below("minio.ssl", &["tlsCACert"]), reads_objects);
    used
}

/// A proxy and most coordinators never open the object storage.
fn reads_objects(component: Component) -> bool {
    matches!(
        component,
        Component::Standalone
            | Component::MixCoord
            | Component::DataCoord
            | Component::IndexCoord
            | Component::DataNode
            | Component::IndexNode
            | Component::QueryNode
            | Component::StreamingNode
    )
}

/// The path is below a mount of the user or of the operator.
fn mounted(spec: &Spec, settings: &ComponentSettings, path: &str) -> bool {
    let users = settings.volume_mounts.iter().filter(|mount| mount.name != REMOVE);
    let kafka = matches!(&spec.dependencies.queue, Queue::Kafka { secret: Some(_), .. });
    let operators = [
        Some("/milvus/configs/operator"),
        Some("/milvus/tools"),
        kafka.then_some("/milvus/configs/kafka-ca"),
        spec.data.is_some().then_some("/var/lib/milvus"),
    ];
    let all = users.map(|mount| mount.mount_path.as_str()).chain(operators.into_iter().flatten());
    all.into_iter().any(|mount| files::below(mount, path).is_some())
}
