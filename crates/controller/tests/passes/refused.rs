//! Changes that are refused: nothing that runs is touched, and the status says why and what to do.

use milvus_api::{ConditionType, ImageUpdateMode, Milvus, MilvusState};
use milvus_plan::Component;
use rstest::rstest;

use crate::world::{World, crs};

/// Everything that runs, to be compared.
fn running(world: &World) -> String {
    let specs: Vec<_> = world.deployments.values().map(|d| (&d.metadata.name, &d.spec)).collect();
    let pods: Vec<_> = world.pods.values().map(|p| (&p.name, &p.image)).collect();
    let data: Vec<_> = world.config_maps.values().map(|c| &c.data).collect();
    let service = world.service.as_ref().map(|s| &s.spec);
    format!("{specs:?} {pods:?} {data:?} {service:?} {:?}", world.others)
}

fn refused(world: &World, reason: &str) -> String {
    let (status, message, said) = world.condition(ConditionType::SpecAccepted);
    assert_eq!((status.as_str(), said.as_str()), ("False", reason), "{message}");
    let updated = world.condition(ConditionType::MilvusUpdated);
    assert_eq!((updated.0.as_str(), updated.2.as_str()), ("False", reason));
    assert_eq!(world.status().status, MilvusState::Healthy, "what runs is healthy");
    assert_eq!(world.status().observed_generation, world.cr().metadata.generation);
    message
}

/// Only the status is written; the message names the way round.
#[rstest]
#[case::metadata(crs::mix("2.1.4"), "2.2.16", "NeedsMetadataMigration", "MilvusUpgrade")]
#[case::intermediate(crs::mix("2.4.9"), "2.6.11", "NeedsIntermediateVersion", "2.5.16")]
#[case::four_to_2_6(crs::four("2.5.16"), "2.6.11", "NeedsMixCoordinator", "mixCoord")]
#[case::not_yet(crs::mix("2.5.16"), "2.6.11", "UpgradeNotSupportedYet", "Stay on 2.5")]
#[case::minor_downgrade(crs::mix("2.5.16"), "2.4.9", "MinorDowngrade", "backup")]
#[case::patch_downgrade(crs::mix("2.4.10"), "2.4.9", "OlderUnderRollingUpgrade", "rollingDowngrade")]
#[case::prerelease(crs::mix("2.6.0-rc1"), "2.6.1", "PrereleaseHasNoPath", "milvus-backup")]
fn refused_path_writes_only_the_status(
    #[case] milvus: Milvus,
    #[case] to: &str,
    #[case] reason: &str,
    #[case] fix: &str,
) {
    let mut world = World::running(milvus);
    let (before, written) = (running(&world), world.history.objects_written);
    world.set_image(to);
    world.settle();
    let message = refused(&world, reason);
    assert!(message.contains(fix), "{message}");
    assert_eq!(running(&world), before);
    assert_eq!(world.history.objects_written, written, "no object is written");
    assert!(world.events(reason).len() == 1, "one Event: {:?}", world.history.events);
}

/// An unreadable tag is unknown, not old.
#[test]
fn a_tag_that_is_no_version_is_refused_with_the_field_to_set() {
    let mut world = World::running(crs::mix("2.4.9"));
    let before = running(&world);
    world.edit(|m| m.spec.components.global.image = Some("registry.local/milvus:latest".to_owned()));
    world.settle();
    let message = refused(&world, "UnknownVersion");
    assert!(message.contains("spec.components.version"), "{message}");
    assert_eq!(running(&world), before);
    world.edit(|m| m.spec.components.global.version = Some("2.4.10".to_owned()));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
}

/// Taking the change back ends the refusal without a single write to a workload.
#[test]
fn taking_it_back_ends_the_refusal() {
    let mut world = World::running(crs::mix("2.4.9"));
    let (before, written) = (running(&world), world.history.objects_written);
    world.set_image("2.6.11");
    world.settle();
    world.set_image("2.4.9");
    world.settle();
    assert!(world.updated());
    assert_eq!(world.condition(ConditionType::SpecAccepted).0, "True");
    assert_eq!(running(&world), before);
    assert_eq!(world.history.objects_written, written);
}

/// The annotation allows exactly the path that it names, and the status says that it did.
#[test]
fn the_annotation_allows_the_path_that_it_names() {
    let mut world = World::running(crs::mix("2.5.16"));
    world.demands.ordered = true;
    world.set_image("2.6.11");
    allow(&mut world, "2.5.16->2.6.10");
    world.settle();
    refused(&world, "UpgradeNotSupportedYet");
    allow(&mut world, "2.5.16->2.6.11");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    let (_, message, _) = world.condition(ConditionType::SpecAccepted);
    assert!(message.is_empty() || message.contains("2.5.16 to 2.6.11"), "{message}");
    assert!(!world.deployments.contains_key("my-release-milvus-indexnode"), "2.6 has no index node");
    assert!(world.deployments.contains_key("my-release-milvus-streamingnode"));
}

