//! The chart as users install it, with the real helm on a real control plane.
#![allow(clippy::disallowed_methods, reason = "tests may read files and the clock")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::{fs, path::Path};

use k8s_openapi::{
    api::{apps::v1::Deployment, authorization::v1::SubjectAccessReview},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{Api, api::PostParams};
use milvus_api::{Milvus, crd, keys};
use milvus_testkit::ControlPlane;
use serde_json::{Value, json};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts/milvus-operator");
const RELEASE: &str = "milvus-operator";

async fn helm(plane: &ControlPlane, arguments: &[&str]) -> String {
    plane.access().helm(arguments).await.unwrap().success().unwrap()
}

async fn kubectl(plane: &ControlPlane, arguments: &[&str]) -> String {
    plane.access().kubectl(arguments).await.unwrap().success().unwrap()
}

/// A `Milvus` to lose, and its UID.
async fn create_milvus(plane: &ControlPlane) -> String {
    let manifest =
        json!({ "apiVersion": "milvus.io/v1beta1", "kind": "Milvus", "metadata": { "name": "my-release" } });
    plane.access().apply(&manifest.to_string()).await.unwrap();
    uid(plane).await
}

async fn uid(plane: &ControlPlane) -> String {
    let milvus = Api::<Milvus>::default_namespaced(plane.client().unwrap()).get("my-release").await.unwrap();
    milvus.metadata.uid.unwrap()
}

/// Whether the operator's ServiceAccount may do something: `resource` is `<plural>[.<group>][/<subresource>]`.
async fn may(plane: &ControlPlane, verb: &str, resource: &str, namespace: &str, name: Option<&str>) -> bool {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    let review: SubjectAccessReview = serde_json::from_value(json!({ "metadata": {}, "spec": {
        "user": format!("system:serviceaccount:{RELEASE}:{RELEASE}"),
        "groups": ["system:authenticated", "system:serviceaccounts"],
        "resourceAttributes": {
            "verb": verb, "group": group, "resource": resource, "subresource": subresource,
            "namespace": namespace, "name": name,
        },
    } }))
    .unwrap();
    let api = Api::<SubjectAccessReview>::all(plane.client().unwrap());
    api.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
}

async fn assert_rights(plane: &ControlPlane) {
    for (verbs, resource) in [
        ("list watch patch", "milvuses.milvus.io"),
        ("update", "milvuses.milvus.io/status"),
        ("list watch", "milvusupgrades.milvus.io"),
        ("update", "milvusupgrades.milvus.io/status"),
        ("get list watch create patch delete", "deployments.apps"),
        ("list watch create patch", "services"),
        ("list watch create patch", "configmaps"),
        ("list watch", "pods"),
        ("get", "secrets"),
        ("create patch", "events.events.k8s.io"),
    ] {
        for verb in verbs.split(' ') {
            assert!(may(plane, verb, resource, "default", None).await, "may not {verb} {resource}");
        }
    }
    for (verbs, resource) in [
        ("update create delete", "milvuses.milvus.io"),
        ("list watch create patch delete", "secrets"),
        ("create delete", "pods"),
        ("delete", "services"),
        ("delete", "configmaps"),
        ("create", "pods/exec"),
        ("get", "replicasets.apps"),
        ("create", "clusterrolebindings.rbac.authorization.k8s.io"),
        ("create get", "leases.coordination.k8s.io"),
    ] {
        for verb in verbs.split(' ') {
            assert!(!may(plane, verb, resource, "default", None).await, "may {verb} {resource}");
        }
    }
    let leases = "leases.coordination.k8s.io";
    assert!(may(plane, "create", leases, RELEASE, None).await);
    assert!(may(plane, "update", leases, RELEASE, Some(keys::LEADER_LEASE)).await);
    assert!(!may(plane, "patch", leases, RELEASE, Some(keys::LEADER_LEASE)).await);
    assert!(!may(plane, "get", leases, RELEASE, Some("another")).await);
}

#[tokio::test]
async fn a_release_is_installed_and_its_end_takes_no_milvus_with_it() {
    let plane = ControlPlane::new().await.unwrap();
    helm(&plane, &["lint", "--strict", CHART]).await;
    let install = ["install", RELEASE, CHART, "-n", RELEASE, "--create-namespace", "--wait", "--timeout=60s"];
    let notes = helm(&plane, &install).await;
    assert!(
        notes.contains("kubectl -n milvus-operator rollout status deployment/milvus-operator"),
        "{notes}"
    );

    let client = plane.client().unwrap();
    let deployment = Api::<Deployment>::namespaced(client.clone(), RELEASE).get(RELEASE).await.unwrap();
    let pod = deployment.spec.unwrap().template.spec.unwrap();
    let container = &pod.containers[0];
    assert_eq!((container.name.as_str(), pod.service_account_name.as_deref()), ("manager", Some(RELEASE)));
    let security = container.security_context.as_ref().unwrap();
    assert_eq!(security.read_only_root_filesystem, Some(true));
    // The namespace could be one that admits only restricted pods.
    let label = ["label", "--dry-run=server", "ns", RELEASE, "pod-security.kubernetes.io/enforce=restricted"];
    let labelled = plane.access().kubectl(label).await.unwrap();
    assert!(!labelled.stderr.contains("violate"), "{labelled:?}");
    assert_rights(&plane).await;

    let before = create_milvus(&plane).await;
    helm(&plane, &["uninstall", RELEASE, "-n", RELEASE, "--wait"]).await;
    assert_eq!(uid(&plane).await, before, "the Milvus is still there");
    helm(&plane, &install).await;
    assert_eq!(uid(&plane).await, before, "and the next release takes the definitions over");
}

#[tokio::test]
async fn values_that_can_not_work_are_refused_and_names_follow_the_release() {
    let plane = ControlPlane::shared().await.unwrap();
    let wrong = plane.access().helm(["template", "x", CHART, "--set", "replicaCount=many"]).await.unwrap();
    assert!(wrong.code != 0 && wrong.stderr.contains("replicaCount"), "{wrong:?}");
    let old = plane.access().helm([
        "template",
        "x",
        CHART,
        "--set",
        "enableWebhook=false,cert-manager.enabled=false",
    ]);
    old.await.unwrap().success().unwrap();

    let only = |template: &'static str, set: &'static str| async move {
        let template = format!("templates/{template}.yaml");
        helm(plane, &["template", "x", CHART, "-n", "ns", "--show-only", &template, "--set", set]).await
    };
    assert!(only("deployment", "image.tag=v7").await.contains("image: \"milvus-operator:v7\""));
    assert!(only("deployment", "fullnameOverride=mine").await.contains("name: mine\n"));
    assert!(only("role", "replicaCount=1").await.contains("name: x-milvus-operator-leader-election-role\n"));
    assert!(only("servicemonitor", "monitoringEnabled=true").await.contains("kind: ServiceMonitor"));
    let without = helm(plane, &["template", "x", CHART, "--set", "installCRDs=false"]).await;
    assert!(!without.contains("CustomResourceDefinition"));
}

/// The Go operator's chart in what matters here: definitions as templates that nothing keeps, in one file, with a
/// conversion webhook, and a Deployment of the same name and labels.
fn go_chart(directory: &Path) {
    let templates = directory.join("templates");
    fs::create_dir_all(&templates).unwrap();
    fs::write(directory.join("Chart.yaml"), "apiVersion: v2\nname: milvus-operator\nversion: 1.3.8\n")
        .unwrap();
    let definitions = crd::definitions().unwrap().into_iter().map(|mut definition| {
        if definition["metadata"]["name"] == "milvuses.milvus.io" {
            definition["spec"]["conversion"] = json!({ "strategy": "Webhook", "webhook": {
                "conversionReviewVersions": ["v1"],
                "clientConfig": { "service": { "namespace": RELEASE, "name": "webhook", "path": "/convert" } },
            } });
            definition["spec"]["versions"][1]["served"] = json!(true);
        }
        definition.to_string()
    });
    fs::write(templates.join("crds.yaml"), definitions.collect::<Vec<_>>().join("\n---\n")).unwrap();
    let labels = json!({ "app.kubernetes.io/name": RELEASE, "app.kubernetes.io/instance": RELEASE });
    let deployment: Value = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": RELEASE, "namespace": RELEASE },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "manager", "image": "go:1", "command": ["/manager"] }] },
            },
        },
    });
    fs::write(templates.join("deployment.yaml"), deployment.to_string()).unwrap();
}

