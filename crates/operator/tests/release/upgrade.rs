//! A release of the Go operator's chart becomes one of ours, by the commands of the guides.

use std::{collections::BTreeMap, fs, path::Path};

use jiff::Timestamp;
use k8s_openapi::{
    api::apps::v1::Deployment,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, ResourceExt as _,
    api::{ApiResource, DynamicObject},
};
use milvus_api::{ConditionType, Milvus};
use milvus_testkit::{files::FileServer, operator::Operator};

use crate::{
    RELEASE, USER, ground, helm,
    takeover::{GoLeader, stands_by, takes_over},
    world::{
        Ground, Story, observed,
        old_cluster::{self, OLD},
        said,
    },
};

const KINDS: [&str; 3] = ["milvuses", "milvusclusters", "milvusupgrades"];

/// Makes a repository of one chart out of a directory.
async fn publish(ground: &Ground, chart: &Path, repository: &Path) {
    for entry in fs::read_dir(repository).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let (chart, repository) = (chart.to_str().unwrap(), repository.to_str().unwrap());
    helm(ground, &["package", chart, "--destination", repository]).await;
    helm(ground, &["repo", "index", repository]).await;
}

/// UIDs of the definitions, of the Milvus and of its owner.
async fn uids(story: &Story) -> BTreeMap<String, String> {
    let client = story.client.clone();
    let mut uids = BTreeMap::new();
    let definitions = Api::<CustomResourceDefinition>::all(client.clone());
    for kind in KINDS {
        let definition = definitions.get(&format!("{kind}.milvus.io")).await.unwrap();
        uids.insert(definition.name_any(), definition.uid().unwrap());
    }
    for (version, kind) in [("v1beta1", "Milvus"), ("v1alpha1", "MilvusCluster")] {
        let gvk = kube::core::GroupVersionKind::gvk("milvus.io", version, kind);
        let resource = ApiResource::from_gvk(&gvk);
        let resource = ApiResource {
            plural: format!("{}s", kind.to_lowercase()).replace("milvuss", "milvuses"),
            ..resource
        };
        let api = Api::<DynamicObject>::namespaced_with(client.clone(), &story.namespace, &resource);
        uids.insert(kind.to_owned(), api.get(OLD).await.unwrap().uid().unwrap());
    }
    uids
}

async fn deployment(story: &Story) -> Deployment {
    Api::<Deployment>::namespaced(story.client.clone(), RELEASE).get(RELEASE).await.unwrap()
}

/// Whether anything would delete the definitions with the release.
async fn assert_kept(story: &Story) {
    let definitions = Api::<CustomResourceDefinition>::all(story.client.clone());
    for kind in KINDS {
        let definition = definitions.get(&format!("{kind}.milvus.io")).await.unwrap();
        assert_eq!(definition.annotations()["helm.sh/resource-policy"], "keep", "{kind}");
        let conversion = definition.spec.conversion.unwrap();
        assert_eq!((conversion.strategy.as_str(), conversion.webhook), ("None", None), "{kind}");
    }
}