/// A consent that can't be read allows nothing, and that is told: condition and one Event, with the text and the grammar.
#[test]
fn a_consent_that_cannot_be_read_is_told() {
    let mut world = World::running(crs::mix("2.4.9"));
    allow(&mut world, "2.4.9=>2.6.11");
    world.settle();
    let (status, message, reason) = world.condition(ConditionType::SpecAccepted);
    assert_eq!((status.as_str(), reason.as_str()), ("True", "AcceptedWithWarnings"));
    let words = "metadata.annotations: milvus.io/allow-upgrade: \"2.4.9=>2.6.11\" is no consent and allows nothing. A consent is";
    assert!(message.starts_with(words), "{message}");
    assert_eq!(world.events("AcceptedWithWarnings").len(), 1, "{:?}", world.history.events);
    allow(&mut world, "2.4.9->2.6.11");
    world.settle();
    assert_eq!(world.condition(ConditionType::SpecAccepted).2, "Accepted");
}

fn allow(world: &mut World, path: &str) {
    world.edit(|m| {
        let annotations = m.metadata.annotations.get_or_insert_default();
        annotations.insert("milvus.io/allow-upgrade".to_owned(), path.to_owned());
    });
}

/// What was meant to be the image only: a short YAML applied over a full one takes mode and dependencies away.
#[test]
fn a_short_yaml_over_a_full_one_changes_no_workload() {
    let mut world = World::running(crs::mix("2.2.13"));
    let before = running(&world);
    world.edit(|m| {
        let short = crs::read(
            "apiVersion: milvus.io/v1beta1\nkind: Milvus\nmetadata: {name: my-release}\nspec:\n  components:\n    \
             enableRollingUpdate: true\n    imageUpdateMode: rollingUpgrade\n    image: milvusdb/milvus:v2.2.14\n",
        );
        m.spec = short.spec;
    });
    world.settle();
    let message = refused(&world, "ModeChangeRefused");
    assert!(message.contains("kubectl patch milvus my-release -n default --type merge"), "{message}");
    assert!(message.contains("cluster") && message.contains("standalone"), "{message}");
    assert!(message.contains("milvusdb/milvus:v2.2.14"), "the patch that was probably meant: {message}");
    assert_eq!(running(&world), before);
}

/// Only the dependencies are lost: the mode stays.
#[test]
fn dependencies_that_are_lost_change_no_workload() {
    let mut world = World::running(crs::mix("2.4.9"));
    let before = running(&world);
    world.edit(|m| m.spec.dependencies = None);
    world.settle();
    let message = refused(&world, "DependencyChangeRefused");
    assert!(message.contains("etcd.infra:2379"), "{message}");
    assert_eq!(running(&world), before);
}

/// Another queue is a procedure of its own.
#[test]
fn another_message_queue_is_refused() {
    let mut world = World::running(crs::mix("2.4.9"));
    let before = running(&world);
    world.edit(|m| {
        let dependencies = m.spec.dependencies.as_mut().unwrap();
        dependencies.msg_stream_type = Some(milvus_api::MsgStreamType::Kafka);
        let kafka = dependencies.kafka.get_or_insert_default();
        kafka.external = true;
        kafka.broker_list = vec!["kafka.infra:9092".to_owned()];
    });
    world.settle();
    refused(&world, "MessageQueueChange");
    assert_eq!(running(&world), before);
}

/// Another root path or bucket would start an empty installation.
#[test]
fn another_root_path_is_refused() {
    let mut world = World::running(crs::mix("2.4.9"));
    let before = running(&world);
    world.edit(|m| {
        let config = serde_json::json!({"etcd": {"rootPath": "elsewhere"}});
        m.spec.config = serde_json::from_value(config).unwrap();
    });
    world.settle();
    let message = refused(&world, "DependencyChangeRefused");
    assert!(message.contains("my-release->elsewhere"), "{message}");
    assert_eq!(running(&world), before);
}

/// A refused image holds up nothing else: the number of pods follows.
#[test]
fn scale_under_a_refused_image() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.edit(|m| {
        m.spec.components.global.image = Some(crs::image("2.6.11"));
        crs::replicas(m, Component::DataNode, 3);
        crs::replicas(m, Component::QueryNode, 2);
    });
    world.settle();
    refused(&world, "NeedsIntermediateVersion");
    let count = |component: &str| world.pods.values().filter(|p| p.component() == component).count();
    assert_eq!((count("datanode"), count("querynode"), count("proxy")), (3, 2, 1), "{}", world.describe());
    assert!(world.pods.values().all(|p| p.image == crs::image("2.4.9")));
    assert!(world.order().is_empty());
}

/// A spec that can't be understood: nothing is changed either, and the field is named.
#[test]
fn a_field_that_cannot_be_typed_is_refused() {
    let mut world = World::running(crs::mix("2.4.9"));
    let before = running(&world);
    world.edit(|m| {
        let volumes = serde_json::json!([{"name": 7}]);
        m.spec.components.global.volumes = serde_json::from_value(volumes).unwrap();
        m.spec.components.image_update_mode = ImageUpdateMode::All;
    });
    world.settle();
    let message = refused(&world, "InvalidSpec");
    assert!(message.contains("volumes[0]"), "{message}");
    assert_eq!(running(&world), before);
}
