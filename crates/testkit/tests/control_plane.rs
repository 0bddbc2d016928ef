//! The control plane as a test uses it.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Pod, ServiceAccount},
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use milvus_testkit::{
    ControlPlane, audit,
    recorder::Recorder,
    wait::{self, wait_for},
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_mins(1);

fn pod_template(app: &str, image: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": app } },
        "spec": {
            "initContainers": [{ "name": "config", "image": "config:1" }],
            "containers": [{ "name": "main", "image": image }],
        },
    })
}

fn deployment(name: &str, image: &str, replicas: u32) -> Deployment {
    let spec = json!({
        "replicas": replicas,
        "selector": { "matchLabels": { "app": name } },
        "template": pod_template(name, image),
    });
    serde_json::from_value(json!({ "metadata": { "name": name }, "spec": spec })).unwrap()
}

fn pod(name: &str, image: &str) -> Pod {
    let mut pod = pod_template(name, image);
    pod["metadata"]["name"] = json!(name);
    serde_json::from_value(pod).unwrap()
}

fn is_ready(pod: Option<&Pod>) -> bool {
    let conditions = pod.and_then(|pod| pod.status.as_ref()?.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// The reason that the container of a pod waits for, and the phase of the pod, once it has both.
async fn waiting(pods: &Api<Pod>, name: &str) -> (String, String) {
    let reason = |pod: &Pod| {
        let state = pod.status.as_ref()?.container_statuses.as_ref()?[0].state.clone()?;
        state.waiting?.reason
    };
    let pod =
        wait_for(pods.clone(), name, SOON, |pod| pod.and_then(reason).is_some()).await.unwrap().unwrap();
    (reason(&pod).unwrap(), pod.status.unwrap().phase.unwrap())
}

/// Ends a wait once it has seen what it is to report: with the clock paused, tokio goes to the next deadline
/// by itself.
#[derive(Default)]
struct TimeIsUp(Cell<bool>);

impl TimeIsUp {
    fn now(&self) {
        if !self.0.replace(true) {
            tokio::time::pause();
        }
    }
}

async fn namespace(plane: &ControlPlane, name: &str) -> Client {
    let client = plane.client().unwrap();
    let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    client
}

#[tokio::test]
async fn a_deployment_becomes_available_and_its_pods_end_with_it() {
    let plane = ControlPlane::shared().await.unwrap();
    let client = namespace(plane, "available").await;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "available");
    deployments.create(&PostParams::default(), &deployment("web", "web:1", 2)).await.unwrap();
    let is_available = |found: Option<&Deployment>| {
        found
            .and_then(|found| found.status.as_ref())
            .is_some_and(|status| status.available_replicas == Some(2))
    };
    wait_for(deployments, "web", SOON, is_available).await.unwrap();

    let pods: Api<Pod> = Api::namespaced(client, "available");
    let pod = pods.list(&ListParams::default()).await.unwrap().items.remove(0);
    let status = pod.status.unwrap();
    assert_eq!(status.container_statuses.unwrap()[0].image, "web:1");
    assert!(status.init_container_statuses.unwrap()[0].state.as_ref().unwrap().terminated.is_some());
    assert!(status.pod_ip.unwrap().starts_with("10.200."));

    let deleted = plane.access().kubectl(["-n", "available", "delete", "deployment", "web"]).await.unwrap();
    assert_eq!(deleted.success().unwrap(), "deployment.apps \"web\" deleted from available namespace\n");
    wait_for(pods, &pod.metadata.name.unwrap(), SOON, |pod| pod.is_none()).await.unwrap();
}

#[tokio::test]
async fn two_control_planes_run_at_once_and_know_nothing_of_each_other() {
    let (one, two) = tokio::join!(ControlPlane::shared(), ControlPlane::new());
    let (one, two) = (one.unwrap(), two.unwrap());
    namespace(one, "only-in-one").await;
    let in_two = two.access().kubectl(["get", "namespace", "only-in-one"]).await.unwrap();
    assert!(in_two.code == 1 && in_two.stderr.contains("NotFound"), "{in_two:?}");

    let (directory, ids) = (
        two.directory().to_owned(),
        two.processes().iter().map(milvus_testkit::process::Process::id).collect::<Vec<_>>(),
    );
    assert_eq!(ids.len(), 5);
    drop(two);
    assert!(ids.iter().all(|id| !id.is_alive()));
    assert!(!directory.exists());
    assert!(one.processes().iter().all(|process| process.id().is_alive()));
}

#[tokio::test]
async fn an_account_without_rights_is_refused_and_the_audit_log_says_who_wrote_what() {
    let plane = ControlPlane::shared().await.unwrap();
    let client = namespace(plane, "rights").await;
    let accounts: Api<ServiceAccount> = Api::namespaced(client, "rights");
    let account = serde_json::from_value(json!({ "metadata": { "name": "writer" } })).unwrap();
    accounts.create(&PostParams::default(), &account).await.unwrap();
    let writer = plane.access().as_service_account("rights", "writer").await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(writer.client().unwrap(), "rights");
    let map: ConfigMap = serde_json::from_value(json!({ "metadata": { "name": "map" } })).unwrap();

    let refused = maps.create(&PostParams::default(), &map).await.unwrap_err();
    assert!(matches!(&refused, kube::Error::Api(status) if status.code == 403), "{refused}");

    let grant = [
        "-n",
        "rights",
        "create",
        "rolebinding",
        "edit",
        "--clusterrole=edit",
        "--serviceaccount=rights:writer",
    ];
    plane.access().kubectl(grant).await.unwrap().success().unwrap();
    // The API server's authorizer learns of the binding by a watch: the writer may read from then on, and
    // write.
    wait_for(maps.clone(), "map", SOON, |map| map.is_none()).await.unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();
    let patch = Patch::Merge(json!({ "data": { "key": "value" } }));
    maps.patch("map", &PatchParams::default(), &patch).await.unwrap();
    maps.get("map").await.unwrap();

    let events = plane.audit().unwrap();
    let requests = audit::writes_by(&events, "system:serviceaccount:rights:writer");
    assert!(
        requests[0].is_forbidden() && requests[0].verb == "create" && requests[0].resource == "configmaps"
    );
    let accepted: Vec<_> = requests.iter().filter(|event| !event.is_forbidden()).collect();
    let told = accepted.iter().map(|e| (e.verb.as_str(), e.code, e.namespace.as_str())).collect::<Vec<_>>();
    assert_eq!(told, [("create", 201, "rights"), ("patch", 200, "rights")]);
    assert_eq!(accepted[1].name, "map");
    let reads = events.iter().filter(|event| event.user.ends_with(":writer") && event.verb == "get").count();
    assert_eq!(reads, 1);
}

#[tokio::test]
async fn images_play_the_mistakes_of_users() {
    let plane = ControlPlane::shared().await.unwrap();
    let pods: Api<Pod> = Api::namespaced(namespace(plane, "mistakes").await, "mistakes");
    for (name, image) in [
        ("pull", "milvusdb/milvus:v2.3.5-bad-pull"),
        ("crash", "localhost:5000/milvus:v2.3.5-crash"),
        ("never", "milvus:v2.3.5-never-ready"),
        ("fine", "registry-crash/milvus-bad-pull:v2.3.5"),
    ] {
        pods.create(&PostParams::default(), &pod(name, image)).await.unwrap();
    }
    wait_for(pods.clone(), "fine", SOON, is_ready).await.unwrap();
    assert_eq!(waiting(&pods, "pull").await, ("ImagePullBackOff".to_owned(), "Pending".to_owned()));
    assert_eq!(waiting(&pods, "crash").await, ("CrashLoopBackOff".to_owned(), "Running".to_owned()));
    let runs =
        |pod: Option<&Pod>| pod.and_then(|pod| pod.status.as_ref()?.phase.as_deref()) == Some("Running");
    wait_for(pods.clone(), "never", SOON, runs).await.unwrap();
    // One that came later is Ready before it.
    pods.create(&PostParams::default(), &pod("later", "milvus:v2.3.5")).await.unwrap();
    wait_for(pods.clone(), "later", SOON, is_ready).await.unwrap();
    let time_is_up = TimeIsUp::default();
    let ready = |pod: Option<&Pod>| {
        pod.is_some().then(|| time_is_up.now());
        is_ready(pod)
    };
    let late = wait_for(pods, "never", SOON, ready).await.unwrap_err().to_string();
    assert!(
        late.starts_with("Pod never was not as expected within 60s.") && late.contains("-never-ready"),
        "{late}"
    );
}

#[tokio::test]
async fn a_pod_hangs_in_termination_for_as_long_as_its_image_says() {
    let plane = ControlPlane::shared().await.unwrap();
    let pods: Api<Pod> = Api::namespaced(namespace(plane, "hangs").await, "hangs");
    pods.create(&PostParams::default(), &pod("hang", "milvus:v2.3.5-hang4s")).await.unwrap();
    pods.create(&PostParams::default(), &pod("quick", "milvus:v2.3.5")).await.unwrap();
    for name in ["hang", "quick"] {
        wait_for(pods.clone(), name, SOON, is_ready).await.unwrap();
    }
    // A lower bound: it can only take longer.
    let started = Instant::now();
    for name in ["hang", "quick"] {
        pods.delete(name, &DeleteParams::default()).await.unwrap();
    }
    wait_for(pods.clone(), "quick", SOON, |pod| pod.is_none()).await.unwrap();
    let hanging = pods.get("hang").await.unwrap();
    assert!(hanging.metadata.deletion_timestamp.is_some());
    wait_for(pods, "hang", SOON, |pod| pod.is_none()).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_claim_gets_a_volume_that_goes_with_it() {
    let plane = ControlPlane::shared().await.unwrap();
    let client = namespace(plane, "claims").await;
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), "claims");
    let spec = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } });
    let claim = serde_json::from_value(json!({ "metadata": { "name": "data" }, "spec": spec })).unwrap();
    claims.create(&PostParams::default(), &claim).await.unwrap();
    let is_bound = |claim: Option<&PersistentVolumeClaim>| {
        claim.and_then(|claim| claim.status.as_ref()?.phase.as_deref()) == Some("Bound")
    };
    let claim = wait_for(claims.clone(), "data", SOON, is_bound).await.unwrap().unwrap();
    let volume = claim.spec.unwrap().volume_name.unwrap();

    claims.delete("data", &DeleteParams::default()).await.unwrap();
    let volumes = Api::<k8s_openapi::api::core::v1::PersistentVolume>::all(client);
    wait_for(volumes, &volume, SOON, |volume| volume.is_none()).await.unwrap();
}

