//! What the scenarios share: a control plane with the operator installed as users install it, etcd, MinIO, and for each
//! test a namespace with a bucket of its own in which everything that happens is recorded.
#![allow(dead_code, unused_imports, reason = "each of the test binaries uses its part")]

pub mod canary;
pub mod crs;
mod evidence;
pub mod history;
pub mod monitors;
pub mod old_cluster;
mod story;

use std::{path::Path, time::Duration};

use milvus_testkit::{
    ControlPlane, control_plane,
    etcd::{self, Etcd},
    minio::Minio,
    operator::{Operator, Options},
    stages::Delays,
};
use tokio::sync::OnceCell;

pub use canary::{ACCESS_KEY, SECRET_KEY};
pub use crs::{NAME, Places, image};
pub use history::{History, condition, listed};
pub use story::{Story, observed, said};

/// Longest wait for anything that takes seconds on an idle machine.
pub const SOON: Duration = Duration::from_secs(90);

/// How often the shared operator reads Secrets while all is well: in an hour, users' operators do.
pub const SECRETS_PERIOD: Duration = Duration::from_secs(20);

/// Pods of the scenarios are faster than real ones.
const DELAYS: Delays = Delays { ready: Duration::from_millis(400), delete: Duration::from_millis(200) };

/// Tests that take long are to do all of their work, not a share.
pub fn all_is_wanted() -> bool {
    std::env::var_os("MILVUS_TEST_ALL").is_some_and(|value| !value.is_empty())
}

/// Servers without an operator.
#[derive(Debug)]
pub struct Ground {
    pub plane: ControlPlane,
    pub etcd: Etcd,
    pub minio: Minio,
}

impl Ground {
    pub async fn start() -> Self {
        let plane = ControlPlane::start(control_plane::Options { delays: DELAYS, ..Default::default() });
        let etcd = Etcd::start(etcd::Options::default());
        // Boxed, because test threads have small stacks.
        let (plane, etcd, minio) =
            tokio::join!(Box::pin(plane), Box::pin(etcd), Box::pin(Minio::start(ACCESS_KEY, SECRET_KEY)));
        Self { plane: plane.unwrap(), etcd: etcd.unwrap(), minio: minio.unwrap() }
    }

    /// Where the dependencies are, and a bucket.
    pub fn places(&self, bucket: &str) -> Places {
        Places { etcd: self.etcd.address(), minio: self.minio.address(), bucket: bucket.to_owned() }
    }

    /// Installs the chart, without an operator that runs.
    pub async fn install_chart(&self) {
        let chart = Self::operator_options().chart;
        let name = milvus_testkit::operator::NAME;
        let args = [
            "upgrade",
            "--install",
            name,
            chart.to_str().unwrap(),
            "--namespace",
            name,
            "--create-namespace",
        ];
        self.plane.access().helm(args).await.unwrap().success().unwrap();
    }

    /// The operator of this build and the chart of this tree.
    pub fn operator_options() -> Options {
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/milvus-operator");
        Options::new(chart, env!("CARGO_BIN_EXE_milvus-operator"))
    }
}

/// The ground with one operator that all tests of a binary share.
#[derive(Debug)]
pub struct World {
    pub ground: Ground,
    pub operator: Operator,
}

static WORLD: OnceCell<World> = OnceCell::const_new();

impl World {
    /// The one of this process; the first call starts it.
    pub async fn shared() -> &'static Self {
        WORLD
            .get_or_init(async || {
                let ground = Box::pin(Ground::start()).await;
                monitors::install(&ground).await;
                let mut options = Ground::operator_options();
                options.args.push(format!("--secrets-period={}s", SECRETS_PERIOD.as_secs()));
                let operator = Box::pin(Operator::install(ground.plane.access(), &options)).await;
                Self { ground, operator: operator.unwrap() }
            })
            .await
    }

    /// Where the dependencies of a story of that name will be.
    pub async fn places(name: &str) -> Places {
        Self::shared().await.ground.places(name)
    }

    /// A namespace for one test.
    pub async fn story(name: &str) -> Story {
        let world = Self::shared().await;
        let story = Story::begin(&world.ground, world.operator.user(), name).await;
        story.with_log(world.operator.log())
    }
}
