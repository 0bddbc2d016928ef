//! Images of single components: every image that runs is judged, by what its component runs.

use milvus_api::{ConditionType, Milvus, MilvusState, RolloutPhase, StepState};
use milvus_plan::Component;
use rstest::rstest;

use crate::world::{Demands, World, crs};

const RUN: [Component; 5] =
    [Component::Proxy, Component::MixCoord, Component::QueryNode, Component::DataNode, Component::IndexNode];
const FIELDS: [&str; 5] = ["proxy", "mixCoord", "queryNode", "dataNode", "indexNode"];

/// Gives components an image of their own: a tag of the official image, or a whole image.
fn pin(milvus: &mut Milvus, fields: &[&str], image: &str) {
    let image = if image.contains(['/', '@', ' ']) { image.to_owned() } else { crs::image(image) };
    let mut spec = serde_json::to_value(&milvus.spec).unwrap();
    for field in fields {
        spec["components"][*field]["image"] = image.clone().into();
    }
    milvus.spec = serde_json::from_value(spec).unwrap();
}

fn pinned(tag: &str, fields: &[&str], own: &str) -> Milvus {
    let mut milvus = crs::mix(tag);
    pin(&mut milvus, fields, own);
    milvus
}

fn without_global(mut milvus: Milvus) -> Milvus {
    milvus.spec.components.global.image = None;
    milvus
}

fn images(world: &World) -> Vec<String> {
    let mut images: Vec<_> = world.pods.values().map(|pod| pod.image.clone()).collect();
    images.sort();
    images.dedup();
    images
}

fn refused(world: &World, reason: &str) -> String {
    let (status, message, said) = world.condition(ConditionType::SpecAccepted);
    assert_eq!((status.as_str(), said.as_str()), ("False", reason), "{message}");
    message
}

fn settled(milvus: Milvus) -> World {
    let world = World::running(milvus);
    assert_eq!(world.status().status, MilvusState::Healthy, "{}", world.describe());
    world
}

/// A path that is refused for the whole Milvus is refused for its components, all of them or one.
#[rstest]
#[case::all_up("2.4.9", &FIELDS, "2.6.6", "NeedsIntermediateVersion")]
#[case::all_down("2.5.16", &FIELDS, "2.4.9", "MinorDowngrade")]
#[case::one_up("2.4.9", &["queryNode"], "2.6.6", "NeedsIntermediateVersion")]
#[case::one_down("2.5.16", &["dataNode"], "2.4.9", "MinorDowngrade")]
#[case::one_of_another_schema("2.4.9", &["dataNode"], "2.1.4", "MinorDowngrade")]
#[case::one_that_nobody_knows("2.4.9", &["queryNode"], "registry.local/milvus:latest", "UnknownVersion")]
fn a_path_is_refused_for_single_components_too(
    #[case] from: &str,
    #[case] fields: &[&str],
    #[case] to: &str,
    #[case] reason: &str,
    #[values(false, true)] was_pinned: bool,
) {
    let mut world = settled(if was_pinned { pinned(from, fields, from) } else { crs::mix(from) });
    let written = world.history.objects_written;
    world.edit(|milvus| pin(milvus, fields, to));
    world.settle();
    let message = refused(&world, reason);
    let global = fields.len() == FIELDS.len();
    assert!(global || message.contains(&format!("of {}", fields[0].to_lowercase())), "{message}");
    assert_eq!(images(&world), [crs::image(from)]);
    assert_eq!(world.history.objects_written, written, "no object is written");
}

/// All components are moved by images of their own: that is a roll like any other.
#[test]
fn components_that_all_have_images_of_their_own_roll_in_order() {
    let mut world = settled(pinned("2.4.9", &FIELDS, "2.4.9"));
    world.demands = Demands { ordered: true, serving: true };
    world.edit(|milvus| pin(milvus, &FIELDS, "2.4.10"));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.order().join(" "), "indexnode mixcoord querynode datanode proxy");
    let status = world.status();
    assert_eq!(status.current_image, Some(crs::image("2.4.10")));
    assert_eq!(status.current_version.as_deref(), Some("2.4.10"));
    assert_eq!(status.upgrade.as_ref().and_then(|u| u.phase), Some(RolloutPhase::Done));
}

