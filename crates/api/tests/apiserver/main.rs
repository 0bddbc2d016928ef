//! The definitions on real API servers: one control plane of each version for the whole binary, a namespace
//! for each test.
#![allow(clippy::disallowed_methods, reason = "tests may read files and the clock")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod pruning;
mod rules;
mod taking_over;

use std::time::{Duration, Instant};

use k8s_openapi::{
    api::core::v1::Namespace, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client,
    api::{DynamicObject, PostParams},
    core::{ApiResource, GroupVersionKind},
    runtime::wait::{Condition, conditions},
};
use milvus_api::{Milvus, MilvusUpgrade, crd, milvus::DEFAULT_IMAGE};
use milvus_testkit::{ControlPlane, control_plane::Version, wait::wait_for};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// How long the API server may take to notice a changed definition.
const SOON: Duration = Duration::from_secs(30);

/// What `kubectl apply` said about the definitions when they were new, on the API server of each version.
static APPLIED: [OnceCell<String>; 2] = [OnceCell::const_new(), OnceCell::const_new()];

fn applied(version: Version) -> &'static OnceCell<String> {
    match version {
        Version::V1_34 => &APPLIED[0],
        Version::V1_37 => &APPLIED[1],
    }
}

/// The control plane of a version, with the definitions.
async fn plane(version: Version) -> &'static ControlPlane {
    let plane = ControlPlane::shared_of(version).await.unwrap();
    let apply = || async {
        let manifest = manifest(&crd::definitions().unwrap());
        let said = plane.access().apply(&manifest).await.unwrap();
        for name in ["milvuses", "milvusupgrades", "milvusclusters"] {
            established(plane, &format!("{name}.milvus.io")).await;
        }
        said
    };
    applied(version).get_or_init(apply).await;
    plane
}

/// Waits until a definition is established.
async fn established(plane: &ControlPlane, name: &str) {
    let api = Api::<CustomResourceDefinition>::all(plane.client().unwrap());
    let established = conditions::is_crd_established();
    wait_for(api, name, SOON, |definition| established.matches_object(definition)).await.unwrap();
}

/// Runs kubectl until it succeeds: discovery and OpenAPI follow a definition some time later, and no event tells.
async fn eventually(plane: &ControlPlane, arguments: &[&str]) -> String {
    let started = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        tick.tick().await;
        let output = plane.access().kubectl(arguments).await.unwrap();
        if output.code == 0 || started.elapsed() > SOON {
            return output.success().unwrap();
        }
    }
}

fn manifest(objects: &[Value]) -> String {
    objects.iter().map(Value::to_string).collect::<Vec<_>>().join("\n---\n")
}

/// A client, and a namespace of its own.
async fn namespace(version: Version, name: &str) -> (&'static ControlPlane, Client) {
    let plane = plane(version).await;
    let client = plane.client().unwrap();
    let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    (plane, client)
}

/// Objects of `Milvus`, untyped: what is written is what a user writes.
fn untyped(client: Client, group: &str, namespace: &str) -> Api<DynamicObject> {
    let resource =
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1beta1", "Milvus"), "milvuses");
    Api::namespaced_with(client, namespace, &resource)
}

fn object(group: &str, name: &str, spec: Option<&Value>) -> DynamicObject {
    let mut object = json!({
        "apiVersion": format!("{group}/v1beta1"),
        "kind": "Milvus",
        "metadata": { "name": name },
    });
    if let Some(spec) = spec {
        object["spec"] = spec.clone();
    }
    serde_json::from_value(object).unwrap()
}

#[rstest]
#[tokio::test]
async fn definitions_are_applied_by_kubectl_and_say_the_same_when_applied_again(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let plane = plane(version).await;
    for name in ["milvuses", "milvusupgrades", "milvusclusters"] {
        let line = format!("customresourcedefinition.apiextensions.k8s.io/{name}.milvus.io created");
        assert!(applied(version).get().unwrap().contains(&line), "{:?}", applied(version));
    }
    let again = plane.access().apply(&manifest(&crd::definitions().unwrap())).await.unwrap();
    assert_eq!(again.matches(" unchanged").count(), 3, "{again}");

    let conditions =
        ["get", "crd", "-o", "jsonpath={range .items[*]}{.status.conditions[*].type}{'\\n'}{end}"];
    let conditions = plane.access().kubectl(conditions).await.unwrap().success().unwrap();
    assert!(
        !conditions.contains("NonStructuralSchema") && !conditions.contains("Terminating"),
        "{conditions}"
    );
}

