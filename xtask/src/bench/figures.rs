//! The measurements, one function each.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::Deployment,
    coordination::v1::Lease,
    core::v1::{ConfigMap, Service},
};
use kube::{
    Api,
    api::{DeleteParams, ListParams},
};
use milvus_testkit::{
    audit::Event,
    operator::{self, Operator},
    recorder::Recorder,
    wait,
};
use serde::de::DeserializeOwned;
use snafu::{OptionExt, ResultExt, ensure};

use super::{
    error::{
        AskSnafu, EnterSnafu, Error, GapsSnafu, NoRequestSnafu, NoRollSnafu, NotReachedSnafu, OperatorSnafu,
        RecordSnafu,
    },
    numbers::{Samples, between},
    process::{Memory, memory, processor_time},
    roll::{Recording, Roll},
    world::{Mode, World, is_lease},
};

/// The Milvus that is rolled, and its namespace.
pub(super) const NAME: &str = "my-release";
pub(super) const NAMESPACE: &str = "rolled";
/// Where the crowd is.
pub(super) const CROWD: &str = "crowd";
const LEASE: &str = "71808ec5.milvus.io";
/// How long a replaced leader may take: its Lease has to run out, and what exists is listed anew.
const TAKE_OVER_WITHIN: Duration = Duration::from_mins(2);
/// How long an object that was deleted may take to come back.
const REPAIR_WITHIN: Duration = Duration::from_mins(2);

/// The image of the n-th roll; each is a patch release of the same line.
pub(super) fn image(n: usize) -> String {
    format!("milvusdb/milvus:v2.4.{}", 9 + n)
}

/// How long a new Milvus takes.
pub(super) struct Created {
    /// From the user's request to the first Deployment.
    pub(super) first_deployment: Samples,
    /// From the user's request to Healthy.
    pub(super) healthy: Samples,
}

/// Creates `count` Milvus clusters one after the other, and deletes each.
pub(super) async fn create(world: &World, count: usize) -> Result<Created, Error> {
    let namespace = "created";
    world.namespace(namespace).await?;
    let (mut first, mut healthy) = (Vec::new(), Vec::new());
    for index in 0..count {
        let name = format!("created-{index}");
        world.create(namespace, &name, Mode::Cluster, &image(0)).await?;
        let settled = world.settled(namespace, &name, &image(0)).await?;
        let audit = world.audit()?;
        let asked = find(&audit, "creation of a Milvus", |event| {
            event.resource == "milvuses" && event.verb == "create" && event.name == name
        })?;
        let prefix = format!("{name}-milvus-");
        let deployment = find(&audit, "write of a Deployment after a Milvus was created", |event| {
            event.resource == "deployments" && event.name.starts_with(&prefix) && world.wrote(event)
        })?;
        first.push(between(asked.received, deployment.received));
        healthy.push(between(asked.received, settled));
        let deleted = world.milvus(namespace).delete(&name, &DeleteParams::default()).await;
        deleted.context(AskSnafu { action: "deleting a Milvus" })?;
        let gone = wait::wait_for(world.milvus(namespace), &name, REPAIR_WITHIN, |milvus| milvus.is_none());
        Box::pin(gone).await.map_err(Box::new).context(NotReachedSnafu)?;
    }
    Ok(Created { first_deployment: first.into_iter().collect(), healthy: healthy.into_iter().collect() })
}

/// A roll, and how much the operator wrote while it lasted.
pub(super) struct Rolled {
    pub(super) roll: Roll,
    /// Without its Lease.
    pub(super) writes: usize,
    /// Of those, writes of status.
    pub(super) status_writes: usize,
    /// What it had of a processor while the roll lasted.
    pub(super) processor: Duration,
}