/// Two components with images of their own move in the order of a roll; the others are told to stay.
#[test]
fn components_with_images_of_their_own_move_in_order_and_the_rest_stays() {
    let own = ["queryNode", "proxy"];
    let mut world = settled(pinned("2.4.9", &own, "2.4.10"));
    assert!(world.status().upgrade.is_none(), "a first start is no roll");
    world.demands = Demands { ordered: true, serving: true };
    world.edit(|milvus| pin(milvus, &own, "2.4.11"));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.order().join(" "), "querynode proxy");
    let rollout = world.status().upgrade.clone().unwrap();
    assert_eq!(rollout.phase, Some(RolloutPhase::Done));
    assert!(rollout.message.contains("querynode from 2.4.10 to 2.4.11"), "{}", rollout.message);
    let told: Vec<_> = rollout
        .steps
        .iter()
        .map(|s| (s.name.as_str(), s.from.as_deref().unwrap(), s.to.as_deref().unwrap(), s.state.unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("indexnode", "2.4.9", "2.4.9", StepState::Stays),
            ("mixcoord", "2.4.9", "2.4.9", StepState::Stays),
            ("querynode", "2.4.10", "2.4.11", StepState::Done),
            ("datanode", "2.4.9", "2.4.9", StepState::Stays),
            ("proxy", "2.4.10", "2.4.11", StepState::Done),
        ]
    );
    let own = world.status().current_images.clone();
    let own: Vec<_> = own.iter().map(|(name, side)| (name.as_str(), side.version.as_deref())).collect();
    assert_eq!(own, [("proxy", Some("2.4.11")), ("querynode", Some("2.4.11"))]);
}

/// A component that is held at its version while the rest moves is told to stay there.
#[test]
fn a_component_with_an_image_of_its_own_stays_while_the_rest_moves() {
    let mut world = settled(pinned("2.4.9", &["queryNode"], "2.4.9"));
    world.edit(|milvus| pin(milvus, &["queryNode"], "registry.local/mirror/milvus:v2.4.9"));
    world.settle();
    world.set_image("2.4.10");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    let steps = world.status().upgrade.clone().unwrap().steps;
    let query = steps.iter().find(|step| step.name == "querynode").unwrap();
    assert_eq!((query.from.as_deref(), query.to.as_deref()), (Some("2.4.9"), Some("2.4.9")));
    assert_eq!(query.state, Some(StepState::Stays));
}

/// The rest may not move to where the component that stays can't follow.
#[test]
fn the_rest_does_not_move_away_from_a_component_that_stays() {
    let mut world = settled(pinned("2.3.5", &["queryNode"], "registry.local/mirror/milvus:v2.3.5"));
    world.set_image("2.4.9");
    world.settle();
    assert!(world.updated(), "a minor line is a mix that is told: {}", world.describe());
    let (_, message, reason) = world.condition(ConditionType::SpecAccepted);
    assert_eq!(reason, "AcceptedWithWarnings");
    assert!(message.contains("querynode runs 2.3.5") || message.contains("another minor line"), "{message}");
}

/// Back to what ran before a roll that is not finished, whatever the table says of that path.
#[test]
fn the_way_back_is_open_for_a_component_too() {
    let mut world = settled(pinned("2.4.23", &["queryNode"], "registry.local/mirror/milvus:v2.4.23"));
    world.behaviour.broken = [crs::image("2.5.16")].into();
    world.edit(|milvus| pin(milvus, &["queryNode"], "2.5.16"));
    for _ in 0..20 {
        world.step();
    }
    assert!(!world.updated());
    world.edit(|milvus| pin(milvus, &["queryNode"], "registry.local/mirror/milvus:v2.4.23"));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.condition(ConditionType::SpecAccepted).0, "True");
}

