//! The end of a Milvus, and a new one of the same name.

use milvus_api::{Milvus, MilvusState};
use milvus_sim::server::Kind;
use rstest::rstest;
use serde_json::json;

use crate::world::{Pass, World, crs};

fn delete(world: &mut World) {
    let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(world.now);
    world.milvus.as_mut().unwrap().metadata.deletion_timestamp = Some(now);
}

/// The pods go first, then the finalizer: whoever waits for the object to be gone knows that nothing of it runs.
#[test]
fn pods_go_before_the_finalizer() {
    let mut world = World::running(crs::mix("2.4.9"));
    delete(&mut world);
    world.pass();
    assert_eq!(world.status().status, MilvusState::Deleting);
    assert!(world.deployments.is_empty());
    assert!(world.milvus.is_some(), "pods are still ending");
    for _ in 0..20 {
        if world.milvus.is_some() {
            assert!(world.pass() != Pass::Gone || world.pods.is_empty());
        }
        world.tick();
    }
    assert!(world.milvus.is_none() && world.pods.is_empty());
}

/// In the middle of a roll too, and half of it refused.
#[test]
fn deleted_in_the_middle_of_a_roll() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.set_image("2.4.10");
    world.until("query nodes", |w| w.order().iter().any(|c| c == "querynode"));
    world.set_image("2.6.11");
    world.step();
    delete(&mut world);
    world.settle();
    assert!(world.milvus.is_none() && world.pods.is_empty() && world.deployments.is_empty());
}

/// A new object of the same name waits until what the old one left is gone, and touches none of it.
#[test]
fn a_new_object_of_the_same_name_waits_for_the_old_ones_objects() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.milvus = None;
    world.create(crs::mix("2.4.10"));
    let before: Vec<_> = world.deployments.values().map(|d| d.spec.clone()).collect();
    for _ in 0..5 {
        world.pass();
    }
    assert_eq!(world.deployments.values().map(|d| d.spec.clone()).collect::<Vec<_>>(), before);
    let (status, message, _) = world.condition(milvus_api::ConditionType::MilvusUpdated);
    assert_eq!(status, "False");
    assert!(message.contains("my-release-milvus-proxy"), "{message}");
    // The garbage collector takes them.
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert!(world.pods.values().all(|p| p.image == crs::image("2.4.10")));
}

/// A Milvus that owns an object of every kind that has an owner.
fn with_everything() -> Milvus {
    let mut milvus = crs::mix("2.4.9");
    milvus.spec.upgrade_policy.get_or_insert_default().pod_disruption_budgets = Some(true);
    let proxy = milvus.spec.components.proxy.get_or_insert_default();
    proxy.service.component.replicas = Some(2);
    proxy.service.ingress = Some(serde_json::from_value(json!({"hosts": ["a.example"]})).unwrap());
    milvus
}

/// Objects of the former share the names of those of the new one, so it waits for the last of them, of whatever kind.
#[rstest]
#[case::config_map(Kind::ConfigMap, "my-release")]
#[case::service(Kind::Service, "my-release-milvus")]
#[case::ingress(Kind::Ingress, "my-release-milvus")]
#[case::pod_monitor(Kind::PodMonitor, "my-release")]
#[case::budget(Kind::PodDisruptionBudget, "my-release-milvus-proxy")]
#[case::deployment(Kind::Deployment, "my-release-milvus-proxy")]
#[case::job(Kind::Job, "my-release-check")]
fn an_object_of_any_kind_that_a_former_milvus_left_is_waited_for(#[case] left: Kind, #[case] name: &str) {
    let mut world = World::running(with_everything());
    let owner = world.service.clone().unwrap().metadata.owner_references.unwrap();
    let labels = world.service.clone().unwrap().metadata.labels.unwrap();
    let template = json!({"metadata": {}, "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}});
    world.make(
        Kind::Job,
        json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": template}, "metadata": {
        "name": "my-release-check", "namespace": "default", "labels": labels, "ownerReferences": owner}}),
    );
    world.milvus = None;
    let owned = [
        Kind::ConfigMap,
        Kind::Service,
        Kind::Ingress,
        Kind::PodMonitor,
        Kind::PodDisruptionBudget,
        Kind::Deployment,
        Kind::Job,
    ];
    let others: Vec<Kind> = owned.into_iter().filter(|kind| *kind != left).collect();
    world.delete_all(&others);
    world.create(with_everything());
    world.pass();
    let (status, message, _) = world.condition(milvus_api::ConditionType::MilvusUpdated);
    assert_eq!(status, "False");
    assert!(message.contains(&format!("{} {name}", left.info().kind)), "{message}");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
}

/// A volume claim outlives its Milvus, and the next one takes it over. One that is on its way out it can't take: its
/// pod would never start, and the claim that is wanted has the same name.
#[test]
fn a_claim_that_goes_with_a_former_milvus_is_waited_for() {
    const NAME: &str = "my-release-data";
    let mut milvus = crs::rocksmq("2.4.9");
    let dependencies = milvus.spec.dependencies.as_mut().unwrap();
    dependencies.rocksmq.get_or_insert_default().persistence =
        Some(serde_json::from_value(json!({"enabled": true})).unwrap());
    let mut world = World::running(milvus.clone());
    world.patch(
        Kind::PersistentVolumeClaim,
        NAME,
        &json!({"metadata": {"finalizers": ["kubernetes.io/pvc-protection"]}}),
    );
    world.milvus = None;
    world.tick();
    world.delete_all(&[Kind::PersistentVolumeClaim]);
    world.create(milvus);
    world.settle();
    let message = world.condition(milvus_api::ConditionType::MilvusUpdated).1;
    assert!(message.contains(&format!("PersistentVolumeClaim {NAME}")), "{message}");
    assert!(world.deployments.is_empty(), "{}", world.describe());
    world.patch(Kind::PersistentVolumeClaim, NAME, &json!({"metadata": {"finalizers": null}}));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
}

/// `milvus.io/pause-reconcile: "true"`: nothing is written, whatever changes; without it everything is caught up with.
#[test]
fn paused_means_hands_off() {
    let mut world = World::running(crs::mix("2.4.9"));
    let pause = |milvus: &mut Milvus, value: &str| {
        let annotations = milvus.metadata.annotations.get_or_insert_default();
        annotations.insert("milvus.io/pause-reconcile".to_owned(), value.to_owned());
    };
    world.edit(|m| pause(m, "true"));
    world.set_image("2.4.10");
    world.delete_deployment("my-release-milvus-proxy");
    let (objects, statuses) = (world.history.objects_written, world.history.statuses_written);
    for _ in 0..5 {
        world.pass();
        world.tick();
    }
    assert_eq!((world.history.objects_written, world.history.statuses_written), (objects, statuses));
    world.edit(|m| pause(m, "false"));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
}
