//! The chart in users' hands: a release of the Go operator's chart is upgraded, taken away and put back; an operator of two namespaces; what
//! Prometheus, Grafana and a log collector get. One control plane, one test at a time, because each has a release of its own.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests are tests")]
#![allow(clippy::large_futures, reason = "a test runs by itself")]

#[path = "../world/mod.rs"]
mod world;

mod monitoring;
mod namespaces;
mod takeover;
mod upgrade;

use std::time::Duration;

use kube::{
    Api, ResourceExt as _,
    api::{ApiResource, DynamicObject, ListParams},
};
use milvus_api::Milvus;
use milvus_testkit::operator::{NAME as RELEASE, Operator, Options};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use world::{Ground, SOON};

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
    release_all(ground).await;
    let kinds = ["milvuses", "milvusclusters", "milvusupgrades"].map(|kind| format!("{kind}.milvus.io"));
    let delete = ["delete", "crd", "--ignore-not-found", &kinds[0], &kinds[1], &kinds[2]];
    ground.plane.access().kubectl(delete).await.unwrap().success().unwrap();
    (ground, turn)
}

fn instances(ground: &Ground) -> Api<DynamicObject> {
    Api::all_with(ground.plane.client().unwrap(), &ApiResource::erase::<Milvus>(&()))
}

/// Takes the finalizers of what other tests have left: no operator runs that would.
async fn release_all(ground: &Ground) {
    let all =
        Api::<DynamicObject>::all_with(ground.plane.client().unwrap(), &ApiResource::erase::<Milvus>(&()));
    // Without a definition there is nothing to list.
    let Ok(left) = all.list(&ListParams::default()).await else { return };
    for milvus in left {
        let namespace = milvus.namespace().unwrap();
        let patch = ["-n", &namespace, "patch", "milvus", &milvus.name_any(), "--type=merge", "-p"];
        let nothing = r#"{"metadata":{"finalizers":null}}"#;
        let patched = ground.plane.access().kubectl(patch.iter().chain([&nothing])).await;
        patched.unwrap().success().unwrap();
    }
}

async fn helm(ground: &Ground, args: &[&str]) -> String {
    ground.plane.access().helm(args).await.unwrap().success().unwrap()
}

/// Installs the chart of this tree with these values, and runs the operator.
async fn install(ground: &Ground, values: &[&str]) -> Operator {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    let options = Options { values, ..Ground::operator_options() };
    let operator = Box::pin(Operator::install(ground.plane.access(), &options)).await.unwrap();
    // The definitions are new, and nothing announces from when on the API server answers for them.
    let served = async {
        while instances(ground).list(&ListParams::default()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(SOON, served)
        .await
        .unwrap_or_else(|_| panic!("the API server never knows a Milvus"));
    operator
}