/// No pod is ready: what ran is known all the same, and the path is judged.
#[rstest]
#[case::all(&FIELDS)]
#[case::one(&["queryNode"])]
fn a_path_is_refused_while_no_pod_is_ready(#[case] fields: &[&str], #[values(false, true)] was_pinned: bool) {
    let mut world = settled(if was_pinned { pinned("2.4.9", fields, "2.4.9") } else { crs::mix("2.4.9") });
    world.edit(|milvus| {
        for component in RUN {
            crs::replicas(milvus, component, 0);
        }
    });
    world.settle();
    assert!(world.pods.is_empty(), "{}", world.describe());
    world.edit(|milvus| pin(milvus, fields, "2.6.6"));
    world.settle();
    refused(&world, "NeedsIntermediateVersion");
}

/// To take an image of its own out is a change like any other, from what the component runs.
#[test]
fn an_image_that_is_taken_out_is_judged_by_what_it_ran() {
    let mut world = settled(pinned("2.4.23", &["queryNode"], "2.5.16"));
    let written = world.history.objects_written;
    world.edit(unpin);
    world.settle();
    refused(&world, "MinorDowngrade");
    assert_eq!(world.history.objects_written, written);
    let mut world = settled(pinned("2.4.10", &["queryNode"], "2.4.9"));
    world.edit(unpin);
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(images(&world), [crs::image("2.4.10")]);
    let rollout = world.status().upgrade.clone().unwrap();
    assert_eq!(rollout.message.split(" in ").next(), Some("Upgrade of querynode from 2.4.9 to 2.4.10"));
    assert_eq!(rollout.phase, Some(RolloutPhase::Done));
    assert!(world.status().current_images.is_empty());
}

fn unpin(milvus: &mut Milvus) {
    let mut spec = serde_json::to_value(&milvus.spec).unwrap();
    spec["components"]["queryNode"]["image"] = serde_json::Value::Null;
    milvus.spec = serde_json::from_value(spec).unwrap();
}

/// The Deployment that pods have left keeps its template; it says nothing of what runs.
#[test]
fn what_an_idle_deployment_has_does_not_run() {
    let mut world = settled(crs::mix("2.4.23"));
    world.set_image("2.5.16");
    world.settle();
    assert!(world.updated());
    let written = world.history.objects_written;
    world.edit(|milvus| pin(milvus, &["queryNode"], "2.4.23"));
    world.settle();
    refused(&world, "MinorDowngrade");
    assert_eq!(world.history.objects_written, written);
}

/// Without `components.image` the version is that of the components, never that of the default image.
#[rstest]
#[case::cluster(without_global(pinned("2.4.5", &FIELDS, "2.4.5")), "2.4.5")]
#[case::some(without_global(pinned("2.4.5", &["proxy", "queryNode"], "2.4.5")), "2.4.5")]
fn the_default_image_decides_no_version_that_components_contradict(
    #[case] milvus: Milvus,
    #[case] tag: &str,
) {
    let mut world = settled(milvus);
    assert_eq!(images(&world), [crs::image(tag)]);
    assert_eq!(world.status().current_version.as_deref(), Some(tag));
    assert!(!world.deployments.contains_key("my-release-milvus-streamingnode"), "2.4 has none");
    world.edit(|milvus| pin(milvus, &["proxy", "queryNode", "mixCoord"], "2.2.16"));
    world.settle();
    assert_eq!(world.condition(ConditionType::SpecAccepted).0, "False");
    assert_eq!(images(&world), [crs::image(tag)]);
}

/// The API server writes the default image where none is given: that components run it beside others is told.
#[test]
fn the_default_image_is_told_where_others_run_beside_it() {
    let world = settled(without_global(pinned("2.6.6", &["proxy", "mixCoord"], "2.6.6")));
    let (_, message, reason) = world.condition(ConditionType::SpecAccepted);
    assert_eq!(reason, "AcceptedWithWarnings");
    assert!(message.contains("run the default image milvusdb/milvus:v2.6.11"), "{message}");
}