#[tokio::test]
async fn a_rolling_update_is_recorded_change_by_change() {
    let plane = ControlPlane::shared().await.unwrap();
    let client = namespace(plane, "recorded").await;
    let recorder = Recorder::start(client.clone(), "recorded").await.unwrap();
    let deployments: Api<Deployment> = Api::namespaced(client, "recorded");
    deployments.create(&PostParams::default(), &deployment("web", "web:1", 1)).await.unwrap();
    let pod_ready_with = |image: &'static str| {
        move |changes: &[milvus_testkit::recorder::Change]| {
            let mut pods = changes.iter().filter(|change| change.kind == "Pod" && change.images() == [image]);
            pods.any(|pod| pod.condition("Ready") == Some("True"))
        }
    };
    recorder.wait(SOON, pod_ready_with("web:1")).await.unwrap();
    let image = json!([{ "name": "main", "image": "web:2" }]);
    let patch = json!({ "spec": { "template": { "spec": { "containers": image } } } });
    deployments.patch("web", &PatchParams::default(), &Patch::Strategic(patch)).await.unwrap();
    let is_gone = |changes: &[milvus_testkit::recorder::Change]| {
        changes.iter().any(|change| change.kind == "Pod" && change.gone && change.images() == ["web:1"])
    };
    recorder.wait(SOON, is_gone).await.unwrap();

    assert_eq!(recorder.gaps(), 0);
    let pods = recorder.of("Pod", None);
    let ready =
        pods.iter().position(|pod| pod.images() == ["web:2"] && pod.condition("Ready") == Some("True"));
    let stopping = pods.iter().position(|pod| pod.images() == ["web:1"] && pod.is_terminating());
    assert!(ready.unwrap() < stopping.unwrap(), "the new pod was Ready before the old one was stopped");
    let generations: Vec<i64> = recorder
        .of("Deployment", Some("web"))
        .iter()
        .map(milvus_testkit::recorder::Change::generation)
        .collect();
    assert!(generations.is_sorted() && generations.first() == Some(&1) && generations.last() == Some(&2));

    let time_is_up = TimeIsUp::default();
    let nothing = |_: &[milvus_testkit::recorder::Change]| {
        time_is_up.now();
        false
    };
    let never = recorder.wait(SOON, nothing).await.unwrap_err().to_string();
    assert!(never.contains("Deployment web") && never.contains("web:2"), "{never}");
}

