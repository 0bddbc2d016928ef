//! Every field of the schema is changed, one at a time, on a Milvus in which it means something, and the change is seen to arrive:
//! in an object, in the plan, in what is probed, in what is deleted at the end, or in a refusal. What does not arrive stands in
//! the table of fields without effect, and what stands there does not arrive.

use std::collections::BTreeMap;

use milvus_api::{Milvus, crd};
use milvus_state::decide;
use milvus_state::kinds::Kind;
use milvus_state::manifests::config::merge;
use milvus_state::rollout::request;
use milvus_state::spec::without_effect::FIELDS;
use serde_json::{Map, Value, json};

use crate::samples::samples;
use crate::support;

/// Fields that hold a Kubernetes type: what is in them is Kubernetes' business and has to arrive as it is.
const KUBERNETES: [&str; 8] = [
    "affinity",
    "tolerations",
    "topologySpreadConstraints",
    "env",
    "extraEnv",
    "resources",
    "volumeMounts",
    "imagePullSecrets",
];

/// What a change is made to: a Milvus of each kind that gives some field a meaning.
fn bases() -> Vec<Value> {
    let base = |mode: &str, tag: &str, components: Value, dependencies: Value| {
        let mut spec = json!({
            "mode": mode,
            "components": {"image": format!("milvusdb/milvus:v{tag}")},
            "dependencies": {
                "etcd": {"external": true, "endpoints": ["etcd:2379"]},
                "storage": {"external": true, "endpoint": "minio:9000", "secretRef": "s",
                    "ssl": {"enabled": true, "caCertificateRef": "ca"}},
                "msgStreamType": "pulsar",
                "pulsar": {"external": true, "endpoint": "pulsar:6650"},
            },
        });
        merge(&mut spec["components"], &components);
        merge(&mut spec["dependencies"], &dependencies);
        json!({"apiVersion": "milvus.io/v1beta1", "kind": "Milvus", "metadata": {"name": "m", "namespace": "n", "uid": "u"}, "spec": spec})
    };
    let ingress = json!({"ingress": {"hosts": ["a.example"]}});
    let claim = json!({"persistence": {"enabled": true}});
    let existing =
        json!({"persistence": {"enabled": true, "persistentVolumeClaim": {"existingClaim": "mine"}}});
    let pools = json!([{"name": "p", "seeds": ["p:1"]}]);
    let four = json!({"rootCoord": {}, "dataCoord": {}, "queryCoord": {}, "indexCoord": {}});
    vec![
        base("cluster", "2.4.9", json!({"cdc": {}, "proxy": ingress}), json!({})),
        base("cluster", "2.4.9", json!({"disableMetric": true, "dataNode": {"replicas": 2}}), json!({})),
        base("cluster", "2.4.9", four, json!({})),
        base(
            "cluster",
            "2.6.4",
            json!({}),
            json!({"msgStreamType": "woodpecker", "woodpecker": {"external": true, "quorumBufferPools": pools}}),
        ),
        base(
            "cluster",
            "2.4.9",
            json!({}),
            json!({"msgStreamType": "kafka", "kafka": {"external": true, "brokerList": ["k:9092"]}}),
        ),
        base(
            "standalone",
            "2.4.9",
            json!({"standalone": ingress}),
            json!({"msgStreamType": "rocksmq", "rocksmq": claim}),
        ),
        base("standalone", "2.4.9", json!({}), json!({"msgStreamType": "natsmq", "natsmq": claim})),
        base("standalone", "2.6.4", json!({}), json!({"msgStreamType": "woodpecker", "woodpecker": claim})),
        base("standalone", "2.4.9", json!({}), json!({"msgStreamType": "rocksmq", "rocksmq": existing})),
        base("standalone", "2.4.9", json!({}), json!({})),
    ]
}