/// Several versions and nothing that says which is the one.
#[test]
fn components_of_several_versions_without_a_global_image_are_refused() {
    let mut milvus = without_global(pinned("2.4.5", &["proxy"], "2.4.5"));
    pin(&mut milvus, &["queryNode"], "2.4.9");
    let mut world = World::new(milvus);
    world.settle();
    let message = refused(&world, "InvalidSpec");
    assert!(message.starts_with("spec.components.image: "), "{message}");
    assert!(message.contains("queryNode: 2.4.9") && message.contains("proxy: 2.4.5"), "{message}");
    assert!(world.deployments.is_empty());
}

/// What can't read the same data does not start together.
#[test]
fn a_first_start_of_versions_that_can_not_follow_each_other_is_refused() {
    let mut world = World::new(pinned("2.4.9", &["dataNode"], "2.1.4"));
    world.settle();
    let message = refused(&world, "NeedsMetadataMigration");
    assert!(message.contains("datanode cannot run 2.1.4") && message.contains("dataNode.image"), "{message}");
    assert!(world.deployments.is_empty());
}

const DIGEST_A: &str = "@sha256:1111111111111111111111111111111111111111111111111111111111111111";
const DIGEST_B: &str = "@sha256:2222222222222222222222222222222222222222222222222222222222222222";

fn whole(tag: &str, digest: &str, stated: Option<&str>) -> impl Fn(&mut Milvus) {
    let (image, stated) = (format!("{}{digest}", crs::image(tag)), stated.map(str::to_owned));
    move |milvus| {
        milvus.spec.components.global.image = Some(image.clone());
        milvus.spec.components.global.version.clone_from(&stated);
    }
}

/// The tag before a digest says the version.
#[test]
fn a_digest_hides_no_tag() {
    let mut world = settled(crs::mix("2.4.9"));
    world.edit(whole("2.4.9", DIGEST_A, None));
    world.settle();
    assert!(world.updated(), "the same version under a digest: {}", world.describe());
    world.edit(whole("2.4.9", DIGEST_A, Some("2.4.9")));
    world.settle();
    world.edit(whole("2.6.6", DIGEST_B, Some("2.4.9")));
    world.settle();
    let message = refused(&world, "VersionNotUpdated");
    assert!(message.contains("2.6.6"), "{message}");
    world.edit(whole("2.6.6", DIGEST_B, None));
    world.settle();
    refused(&world, "NeedsIntermediateVersion");
}

/// A stated version is all that is known of a digest: that it did not move with the image is told.
#[test]
fn a_stated_version_that_did_not_move_with_a_digest_is_told() {
    let only_digest = |digest: &str| {
        let image = format!("milvusdb/milvus{digest}");
        move |milvus: &mut Milvus| {
            milvus.spec.components.global.image = Some(image.clone());
            milvus.spec.components.global.version = Some("2.4.9".to_owned());
        }
    };
    let mut milvus = crs::mix("2.4.9");
    only_digest(DIGEST_A)(&mut milvus);
    let mut world = settled(milvus);
    world.edit(only_digest(DIGEST_B));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    let told = world.events("AcceptedWithWarnings").iter().any(|e| e.message.contains("that is believed"))
        || world.status().upgrade.as_ref().is_some_and(|u| u.message.contains("that is believed"));
    assert!(told, "{:?}", world.history.events);
}

/// A wrong text is refused before the first step, wherever it stands.
#[rstest]
#[case::blank(None, "milvusdb/milvus:v2.4.10 ", "spec.components.image")]
#[case::upper_case(None, "milvusdb/Milvus:v2.4.10", "spec.components.image")]
#[case::component(Some("queryNode"), "milvusdb/milvus:v2.4.10 ", "spec.components.queryNode.image")]
fn the_text_of_an_image_is_checked(#[case] component: Option<&str>, #[case] text: &str, #[case] field: &str) {
    let mut world = settled(crs::mix("2.4.9"));
    let written = world.history.objects_written;
    world.edit(|milvus| match component {
        Some(component) => pin(milvus, &[component], text),
        None => milvus.spec.components.global.image = Some(text.to_owned()),
    });
    world.settle();
    let message = refused(&world, "InvalidSpec");
    assert!(message.starts_with(&format!("{field}: ")), "{message}");
    assert_eq!(world.history.objects_written, written);
}
