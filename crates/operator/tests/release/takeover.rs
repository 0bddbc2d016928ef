//! The Lease in the hands of the Go operator.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use milvus_testkit::{audit::Event, wait::wait_for};
use serde_json::json;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    RELEASE, USER,
    world::{Ground, SOON},
};

pub const LEASE: &str = "71808ec5.milvus.io";
const GO: &str = "milvus-operator-7d9c_3f2504e0-4f89-11d3-9a0c-0305e82c3301";
/// Shorter than the Go operator's 15 s, and said in the Lease as it says its own.
const DURATION: Duration = Duration::from_secs(4);

/// Renews the Lease as the Go operator does, until it is killed; it gives nothing back.
pub struct GoLeader {
    task: JoinHandle<()>,
    renewed: watch::Receiver<Timestamp>,
}

impl GoLeader {
    pub async fn start(ground: &Ground) -> Self {
        let leases: Api<Lease> = Api::namespaced(ground.plane.client().unwrap(), RELEASE);
        let (sender, mut renewed) = watch::channel(Timestamp::UNIX_EPOCH);
        let task = tokio::spawn(async move {
            loop {
                let now = Timestamp::now();
                let lease = json!({
                    "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": LEASE },
                    "spec": {
                        "holderIdentity": GO, "leaseDurationSeconds": DURATION.as_secs(),
                        "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": format!("{now:.6}"),
                    },
                });
                let params = PatchParams::apply("milvus-operator-go").force();
                leases.patch(LEASE, &params, &Patch::Apply(&lease)).await.unwrap();
                sender.send_replace(now);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        renewed.changed().await.unwrap();
        Self { task, renewed }
    }

    /// Ends it without a word; when it last renewed.
    pub fn kill(self) -> Timestamp {
        self.task.abort();
        *self.renewed.borrow()
    }
}

/// What our operator asked for since then: other tests have run one on the same ground.
fn by_us(ground: &Ground, since: Timestamp) -> Vec<Event> {
    let mut all = ground.plane.audit().unwrap();
    all.retain(|event| event.user == USER && event.received >= since);
    all
}

/// Waits until our operator, started then, has looked at the Lease again and again; what it has written until now.
pub async fn stands_by(ground: &Ground, since: Timestamp) -> Vec<Event> {
    let looked = async {
        while by_us(ground, since).iter().filter(|e| e.resource == "leases" && e.verb == "get").count() < 3 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(SOON, looked).await.unwrap_or_else(|_| panic!("it never asked for the Lease"));
    by_us(ground, since).into_iter().filter(Event::is_write).collect()
}

/// Waits until our operator leads, and sees to it that it wrote nothing before the Lease of the other, last renewed then, had run out.
pub async fn takes_over(ground: &Ground, since: Timestamp, renewed: Timestamp) {
    let leases: Api<Lease> = Api::namespaced(ground.plane.client().unwrap(), RELEASE);
    let ours = |lease: Option<&Lease>| {
        let holder = lease.and_then(|lease| lease.spec.as_ref()?.holder_identity.as_deref());
        holder.is_some_and(|holder| holder != GO && !holder.is_empty())
    };
    wait_for(leases, LEASE, SOON, ours).await.unwrap();
    let earliest = renewed + DURATION;
    let early: Vec<Event> =
        by_us(ground, since).into_iter().filter(|e| e.is_write() && e.received < earliest).collect();
    assert!(early.is_empty(), "{early:#?}");
}
