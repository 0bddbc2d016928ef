//! A Milvus as the Go operator has left it: the objects of `crates/state/tests/upstream`, with the dependencies of the ground, and a
//! `MilvusCluster` that owns it, as installations from before `Milvus` have.

use std::{collections::BTreeMap, fs, path::Path};

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::Pod,
};
use kube::{
    Api, ResourceExt as _,
    api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams},
};
use milvus_testkit::wait::wait_for;
use serde_json::{Value, json};

use super::{SOON, Story};

/// Name of the Milvus and of its owner.
pub const OLD: &str = "clustermix";

fn text(file: &str) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../state/tests/upstream");
    fs::read_to_string(directory.join(file)).unwrap()
}

fn documents(text: &str) -> Vec<Value> {
    text.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect()
}

fn read(part: &str, story: &Story) -> Vec<Value> {
    let text = text(&format!("{OLD}.{part}.yaml"));
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
    documents(&text)
}

/// The templates that the Go operator leaves after any change of a template, by component.
pub fn after_update() -> BTreeMap<String, Value> {
    let text = text("after-update.templates.yaml")
        .replace("instance: mil\n", &format!("instance: {OLD}\n"))
        .replace("configmap: mil\n", &format!("configmap: {OLD}\n"))
        .replace("        name: mil\n", &format!("        name: {OLD}\n"))
        .replace("minio-secret", "storage")
        .replace("v2.4.10", "v2.3.0");
    let template = |mut document: Value| {
        let pod = &mut document["template"]["spec"];
        pod["nodeSelector"] = json!({ "type": "kwok" });
        // What this Milvus has besides, because of its queue.
        let data = |list: &mut Value, item| list.as_array_mut().unwrap().insert(0, item);
        data(&mut pod["volumes"], json!({ "name": "milvus-data", "emptyDir": {} }));
        let mount = json!({ "name": "milvus-data", "mountPath": "/var/lib/milvus" });
        data(&mut pod["containers"][0]["volumeMounts"], mount);
        (document["component"].as_str().unwrap().to_owned(), document["template"].take())
    };
    documents(&text).into_iter().map(template).collect()
}

/// What the API server gives itself.
fn stripped(mut object: Value) -> Value {
    for field in ["uid", "generation"] {
        object["metadata"].as_object_mut().unwrap().remove(field);
    }
    if object["kind"] == "Service" {
        for field in ["clusterIP", "clusterIPs"] {
            object["spec"].as_object_mut().unwrap().remove(field);
        }
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

/// Creates all of it, with Deployments that are changed before, and waits until its pods run. `paused`: no operator
/// may write before [`hand_over`].
pub async fn begin(story: &Story, paused: bool, mut change: impl FnMut(&mut Value)) {
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
    if paused {
        milvus["metadata"]["annotations"]["milvus.io/pause-reconcile"] = json!("true");
    }
    let uid = create(story, &milvus).await;
    let kind = ApiResource::erase::<milvus_api::Milvus>(&());
    let api = Api::<DynamicObject>::namespaced_with(story.client.clone(), &story.namespace, &kind);
    let patch = Patch::Merge(json!({ "status": status }));
    api.patch_status(OLD, &PatchParams::default(), &patch).await.unwrap();
    for object in read("configmap", story).into_iter().chain(read("objects", story)) {
        let mut object = stripped(object);
        object["metadata"]["ownerReferences"][0]["uid"] = json!(uid);
        if object["kind"] == "Deployment" {
            change(&mut object);
        }
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

/// Ends the pause: our operator takes it over.
pub async fn hand_over(story: &Story) {
    story.kubectl(&["annotate", "milvus", OLD, "milvus.io/pause-reconcile-"]).await;
}

/// UIDs of all pods of the namespace: what changes when anything restarts.
pub async fn pods(story: &Story) -> BTreeMap<String, String> {
    let pods = story.api::<Pod>().list(&ListParams::default()).await.unwrap();
    pods.into_iter().map(|pod| (pod.name_any(), pod.uid().unwrap())).collect()
}

/// How many templates each component has had: its ReplicaSets.
pub async fn templates(story: &Story) -> BTreeMap<String, usize> {
    let mut templates = BTreeMap::new();
    for set in story.api::<ReplicaSet>().list(&ListParams::default()).await.unwrap() {
        *templates.entry(set.labels()["app.kubernetes.io/component"].clone()).or_default() += 1;
    }
    templates
}