#[tokio::test]
async fn helm_installs_into_the_cluster_and_into_homes_of_its_own() {
    let plane = ControlPlane::shared().await.unwrap();
    let chart = plane.directory().join("chart");
    std::fs::create_dir_all(chart.join("templates")).unwrap();
    std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: one\nversion: 1.0.0\n").unwrap();
    let map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: map}, data: {kube: {{ .Capabilities.KubeVersion.Version }}}}";
    std::fs::write(chart.join("templates/map.yaml"), map).unwrap();
    let chart = chart.to_str().unwrap();
    let access = plane.access();
    let install = ["install", "one", chart, "--namespace", "helm", "--create-namespace"];
    access.helm(install).await.unwrap().success().unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().unwrap(), "helm");
    let map = maps.get("map").await.unwrap();
    assert_eq!(map.data.unwrap()["kube"], "v1.34.4");

    let rendered = access.helm(["template", chart]).await.unwrap().success().unwrap();
    assert!(
        rendered.contains("v1.34.0"),
        "without a cluster helm renders for the same Kubernetes: {rendered}"
    );
    let wrong =
        access.helm(["install", "one", chart, "--namespace", "helm"]).await.unwrap().success().unwrap_err();
    assert!(wrong.to_string().contains("cannot re-use a name"), "{wrong}");
}

#[tokio::test]
async fn a_wait_for_what_never_exists_says_so() {
    let plane = ControlPlane::shared().await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().unwrap(), "default");
    let time_is_up = TimeIsUp::default();
    let exists = |map: Option<&ConfigMap>| {
        time_is_up.now();
        map.is_some()
    };
    let wait::Error::Late { last, failure, .. } = wait_for(maps, "nothing", SOON, exists).await.unwrap_err();
    assert_eq!((last.as_str(), failure), ("(no such object)", None));
}
