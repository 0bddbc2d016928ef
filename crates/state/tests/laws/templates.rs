//! A template that means the same as the live one is sent as the live one, and a change is sent in the live order.

use milvus_state::manifests::live::{in_live_order, unchanged};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

const POD: &str = "/spec";
const MAIN: &str = "/spec/containers/0";

/// The lists whose order means nothing, with what their items are known by.
const LISTS: [(&str, &str, &str); 7] = [
    (MAIN, "env", "name"),
    (MAIN, "volumeMounts", "mountPath"),
    (MAIN, "ports", "containerPort"),
    (POD, "volumes", "name"),
    (POD, "tolerations", "key"),
    (POD, "topologySpreadConstraints", "topologyKey"),
    (POD, "imagePullSecrets", "name"),
];

/// As an operator renders it: no defaults.
fn wanted() -> Value {
    let spread = |key: &str| {
        json!({ "topologyKey": key, "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": { "operator": "Equal" } } })
    };
    let secret = |name: &str| json!({ "secretKeyRef": { "name": "storage", "key": name } });
    json!({
        "metadata": { "labels": { "app": "milvus" }, "annotations": { "milvus.io/using-configmap": "mil" } },
        "spec": {
            "containers": [
                {
                    "name": "proxy", "image": "milvusdb/milvus:v2.4.10", "args": ["milvus", "run", "proxy"],
                    "env": [
                        { "name": "HOST", "value": "a" },
                        { "name": "URL", "value": "http://$(HOST):1/$(ELSE)" },
                        { "name": "EMPTY", "value": "" },
                        { "name": "KEY", "valueFrom": secret("accesskey") },
                        { "name": "CACHE_SIZE", "valueFrom":
                            { "resourceFieldRef": { "resource": "limits.memory", "divisor": "1024Mi" } } },
                    ],
                    "ports": [{ "name": "milvus", "containerPort": 19530 }, { "name": "metrics", "containerPort": 9091 }],
                    "resources": { "limits": { "cpu": "0.5", "memory": "2048Mi" }, "requests": {} },
                    "volumeMounts": [
                        { "name": "milvus-config", "mountPath": "/milvus/configs/operator", "readOnly": true },
                        { "name": "tools", "mountPath": "/milvus/tools", "readOnly": false },
                        { "name": "data", "mountPath": "/data" },
                    ],
                },
                { "name": "sidecar", "image": "sidecar:1" },
            ],
            "initContainers": [
                { "name": "config", "command": ["/bin/sh"], "args": ["/init.sh"] },
                { "name": "first", "image": "first:1" },
                { "name": "second", "image": "second:1" },
            ],
            "volumes": [
                { "name": "milvus-config", "configMap": { "name": "mil", "defaultMode": 511 } },
                { "name": "tools", "emptyDir": {} },
                { "name": "data", "persistentVolumeClaim": { "claimName": "data" } },
            ],
            "tolerations": [{ "key": "a", "operator": "Exists" }, { "key": "b", "value": "c", "effect": "NoSchedule" }],
            "topologySpreadConstraints": [spread("zone"), spread("host")],
            "imagePullSecrets": [{ "name": "one" }, { "name": "two" }],
            "nodeSelector": { "disk": "ssd" },
            "securityContext": {},
        },
    })
}

fn list<'v>(template: &'v mut Value, at: &str, field: &str) -> &'v mut Vec<Value> {
    template.pointer_mut(at).unwrap()[field].as_array_mut().unwrap()
}

/// What the API server stores of it.
fn stored(mut template: Value) -> Value {
    template["metadata"]["creationTimestamp"] = Value::Null;
    let pod = &mut template["spec"];
    for (field, value) in
        [("restartPolicy", "Always"), ("dnsPolicy", "ClusterFirst"), ("schedulerName", "default-scheduler")]
    {
        pod[field] = json!(value);
    }
    for list in ["containers", "initContainers"] {
        for container in pod[list].as_array_mut().unwrap() {
            container["terminationMessagePath"] = json!("/dev/termination-log");
            container["terminationMessagePolicy"] = json!("File");
            container["imagePullPolicy"] = json!("IfNotPresent");
            container.as_object_mut().unwrap().entry("resources").or_insert(json!({}));
        }
    }
    let main = &mut pod["containers"][0];
    main["resources"] = json!({ "limits": { "cpu": "500m", "memory": "2Gi" } });
    main["env"][2].as_object_mut().unwrap().remove("value");
    main["env"][4]["valueFrom"]["resourceFieldRef"]["divisor"] = json!("1Gi");
    main["volumeMounts"][1].as_object_mut().unwrap().remove("readOnly");
    for port in main["ports"].as_array_mut().unwrap() {
        port["protocol"] = json!("TCP");
    }
    template
}

