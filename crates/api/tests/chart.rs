//! The chart as users install it, with the real helm on a real control plane.
#![allow(clippy::disallowed_methods, reason = "tests may read files and the clock")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use k8s_openapi::api::{apps::v1::Deployment, authorization::v1::SubjectAccessReview};
use kube::{Api, api::PostParams};
use milvus_api::{Milvus, keys};
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

/// The operator's pod is admitted where only restricted ones are.
async fn assert_restricted(plane: &ControlPlane) {
    let enforce = ["label", "ns", RELEASE, "pod-security.kubernetes.io/enforce=restricted"];
    let said = plane.access().kubectl(enforce).await.unwrap();
    assert!(said.code == 0 && !said.stderr.contains("violate"), "{said:?}");
    let restart = ["-n", RELEASE, "rollout", "restart", "deployment", RELEASE];
    kubectl(plane, &restart).await;
    kubectl(plane, &["-n", RELEASE, "rollout", "status", "deployment", RELEASE, "--timeout=60s"]).await;
}

#[tokio::test]
async fn a_release_is_installed_and_its_end_takes_no_milvus_with_it() {
    let plane = ControlPlane::shared().await.unwrap();
    helm(plane, &["lint", "--strict", CHART]).await;
    let install = ["install", RELEASE, CHART, "-n", RELEASE, "--create-namespace", "--wait", "--timeout=60s"];
    let notes = helm(plane, &install).await;
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
    assert_restricted(plane).await;
    assert_rights(plane).await;

    let before = create_milvus(plane).await;
    helm(plane, &["uninstall", RELEASE, "-n", RELEASE, "--wait"]).await;
    assert_eq!(uid(plane).await, before, "the Milvus is still there");
    helm(plane, &install).await;
    assert_eq!(uid(plane).await, before, "and the next release takes the definitions over");
}

/// Values of the wrong type, and what helm must name. Each is one value of the chart.
const WRONG: [(&str, &str); 18] = [
    ("replicaCount=many", "replicaCount"),
    ("image.repository=", "repository"),
    ("image.pullPolicy=Sometimes", "pullPolicy"),
    ("installCRDs=maybe", "installCRDs"),
    ("logFormat=xml", "logFormat"),
    ("logLevel=", "logLevel"),
    ("watchNamespaces=a", "watchNamespaces"),
    ("watchNamespaces={Not_A_Name}", "watchNamespaces"),
    ("extraArgs=--debug", "extraArgs"),
    ("resources.limits=1", "limits"),
    ("rbac.create=yes", "create"),
    ("serviceAccount.annotations.a=1", "annotations"),
    ("prometheusRule.enabled=on", "enabled"),
    ("dashboard.labels=x", "labels"),
    ("networkPolicy.apiServerPorts={70000}", "apiServerPorts"),
    ("networkPolicy.metricsFrom=any", "metricsFrom"),
    ("podSecurityContext.runAsUser=root", "runAsUser"),
    ("nodeSelector=a", "nodeSelector"),
];

/// Values of the Go operator's chart that mean nothing here, or mean the same.
const GO_VALUES: &str = "enableWebhook=false,cert-manager.enabled=false,strategy.type=Recreate,volumes=null,allowPrivilegeEscalation=false";

#[tokio::test]
async fn a_value_of_the_wrong_type_is_refused_by_its_name() {
    let plane = ControlPlane::shared().await.unwrap();
    for (set, name) in WRONG {
        let wrong = plane.access().helm(["template", "x", CHART, "--set", set]).await.unwrap();
        assert!(wrong.code != 0 && wrong.stderr.contains(name), "{set}: {wrong:?}");
    }
    helm(plane, &["template", "x", CHART, "--set", GO_VALUES]).await;
    let schema: Value =
        serde_json::from_str(include_str!("../../../charts/milvus-operator/values.schema.json")).unwrap();
    let values: Value =
        serde_saphyr::from_str(include_str!("../../../charts/milvus-operator/values.yaml")).unwrap();
    for (name, value) in values.as_object().unwrap() {
        let known = &schema["properties"][name];
        assert!(known.is_object(), "{name} is not in the schema");
        for (inner, _) in value.as_object().into_iter().flatten() {
            let free = known["additionalProperties"].is_object();
            assert!(free || known["properties"][inner].is_object(), "{name}.{inner} is not in the schema");
        }
    }
}

#[tokio::test]
async fn names_and_objects_follow_the_values() {
    let plane = ControlPlane::shared().await.unwrap();
    let only = |template: &'static str, set: &'static str| async move {
        let template = format!("templates/{template}.yaml");
        helm(plane, &["template", "x", CHART, "-n", "ns", "--show-only", &template, "--set", set]).await
    };
    assert!(only("deployment", "image.tag=v7").await.contains("image: \"milvus-operator:v7\""));
    assert!(only("deployment", "fullnameOverride=mine").await.contains("name: mine\n"));
    assert!(only("role", "replicaCount=1").await.contains("name: x-milvus-operator-leader-election-role\n"));
    assert!(only("servicemonitor", "monitoringEnabled=true").await.contains("kind: ServiceMonitor"));
    assert!(only("networkpolicy", "networkPolicy.enabled=true").await.contains("kind: NetworkPolicy"));
    let args = only("deployment", "watchNamespaces={a,b},logFormat=json").await;
    assert!(args.contains("- --watch-namespace=a,b\n") && args.contains("- --log-format=json\n"), "{args}");
    let without = helm(plane, &["template", "x", CHART, "--set", "installCRDs=false"]).await;
    assert!(!without.contains("CustomResourceDefinition"));
}
