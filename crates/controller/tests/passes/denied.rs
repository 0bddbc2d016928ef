//! What the rules of a cluster refuse, and what of it is told.

use milvus_api::{ConditionType, MilvusState};
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{Demands, Fault, World, crs};

/// Pods that can't be created stop the step, also that of the query nodes; what runs serves, and the words get to the user once.
#[rstest]
#[case("indexnode")]
#[case("querynode")]
#[case("proxy")]
fn a_roll_waits_for_pods_that_are_refused(#[case] component: &str) {
    let mut world = World::running(crs::mix("2.4.9"));
    world.demands = Demands { ordered: true, serving: true };
    world.behaviour.refused = Some((component.to_owned(), crs::image("2.4.10")));
    world.set_image("2.4.10");
    world.settle();
    let waiting = world.status().upgrade.clone().unwrap().waiting_for.unwrap();
    assert_eq!((waiting.step.as_deref(), waiting.reason.as_str()), (Some(component), "PodsRefused"));
    let words = format!("{component}: its pods can't be created: FailedCreate: pods ");
    assert!(waiting.message.starts_with(&words), "{}", waiting.message);
    assert!(waiting.message.contains("exceeded quota: team"), "{}", waiting.message);
    assert_eq!(world.events("PodsRefused").len(), 1, "{:?}", world.history.events);
    assert_eq!(world.status().status, MilvusState::Healthy);
    world.behaviour.refused = None;
    world.settle();
    assert!(world.updated(), "{}", world.describe());
}

#[test]
fn a_new_milvus_says_that_its_pods_are_refused() {
    let mut world = World::new(crs::mix("2.4.9"));
    world.behaviour.refused = Some(("mixcoord".to_owned(), crs::image("2.4.9")));
    world.settle();
    let message = world.condition(ConditionType::MilvusReady).1;
    assert!(message.contains("its pods can't be created: FailedCreate: pods "), "{message}");
    assert!(message.contains("exceeded quota: team"), "{message}");
    assert!(!world.events("PodsRefused").is_empty(), "{:?}", world.history.events);
}

#[test]
fn a_refused_write_is_told_with_what_to_do() {
    let mut world = World::new(crs::mix("2.4.9"));
    world.refusal = "the platform team does not allow it".to_owned();
    world.fault = Some(Fault::Refused(1));
    world.pass();
    let (status, message, reason) = world.condition(ConditionType::UpgradeProgressing);
    assert_eq!((status.as_str(), reason.as_str()), ("False", "WriteFailed"));
    assert_eq!(
        message,
        "can't apply Milvus default/my-release: the platform team does not allow it. It is tried again every minute at least. Change what \
         refuses it, or the Milvus"
    );
    assert_eq!(world.events("WriteFailed")[0].message, message);
}

fn proxy(sidecars: &Value, init_containers: &Value) -> (String, String) {
    let mut milvus = crs::mix("2.4.9");
    let proxy = json!({ "sidecars": sidecars, "initContainers": init_containers });
    milvus.spec.components.proxy = Some(serde_json::from_value(proxy).unwrap());
    let mut world = World::new(milvus);
    world.settle();
    let (_, message, reason) = world.condition(ConditionType::SpecAccepted);
    (reason, message)
}

/// One set of names for all containers of a pod.
#[rstest]
#[case::the_component(json!([{"name": "proxy"}]), json!([]), "proxy.sidecars[0].name: another container of the pod is named \"proxy\"")]
#[case::config(json!([{"name": "config"}]), json!([]), "proxy.sidecars[0].name: another container of the pod is named \"config\"")]
#[case::a_sidecar(json!([{"name": "a"}, {"name": "a"}]), json!([]), "proxy.sidecars[1].name: another container of the pod is named \"a\"")]
#[case::across(json!([{"name": "a"}]), json!([{"name": "a"}]), "proxy.initContainers[0].name: another container of the pod is named \"a\"")]
#[case::init(json!([]), json!([{"name": "config"}]), "proxy.initContainers[0].name: another container of the pod is named \"config\"")]
fn a_container_name_that_is_taken_is_refused(
    #[case] sidecars: Value,
    #[case] init: Value,
    #[case] words: &str,
) {
    let (reason, message) = proxy(&sidecars, &init);
    assert_eq!(reason, "InvalidSpec");
    assert!(message.contains(words), "{message}");
}

/// Of one list. That a component has a mount at a path where all have one is no mistake: its own takes that one's place.
#[test]
fn two_mounts_at_one_path_are_refused() {
    let twice = json!([{"name": "a", "mountPath": "/x"}, {"name": "b", "mountPath": "/x"}]);
    let mut milvus = crs::mix("2.4.9");
    milvus.spec.components.global.volume_mounts = serde_json::from_value(twice).unwrap();
    let mut world = World::new(milvus);
    world.settle();
    let (_, message, reason) = world.condition(ConditionType::SpecAccepted);
    assert_eq!(reason, "InvalidSpec");
    let words = "spec.components.volumeMounts: \"/x\" is the mountPath of two of them";
    assert!(message.contains(words) && message.matches("mountPath").count() == 1, "{message}");
}

#[test]
fn containers_of_other_names_are_accepted() {
    let container = |name: &str| json!({ "name": name, "image": "busybox:1" });
    let (sidecars, first) = (json!([container("a"), container("b")]), json!([container("c")]));
    assert_eq!(proxy(&sidecars, &first).0, "Accepted");
}

/// What a user wrote into the wrong place may be a password.
#[rstest]
#[case(json!([{"name": "a", "env": "a secret"}]), "proxy.sidecars[0]: invalid type: a text, expected")]
#[case(json!([{"name": "a", "ports": [{"containerPort": "\", expected it"}]}]), "proxy.sidecars[0]: invalid type: a text, expected")]
fn a_text_in_the_wrong_place_is_not_repeated(#[case] sidecars: Value, #[case] words: &str) {
    let (reason, message) = proxy(&sidecars, &json!([]));
    assert_eq!(reason, "InvalidSpec");
    assert!(message.contains(words) && !message.contains("secret"), "{message}");
}
