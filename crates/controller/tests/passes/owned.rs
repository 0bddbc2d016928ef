//! What a Milvus owns beside its workloads: volume claim, Ingress, PodMonitor, several ConfigMaps.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::networking::v1::Ingress;
use milvus_api::{ConditionType, FreeForm, Milvus, Persistence, PodMonitor};
use milvus_state::Parsed;
use milvus_state::records::MonitorKind;
use milvus_state::rollout::request;
use serde_json::{Value, json};

use crate::world::{World, crs};

fn free(value: Value) -> FreeForm {
    serde_json::from_value(value).unwrap()
}

fn ingress(milvus: &mut Milvus, value: Option<Value>) {
    let proxy = milvus.spec.components.proxy.get_or_insert_default();
    proxy.service.ingress = value.map(|v| serde_json::from_value(v).unwrap());
}

/// A standalone whose queue lies in a claim.
fn with_claim(persistence: Value) -> Milvus {
    let mut milvus = crs::rocksmq("2.4.9");
    let dependencies = milvus.spec.dependencies.as_mut().unwrap();
    let persistence: Persistence = serde_json::from_value(persistence).unwrap();
    dependencies.rocksmq.get_or_insert_default().persistence = Some(persistence);
    milvus
}

/// What is not flushed is only in the claim: a spec that no longer names it halts, and says what allows it.
#[test]
fn a_queue_does_not_lose_its_claim_unless_that_is_allowed() {
    let mut world = World::running(with_claim(json!({"enabled": true})));
    let without = with_claim(json!({"enabled": false})).spec.dependencies;
    world.edit(|m| m.spec.dependencies = without);
    world.settle();
    let said = world.status().condition(ConditionType::SpecAccepted).unwrap().clone();
    assert_eq!((said.status.as_str(), said.reason.as_str()), ("False", "DependencyChangeRefused"));
    let named = [
        "spec.dependencies.rocksmq.persistence",
        "claim my-release-data",
        "\"rocksmq.persistence: my-release-data->emptyDir\"",
    ];
    assert!(named.iter().all(|word| said.message.contains(word)), "{}", said.message);
    let mounted = |world: &World| volume(world, "my-release-milvus-standalone", "milvus-data");
    assert_eq!(mounted(&world)["persistentVolumeClaim"]["claimName"], "my-release-data");

    world.edit(|m| {
        let annotations = m.metadata.annotations.get_or_insert_default();
        annotations.insert("milvus.io/allow-upgrade".to_owned(), "my-release-data->emptyDir".to_owned());
    });
    world.settle();
    assert!(mounted(&world)["emptyDir"].is_object(), "{}", mounted(&world));
}

fn volume(world: &World, deployment: &str, name: &str) -> Value {
    let pod = world.deployments[deployment].spec.as_ref().unwrap().template.spec.clone().unwrap();
    let found = pod.volumes.unwrap().into_iter().find(|v| v.name == name).unwrap();
    serde_json::to_value(found).unwrap()
}

#[test]
fn an_ingress_follows_the_spec_and_goes_with_it() {
    let mut world = World::running(crs::mix("2.4.9"));
    assert!(world.live::<Ingress>("Ingress").is_none());
    world.edit(|m| {
        ingress(
            m,
            Some(json!({"hosts": ["a.example"], "tlsSecretRefs": {"z": ["z.example"], "a": ["a.example"]}})),
        );
    });
    world.settle();
    let live: Ingress = world.live("Ingress").unwrap();
    let spec = serde_json::to_value(live.spec).unwrap();
    assert_eq!(spec["rules"][0]["host"], "a.example");
    assert_eq!(spec["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"]["number"], 19530);
    assert_eq!(spec["tls"][0]["secretName"], "a");
    world.edit(|m| m.spec.components.proxy.as_mut().unwrap().service.port = Some(443));
    world.settle();
    let live: Value = world.live("Ingress").unwrap();
    assert_eq!(live["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"]["number"], 443);
    // Somebody else's edit is undone.
    let key = "Ingress/my-release-milvus";
    let edited = world.others.get_mut(key).unwrap();
    edited["spec"]["rules"][0]["host"] = json!("evil.example");
    edited["metadata"]["generation"] = json!(99);
    world.settle();
    assert_eq!(world.others[key]["spec"]["rules"][0]["host"], "a.example");
    // Its address is shown.
    world.others.get_mut(key).unwrap()["status"] =
        json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}});
    world.settle();
    let shown = world.status().ingress.clone().unwrap();
    assert_eq!(serde_json::to_value(shown).unwrap()["loadBalancer"]["ingress"][0]["ip"], "192.0.2.1");
    world.edit(|m| ingress(m, None));
    world.settle();
    assert!(!world.others.contains_key(key));
    assert!(world.status().ingress.is_none());
    assert!(world.updated(), "{}", world.describe());
}