#[tokio::test]
async fn a_release_of_the_go_operator_is_upgraded_by_the_guides_commands_and_nothing_restarts() {
    let (ground, _turn) = ground().await;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (go, ours) = (here.join("tests/release/go-chart"), here.join("../../charts/milvus-operator"));
    let repository = tempfile::tempdir().unwrap();
    let server = FileServer::start(repository.path()).await.unwrap();
    publish(ground, &go, repository.path()).await;
    let chart = "zilliztech-milvus-operator/milvus-operator";
    helm(ground, &["repo", "add", "zilliztech-milvus-operator", server.url()]).await;
    helm(ground, &["-n", RELEASE, "install", "--create-namespace", RELEASE, chart, "--wait"]).await;
    let leader = GoLeader::start(ground).await;
    let story = Story::begin(ground, USER, "peer").await;
    let left = old_cluster::after_update();
    old_cluster::begin(&story, false, |deployment| {
        let component = deployment["metadata"]["labels"]["app.kubernetes.io/component"].as_str().unwrap();
        if let Some(template) = left.get(component) {
            deployment["spec"]["template"] = template.clone();
        }
    })
    .await;
    let before = (uids(&story).await, old_cluster::pods(&story).await, old_cluster::templates(&story).await);
    let selector = deployment(&story).await.spec.unwrap().selector;

    publish(ground, &ours, repository.path()).await;
    helm(ground, &["repo", "update", "zilliztech-milvus-operator"]).await;
    let without = ["-n", RELEASE, "upgrade", RELEASE, chart, "--set", "installCRDs=false"];
    let refused = ground.plane.access().helm(without).await.unwrap();
    assert!(
        refused.code != 0 && refused.stderr.contains("upgrade once with installCRDs=true"),
        "{refused:?}"
    );
    helm(ground, &["-n", RELEASE, "upgrade", RELEASE, chart]).await;
    assert_kept(&story).await;
    let upgraded = deployment(&story).await;
    assert_eq!(upgraded.spec.unwrap().selector, selector);
    let (options, since) = (Ground::operator_options(), Timestamp::now());
    let mut operator = Operator::launch(ground.plane.access(), &options).await.unwrap();
    assert_eq!(stands_by(ground, since).await, [], "it writes while the other one leads");
    takes_over(ground, since, leader.kill()).await;
    operator.wait_ready().await.unwrap();
    let is = |milvus: &Milvus, kind| said(milvus, kind).is_some_and(|condition| condition[0] == "True");
    let taken = story
        .until_named(OLD, |milvus| {
            let kinds =
                [ConditionType::SpecAccepted, ConditionType::MilvusReady, ConditionType::MilvusUpdated];
            observed(milvus) && kinds.iter().all(|kind| is(milvus, *kind))
        })
        .await;
    story.caught_up(&taken).await;
    let after = (uids(&story).await, old_cluster::pods(&story).await, old_cluster::templates(&story).await);
    assert_eq!(before, after);

    assert!(operator.terminate().await.unwrap().success());
    helm(ground, &["uninstall", RELEASE, "-n", RELEASE, "--wait"]).await;
    assert_eq!(before.0, uids(&story).await, "the end of the release takes nothing with it");
    back_and_forth(ground, &story, &go, &ours).await;
    assert_eq!(before.0, uids(&story).await);
    assert_eq!(before.1, old_cluster::pods(&story).await);
}

/// Back to the Go operator's chart, and then here again with nothing but its values.
async fn back_and_forth(ground: &Ground, story: &Story, go: &Path, ours: &Path) {
    let install = ["-n", RELEASE, "install", RELEASE, go.to_str().unwrap(), "--set", "replicaCount=2"];
    helm(ground, &install).await;
    let upgrade = ["-n", RELEASE, "upgrade", RELEASE, ours.to_str().unwrap(), "--reuse-values"];
    helm(ground, &upgrade).await;
    assert_kept(story).await;
    let spec = deployment(story).await.spec.unwrap();
    let container = &spec.template.spec.as_ref().unwrap().containers[0];
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(container.image, Some(format!("milvus-operator:{version}")), "the Go image can't be run");
    assert_eq!(spec.replicas, Some(2), "what the user has set");
    let limits = container.resources.as_ref().and_then(|r| r.limits.as_ref()).unwrap();
    assert_eq!(limits["memory"].0, "1Gi");
    let security = container.security_context.as_ref().unwrap();
    assert_eq!(security.read_only_root_filesystem, Some(true), "what that chart never said");
    let operator = Operator::launch(ground.plane.access(), &Ground::operator_options()).await.unwrap();
    let milvus = story.until_named(OLD, observed).await;
    story.caught_up(&milvus).await;
    drop(operator);
}
