//! The chart in users' hands: a release of the Go operator's chart is upgraded, taken away and put back; an operator of two namespaces; what
//! Prometheus, Grafana and a log collector get. One control plane, one test at a time, because each has a release of its own.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests are tests")]
#![allow(clippy::large_futures, reason = "a test runs by itself")]

#[path = "../world/mod.rs"]
mod world;

mod monitoring;
mod namespaces;
mod old_cluster;
mod takeover;
mod upgrade;

use milvus_testkit::operator::{NAME as RELEASE, Operator, Options};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use world::Ground;

static GROUND: OnceCell<(&'static Ground, Mutex<()>)> = OnceCell::const_new();

/// The operator, as the audit log names it.
const USER: &str = "system:serviceaccount:milvus-operator:milvus-operator";

/// The ground, for one test at a time, without a release and without definitions.
async fn ground() -> (&'static Ground, MutexGuard<'static, ()>) {
    let (ground, turn) = GROUND
        .get_or_init(async || {
            let ground: &'static Ground = Box::leak(Box::new(Box::pin(Ground::start()).await));
            (ground, Mutex::new(()))
        })
        .await;
    let turn = turn.lock().await;
    helm(ground, &["uninstall", RELEASE, "-n", RELEASE, "--ignore-not-found", "--wait"]).await;
    let kinds = ["milvuses", "milvusclusters", "milvusupgrades"].map(|kind| format!("{kind}.milvus.io"));
    let delete = ["delete", "crd", "--ignore-not-found", &kinds[0], &kinds[1], &kinds[2]];
    ground.plane.access().kubectl(delete).await.unwrap().success().unwrap();
    (ground, turn)
}

async fn helm(ground: &Ground, args: &[&str]) -> String {
    ground.plane.access().helm(args).await.unwrap().success().unwrap()
}

/// Installs the chart of this tree with these values, and runs the operator.
async fn install(ground: &Ground, values: &[&str]) -> Operator {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    let options = Options { values, ..Ground::operator_options() };
    Box::pin(Operator::install(ground.plane.access(), &options)).await.unwrap()
}