#[test]
fn a_pod_monitor_follows_the_spec_and_goes_with_it() {
    let mut world = World::running(crs::mix("2.4.9"));
    let endpoint =
        |world: &World| world.live::<PodMonitor>("PodMonitor").unwrap().spec.pod_metrics_endpoints[0].clone();
    assert_eq!(endpoint(&world).interval, "30s");
    world.edit(|m| {
        m.spec.components.metric_interval = Some("5s".to_owned());
        m.spec.components.metric_labels = [("team".to_owned(), "search".to_owned())].into();
    });
    world.settle();
    assert_eq!(endpoint(&world).interval, "5s");
    assert_eq!(endpoint(&world).metric_relabelings[0].target_label, "team");
    world.edit(|m| m.spec.components.disable_metric = Some(true));
    world.settle();
    assert!(world.live::<PodMonitor>("PodMonitor").is_none());
    let writes = world.writes();
    world.settle();
    assert_eq!(world.writes(), writes, "nothing is left to do");
}

/// Without the kind nothing fails and nothing is tried; it is said where nobody takes it for trouble. When the kind comes, so does the object.
#[test]
fn a_cluster_without_pod_monitors_is_no_trouble() {
    let mut world = World::new(crs::mix("2.4.9"));
    world.monitor_kind = MonitorKind::Absent;
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert!(world.live::<PodMonitor>("PodMonitor").is_none());
    let (status, message, _) = world.condition(ConditionType::SpecSupported);
    assert_eq!(status, "True");
    assert!(message.contains("PodMonitor"), "{message}");
    world.monitor_kind = MonitorKind::Present;
    world.settle();
    assert!(world.live::<PodMonitor>("PodMonitor").is_some());
    assert_eq!(world.condition(ConditionType::SpecSupported).1, "");
}

/// The claim has upstream's name and defaults, is mounted, and outlives its Milvus.
#[test]
fn a_claim_is_made_and_stays() {
    let mut world =
        World::running(with_claim(json!({"enabled": true, "persistentVolumeClaim": {"labels": {"a": "b"}}})));
    let live: PersistentVolumeClaim = world.live("PersistentVolumeClaim").unwrap();
    assert_eq!(live.metadata.name.as_deref(), Some("my-release-data"));
    assert!(live.metadata.owner_references.is_none());
    assert_eq!(live.metadata.labels.unwrap(), [("a".to_owned(), "b".to_owned())].into());
    let spec = serde_json::to_value(live.spec).unwrap();
    assert_eq!(
        spec,
        json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}},
            "volumeMode": "Filesystem"})
    );
    let mounted = volume(&world, "my-release-milvus-standalone", "milvus-data");
    assert_eq!(mounted["persistentVolumeClaim"]["claimName"], "my-release-data");
    end(&mut world);
    assert!(world.live::<Value>("PersistentVolumeClaim").is_some());
}

fn end(world: &mut World) {
    let now = world.now;
    let meta = &mut world.milvus.as_mut().unwrap().metadata;
    meta.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
    world.until("it is gone", |w| w.milvus.is_none());
}

/// With `pvcDeletion` it goes, but not before the last pod that writes to it.
#[test]
fn a_claim_goes_with_its_milvus_when_that_is_asked_for() {
    let mut world = World::running(with_claim(json!({"enabled": true, "pvcDeletion": true})));
    world.behaviour.ends_after = 5;
    let now = world.now;
    let meta = &mut world.milvus.as_mut().unwrap().metadata;
    meta.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
    while world.milvus.is_some() {
        let claim = world.live::<Value>("PersistentVolumeClaim").is_some();
        assert!(claim || world.pods.is_empty(), "a pod still writes\n{}", world.describe());
        world.step();
    }
    assert!(world.live::<Value>("PersistentVolumeClaim").is_none());
}

/// A bigger volume is asked for; what Kubernetes lets nobody change is said and not tried again and again.
#[test]
fn a_claim_grows_and_is_otherwise_left_as_it_is() {
    let claim = |spec: Value| json!({"enabled": true, "persistentVolumeClaim": {"spec": spec}});
    let set = |world: &mut World, spec: Value| {
        let wanted = with_claim(claim(spec)).spec.dependencies;
        world.edit(|m| m.spec.dependencies = wanted);
        world.settle();
    };
    let mut world = World::running(with_claim(claim(json!({"storageClassName": "slow"}))));
    set(&mut world, json!({"storageClassName": "slow", "resources": {"requests": {"storage": "9Gi"}}}));
    let spec = |world: &World| world.live::<Value>("PersistentVolumeClaim").unwrap()["spec"].clone();
    assert_eq!(spec(&world)["resources"]["requests"]["storage"], "9Gi");
    set(&mut world, json!({"storageClassName": "fast"}));
    assert_eq!(spec(&world)["storageClassName"], "slow");
    let (status, message, reason) = world.condition(ConditionType::SpecAccepted);
    assert_eq!((status.as_str(), reason.as_str()), ("True", "AcceptedWithWarnings"));
    assert!(message.contains("rocksmq.persistence.persistentVolumeClaim.spec.storageClassName"), "{message}");
    assert!(world.updated());
}

