//! The Go operator's objects for the same input: what is rendered here means the same, so taking over restarts no pod.

use std::path::{Path, PathBuf};

use milvus_api::Milvus;
use milvus_state::manifests::live;
use rstest::rstest;
use serde_json::{Map, Value, json};

use crate::diff::difference;
use crate::rendered;
use crate::support::crs;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upstream").join(name)
}

fn documents(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(file(name)).unwrap();
    text.split("\n---\n").map(|part| serde_saphyr::from_str(part).unwrap()).collect()
}

/// As it is stored: absent fields get the API server's defaults.
fn default(object: &mut Value, key: &str, value: Value) {
    let map = object.as_object_mut().unwrap();
    map.entry(key).or_insert(value);
}

/// A list of named things, by name: their order means nothing to Kubernetes.
fn by_key(list: &Value, key: &str) -> Value {
    let items = list.as_array().into_iter().flatten();
    Value::Object(items.map(|item| (item[key].as_str().unwrap().to_owned(), item.clone())).collect())
}

fn container(container: &mut Value) {
    default(container, "terminationMessagePath", json!("/dev/termination-log"));
    default(container, "terminationMessagePolicy", json!("File"));
    default(container, "resources", json!({}));
    default(container, "env", json!([]));
    default(container, "ports", json!([]));
    container["env"] = by_key(&container["env"], "name");
    container["ports"] = by_key(&container["ports"], "name");
    container["volumeMounts"] = by_key(&container["volumeMounts"], "mountPath");
    if container["name"] == "config" {
        // Every release has a tool image of its own; a new one restarts nothing.
        let map = container.as_object_mut().unwrap();
        map.remove("image");
        map.remove("imagePullPolicy");
    }
}

/// A pod template as its meaning.
fn meaning(template: &Value) -> Value {
    let mut template = template.clone();
    let spec = &mut template["spec"];
    for (key, value) in [
        ("restartPolicy", json!("Always")),
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("securityContext", json!({})),
    ] {
        default(spec, key, value);
    }
    spec["volumes"] = by_key(&spec["volumes"], "name");
    for list in ["containers", "initContainers"] {
        spec[list].as_array_mut().unwrap().iter_mut().for_each(container);
    }
    template
}

/// What users applied, and the same object after the Go operator wrote its defaults into it.
#[rstest]
#[case("standalone23", "applied")]
#[case("standalone23", "milvus")]
#[case("clustermix", "applied")]
#[case("clustermix", "milvus")]
#[case("cluster4", "applied")]
#[case("cluster4", "milvus")]
fn means_the_same_as_upstreams(#[case] name: &str, #[case] form: &str) {
    let text = std::fs::read_to_string(file(&format!("{name}.{form}.yaml"))).unwrap();
    let mut milvus: Milvus = crs::read(&text);
    milvus.status = None;
    let ours = rendered(milvus, false);
    let theirs = documents(&format!("{name}.objects.yaml"));
    let deployments = ours.keys().filter(|key| key.starts_with("Deployment ")).count();
    assert_eq!(
        deployments,
        theirs.iter().filter(|o| o["kind"] == "Deployment").count(),
        "as many Deployments"
    );
    for live in &theirs {
        let kind = live["kind"].as_str().unwrap();
        let key = format!("{kind} {}", live["metadata"]["name"].as_str().unwrap());
        let mine = ours.get(&key).unwrap_or_else(|| panic!("{key} is not rendered"));
        assert_eq!(mine["metadata"]["labels"], live["metadata"]["labels"], "{key}");
        assert_eq!(mine["metadata"]["namespace"], live["metadata"]["namespace"], "{key}");
        match kind {
            "Deployment" => same_deployment(&key, &mine["spec"], &live["spec"]),
            _ => same_service(&key, &mine["spec"], &live["spec"]),
        }
    }
    same_config(&ours[&format!("ConfigMap {name}")], &documents(&format!("{name}.configmap.yaml"))[0]);
}