#[rstest]
#[tokio::test]
async fn an_object_without_an_image_gets_the_default_one(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let (_, client) = namespace(version, "defaults").await;
    let api = untyped(client.clone(), "milvus.io", "defaults");
    let specs =
        [None, Some(json!({})), Some(json!({ "components": {} })), Some(json!({ "components": null }))];
    for (index, spec) in specs.iter().enumerate() {
        let name = format!("m{index}");
        api.create(&PostParams::default(), &object("milvus.io", &name, spec.as_ref())).await.unwrap();
        let milvus = Api::<Milvus>::namespaced(client.clone(), "defaults").get(&name).await.unwrap();
        assert_eq!(milvus.spec.components.global.image.as_deref(), Some(DEFAULT_IMAGE), "{spec:?}");
    }
    let spec = json!({ "components": { "image": "mine:1", "proxy": {} } });
    let written = api.create(&PostParams::default(), &object("milvus.io", "own", Some(&spec))).await.unwrap();
    assert_eq!(written.data["spec"]["components"]["image"], "mine:1");
    assert_eq!(written.data["spec"]["components"]["proxy"], json!({ "serviceType": "ClusterIP" }));
}

#[rstest]
#[tokio::test]
async fn kubectl_explains_every_level(#[values(Version::V1_34, Version::V1_37)] version: Version) {
    let plane = plane(version).await;
    for (path, text) in [
        ("milvus", "A Milvus installation"),
        ("milvus.spec.components.image", "Milvus image."),
        ("milvus.spec.components.queryNode.groups.replicas", "-1 leaves it to an autoscaler"),
        ("milvus.spec.upgradePolicy.minReadySeconds", "30 when unset"),
        ("milvus.status.upgrade.waitingFor", "What it waits for now."),
        ("milvusupgrade.spec.rollbackIfFailed", "Take everything back"),
    ] {
        let said = eventually(plane, &["explain", path]).await;
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(text), "{path}: {said}");
    }
}

#[rstest]
#[tokio::test]
async fn kubectl_shows_mode_status_and_whether_it_is_updated(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let (plane, client) = namespace(version, "columns").await;
    let api = Api::<Milvus>::namespaced(client, "columns");
    let mut milvus: Milvus = serde_json::from_value(json!({
        "metadata": { "name": "my-release" },
        "spec": { "mode": "cluster" },
    }))
    .unwrap();
    milvus = api.create(&PostParams::default(), &milvus).await.unwrap();
    milvus.status = Some(
        serde_json::from_value(json!({
            "status": "Healthy",
            "conditions": [
                { "type": "MilvusReady", "status": "True" },
                { "type": "MilvusUpdated", "status": "False", "reason": "MilvusUpgradingImage" },
            ],
        }))
        .unwrap(),
    );
    api.replace_status("my-release", &PostParams::default(), &milvus).await.unwrap();

    // By the singular with a name: a category of the same word would make kubectl refuse the name.
    for resource in [["milvus", "my-release"], ["mi", "my-release"], ["milvuses.milvus.io", "my-release"]] {
        let table = eventually(plane, &["-n", "columns", "get", resource[0], resource[1]]).await;
        let rows: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["NAME", "MODE", "STATUS", "UPDATED", "AGE"], "{table}");
        assert_eq!(rows[1][..4], ["my-release", "cluster", "Healthy", "False"], "{table}");
    }
    let two =
        plane.access().kubectl(["-n", "columns", "get", "milvus", "my-release", "my-release", "-o", "name"]);
    assert_eq!(two.await.unwrap().success().unwrap().lines().count(), 2);
    let category = plane.access().kubectl(["-n", "columns", "get", "milvus-io", "-o", "name"]).await.unwrap();
    assert_eq!(category.success().unwrap(), "milvus.milvus.io/my-release\n");
    let wait = ["-n", "columns", "wait", "--for=condition=MilvusReady", "milvus/my-release", "--timeout=10s"];
    plane.access().kubectl(wait).await.unwrap().success().unwrap();
}

#[rstest]
#[tokio::test]
async fn an_upgrade_gets_upstreams_defaults_and_needs_what_upstream_needs(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let (_, client) = namespace(version, "upgrades").await;
    let api = Api::<MilvusUpgrade>::namespaced(client.clone(), "upgrades");
    let upgrade: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "milvus.io/v1beta1",
        "kind": "MilvusUpgrade",
        "metadata": { "name": "up" },
        "spec": { "milvus": { "name": "my-release" }, "sourceVersion": "2.1.4", "targetVersion": "2.2.16" },
    }))
    .unwrap();
    let resource = ApiResource::erase::<MilvusUpgrade>(&());
    let untyped: Api<DynamicObject> = Api::namespaced_with(client, "upgrades", &resource);
    let written = untyped.create(&PostParams::default(), &upgrade).await.unwrap();
    let spec = &written.data["spec"];
    assert_eq!(
        (&spec["operation"], &spec["maxRetry"], &spec["rollbackIfFailed"]),
        (&json!("upgrade"), &json!(3), &json!(true))
    );
    assert_eq!(api.get("up").await.unwrap().spec.milvus.name, "my-release");

    for missing in ["milvus", "sourceVersion", "targetVersion"] {
        let mut incomplete = upgrade.clone();
        incomplete.data["spec"].as_object_mut().unwrap().remove(missing);
        let error = untyped.create(&PostParams::default(), &incomplete).await.unwrap_err().to_string();
        assert!(error.contains(&format!("spec.{missing}: Required value")), "{error}");
    }
}
