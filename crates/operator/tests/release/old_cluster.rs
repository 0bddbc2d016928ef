//! A Milvus as the Go operator has left it: the objects of `crates/state/tests/upstream`, with the dependencies of the ground, and a
//! `MilvusCluster` that owns it, as installations from before `Milvus` have.

use std::{collections::BTreeMap, fs, path::Path};

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Api, ResourceExt as _,
    api::{ApiResource, DynamicObject, ListParams, PostParams},
};
use milvus_testkit::wait::wait_for;
use serde_json::{Value, json};

use crate::world::{SOON, Story};

/// Name of the Milvus and of its owner.
pub const OLD: &str = "clustermix";

fn read(part: &str, story: &Story) -> Vec<Value> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../state/tests/upstream");
    let text = fs::read_to_string(directory.join(format!("{OLD}.{part}.yaml"))).unwrap();
    let (host, port) = story.places.minio.split_once(':').unwrap();
    let text = text
        .replace("127.0.0.1:22379", &story.places.etcd)
        .replace("core.windows.net:443", &story.places.minio)
        .replace("address: core.windows.net", &format!("address: {host}"))
        .replace("port: 443", &format!("port: {port}"))
        .replace("type: Azure", "type: MinIO")
        .replace("cloudProvider: azure", "cloudProvider: aws")
        .replace("useSSL: true", "useSSL: false")
        .replace("bucketName: b\n", &format!("bucketName: {}\n", story.places.bucket))
        .replace("namespace: peer", &format!("namespace: {}", story.namespace))
        .replace("secretRef: az", "secretRef: storage")
        .replace("name: az\n", "name: storage\n");
    text.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect()
}

/// What the API server gives itself.
fn stripped(mut object: Value) -> Value {
    for field in ["uid", "generation"] {
        object["metadata"].as_object_mut().unwrap().remove(field);
    }
    object
}

async fn create(story: &Story, object: &Value) -> String {
    let namespace = story.namespace.as_str();
    let mut object = object.clone();
    object["metadata"]["namespace"] = json!(namespace);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("object.json");
    fs::write(&file, object.to_string()).unwrap();
    // By `create`, which is an Update for field ownership, as the Go operator's writes are.
    story.kubectl(&["create", "-f", file.to_str().unwrap(), "-o", "jsonpath={.metadata.uid}"]).await
}

/// Creates all of it and waits until its pods run.
pub async fn begin(story: &Story) {
    let owner = json!({
        "apiVersion": "milvus.io/v1alpha1", "kind": "MilvusCluster", "metadata": { "name": OLD }, "spec": {},
    });
    let owner = create(story, &owner).await;
    let milvus = read("milvus", story).remove(0);
    let status = milvus["status"].clone();
    let mut milvus = stripped(milvus);
    milvus["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "milvus.io/v1alpha1", "kind": "MilvusCluster", "name": OLD, "uid": owner, "controller": true,
        "blockOwnerDeletion": true,
    }]);
    let uid = create(story, &milvus).await;
    let kind = ApiResource::erase::<milvus_api::Milvus>(&());
    let api = Api::<DynamicObject>::namespaced_with(story.client.clone(), &story.namespace, &kind);
    let mut live = api.get(OLD).await.unwrap();
    live.data["status"] = status;
    api.replace_status(OLD, &PostParams::default(), &live).await.unwrap();
    for object in read("configmap", story).into_iter().chain(read("objects", story)) {
        let mut object = stripped(object);
        object["metadata"]["ownerReferences"][0]["uid"] = json!(uid);
        create(story, &object).await;
    }
    for deployment in story.api::<Deployment>().list(&ListParams::default()).await.unwrap() {
        let wanted = deployment.spec.as_ref().unwrap().replicas;
        let ready = |found: Option<&Deployment>| {
            let status = found.and_then(|d| d.status.as_ref());
            status.is_some_and(|s| s.ready_replicas.unwrap_or_default() == wanted.unwrap_or_default())
        };
        wait_for(story.api::<Deployment>(), &deployment.name_any(), SOON, ready).await.unwrap();
    }
}

/// UIDs of all pods of the namespace: what changes when anything restarts.
pub async fn pods(story: &Story) -> BTreeMap<String, String> {
    let pods = story.api::<Pod>().list(&ListParams::default()).await.unwrap();
    pods.into_iter().map(|pod| (pod.name_any(), pod.uid().unwrap())).collect()
}