/// Rolls [`NAME`] through the images of `targets`, one after the other.
pub(super) async fn rolls(world: &World, targets: std::ops::Range<usize>) -> Result<Vec<Rolled>, Error> {
    let mut rolls = Vec::new();
    for target in targets {
        let image = image(target);
        let recorder = Recorder::start(world.client.clone(), NAMESPACE).await.context(RecordSnafu)?;
        let (before, used) = (Timestamp::now(), processor_time(world.operator.id())?);
        world.set_image(NAMESPACE, NAME, &image).await?;
        let updated = world.settled(NAMESPACE, NAME, &image).await?;
        let processor = processor_time(world.operator.id())?.saturating_sub(used);
        let audit = world.audit()?;
        let asked = find(&audit, "change of the image", |event| {
            event.resource == "milvuses"
                && event.verb == "patch"
                && !world.wrote(event)
                && event.received >= before
        })?;
        ensure!(recorder.gaps() == 0, GapsSnafu { gaps: recorder.gaps() });
        let changes = recorder.changes();
        let about_it = |event: &&Event| world.wrote(event) && event.namespace == NAMESPACE;
        let writes: Vec<&Event> = audit.iter().filter(about_it).collect();
        let recording = Recording { changes: &changes, writes: &writes };
        let roll = Roll::read(&recording, &image, asked.received, updated).context(NoRollSnafu { image })?;
        let during = |event: &&&Event| event.received >= roll.asked && event.received <= updated;
        let during: Vec<&&Event> = writes.iter().filter(during).collect();
        let status_writes = during.iter().filter(|event| event.subresource == "status").count();
        let writes = during.len();
        rolls.push(Rolled { roll, writes, status_writes, processor });
    }
    Ok(rolls)
}

/// What the operator did in a time in which nothing happened.
#[derive(Debug, Clone)]
pub(super) struct Idle {
    /// How long was looked.
    pub(super) window: Duration,
    /// Requests other than those that keep the Lease; a watch that ends counts once.
    pub(super) requests: usize,
    /// Writes other than those that keep the Lease.
    pub(super) written: Vec<String>,
    /// Requests that keep the Lease.
    pub(super) lease: usize,
    /// Memory at the end.
    pub(super) memory: Memory,
}

