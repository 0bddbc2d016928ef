//! Custom resources as users write them.

use milvus_api::{Component, Components, Milvus};
use milvus_plan::Component as Role;

/// The official image with a tag.
pub fn image(tag: &str) -> String {
    format!("milvusdb/milvus:v{tag}")
}

/// Reads a YAML document.
pub fn read(yaml: &str) -> Milvus {
    serde_saphyr::from_str(yaml).unwrap()
}

fn with_components(mode: &str, queue: &str, tag: &str, more: &str) -> Milvus {
    read(&format!(
        r#"
apiVersion: milvus.io/v1beta1
kind: Milvus
metadata: {{name: my-release, namespace: default}}
spec:
  mode: {mode}
  upgradePolicy: {{minReadySeconds: 0}}
  dependencies:
    etcd: {{external: true, endpoints: ["etcd.infra:2379"]}}
    storage: {{external: true, type: MinIO, endpoint: "minio.infra:9000", secretRef: minio}}
    msgStreamType: {queue}
    pulsar: {{external: true, endpoint: "pulsar.infra:6650"}}
  components:
    image: {}
{more}"#,
        image(tag)
    ))
}

/// A cluster with a mixcoord.
pub fn mix(tag: &str) -> Milvus {
    with_components("cluster", "pulsar", tag, "    mixCoord: {}\n")
}

/// A cluster with four coordinators.
pub fn four(tag: &str) -> Milvus {
    with_components(
        "cluster",
        "pulsar",
        tag,
        "    rootCoord: {}\n    dataCoord: {}\n    queryCoord: {}\n    indexCoord: {}\n",
    )
}

/// A standalone with an external queue, so that it can roll.
pub fn standalone(tag: &str) -> Milvus {
    with_components("standalone", "pulsar", tag, "")
}

/// A standalone with its queue on its own volume.
pub fn rocksmq(tag: &str) -> Milvus {
    with_components("standalone", "rocksmq", tag, "")
}

/// A component's settings, made when there are none.
pub fn component(components: &mut Components, role: Role) -> &mut Component {
    match role {
        Role::Proxy => &mut components.proxy.get_or_insert_default().service.component,
        Role::QueryNode => &mut components.query_node.get_or_insert_default().component,
        Role::DataNode => &mut components.data_node.get_or_insert_default().component,
        Role::IndexNode => &mut components.index_node.get_or_insert_default().component,
        Role::MixCoord => components.mix_coord.get_or_insert_default(),
        Role::Cdc => components.cdc.get_or_insert_default(),
        other => panic!("no test sets {other}"),
    }
}

/// Sets the number of pods of a component.
pub fn replicas(milvus: &mut Milvus, role: Role, number: i32) {
    component(&mut milvus.spec.components, role).replicas = Some(number);
}