/// A claim of the user's own is mounted, never made and never deleted.
#[test]
fn an_existing_claim_is_used_and_left_alone() {
    let mut world = World::new(with_claim(
        json!({"enabled": true, "pvcDeletion": true, "persistentVolumeClaim": {"existingClaim": "mine"}}),
    ));
    world.settle();
    let mounted = volume(&world, "my-release-milvus-standalone", "milvus-data");
    assert_eq!(mounted["persistentVolumeClaim"]["claimName"], "mine");
    assert!(world.live::<Value>("PersistentVolumeClaim").is_none());
    assert!(world.condition(ConditionType::SpecAccepted).1.contains("there is no volume claim mine"));
    let claim = json!({"metadata": {"name": "mine"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}});
    world.others.insert("PersistentVolumeClaim/mine".to_owned(), claim);
    world.settle();
    assert_eq!(world.condition(ConditionType::SpecAccepted).2, "Accepted");
    end(&mut world);
    assert!(world.others.contains_key("PersistentVolumeClaim/mine"));
}

/// One pod at a time may have the volume, whatever the queue: the old one stops first, and the plan says so.
#[test]
fn a_standalone_with_a_claim_is_stopped_before_its_successor_starts() {
    let mut milvus = crs::standalone("2.6.4");
    let dependencies = milvus.spec.dependencies.as_mut().unwrap();
    dependencies.msg_stream_type = Some(milvus_api::MsgStreamType::Woodpecker);
    let woodpecker = dependencies.woodpecker.get_or_insert_default();
    woodpecker.persistence = serde_json::from_value(json!({"enabled": true})).unwrap();
    let mut world = World::running(milvus);
    let strategy = world.deployments["my-release-milvus-standalone"].spec.clone().unwrap().strategy.unwrap();
    assert_eq!(strategy.type_.as_deref(), Some("Recreate"));
    world.set_image("2.6.5");
    world.pass();
    let snapshot = world.observe().unwrap();
    let parsed = Parsed::of(world.cr(), &world.tool).unwrap().unwrap();
    let plan = request::planned(&parsed, &snapshot).unwrap();
    assert_eq!(plan.step(0).unwrap().downtime.as_deref(), Some(milvus_plan::step::STOPPED_FIRST));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
}

/// In a cluster every component mounts the volume, as upstream's; that only one node can have it is said.
#[test]
fn a_volume_for_one_node_in_a_cluster_is_warned_of() {
    let with = |modes: Value| {
        let mut milvus = crs::mix("2.6.4");
        let dependencies = milvus.spec.dependencies.as_mut().unwrap();
        dependencies.msg_stream_type = Some(milvus_api::MsgStreamType::Woodpecker);
        let persistence = json!({"enabled": true, "persistentVolumeClaim": {"spec": {"accessModes": modes}}});
        dependencies.woodpecker.get_or_insert_default().persistence =
            serde_json::from_value(persistence).unwrap();
        World::running(milvus)
    };
    let world = with(json!(["ReadWriteOnce"]));
    for deployment in world.deployments.keys() {
        assert!(
            volume(&world, deployment, "milvus-data")["persistentVolumeClaim"].is_object(),
            "{deployment}"
        );
    }
    let message = world.condition(ConditionType::SpecAccepted).1;
    assert!(message.starts_with("spec.dependencies.woodpecker.persistence"), "{message}");
    assert_eq!(world.events("AcceptedWithWarnings").len(), 1, "told once");
    assert_eq!(with(json!(["ReadWriteMany"])).condition(ConditionType::SpecAccepted).2, "Accepted");
}

/// Pods of an earlier ConfigMap keep theirs until they are replaced, with the same content; in manual mode with what it had.
#[test]
fn another_active_config_map() {
    let mut world = World::running(crs::mix("2.4.9"));
    let yaml = |world: &World, name: &str| world.config_maps[name].data.clone().unwrap()["user.yaml"].clone();
    world.edit(|m| m.spec.components.active_config_map = Some("second".to_owned()));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    let mounted = volume(&world, "my-release-milvus-proxy", "milvus-config");
    assert_eq!(mounted["configMap"]["name"], "second");
    world.edit(|m| m.spec.config = Some(free(json!({"log": {"level": "warn"}}))));
    world.settle();
    assert_eq!(yaml(&world, "second"), yaml(&world, "my-release"));
    assert!(yaml(&world, "second").contains("warn"));
    world.edit(|m| {
        m.spec.components.enable_manual_mode = Some(true);
        m.spec.config = Some(free(json!({"log": {"level": "error"}})));
    });
    world.settle();
    assert!(yaml(&world, "second").contains("error"));
    assert!(yaml(&world, "my-release").contains("warn"), "only the active one is written in manual mode");
}

/// `hook.yaml` goes when `hookConfig` does.
#[test]
fn a_hook_goes() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.edit(|m| m.spec.hook_config = Some(free(json!({"soPath": "/hook.so"}))));
    world.settle();
    let keys = |world: &World| world.config_maps["my-release"].data.clone().unwrap().len();
    assert_eq!(keys(&world), 2);
    world.edit(|m| m.spec.hook_config = None);
    world.settle();
    assert_eq!(keys(&world), 1);
}
