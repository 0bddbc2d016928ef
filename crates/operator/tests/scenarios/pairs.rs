//! A Milvus that became what its spec says is the same as one that was created so: for generated pairs of specs, everything that belongs to
//! the one is compared with everything that belongs to the other.
//!
//! A few pairs; more when `MILVUS_TEST_ALL` is set. A pair is made from its number, so one that fails can be had again.

use std::{collections::BTreeMap, sync::LazyLock};

use futures::StreamExt as _;
use kube::{
    Api,
    api::{ApiResource, DynamicObject, ListParams},
    core::GroupVersionKind,
};
use milvus_testkit::made::Maker;
use serde_json::{Value, json};

use crate::world::{NAME, Places, Story, World, image};

const PAIRS: usize = 6;
const ALL_PAIRS: usize = 60;
const SIDE_BY_SIDE: usize = 3;
/// Bytes that a spec is made of: more than any needs.
const BYTES: usize = 600;

/// What can belong to a Milvus.
const KINDS: [(&str, &str, &str, &str); 6] = [
    ("apps", "v1", "Deployment", "deployments"),
    ("", "v1", "ConfigMap", "configmaps"),
    ("", "v1", "Service", "services"),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("networking.k8s.io", "v1", "Ingress", "ingresses"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
];

static COMPONENTS: LazyLock<Value> = LazyLock::new(|| {
    let definition = milvus_api::crd::milvus().unwrap();
    let versions = definition["spec"]["versions"].as_array().unwrap();
    let served = versions.iter().find(|version| version["name"] == "v1beta1").unwrap();
    served["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["components"].clone()
});

/// Values that a cluster takes and pods can run with. What is not here is not generated: what holds for a running Milvus whatever its spec
/// says (mode, queue, coordinators that are not named), what another decides (replicas of an autoscaler), what the played nodes can't do.
fn candidates(path: &[String]) -> Vec<Value> {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let list = |value: Value| value.as_array().cloned().unwrap_or_default();
    list(match names.last().copied().unwrap_or_default() {
        "replicas" if names.len() == 2 => json!([1, 2]),
        "cdc" => json!([{}, { "replicas": 1 }]),
        "enableRollingUpdate"
        | "runAsNonRoot"
        | "runWithSubProcess"
        | "updateConfigMapOnly"
        | "updateToolImage"
        | "disableMetric" => json!([true, false]),
        "imageUpdateMode" => json!(["rollingUpgrade", "all"]),
        "targetPortType" => json!(["string", "integer"]),
        "toolImage" => json!(["tools:1", "tools:2"]),
        "metricInterval" => json!(["10s"]),
        "podLabels" | "podAnnotations" | "serviceLabels" | "serviceAnnotations" => {
            json!([{ "team": "a" }, { "team": "b", "tier": "gold" }, { "tier": "silver" }])
        }
        "env" => json!([
            [{ "name": "A", "value": "1" }],
            [{ "name": "B", "value": "2" }, { "name": "A", "value": "3" }],
            [{ "name": "NODE", "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } } }],
        ]),
        "resources" => json!([
            { "limits": { "cpu": "1", "memory": "1Gi" } },
            { "requests": { "cpu": "100m" }, "limits": { "memory": "2048Mi" } },
        ]),
        "nodeSelector" => json!([{ "kubernetes.io/os": "linux" }]),
        "tolerations" => json!([[{ "key": "gpu", "operator": "Exists" }], [{ "operator": "Exists" }]]),
        "affinity" => json!([{ "nodeAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [
            { "weight": 1, "preference": { "matchExpressions": [{ "key": "disk", "operator": "Exists" }] } },
        ] } }]),
        "topologySpreadConstraints" => json!([[
            { "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway" },
        ]]),
        "schedulerName" => json!(["default-scheduler"]),
        "serviceAccountName" => json!(["default"]),
        "dnsPolicy" => json!(["Default", "ClusterFirst"]),
        "imagePullPolicy" => json!(["Always", "IfNotPresent"]),
        "imagePullSecrets" => {
            json!([[{ "name": "registry" }], [{ "name": "other" }, { "name": "registry" }]])
        }
        "volumes" => {
            json!([[{ "name": "cache", "emptyDir": {} }], [{ "name": "more", "emptyDir": { "sizeLimit": "1Gi" } }]])
        }
        "volumeMounts" => json!([
            [{ "name": "tools", "mountPath": "/more" }],
            [{ "name": "_remove", "mountPath": "/milvus/tools" }],
        ]),
        "commands" => json!([["milvus", "run", "something"], ["sleep", "1d"]]),
        "securityContext" => json!([{ "runAsUser": 1000 }, { "capabilities": { "drop": ["ALL"] } }]),
        "probes" => json!([
            { "livenessProbe": { "tcpSocket": { "port": 9091 }, "periodSeconds": 60 } },
            { "readinessProbe": { "httpGet": { "path": "/ready", "port": 9091 } } },
        ]),
        "sidecars" => json!([
            [{ "name": "log", "image": "log:1" }],
            [{ "name": "log", "image": "log:2" }, { "name": "web", "image": "web:1", "ports": [{ "name": "https", "containerPort": 8443 }] }],
        ]),
        "initContainers" => json!([[{ "name": "warm", "image": "warm:1", "command": ["true"] }]]),
        "serviceType" => json!(["ClusterIP", "NodePort"]),
        "port" => json!([19530, 19531]),
        "serviceRestfulPort" => json!([8080, 8081]),
        _ => json!([]),
    })
}

/// A number as bytes: xorshift.
fn bytes(seed: u64) -> Vec<u8> {
    let mut state = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[5]
    };
    (0..BYTES).map(next).collect()
}

/// A Milvus of the mode, at the patch release of that number.
fn made(places: &Places, cluster: bool, bytes: &[u8], patch: u8) -> Value {
    let mut components = Maker::new(&bytes[3..]).chosen(&COMPONENTS, &mut Vec::new(), &candidates);
    components.as_object_mut().unwrap().remove("streamingNode");
    if cluster {
        components.as_object_mut().unwrap().remove("standalone");
        let four = bytes[0] < 64;
        let coordinators: &[&str] =
            if four { &["rootCoord", "dataCoord", "queryCoord", "indexCoord"] } else { &["mixCoord"] };
        for name in ["rootCoord", "dataCoord", "queryCoord", "indexCoord", "mixCoord"] {
            let given = components.as_object_mut().unwrap().remove(name);
            if coordinators.contains(&name) {
                components[name] = given.unwrap_or_else(|| json!({}));
            }
        }
    }
    let mut milvus = places.milvus(if cluster { "cluster" } else { "standalone" }, "2.5.16", components);
    let spec = &mut milvus["spec"];
    spec["components"]["image"] = json!(image(&format!("2.5.{}", 16 + patch)));
    spec["upgradePolicy"]["minReadySeconds"] = json!(bytes[1] % 2);
    match bytes[2] % 4 {
        0 => spec["config"]["log"] = json!({ "level": "debug" }),
        1 => spec["config"]["proxy"] = json!({ "maxNameLength": 255 }),
        2 => spec["hookConfig"] = json!({ "soPath": "/hook.so" }),
        _ => {}
    }
    // Nothing reads them, and the two must not differ in them.
    spec["config"]["etcd"]["rootPath"] = json!("pair");
    spec["dependencies"]["storage"]["secretRef"] = json!("storage");
    milvus
}

/// Waits until all is done, and looks at everything.
async fn settled(story: &Story, milvus: &Value) -> BTreeMap<String, Value> {
    let tag = milvus["spec"]["components"]["image"].as_str().unwrap().rsplit_once(":v").unwrap().1;
    story.until_healthy(tag).await;
    story.settle().await;
    let mut found = BTreeMap::new();
    for (group, version, kind, plural) in KINDS {
        let resource =
            ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        let api: Api<DynamicObject> = Api::namespaced_with(story.client.clone(), &story.namespace, &resource);
        let mine = ListParams::default().labels(&format!("app.kubernetes.io/instance={NAME}"));
        for object in api.list(&mine).await.unwrap() {
            let (name, object) = plain(kind, &object, &story.namespace);
            found.insert(format!("{kind} {name}"), object);
        }
    }
    let raw = story.raw().await;
    let status = json!({ "endpoint": raw["status"]["endpoint"], "resolved": raw["status"]["resolved"],
        "finalizers": raw["metadata"]["finalizers"], "state": raw["status"]["status"] });
    found.insert("Milvus".to_owned(), serde_json::from_str(&anywhere(&status, &story.namespace)).unwrap());
    found
}

fn anywhere(value: &Value, namespace: &str) -> String {
    value.to_string().replace(namespace, "NAMESPACE")
}

/// An object without what differs from one to the next: identities, counters, what the cluster assigns, and which slot is the current one.
fn plain(kind: &str, object: &DynamicObject, namespace: &str) -> (String, Value) {
    let mut name = object.metadata.name.clone().unwrap();
    let mut value: Value =
        serde_json::from_str(&anywhere(&serde_json::to_value(object).unwrap(), namespace)).unwrap();
    let meta = &value["metadata"];
    let owners =
        meta["ownerReferences"].as_array().into_iter().flatten().map(|o| json!([o["kind"], o["name"]]));
    let mut metadata = json!({ "labels": meta["labels"], "annotations": meta["annotations"], "owners": owners.collect::<Vec<_>>() });
    if let Some(all) = metadata["annotations"].as_object_mut() {
        let counters =
            ["deployment.kubernetes.io/revision", "milvus.io/generation", "milvus.io/rendered-spec-hash"];
        all.retain(|key, _| !counters.contains(&key.as_str()));
    }
    value["metadata"] = metadata;
    for part in ["status", "apiVersion", "kind"] {
        value.as_object_mut().unwrap().remove(part);
    }
    if let Some(spec) = value["spec"].as_object_mut().filter(|_| kind == "Service") {
        spec.retain(|key, _| key != "clusterIP" && key != "clusterIPs");
        for port in spec["ports"].as_array_mut().unwrap() {
            port.as_object_mut().unwrap().remove("nodePort");
        }
    }
    if let Some(slot) =
        name.strip_suffix("-0").or_else(|| name.strip_suffix("-1")).filter(|_| kind == "Deployment")
    {
        let current = value["spec"]["replicas"] != 0;
        name = format!("{slot}-{}", if current { "current" } else { "empty" });
        without_slot(&mut value);
        if !current {
            value = json!({ "replicas": 0 });
        }
    }
    (name, value)
}

fn without_slot(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !key.ends_with("group-id"));
            map.values_mut().for_each(without_slot);
        }
        Value::Array(list) => list.iter_mut().for_each(without_slot),
        _ => {}
    }
}