/// Something that changes no meaning.
#[derive(Clone, Debug)]
enum Detour {
    Swap { list: usize, from: usize, to: usize },
    Shadowed { at: usize, again: usize },
    ForeignVariable(usize),
    ForeignMount(usize),
    ForeignAnnotation,
    ForeignContainer,
}

fn detour() -> impl Strategy<Value = Detour> {
    prop_oneof![
        5 => (0..LISTS.len(), 0..9_usize, 0..9_usize).prop_map(|(list, from, to)| Detour::Swap { list, from, to }),
        1 => (0..9_usize, 0..9_usize).prop_map(|(at, again)| Detour::Shadowed { at, again }),
        1 => (0..9_usize).prop_map(Detour::ForeignVariable),
        1 => (0..9_usize).prop_map(Detour::ForeignMount),
        1 => Just(Detour::ForeignAnnotation),
        1 => Just(Detour::ForeignContainer),
    ]
}

fn place(all: &[Value], name: &str) -> Option<usize> {
    all.iter().rposition(|item| item["name"] == name)
}

fn take(live: &mut Value, detour: &Detour) {
    match *detour {
        Detour::Swap { list: of, from, to } => {
            let (at, field, _) = LISTS[of];
            let all = list(live, at, field);
            let (from, to) = (from % all.len(), to % all.len());
            all.swap(from, to);
        }
        Detour::Shadowed { at, again } => {
            let all = list(live, MAIN, "env");
            let name = all[at % all.len()]["name"].clone();
            let last = place(all, name.as_str().unwrap()).unwrap();
            all.insert(again % (last + 1), json!({ "name": name, "value": "shadowed" }));
        }
        Detour::ForeignVariable(at) => {
            let all = list(live, MAIN, "env");
            if place(all, "FOREIGN").is_none() {
                all.insert(at % (all.len() + 1), json!({ "name": "FOREIGN", "value": "1" }));
            }
        }
        Detour::ForeignMount(at) => {
            let volumes = list(live, POD, "volumes");
            if place(volumes, "foreign").is_none() {
                volumes.insert(at % (volumes.len() + 1), json!({ "name": "foreign", "emptyDir": {} }));
                let mounts = list(live, MAIN, "volumeMounts");
                mounts.insert(at % (mounts.len() + 1), json!({ "name": "foreign", "mountPath": "/foreign" }));
            }
        }
        Detour::ForeignAnnotation => {
            live["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] =
                json!("2026-01-01T00:00:00Z");
        }
        Detour::ForeignContainer => {
            let containers = list(live, POD, "containers");
            if place(containers, "foreign").is_none() {
                containers.push(json!({ "name": "foreign", "image": "foreign:1" }));
            }
        }
    }
}

/// A variable must come after the one that it refers to: the only order that means something.
fn keep_reference(live: &mut Value) {
    let env = list(live, MAIN, "env");
    let (host, url) = (place(env, "HOST").unwrap(), place(env, "URL").unwrap());
    if host > url {
        env.swap(host, url);
    }
}

fn live() -> impl Strategy<Value = Value> {
    prop::collection::vec(detour(), 0..12).prop_map(|detours| {
        let mut live = stored(wanted());
        // What is shadowed must come before what counts, so nothing is moved after that.
        let shadows = |detour: &&Detour| matches!(detour, Detour::Shadowed { .. });
        detours.iter().filter(|detour| !shadows(detour)).for_each(|detour| take(&mut live, detour));
        keep_reference(&mut live);
        detours.iter().filter(shadows).for_each(|detour| take(&mut live, detour));
        live
    })
}

/// Whether items that both lists have come in the same order.
fn in_order_of(sent: &Value, live: &Value, (at, field, key): (&str, &str, &str)) -> bool {
    let names = |template: &Value| -> Vec<Value> {
        let all = template.pointer(at).unwrap()[field].as_array().unwrap();
        all.iter().map(|item| item[key].clone()).collect()
    };
    let (sent, live) = (names(sent), names(live));
    let places: Vec<usize> =
        sent.iter().filter_map(|name| live.iter().rposition(|other| other == name)).collect();
    places.is_sorted()
}

/// Everything that is sent is in the live template to the letter and in its order, and no key comes twice.
fn leaves_as_it_is(sent: &Value, live: &Value) -> bool {
    match (sent, live) {
        (Value::Object(sent), Value::Object(live)) => {
            sent.iter().all(|(key, value)| live.get(key).is_some_and(|live| leaves_as_it_is(value, live)))
        }
        (Value::Array(sent), Value::Array(live)) => {
            let mut rest = live.iter();
            sent.iter().all(|item| rest.any(|live| leaves_as_it_is(item, live)))
        }
        _ => sent == live,
    }
}

fn env_names(template: &Value) -> Vec<&str> {
    let env = template.pointer(MAIN).unwrap()["env"].as_array().unwrap();
    env.iter().map(|variable| variable["name"].as_str().unwrap()).collect()
}

/// A difference that is meant.
type Change = (&'static str, fn(&mut Value));

fn changes() -> Vec<Change> {
    vec![
        ("image", |t| t["spec"]["containers"][0]["image"] = json!("milvusdb/milvus:v2.4.11")),
        ("argument", |t| list(t, MAIN, "args").reverse()),
        ("value of a variable", |t| t["spec"]["containers"][0]["env"][0]["value"] = json!("b")),
        ("no value any more", |t| t["spec"]["containers"][0]["env"][0] = json!({ "name": "HOST" })),
        ("new variable", |t| list(t, MAIN, "env").insert(0, json!({ "name": "NEW", "value": "1" }))),
        ("variable before the one it refers to", |t| list(t, MAIN, "env").swap(0, 1)),
        ("limit", |t| t["spec"]["containers"][0]["resources"]["limits"]["cpu"] = json!("0.6")),
        ("request", |t| t["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("0.5")),
        ("port", |t| t["spec"]["containers"][0]["ports"][0]["containerPort"] = json!(19531)),
        ("protocol", |t| t["spec"]["containers"][0]["ports"][0]["protocol"] = json!("UDP")),
        ("mount", |t| t["spec"]["containers"][0]["volumeMounts"][1]["readOnly"] = json!(true)),
        ("volume", |t| t["spec"]["volumes"][2] = json!({ "name": "data", "emptyDir": {} })),
        ("one toleration less", |t| drop(list(t, POD, "tolerations").pop())),
        ("toleration", |t| t["spec"]["tolerations"][1]["effect"] = json!("NoExecute")),
        ("node selector", |t| t["spec"]["nodeSelector"] = json!({})),
        ("spread", |t| t["spec"]["topologySpreadConstraints"][0]["labelSelector"] = json!({})),
        ("sidecar", |t| t["spec"]["containers"][1]["image"] = json!("sidecar:2")),
        ("init container", |t| {
            list(t, POD, "initContainers").push(json!({ "name": "third", "image": "third:1" }));
        }),
        ("annotation", |t| t["metadata"]["annotations"]["milvus.io/using-configmap"] = json!("other")),
        ("empty annotation", |t| t["metadata"]["annotations"]["mine"] = json!("")),
    ]
}

proptest! {
    #[test]
    fn what_means_the_same_is_sent_as_it_is_there(live in live()) {
        let sent = unchanged(&wanted(), &live);
        prop_assert!(sent.is_some());
        let sent = sent.unwrap();
        prop_assert!(leaves_as_it_is(&sent, &live), "{sent:#}");
        let mut names = env_names(&sent);
        names.sort_unstable();
        prop_assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }

    #[test]
    fn what_is_meant_to_change_is_sent_in_the_live_order(live in live(), index in 0..20_usize) {
        let mut wanted = wanted();
        let (name, change) = changes()[index];
        change(&mut wanted);
        prop_assert_eq!(unchanged(&wanted, &live), None, "{}", name);
        let sent = in_live_order(&wanted, &live);
        prop_assert_eq!(unchanged(&wanted, &sent).is_some(), true, "{}: {:#}", name, sent);
        // Another protocol is another port, which is new.
        let reordered = [("variable before the one it refers to", "env"), ("protocol", "ports")];
        for of in LISTS.into_iter().filter(|(_, field, _)| *field != "tolerations") {
            prop_assert!(reordered.contains(&(name, of.1)) || in_order_of(&sent, &live, of), "{} {:?}: {:#}", name, of, sent);
        }
    }
}

#[test]
fn there_are_as_many_changes_as_the_property_draws() {
    assert_eq!(changes().len(), 20);
}

/// Init containers run one after the other. The order that another operator has left restarts nothing by itself, and
/// at the next change they come as the user has them.
#[test]
fn init_containers_keep_the_order_that_is_wanted() {
    let mut live = stored(wanted());
    list(&mut live, POD, "initContainers").swap(1, 2);
    assert!(unchanged(&wanted(), &live).is_some());
    let sent = in_live_order(&wanted(), &live);
    let names: Vec<&Value> =
        sent["spec"]["initContainers"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
    assert_eq!(names, ["config", "first", "second"]);
}

#[rstest]
#[case("0.5", "500m", true)]
#[case("1Gi", "1024Mi", true)]
#[case("1e3", "1k", true)]
#[case("1.5Gi", "1536Mi", true)]
#[case("1G", "1Gi", false)]
#[case("100m", "0.01", false)]
#[case("lots", "lots", true)]
#[case("lots", "more", false)]
fn quantities_are_compared_by_value(#[case] wanted: &str, #[case] live: &str, #[case] same: bool) {
    let of = |text: &str| json!({ "resources": { "limits": { "memory": text } } });
    assert_eq!(unchanged(&of(wanted), &of(live)).is_some(), same);
}
