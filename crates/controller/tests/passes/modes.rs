//! Changes of an image that are not ordered.

use milvus_api::{ImageUpdateMode, RolloutPhase};

use crate::world::{World, crs};

const ALL: &str = "datanode+indexnode+mixcoord+proxy+querynode";

fn at_once(world: &World) -> String {
    let order = world.order();
    assert_eq!(order.len(), 1, "everything in one step: {order:?}");
    let mut names: Vec<&str> = order[0].split('+').collect();
    names.sort_unstable();
    names.join("+")
}

/// `imageUpdateMode: all`: every template is sent in one pass.
#[test]
fn all_goes_at_once_and_says_so() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.edit(|m| m.spec.components.image_update_mode = ImageUpdateMode::All);
    world.settle();
    world.set_image("2.4.10");
    world.pass();
    let plan = world.status().upgrade.clone().unwrap();
    assert_eq!(plan.message, "Upgrade from 2.4.9 to 2.4.10: all components at once");
    world.settle();
    assert_eq!(at_once(&world), ALL);
    assert!(world.updated());
    assert_eq!(world.status().upgrade.as_ref().unwrap().phase, Some(RolloutPhase::Done));
}

/// Without rolling update there is no order either; the coordinators don't stand by, so they are stopped first.
#[test]
fn rolling_update_off_goes_at_once() {
    let mut milvus = crs::mix("2.4.9");
    milvus.spec.components.enable_rolling_update = Some(false);
    let mut world = World::running(milvus);
    world.set_image("2.4.10");
    world.settle();
    assert_eq!(at_once(&world), ALL);
    assert!(world.updated());
    let mix = &world.deployments["my-release-milvus-mixcoord"];
    let strategy = mix.spec.as_ref().unwrap().strategy.as_ref().unwrap();
    assert_eq!(strategy.type_.as_deref(), Some("Recreate"));
}

/// `all` skips the order, not the truth: as long as one pod of the old image is there, it is not updated.
#[test]
fn all_is_not_done_before_the_last_old_pod_is_gone() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.edit(|m| m.spec.components.image_update_mode = ImageUpdateMode::All);
    world.settle();
    world.behaviour.ends_after = 20;
    world.set_image("2.4.10");
    for _ in 0..12 {
        world.step();
        assert!(!world.updated());
    }
    world.settle();
    assert!(world.updated());
}

/// A change that is not of the image needs no plan: it is sent at once, and seen to be done.
#[test]
fn a_change_of_resources_is_no_upgrade() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.edit(|m| {
        let limits = serde_json::from_value(serde_json::json!({"limits": {"memory": "2Gi"}})).unwrap();
        m.spec.components.global.resources = Some(limits);
    });
    world.pass();
    assert!(!world.updated());
    world.settle();
    assert!(world.updated());
    assert!(world.status().upgrade.is_none());
    assert!(world.order().is_empty(), "no image moved");
    let templates = world.history.changes.iter().filter(|c| c.template).count();
    assert_eq!(templates, 6, "five components and the placeholder, once each: {:?}", world.history.changes);
}

/// Image and resources in one edit: each component is restarted once.
#[test]
fn image_and_resources_together_restart_each_component_once() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.edit(|m| {
        let limits = serde_json::from_value(serde_json::json!({"limits": {"memory": "2Gi"}})).unwrap();
        m.spec.components.global.resources = Some(limits);
        m.spec.components.global.image = Some(crs::image("2.4.10"));
    });
    world.settle();
    assert_eq!(world.order().join(" "), "indexnode mixcoord querynode datanode proxy");
    for name in ["indexnode", "mixcoord", "datanode", "proxy"] {
        let name = format!("my-release-milvus-{name}");
        let sent = world.history.changes.iter().filter(|c| c.template && c.deployment == name).count();
        assert_eq!(sent, 1, "{name}");
    }
}