#[tokio::test]
async fn a_release_of_the_go_operator_is_upgraded_and_keeps_every_milvus() {
    let plane = ControlPlane::shared().await.unwrap();
    let go = tempfile::tempdir().unwrap();
    go_chart(go.path());
    let go = go.path().to_str().unwrap();
    helm(plane, &["install", RELEASE, go, "-n", RELEASE, "--create-namespace", "--wait", "--timeout=60s"])
        .await;
    let before = create_milvus(plane).await;

    helm(plane, &["upgrade", RELEASE, CHART, "-n", RELEASE, "--wait", "--timeout=60s"]).await;
    assert_eq!(uid(plane).await, before);
    let definitions = Api::<CustomResourceDefinition>::all(plane.client().unwrap());
    for name in ["milvuses", "milvusupgrades", "milvusclusters"] {
        let definition = definitions.get(&format!("{name}.milvus.io")).await.unwrap();
        assert_eq!(definition.metadata.annotations.unwrap()["helm.sh/resource-policy"], "keep", "{name}");
        let conversion = definition.spec.conversion.unwrap();
        assert_eq!((conversion.strategy.as_str(), conversion.webhook), ("None", None), "{name}");
    }
    let command = "jsonpath={.spec.template.spec.containers[*].command}";
    let command = kubectl(plane, &["-n", RELEASE, "get", "deployment", RELEASE, "-o", command]).await;
    assert_eq!(command, r#"["/milvus-operator"]"#);
}