/// Waits until the operator has written nothing for a while: an Event follows the status that it tells of,
/// and the status is all that was waited for before.
pub(super) async fn calm(world: &World) -> Result<(), Error> {
    const CALM: Duration = Duration::from_secs(5);
    const TRIES: usize = 12;
    for _ in 0..TRIES {
        let from = Timestamp::now();
        tokio::time::sleep(CALM).await;
        if world.written_since(from)?.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Looks for `window` without doing anything.
pub(super) async fn idle(world: &World, window: Duration) -> Result<Idle, Error> {
    calm(world).await?;
    let from = Timestamp::now();
    // Not a wait for something: the time itself is what is measured.
    tokio::time::sleep(window).await;
    let memory = memory(world.operator.id())?;
    let audit = world.audit()?;
    let during = |event: &&Event| world.is_operators(event) && event.answered >= from;
    let (lease, rest): (Vec<&Event>, Vec<&Event>) =
        audit.iter().filter(during).partition(|event| is_lease(event));
    let (requests, lease) = (rest.len(), lease.len());
    Ok(Idle { window, requests, written: world.written_since(from)?, lease, memory })
}

/// Creates `count` Milvus standalones at once and waits until each is Healthy; how long that took.
pub(super) async fn crowd(world: &World, count: usize) -> Result<Duration, Error> {
    world.namespace(CROWD).await?;
    let from = Timestamp::now();
    let last = join_crowd(world, 0..count).await?.unwrap_or(from);
    Ok(between(from, last))
}

/// Creates the standalones of these numbers at once and waits for each; when the last was Healthy.
pub(super) async fn join_crowd(
    world: &World,
    numbers: std::ops::Range<usize>,
) -> Result<Option<Timestamp>, Error> {
    let names: Vec<String> = numbers.map(|index| format!("crowd-{index}")).collect();
    for name in &names {
        world.create(CROWD, name, Mode::Standalone, &image(0)).await?;
    }
    let mut last = None;
    for name in &names {
        last = Some(world.settled(CROWD, name, &image(0)).await?);
    }
    Ok(last)
}

/// From the deletion of an owned object to the request that brings it back, in the order Deployment, Service,
/// ConfigMap.
pub(super) async fn repairs(world: &World) -> Result<[(&'static str, Samples); 3], Error> {
    let deployment = repair::<Deployment>(world, "deployments", &format!("{NAME}-milvus-proxy")).await?;
    let service = repair::<Service>(world, "services", &format!("{NAME}-milvus")).await?;
    let config = repair::<ConfigMap>(world, "configmaps", NAME).await?;
    world.settled(NAMESPACE, NAME, &current(world).await?).await?;
    Ok([("Deployment", deployment), ("Service", service), ("ConfigMap", config)])
}

async fn repair<K>(world: &World, resource: &str, name: &str) -> Result<Samples, Error>
where
    K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + serde::Serialize
        + DeserializeOwned
        + Send
        + 'static,
{
    let api: Api<K> = Api::namespaced(world.client.clone(), NAMESPACE);
    let before = Timestamp::now();
    let old = api.get(name).await.context(AskSnafu { action: "reading an owned object" })?.meta().uid.clone();
    api.delete(name, &DeleteParams::default())
        .await
        .context(AskSnafu { action: "deleting an owned object" })?;
    let back = |object: Option<&K>| object.is_some_and(|object| object.meta().uid != old);
    let waited = Box::pin(wait::wait_for(api, name, REPAIR_WITHIN, back)).await;
    waited.map_err(Box::new).context(NotReachedSnafu)?;
    // A request is in the audit log after its answer: what a watch has just shown may not be there yet.
    calm(world).await?;
    let audit = world.audit()?;
    let about = |event: &Event| event.resource == resource && event.name == name && event.received >= before;
    let deleted =
        find(&audit, "deletion of an owned object", |event| about(event) && event.verb == "delete")?;
    let repaired = find(&audit, "repair of an owned object", |event| about(event) && world.wrote(event))?;
    Ok([between(deleted.received, repaired.received)].into_iter().collect())
}

/// How long a second operator takes to go on with the work of the first.
pub(super) struct FailOver {
    /// From the end of the first to the Lease of the second.
    pub(super) lease: Duration,
    /// From the end of the first to the second's first write for a request that came when there was none.
    pub(super) write: Duration,
}

/// Ends the leader, by SIGKILL or as Kubernetes does, while another stands by and an image was just changed
/// to `target`.
pub(super) async fn fail_over(world: &mut World, target: usize, kill: bool) -> Result<FailOver, Error> {
    let image = image(target);
    let next = Operator::launch(world.plane.access(), &world.options).await.context(OperatorSnafu)?;
    standing_by(&next).await?;
    let leases: Api<Lease> = Api::namespaced(world.client.clone(), operator::NAME);
    let before = holder(&leases.get(LEASE).await.context(AskSnafu { action: "reading the Lease" })?);
    let ended = Timestamp::now();
    let mut first = std::mem::replace(&mut world.operator, next);
    if kill {
        first.kill().await.context(OperatorSnafu)?;
    } else {
        first.terminate().await.context(OperatorSnafu)?;
    }
    let asked = Timestamp::now();
    world.set_image(NAMESPACE, NAME, &image).await?;
    let taken = |lease: Option<&Lease>| {
        lease
            .map(holder)
            .is_some_and(|holder| holder != before && holder.is_some_and(|name| !name.is_empty()))
    };
    let waited = Box::pin(wait::wait_for(leases, LEASE, TAKE_OVER_WITHIN, taken)).await;
    waited.map_err(Box::new).context(NotReachedSnafu)?;
    let lease = between(ended, Timestamp::now());
    world.settled(NAMESPACE, NAME, &image).await?;
    let audit = world.audit()?;
    let write = find(&audit, "write of the new leader", |event| {
        world.wrote(event) && event.namespace == NAMESPACE && event.received >= asked
    })?;
    Ok(FailOver { lease, write: between(ended, write.received) })
}

/// Waits until the process asks for the Lease: it stands by.
async fn standing_by(operator: &Operator) -> Result<(), Error> {
    const EVERY: Duration = Duration::from_millis(50);
    let asked = async {
        // What it serves is all that a standby shows; nothing announces it.
        while operator.metrics().await.is_err() {
            tokio::time::sleep(EVERY).await;
        }
    };
    let within = tokio::time::timeout(TAKE_OVER_WITHIN, asked).await;
    within.ok().context(NoRequestSnafu { what: "sign of a second operator" })
}

fn holder(lease: &Lease) -> Option<String> {
    lease.spec.as_ref()?.holder_identity.clone()
}

/// The image that [`NAME`] is asked to run.
async fn current(world: &World) -> Result<String, Error> {
    let milvus = world.milvus(NAMESPACE).get(NAME).await.context(AskSnafu { action: "reading a Milvus" })?;
    Ok(milvus.spec.components.global.image.unwrap_or_default())
}

/// How many Milvus objects there are.
pub(super) async fn count(world: &World) -> Result<usize, Error> {
    let api: Api<milvus_api::Milvus> = Api::all(world.plane.client().context(EnterSnafu)?);
    let list = api.list_metadata(&ListParams::default()).await.context(AskSnafu { action: "counting" })?;
    Ok(list.items.len())
}

/// The first request that is meant.
fn find<'a>(audit: &'a [Event], what: &str, is: impl Fn(&Event) -> bool) -> Result<&'a Event, Error> {
    audit.iter().filter(|event| is(event)).min_by_key(|event| event.received).context(NoRequestSnafu { what })
}