/// Where two values differ, as lines.
fn differences(path: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                differences(&format!("{path}/{key}"), &of(a), &of(b), found);
            }
        }
        (one, other) if one != other => found.push(format!("{path}: became {one}, created as {other}")),
        _ => {}
    }
}

/// One pair: what differs.
async fn pair(number: usize) -> Vec<String> {
    let seed = u64::try_from(number).unwrap() * 2;
    let (first, second) = (bytes(seed), bytes(seed + 1));
    let cluster = number % 3 != 2;
    let became = async {
        let story = World::story(&format!("pair-{number}-became")).await;
        let places = Places { bucket: "pair".to_owned(), ..story.places.clone() };
        let (one, other) = (made(&places, cluster, &first, 0), made(&places, cluster, &second, first[4] % 2));
        story.create(one.clone()).await;
        settled(&story, &one).await;
        let mut next = story.raw().await;
        next["spec"] = other["spec"].clone();
        story.try_replace(next).await.unwrap();
        settled(&story, &other).await
    };
    let created = async {
        let story = World::story(&format!("pair-{number}-created")).await;
        let places = Places { bucket: "pair".to_owned(), ..story.places.clone() };
        let other = made(&places, cluster, &second, first[4] % 2);
        story.create(other.clone()).await;
        settled(&story, &other).await
    };
    let (became, created) = tokio::join!(Box::pin(became), Box::pin(created));
    let mut found = Vec::new();
    differences(&format!("pair {number}"), &json!(became), &json!(created), &mut found);
    found
}

#[tokio::test]
async fn what_a_milvus_became_is_what_it_would_have_been_created_as() {
    let all = std::env::var_os("MILVUS_TEST_ALL").is_some_and(|value| !value.is_empty());
    World::shared().await.ground.minio.create_bucket("pair").await.unwrap();
    let numbers = 0..if all { ALL_PAIRS } else { PAIRS };
    let pairs = futures::stream::iter(numbers).map(|number| Box::pin(pair(number)));
    let found: Vec<Vec<String>> = pairs.buffer_unordered(SIDE_BY_SIDE).collect().await;
    let found: Vec<String> = found.into_iter().flatten().collect();
    assert!(found.is_empty(), "{found:#?}");
}
