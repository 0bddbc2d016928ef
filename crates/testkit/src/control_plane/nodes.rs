//! The nodes of a control plane, and its default StorageClass.

use k8s_openapi::api::{core::v1::Node, storage::v1::StorageClass};
use kube::{Api, api::PostParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use snafu::ResultExt;

use super::{CreateSnafu, EnterSnafu, Error, NODES_WITHIN, NodeReadySnafu};
use crate::{
    access::Access,
    node::{PLAYED, is_usable},
    stages, wait,
};

/// Creates `count` nodes that play pods, named `node-0` and so on, and waits until pods can be scheduled to all of them.
/// `beside_real`: only pods that tolerate it come to a played node; all others are for the node that runs containers.
pub(super) async fn create(access: &Access, count: usize, beside_real: bool) -> Result<(), Error> {
    let client = access.client().context(EnterSnafu)?;
    let classes: Api<StorageClass> = Api::all(client.clone());
    create_one(&classes, storage_class(), "the StorageClass").await?;
    let nodes: Api<Node> = Api::all(client);
    let names: Vec<String> = (0..count).map(|index| format!("node-{index}")).collect();
    for name in &names {
        create_one(&nodes, node(name, beside_real), name).await?;
    }
    for name in &names {
        let usable = |node: Option<&Node>| node.is_some_and(is_usable);
        wait::wait_for(nodes.clone(), name, NODES_WITHIN, usable).await.context(NodeReadySnafu)?;
    }
    Ok(())
}

async fn create_one<K>(api: &Api<K>, object: Value, what: &str) -> Result<(), Error>
where
    K: kube::Resource + serde::Serialize + DeserializeOwned + Clone + std::fmt::Debug,
{
    let failed = CreateSnafu { what };
    let object = serde_json::from_value(object).map_err(kube::Error::SerdeError).context(failed)?;
    api.create(&PostParams::default(), &object).await.context(failed).map(|_| ())
}

fn node(name: &str, beside_real: bool) -> Value {
    let (label, value) = stages::NODE_LABEL;
    let labels = json!({
        label: value,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
    });
    let (key, value) = PLAYED;
    let taint = json!({ "key": key, "value": value, "effect": "NoSchedule" });
    let taints: Vec<Value> = beside_real.then_some(taint).into_iter().collect();
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": name, "labels": labels },
        "spec": { "taints": taints },
    })
}

fn storage_class() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": stages::STORAGE_CLASS,
            "annotations": { "storageclass.kubernetes.io/is-default-class": "true" },
        },
        "provisioner": "kwok.x-k8s.io/volume",
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": true,
    })
}
