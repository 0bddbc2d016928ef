//! A standalone of 2.3.5 with its queue on a volume, and with etcd and MinIO at the Services of releases in
//! its own namespace: what is in it outlives its pod.

use std::{path::PathBuf, time::Duration};

use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams};
use milvus_testkit::wait::wait_for;

use super::{
    TO,
    client::{Client, ReadBack},
    images::Images,
    place::{NAMESPACE, Place},
    say, timed,
};
use crate::Failure;

const NAME: &str = "alone";
const DEPLOYMENT: &str = "alone-milvus-standalone";
/// Rows that are only in the queue when the pod goes.
const UNFLUSHED: usize = 1000;
/// A standalone with loaded data does not end by itself for minutes: it waits for another query node that
/// could take the data.
const GRACE: u32 = 5;
const GONE_WITHIN: Duration = Duration::from_mins(3);

/// What was seen.
pub(super) struct Alone {
    pub(super) healthy: Duration,
    /// What the queue's data lie on: `persistentVolumeClaim`, or `emptyDir`, which goes with the pod.
    pub(super) volume: String,
    pub(super) unflushed: usize,
    /// From the deletion of the pod until its successor is Ready.
    pub(super) restart: Duration,
    /// From then until searches are answered rightly.
    pub(super) searchable: Duration,
    pub(super) read_back: ReadBack,
}

/// Creates it together with its releases, fills it, takes its pod away, and reads back.
pub(super) async fn run(place: &Place, client: &Client, images: &Images) -> Result<Alone, Failure> {
    say("A standalone");
    let mut values = images.values();
    values.push(("{to}", TO));
    let created = place.milvus("milvus-standalone.yaml", NAME, &values);
    let ((), healthy) = timed(Box::pin(created)).await?;
    let host = place.service(&format!("{NAME}-milvus")).await?;
    client.fill(&host).await?;
    client.more(&host, UNFLUSHED).await?;
    let volume = volume(place).await?;
    let ((), restart) = timed(Box::pin(replace_pod(place))).await?;
    say(&format!("Its pod was replaced within {:.0} s", restart.as_secs_f64()));
    let searchable = client.ready(&host).await?;
    let nothing = PathBuf::from("/dev/null");
    let read_back = client.verify(&host, &nothing).await?;
    Ok(Alone { healthy, volume, unflushed: UNFLUSHED, restart, searchable, read_back })
}

/// Deletes the pod and waits until it is gone and another is Ready.
async fn replace_pod(place: &Place) -> Result<(), Failure> {
    let pods = place.pods(NAMESPACE);
    let labels = ListParams::default().labels(&format!("app.kubernetes.io/instance={NAME}"));
    let pod = pods.list(&labels).await?.items.into_iter().find_map(|pod| pod.metadata.name);
    let pod = pod.ok_or("the standalone has no pod")?;
    pods.delete(&pod, &DeleteParams::default().grace_period(GRACE)).await?;
    wait_for(pods, &pod, GONE_WITHIN, |pod: Option<&Pod>| pod.is_none()).await?;
    place.available(NAMESPACE, DEPLOYMENT).await
}

async fn volume(place: &Place) -> Result<String, Failure> {
    let deployment = place.deployments(NAMESPACE).get(DEPLOYMENT).await?;
    let spec = deployment.spec.and_then(|spec| spec.template.spec).unwrap_or_default();
    let data = spec.volumes.into_iter().flatten().find(|volume| volume.name == "milvus-data");
    Ok(match data {
        Some(volume) if volume.persistent_volume_claim.is_some() => "persistentVolumeClaim",
        Some(volume) if volume.empty_dir.is_some() => "emptyDir",
        Some(_) => "another volume",
        None => "no volume",
    }
    .to_owned())
}