/// `checksum/config` is upstream's to the byte, or every Milvus with `updateConfigMapOnly: false` restarts when it is taken over. The values
/// are those of the Go code for these specs.
#[rstest]
#[case::standalone(
    "mode: standalone, components: {image: \"milvusdb/milvus:v2.6.11\", updateConfigMapOnly: false}",
    "standalone",
    "7a84e5942e4023450c2e697a48ae7650971ec1d66054d24d9b9548c85e77c461"
)]
#[case::cluster(
    "mode: cluster, components: {image: \"milvusdb/milvus:v2.5.16\", updateConfigMapOnly: false}",
    "proxy",
    "3f30e9f68da216651d09e5eafbcd154ef14f6384f10e9bc811f9d171377e4fa0"
)]
// What upstream writes into the sections of the queue is hashed too.
#[case::pulsar(
    "mode: cluster, config: {pulsar: {maxMessageSize: 5242880}, mq: {enablePursuitMode: true}}, dependencies: {msgStreamType: pulsar, \
     pulsar: {external: true, endpoint: \"p.infra:6650\"}, etcd: {external: true, endpoints: [\"e:2379\"]}, \
     storage: {external: true, type: MinIO, endpoint: \"s:9000\"}}, \
     components: {image: \"milvusdb/milvus:v2.5.16\", updateConfigMapOnly: false}",
    "proxy",
    "2c3703392bf9728898beff0f5bb5483ace81161dcd2d7510928039222f0253f7"
)]
#[case::kafka(
    "mode: cluster, config: {kafka: {saslMechanisms: PLAIN}}, dependencies: {msgStreamType: kafka, \
     kafka: {external: true, brokerList: [\"k:9092\"]}, etcd: {external: true, endpoints: [\"e:2379\"]}, \
     storage: {external: true, type: MinIO, endpoint: \"s:9000\"}}, \
     components: {image: \"milvusdb/milvus:v2.5.16\", updateConfigMapOnly: false}",
    "proxy",
    "8d85b8d12153031b1a76fb1bc623647401901f368b6c614d3fb6d9b05b85b58a"
)]
#[case::woodpecker(
    "mode: cluster, config: {mq: {}, woodpecker: {}}, dependencies: {msgStreamType: woodpecker, \
     woodpecker: {external: true, quorumBufferPools: [{name: p1, seeds: [\"wp-0:18080\"]}]}, \
     etcd: {external: true, endpoints: [\"e:2379\"]}, \
     storage: {external: true, type: MinIO, endpoint: \"s:9000\"}}, \
     components: {image: \"milvusdb/milvus:v2.6.11\", updateConfigMapOnly: false}",
    "proxy",
    "f515852802da2946864d03395e54c077851495ea63bf672f7c3cc099b59a955f"
)]
#[case::rocksmq(
    "mode: standalone, config: {mq: {}}, dependencies: {msgStreamType: rocksmq, \
     etcd: {external: true, endpoints: [\"e:2379\"]}, \
     storage: {external: true, type: MinIO, endpoint: \"s:9000\"}}, \
     components: {image: \"milvusdb/milvus:v2.5.16\", updateConfigMapOnly: false}",
    "standalone",
    "116a38ad25e9e471f66bfcfc7446236889805c0d1ddb1bba8fde355c0b0c2315"
)]
fn checksum_is_upstreams(#[case] spec: &str, #[case] component: &str, #[case] checksum: &str) {
    let milvus = crs::read(&format!(
        "apiVersion: milvus.io/v1beta1\nkind: Milvus\nmetadata: {{name: my-release, namespace: default}}\nspec: {{{spec}}}\n"
    ));
    let ours = rendered(milvus, false);
    let template = &ours[&format!("Deployment my-release-milvus-{component}")]["spec"]["template"];
    assert_eq!(template["metadata"]["annotations"]["checksum/config"], checksum);
}

/// The templates that the Go operator leaves after any change: in another order, which would be a new ReplicaSet if
/// it were not sent as it is.
#[test]
fn a_template_that_upstream_has_changed_is_sent_as_it_is() {
    let text = std::fs::read_to_string(file("clustermix.milvus.yaml")).unwrap();
    let mut milvus: Milvus =
        crs::read(&text.replace("v2.3.0", "v2.4.10").replace(": woodpecker", ": pulsar"));
    milvus.status = None;
    milvus.spec.components.global.node_selector.clear();
    let ours = rendered(milvus, false);
    let text = std::fs::read_to_string(file("after-update.templates.yaml")).unwrap();
    let text = text.replace(": mil\n", ": clustermix\n").replace("minio-secret", "az");
    for document in text.split("\n---\n") {
        let left: Value = serde_saphyr::from_str(document).unwrap();
        let component = left["component"].as_str().unwrap();
        let mut mine = ours[&format!("Deployment clustermix-milvus-{component}")]["spec"]["template"].clone();
        let config = mine["spec"]["initContainers"][0].as_object_mut().unwrap();
        // Every release has a tool image of its own; a new one restarts nothing.
        config.remove("image");
        config.remove("imagePullPolicy");
        assert_ne!(mine["spec"], left["template"]["spec"], "{component}");
        let found = difference(&meaning(&left["template"]), &meaning(&mine));
        assert_eq!(
            live::unchanged(&mine, &left["template"]),
            Some(left["template"].clone()),
            "{component}: {found:#?}"
        );
    }
}

fn same_deployment(key: &str, mine: &Value, live: &Value) {
    let found = difference(&meaning(&live["template"]), &meaning(&mine["template"]));
    assert!(found.is_empty(), "{key}:\n{}", found.join("\n"));
    assert_eq!(mine["selector"], live["selector"], "{key}");
    assert_eq!(mine["strategy"], live["strategy"], "{key}");
    assert_eq!(mine["replicas"], live["replicas"], "{key}");
    assert_eq!(mine["progressDeadlineSeconds"], live["progressDeadlineSeconds"], "{key}");
    let seconds = |spec: &Value| spec["minReadySeconds"].as_i64().unwrap_or_default();
    assert_eq!(seconds(mine), seconds(live), "{key}");
}

fn same_service(key: &str, mine: &Value, live: &Value) {
    for field in ["type", "selector", "ports"] {
        assert_eq!(mine[field], live[field], "{key} {field}");
    }
}

/// The configuration is the same but for the credentials of the object storage: upstream writes them in clear text, here Milvus
/// reads them from its environment, where they come from the Secret. The pods of the Go operator have that environment too.
fn same_config(mine: &Value, live: &Value) {
    assert_eq!(mine["metadata"]["labels"], live["metadata"]["labels"]);
    let read = |map: &Value| -> Map<String, Value> {
        serde_saphyr::from_str(map["data"]["user.yaml"].as_str().unwrap()).unwrap()
    };
    let (mine, mut live) = (read(mine), read(live));
    let minio = live["minio"].as_object_mut().unwrap();
    assert!(minio.remove("accessKeyID").is_some() && minio.remove("secretAccessKey").is_some());
    assert_eq!(mine, live);
}