/// Everything that a spec leads to.
fn outcome(object: &Value) -> BTreeMap<String, Value> {
    let milvus: Milvus =
        serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error}: {object}"));
    let mut milvus = support::created(milvus);
    let parsed = support::parse(&milvus);
    let mut found = BTreeMap::new();
    let Ok(known) = &parsed else {
        return [("refused".to_owned(), json!(format!("{parsed:?}")))].into();
    };
    found.insert("probed".to_owned(), json!(format!("{:?}", known.spec.dependencies)));
    found.insert("deleted with it".to_owned(), json!(known.spec.claim_to_delete()));
    for write in decide(&parsed, &support::snapshot(&milvus)).unwrap().objects.writes {
        let manifest = write.manifest;
        let value = match manifest.kind {
            Kind::ConfigMap => json!([manifest.name, manifest.object["data"]]),
            _ => manifest.object,
        };
        let key = match manifest.kind {
            Kind::ConfigMap | Kind::Service => manifest.kind.to_string(),
            kind => kind.applied_key(&manifest.name),
        };
        found.insert(key, value);
    }
    // The plan from an older version.
    milvus.status.get_or_insert_default().current_image = Some("milvusdb/milvus:v2.4.2".to_owned());
    let parsed = support::parse(&milvus).unwrap();
    let plan = request::planned(&parsed, &support::snapshot(&milvus));
    found.insert("plan".to_owned(), json!(format!("{plan:?}")));
    found
}

/// A field: its path, and the value that the schema allows.
struct Leaf {
    path: String,
    schema: Value,
}

fn leaves(path: &str, schema: &Value, found: &mut Vec<Leaf>) {
    let last = path.rsplit('.').next().unwrap_or(path);
    let properties = schema["properties"].as_object().filter(|_| !KUBERNETES.contains(&last));
    if let Some(properties) = properties {
        for (name, inner) in properties {
            leaves(&format!("{path}.{name}"), inner, found);
        }
        return;
    }
    let items = &schema["items"];
    if items["properties"].is_object() && !KUBERNETES.contains(&last) {
        leaves(&format!("{path}[]"), items, found);
    }
    found.push(Leaf { path: path.to_owned(), schema: schema.clone() });
}

/// Another value than the one there.
fn other(leaf: &Leaf, now: Option<&Value>) -> Value {
    let path = leaf.path.replace("[]", "");
    let ends = |suffix: &str| {
        let suffix = suffix.replace("[]", "");
        path == suffix || path.ends_with(&format!(".{suffix}"))
    };
    let mut fitting: Vec<(&str, Value)> = samples().into_iter().filter(|(suffix, _)| ends(suffix)).collect();
    fitting.sort_by_key(|(suffix, _)| suffix.len());
    if let Some((_, value)) = fitting.pop() {
        return value;
    }
    if let Some(choices) = leaf.schema["enum"].as_array() {
        let default = now.or_else(|| leaf.schema.get("default"));
        return choices.iter().find(|c| Some(*c) != default && **c != json!("")).unwrap().clone();
    }
    match leaf.schema["type"].as_str() {
        Some("boolean") => json!(now.and_then(Value::as_bool) != Some(true)),
        Some("integer") => json!(7),
        Some("string") => json!("changed"),
        Some("array") => json!(["changed"]),
        _ => json!({"changed": "yes"}),
    }
}

/// Sets the value at a path; items of a list that is not there are made.
fn set(target: &mut Value, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *target = value;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let name = first.trim_end_matches("[]");
    let inner = &mut target[name];
    if first.ends_with("[]") {
        if !inner.is_array() {
            *inner = json!([item()]);
        }
        set(&mut inner[0], rest, value);
    } else {
        set(inner, rest, value);
    }
}

/// Has what any item of a list of the schema must have; what an item does not know is ignored.
fn item() -> Value {
    json!({"name": "g", "replicas": 1, "seeds": ["s:1"]})
}

/// Names of components below `spec.components`, each with the bases in which it exists.
const COMPONENTS: [(&str, &[usize]); 12] = [
    ("cdc", &[0]),
    ("proxy", &[0, 3]),
    ("dataNode", &[0, 3]),
    ("queryNode", &[0, 3]),
    ("indexNode", &[0]),
    ("mixCoord", &[0, 3]),
    ("rootCoord", &[2]),
    ("dataCoord", &[2]),
    ("queryCoord", &[2]),
    ("indexCoord", &[2]),
    ("streamingNode", &[3]),
    ("standalone", &[5, 7, 9]),
];

/// The bases that a field may have a meaning in.
fn relevant(path: &str) -> Vec<usize> {
    let component = path.strip_prefix("spec.components.").and_then(|rest| rest.split_once('.'));
    let found = component.and_then(|(name, _)| COMPONENTS.iter().find(|(known, _)| *known == name));
    found.map_or_else(|| (0..bases().len()).collect(), |(_, bases)| bases.to_vec())
}

fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    object.pointer(&format!("/{}", path.replace("[]", "/0").replace('.', "/")))
}

#[test]
fn every_field_arrives_or_stands_in_the_table() {
    let definition = crd::milvus().unwrap();
    let spec = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut all = Vec::new();
    leaves("spec", spec, &mut all);
    assert!(all.len() > 400, "{} fields", all.len());
    let bases = bases();
    let mut known = BTreeMap::new();
    let mut arrives = |leaf: &Leaf| {
        let path: Vec<&str> = leaf.path.split('.').collect();
        let above = &path[..path.len() - 1];
        relevant(&leaf.path).into_iter().any(|number| {
            let base = &bases[number];
            // What is above it is there in both: that a component is mentioned is not what a field of it does.
            let mut before = base.clone();
            if at(&before, &above.join(".")).is_none() {
                set(&mut before, above, item());
            }
            let mut changed = before.clone();
            set(&mut changed, &path, other(leaf, at(&before, &leaf.path)));
            let without = known.entry((number, above.join("."))).or_insert_with(|| outcome(&before));
            outcome(&changed) != *without
        })
    };
    let mut wrong = Vec::new();
    for leaf in &all {
        let listed = FIELDS.iter().any(|field| field.covers(&leaf.path));
        match (arrives(leaf), listed) {
            (true, true) => wrong.push(format!("{} arrives and stands in the table", leaf.path)),
            (false, false) => wrong.push(format!("{} does not arrive anywhere", leaf.path)),
            (true, false) | (false, true) => {}
        }
    }
    for field in FIELDS {
        let known = all.iter().any(|leaf| field.covers(&leaf.path));
        wrong.extend((!known).then(|| format!("{} is in the table and not in the schema", field.path)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever Kubernetes knows of a pod arrives as it was written, whether it is set for all components or for one.
#[test]
fn parts_of_a_pod_arrive_unchanged() {
    let pod_fields = ["affinity", "tolerations", "topologySpreadConstraints", "imagePullSecrets"]
        .map(|f| (f, format!("/{f}")));
    let container_fields = [
        ("env", "/containers/0/env"),
        ("resources", "/containers/0/resources"),
        ("volumeMounts", "/containers/0/volumeMounts"),
        ("securityContext", "/containers/0/securityContext"),
        ("volumes", "/volumes"),
    ];
    let all = pod_fields.into_iter().chain(container_fields.map(|(f, at)| (f, at.to_owned())));
    for (field, place) in all.collect::<Vec<_>>() {
        let (_, sample) = samples().into_iter().find(|(name, _)| *name == field).unwrap();
        for path in [format!("spec.components.{field}"), format!("spec.components.proxy.{field}")] {
            let mut object = bases().remove(0);
            set(&mut object, &path.split('.').collect::<Vec<_>>(), sample.clone());
            let rendered = outcome(&object);
            let found =
                rendered["m-milvus-proxy"].pointer(&format!("/spec/template/spec{place}")).unwrap().clone();
            let arrived = match (&sample, &found) {
                // The operator's own come after the user's.
                (Value::Array(users), Value::Array(all)) => all.get(..users.len()) == Some(users.as_slice()),
                _ => found == sample,
            };
            assert!(arrived, "{path}: {found}");
        }
    }
    for (field, place) in [("sidecars", "containers/1"), ("initContainers", "initContainers/1")] {
        let (_, sample) = samples().into_iter().find(|(name, _)| *name == field).unwrap();
        let mut object = bases().remove(0);
        set(&mut object, &["spec", "components", "proxy", field], sample.clone());
        let rendered = outcome(&object);
        assert_eq!(
            rendered["m-milvus-proxy"].pointer(&format!("/spec/template/spec/{place}")),
            Some(&sample[0])
        );
    }
}

/// In-cluster dependencies are not installed, but the number of members that the release of etcd has is read from its values.
#[test]
fn members_of_an_etcd_in_the_cluster() {
    let mut object = bases().remove(0);
    let before = {
        object["spec"]["dependencies"]["etcd"] = json!({});
        outcome(&object)
    };
    object["spec"]["dependencies"]["etcd"] = json!({"inCluster": {"values": {"replicaCount": 5}}});
    assert_ne!(outcome(&object)["ConfigMap"], before["ConfigMap"]);
}
