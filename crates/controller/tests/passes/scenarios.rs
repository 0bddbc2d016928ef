//! What has to happen so that each reason is told.

use milvus_sim::cluster::Pods;
use std::time::Duration;

use milvus_api::{ImageUpdateMode, Milvus, Reason};
use milvus_plan::{Component, Reason as Path};
use milvus_sim::server::Kind;
use milvus_state::ProbeView;
use serde_json::json;

use crate::world::{Fault, World, crs};

/// Something that happens to a Milvus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    Probes,
    NotProbed,
    Create,
    Roll,
    Downgrade,
    Stop,
    Warned,
    Invalid,
    Mode,
    Dependencies,
    NotSupported,
    Upgrades,
    Away,
    Former,
    Held,
    Paused,
    Manual,
    Crash,
    Quota,
    Halted,
    Superseded,
    WriteRefused,
    Credentials,
    SlowPods,
    SlowDrain,
    SlowHandOver,
    Checksum,
    Path(Path),
}

/// The reasons that probes and Secrets give to the conditions.
const ETCD: [Reason; 8] = [
    Reason::EtcdNotReady,
    Reason::ConnectionFailed,
    Reason::SecretNotExist,
    Reason::SecretError,
    Reason::SecretDecodeError,
    Reason::ProbeCrashed,
    Reason::ConnectionOK,
    Reason::EtcdReady,
];
const STORAGE: [Reason; 7] = [
    Reason::ClientError,
    Reason::BucketMissing,
    Reason::SecretNotExist,
    Reason::SecretError,
    Reason::SecretDecodeError,
    Reason::ProbeCrashed,
    Reason::StorageReady,
];
const QUEUE: [Reason; 9] = [
    Reason::MsgStreamNotReady,
    Reason::CreateClientFailed,
    Reason::ConnectionFailed,
    Reason::SecretNotExist,
    Reason::SecretError,
    Reason::SecretDecodeError,
    Reason::ProbeCrashed,
    Reason::ConnectionOK,
    Reason::MsgStreamReady,
];

impl Scenario {
    /// Those that are no reason's first one: the same words in another place, and keys.
    pub const MORE: [Scenario; 4] =
        [Scenario::SlowPods, Scenario::SlowDrain, Scenario::SlowHandOver, Scenario::Checksum];

    /// Lets it happen.
    pub fn run(self) -> World {
        match self {
            Scenario::Probes => probes(),
            Scenario::NotProbed => not_probed(),
            Scenario::Create => World::running(crs::mix("2.4.9")),
            Scenario::Roll => roll(),
            Scenario::Downgrade => edited("2.4.10", |m| {
                m.spec.components.image_update_mode = ImageUpdateMode::RollingDowngrade;
                image(m, "2.4.9");
            }),
            Scenario::Stop => edited("2.4.9", |m| roles().for_each(|role| crs::replicas(m, role, 0))),
            Scenario::Warned => warned(),
            Scenario::Invalid => edited("2.4.9", |m| {
                m.spec.components.global.volumes = serde_json::from_value(json!([{"name": 7}])).unwrap();
            }),
            Scenario::Mode => edited("2.4.9", |m| m.spec.mode = milvus_api::Mode::Standalone),
            Scenario::Dependencies => edited("2.4.9", |m| m.spec.dependencies = None),
            Scenario::NotSupported => not_supported(),
            Scenario::Upgrades => upgrades(),
            Scenario::Away => away(),
            Scenario::Former => former(),
            Scenario::Held => rolled_after(|m| annotate(m, "milvus.io/hold-before", "querynode")),
            Scenario::Paused => rolled_after(|m| {
                crs::component(&mut m.spec.components, Component::QueryNode).spec.paused = Some(true);
            }),
            Scenario::Manual => rolled_after(|m| m.spec.components.enable_manual_mode = Some(true)),
            Scenario::Crash => {
                stalled(|world| world.behaviour.crashing.push(Pods::with(&crs::image("2.4.10"))))
            }
            Scenario::Quota => stalled(|world| {
                world.behaviour.refused = Some(("indexnode".to_owned(), crs::image("2.4.10")));
            }),
            Scenario::Halted => halted(),
            Scenario::Superseded => superseded(),
            Scenario::WriteRefused => write_refused(),
            Scenario::Credentials => credentials(),
            Scenario::SlowPods => stalled(|world| world.behaviour.ready_after = 7200),
            Scenario::SlowDrain => stalled(|world| world.behaviour.ends_after = 7200),
            Scenario::SlowHandOver => slow_hand_over(),
            Scenario::Checksum => edited("2.4.9", |m| m.spec.components.update_config_map_only = Some(false)),
            Scenario::Path(reason) => refused_path(reason),
        }
    }
}

