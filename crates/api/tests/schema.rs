//! The definitions against upstream's field list, and what they promise besides.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test fails as the test does")]

use std::collections::{BTreeMap, BTreeSet};

use milvus_api::crd::{self, MAX_BYTES};
use serde_json::Value;

const UPSTREAM: &str = include_str!("data/crd-fields-v1beta1.txt");
const NEWER: &str = include_str!("data/crd-fields-newer.txt");
const OURS: &str = include_str!("data/own-additions.txt");

/// Fields whose content is a Kubernetes type: the lists have only their top line.
const EMBEDDED: &[&str] = &[
    "affinity",
    "tolerations",
    "topologySpreadConstraints",
    "env",
    "extraEnv",
    "resources",
    "volumeMounts",
    "imagePullSecrets",
];

/// Keywords in the order in which the lists write them.
const KEYWORDS: &[&str] = &[
    "type",
    "format",
    "nullable",
    "default",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "required",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-int-or-string",
];

fn schema(definition: &Value) -> &Value {
    &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

fn keywords(node: &Value) -> String {
    let mut written = Vec::new();
    for keyword in KEYWORDS {
        let Some(value) = node.get(keyword) else { continue };
        let mut value = value.clone();
        if *keyword == "required"
            && let Some(names) = value.as_array_mut()
        {
            names.sort_by_key(|name| name.as_str().map(str::to_owned));
        }
        written.push(format!("{keyword}={}", with_spaces(&value)));
    }
    written.join(" ")
}

/// JSON with a space after each comma, as the lists have it.
fn with_spaces(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(Value::to_string).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn visit(path: &str, node: &Value, descend_embedded: bool, see: &mut impl FnMut(&str, &Value)) {
    see(path, node);
    let field = path.rsplit('.').next().unwrap_or_default();
    let embedded = path.starts_with(".spec.") && EMBEDDED.contains(&field);
    if embedded && !descend_embedded {
        return;
    }
    for (name, property) in node["properties"].as_object().into_iter().flatten() {
        visit(&format!("{path}.{name}"), property, descend_embedded, see);
    }
    if node["items"].is_object() {
        visit(&format!("{path}[]"), &node["items"], descend_embedded, see);
    }
    if node["additionalProperties"].is_object() {
        visit(&format!("{path}{{}}"), &node["additionalProperties"], descend_embedded, see);
    }
}

fn parse(list: &str) -> BTreeMap<&str, &str> {
    let lines = list.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split_once(" :: ").expect("a path, ` :: `, keywords")).collect()
}

#[test]
fn milvus_has_every_field_of_upstream_and_otherwise_only_the_listed_additions() {
    let definition = crd::milvus().unwrap();
    let mut actual = BTreeMap::new();
    visit("", schema(&definition), false, &mut |path, node| {
        actual.insert(path.to_owned(), keywords(node));
    });

    let mut expected = parse(UPSTREAM);
    for (path, keywords) in parse(NEWER) {
        assert_eq!(expected.insert(path, keywords), None, "{path} is newer and in the older list");
    }
    let ours = parse(OURS);
    for (path, keywords) in &ours {
        let upstream = expected.insert(path, keywords);
        assert_ne!(upstream, Some(*keywords), "{path} is listed as ours and is upstream's");
    }

    let expected: BTreeSet<_> =
        expected.into_iter().map(|(path, keywords)| format!("{path} :: {keywords}")).collect();
    let actual: BTreeSet<_> =
        actual.into_iter().map(|(path, keywords)| format!("{path} :: {keywords}")).collect();
    let missing: Vec<_> = expected.difference(&actual).collect();
    let surplus: Vec<_> = actual.difference(&expected).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nsurplus: {surplus:#?}");
}

#[test]
fn every_field_of_milvus_itself_is_described_and_no_field_of_kubernetes_types_is() {
    for definition in crd::definitions().unwrap() {
        let kind = &definition["spec"]["names"]["kind"];
        let mut own = BTreeSet::new();
        visit("", schema(&definition), false, &mut |path, _| {
            own.insert(path.to_owned());
        });
        visit("", schema(&definition), true, &mut |path, node| {
            let kubernetes = !own.contains(path)
                || [
                    "deployStatus{}.status.",
                    "DeployStatus{}{}.status.",
                    "DeployStatus{}.status.",
                    ".status.ingress.",
                ]
                .iter()
                .any(|part| path.contains(part))
                || (kind == "MilvusUpgrade" && path.starts_with(".status.conditions["));
            let described = node["description"].as_str().is_some_and(|text| !text.is_empty());
            if kubernetes {
                assert!(!described, "{kind} {path} has a description of Kubernetes");
            } else if !path.ends_with(']') && !path.ends_with('}') && path != ".metadata" {
                assert!(described, "{kind} {path} has no description");
            }
        });
    }
}

#[test]
fn definitions_fit_into_an_annotation_of_client_side_apply() {
    for definition in crd::definitions().unwrap() {
        let bytes = definition.to_string().len();
        assert!(bytes < MAX_BYTES, "{} has {bytes} bytes", definition["metadata"]["name"]);
    }
}

#[test]
fn kubernetes_types_are_complete() {
    let definition = crd::milvus().unwrap();
    let mut paths = BTreeSet::new();
    visit("", schema(&definition), true, &mut |path, _| {
        paths.insert(path.to_owned());
    });
    let affinity =
        "podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[].podAffinityTerm.labelSelector";
    for below in [
        format!("affinity.{affinity}.matchExpressions[].values[]"),
        "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[].matchFields[].values[]"
            .to_owned(),
        "tolerations[].tolerationSeconds".to_owned(),
        "topologySpreadConstraints[].matchLabelKeys[]".to_owned(),
        "env[].valueFrom.secretKeyRef.optional".to_owned(),
        "env[].valueFrom.resourceFieldRef.divisor".to_owned(),
        "resources.claims[].request".to_owned(),
        "resources.limits{}".to_owned(),
        "volumeMounts[].subPathExpr".to_owned(),
        "volumeMounts[].mountPropagation".to_owned(),
        "imagePullSecrets[].name".to_owned(),
    ] {
        for parent in [".spec.components", ".spec.components.proxy", ".spec.components.cdc"] {
            let path = format!("{parent}.{below}");
            assert!(paths.contains(&path), "{path} would be pruned");
        }
    }
}

#[test]
fn nothing_below_a_kubernetes_type_may_be_null() {
    let definition = crd::milvus().unwrap();
    visit("", schema(&definition), true, &mut |path, node| {
        let free = node["x-kubernetes-preserve-unknown-fields"] == true;
        let named = path.ends_with(".updateConfigMapOnly") || path.ends_with(".streamingMode");
        assert!(node.get("nullable").is_none() || free || named, "{path} is nullable");
    });
}

#[test]
fn names_columns_and_versions_are_those_of_upstream() {
    let definition = crd::milvus().unwrap();
    assert_eq!(definition["metadata"]["name"], "milvuses.milvus.io");
    assert_eq!(definition["spec"]["names"]["shortNames"], serde_json::json!(["mi"]));
    assert_eq!(definition["spec"]["names"]["categories"], serde_json::json!(["milvus-io"]));
    assert_eq!(definition["spec"]["conversion"], serde_json::json!({ "strategy": "None" }));
    let versions = definition["spec"]["versions"].as_array().unwrap();
    let facts: Vec<_> = versions
        .iter()
        .map(|version| (version["name"].as_str().unwrap(), &version["served"], &version["storage"]))
        .collect();
    assert_eq!(facts, [("v1beta1", &true.into(), &true.into()), ("v1alpha1", &false.into(), &false.into())]);
    let columns: Vec<_> = versions[0]["additionalPrinterColumns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| (column["name"].as_str().unwrap(), column["jsonPath"].as_str().unwrap()))
        .collect();
    assert_eq!(
        columns,
        [
            ("Mode", ".spec.mode"),
            ("Status", ".status.status"),
            ("Updated", ".status.conditions[?(@.type==\"MilvusUpdated\")].status"),
            ("Age", ".metadata.creationTimestamp"),
        ]
    );
    let others: Vec<_> = [crd::milvus_upgrade().unwrap(), crd::milvus_cluster().unwrap()]
        .iter()
        .map(|definition| {
            let version = &definition["spec"]["versions"][0];
            assert_eq!(version["subresources"], serde_json::json!({ "status": {} }));
            (
                definition["metadata"]["name"].as_str().unwrap().to_owned(),
                version["name"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let expected = [("milvusupgrades.milvus.io", "v1beta1"), ("milvusclusters.milvus.io", "v1alpha1")];
    assert_eq!(others, expected.map(|(name, version)| (name.to_owned(), version.to_owned())));
}

#[test]
fn a_milvus_that_names_nothing_is_small_in_memory() {
    // The operator keeps every Milvus; 1000 of them must fit into a few MB.
    let bytes = size_of::<milvus_api::Milvus>();
    assert!(bytes < 4096, "{bytes} bytes before anything is said");
}