fn roles() -> impl Iterator<Item = Component> {
    use Component::{DataNode, IndexNode, MixCoord, Proxy, QueryNode};
    [MixCoord, DataNode, QueryNode, IndexNode, Proxy].into_iter()
}

fn image(milvus: &mut Milvus, tag: &str) {
    milvus.spec.components.global.image = Some(crs::image(tag));
}

fn annotate(milvus: &mut Milvus, key: &str, value: &str) {
    milvus.metadata.annotations.get_or_insert_default().insert(key.to_owned(), value.to_owned());
}

/// A running cluster that is changed so.
fn edited(tag: &str, change: impl FnOnce(&mut Milvus)) -> World {
    let mut world = World::running(crs::mix(tag));
    world.edit(change);
    world.settle();
    world
}

fn roll() -> World {
    let mut world = World::running(crs::mix("2.4.9"));
    world.behaviour.ends_after = 5;
    world.behaviour.ready_after = 5;
    world.set_image("2.4.10");
    world.settle();
    world
}

/// A roll under something that holds it.
fn rolled_after(hold: impl FnOnce(&mut Milvus)) -> World {
    let mut world = edited("2.4.9", hold);
    world.set_image("2.4.10");
    world.settle();
    world
}

/// A roll that does not go on, for longer than a stall takes.
fn stalled(trouble: impl FnOnce(&mut World)) -> World {
    let mut world = World::running(crs::mix("2.4.9"));
    trouble(&mut world);
    world.set_image("2.4.10");
    wait_for_a_stall(&mut world);
    world
}

/// The new pods of the query nodes do not get ready while the old ones serve.
fn slow_hand_over() -> World {
    let mut world = World::running(crs::mix("2.4.9"));
    world.set_image("2.4.10");
    world.until("the query nodes' turn", |w| w.order().iter().any(|c| c == "querynode"));
    world.behaviour.ready_after = 7200;
    wait_for_a_stall(&mut world);
    world
}

fn wait_for_a_stall(world: &mut World) {
    (0..20).for_each(|_| _ = world.step());
    world.sleep(Duration::from_mins(11));
    world.pass();
}

fn probes() -> World {
    let mut world = World::running(crs::mix("2.4.9"));
    let view = |reason: Reason| {
        let ready = !reason.row().page;
        Some(ProbeView { ready, reason, message: String::new() })
    };
    let (etcd, storage, queue) = (Reason::EtcdReady, Reason::StorageReady, Reason::MsgStreamReady);
    for found in ETCD {
        (world.probes.etcd, world.probes.storage, world.probes.queue) =
            (view(found), view(storage), view(queue));
        world.pass();
        world.probes.etcd =
            view(Reason::EtcdNotReady).filter(|_| !found.row().page).or(world.probes.etcd.clone());
        world.pass();
    }
    world.probes.etcd = view(etcd);
    for found in STORAGE {
        world.probes.storage = view(found);
        world.pass();
    }
    for found in QUEUE {
        world.probes.queue = view(found);
        world.pass();
        world.probes.queue =
            view(Reason::MsgStreamNotReady).filter(|_| !found.row().page).or(world.probes.queue.clone());
        world.pass();
    }
    world
}

fn not_probed() -> World {
    let mut world = World::new(crs::mix("2.4.9"));
    (world.probes.etcd, world.probes.storage, world.probes.queue) = (None, None, None);
    world.settle();
    world
}

fn away() -> World {
    let mut world = World::running(crs::mix("2.4.9"));
    world.probes.etcd =
        Some(ProbeView { ready: false, reason: Reason::EtcdNotReady, message: String::new() });
    world.set_image("2.4.10");
    world.settle();
    world
}

/// Warned of from the start, and after a refusal.
fn warned() -> World {
    let mut world = edited("2.4.9", |m| annotate(m, "milvus.io/allow-upgrade", "all"));
    world.set_image("2.6.11");
    world.settle();
    world.set_image("2.4.9");
    world.settle();
    world.set_image("2.6.11");
    world.settle();
    world.edit(|m| {
        m.metadata.annotations = None;
        image(m, "2.4.9");
    });
    world.settle();
    world
}

/// Fields without effect, and components that another operator runs.
fn not_supported() -> World {
    let force = |mode| move |m: &mut Milvus| m.spec.components.image_update_mode = mode;
    let mut world = edited("2.4.9", force(ImageUpdateMode::Force));
    world.edit(force(ImageUpdateMode::RollingUpgrade));
    world.settle();
    let labels = json!({"app.kubernetes.io/instance": "my-release", "app.kubernetes.io/name": "milvus",
        "app.kubernetes.io/managed-by": "milvus-operator", "app.kubernetes.io/component": "querynode"});
    let spec = json!({"serviceName": "", "selector": {"matchLabels": labels}, "template":
        {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "querynode", "image": crs::image("2.4.9")}]}}});
    let metadata = json!({"name": "my-release-milvus-querynode", "labels": labels});
    world.make(Kind::StatefulSet, json!({"metadata": metadata, "spec": spec}));
    world.settle();
    world
}

fn upgrades() -> World {
    let mut world = World::running(crs::mix("2.4.9"));
    for milvus in ["my-release", "another"] {
        let spec = json!({"milvus": {"name": milvus}, "sourceVersion": "2.1.4", "targetVersion": "2.2.16"});
        world.make(Kind::MilvusUpgrade, json!({"metadata": {"name": milvus}, "spec": spec}));
    }
    world.pass();
    world.answer_orphans("another");
    world
}

fn former() -> World {
    let mut world = World::running(crs::mix("2.4.9"));
    world.milvus = None;
    world.create(crs::mix("2.4.10"));
    world.pass();
    world
}

fn halted() -> World {
    let mut world = World::running(crs::mix("2.4.9"));
    world.set_image("2.4.10");
    world.until("its turn", |w| w.order().iter().any(|c| c == "mixcoord"));
    world.set_image("2.6.11");
    world.settle();
    world
}

/// The version alone is changed and changed back before a pass could act on it.
fn superseded() -> World {
    let mut world = World::running(crs::mix("2.4.9"));
    world.edit(|m| m.spec.components.global.version = Some("2.4.10".to_owned()));
    world.pass();
    world.edit(|m| m.spec.components.global.version = None);
    world.settle();
    world
}

fn write_refused() -> World {
    let mut world = World::new(crs::mix("2.4.9"));
    world.fault = Some(Fault::Refused(1));
    world.pass();
    world
}

/// A Secret is read anew when its Milvus changes.
fn credentials() -> World {
    let mut world = World::running(crs::mix("2.4.9"));
    world.patch(Kind::Secret, "minio", &json!({"data": {"secretkey": "b3RoZXI="}}));
    world.edit(|m| crs::replicas(m, Component::Proxy, 2));
    world.settle();
    world
}

/// A change of the image, or of what goes with it, along a path that is refused.
fn refused_path(reason: Path) -> World {
    let (milvus, tag) = match reason {
        Path::UnknownVersion => (crs::mix("2.4.9"), "latest"),
        Path::NeedsMetadataMigration => (crs::mix("2.1.4"), "2.2.16"),
        Path::NeedsDataMigration => (crs::mix("1.1.1"), "2.4.9"),
        Path::NeedsIntermediateVersion => (crs::mix("2.4.9"), "2.6.11"),
        Path::NeedsMixCoordinator => (crs::four("2.5.16"), "2.6.11"),
        Path::UpgradeNotSupportedYet => (crs::mix("2.5.16"), "2.6.11"),
        Path::PrereleaseHasNoPath => (crs::mix("2.6.0-rc1"), "2.6.1"),
        Path::MinorDowngrade => (crs::mix("2.5.16"), "2.4.9"),
        Path::PathNotKnown => (crs::mix("2.4.9"), "9.0.0"),
        Path::OlderUnderRollingUpgrade => (crs::mix("2.4.10"), "2.4.9"),
        Path::VersionNotUpdated | Path::NewerUnderRollingDowngrade => (crs::mix("2.4.9"), "2.4.10"),
        Path::MessageQueueChange => (crs::mix("2.4.9"), "2.4.9"),
    };
    let mut world = World::new(milvus);
    if reason == Path::VersionNotUpdated {
        world.edit(|m| m.spec.components.global.version = Some("2.4.9".to_owned()));
    }
    world.settle();
    world.edit(|m| {
        image(m, tag);
        if reason == Path::NewerUnderRollingDowngrade {
            m.spec.components.image_update_mode = ImageUpdateMode::RollingDowngrade;
        }
        if reason == Path::MessageQueueChange {
            let dependencies = m.spec.dependencies.as_mut().unwrap();
            dependencies.msg_stream_type = Some(milvus_api::MsgStreamType::Kafka);
            let kafka = dependencies.kafka.get_or_insert_default();
            kafka.external = true;
            kafka.broker_list = vec!["kafka.infra:9092".to_owned()];
        }
    });
    world.settle();
    world
}
