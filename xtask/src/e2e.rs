//! `cargo xtask e2e`: a real Milvus in real pods, installed by the chart and the operator's image as users
//! do, upgraded from 2.2.16 to 2.3.5 under traffic whose answers are checked; then a standalone that loses
//! its pod.
//!
//! What was seen is written to `docs/e2e.md`. Needs root, and what [`needs`] names in one message. Everything
//! that it starts is one cluster (`cargo xtask cluster`), which it takes down again.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use milvus_testkit::{clusters, control_plane::Options};

use crate::{Failure, cargo, cluster, real_milvus};

mod alone;
mod client;
mod images;
mod needs;
mod openssl;
mod place;
mod report;
mod roll;
mod traffic;

use client::Client;
use place::Place;
use report::Report;

/// The cluster's name, for `cargo xtask cluster`.
const CLUSTER: &str = "e2e";
/// Where the upgrade begins, and where it ends: both are to be had as Python packages, and the plan allows
/// the hop.
const FROM: &str = "2.2.16";
const TO: &str = "2.3.5";

#[derive(Parser)]
pub(crate) struct Args {
    /// Where the report goes, as Markdown
    #[arg(long, value_name = "FILE", default_value = "docs/e2e.md")]
    out: PathBuf,
    /// Take the archives of the operator and its tools from this directory, as `cargo xtask image` names
    /// them, instead of building them
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// Leave everything running afterwards, to be looked at; `cargo xtask cluster down --name e2e` ends it
    #[arg(long)]
    keep: bool,
}

/// Runs all of it, and writes the report when all of it has run.
pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    needs::check().await?;
    if clusters::list()?.iter().any(|name| name == CLUSTER) {
        say("Ending what an earlier run has left.");
        clusters::down(CLUSTER).await?;
    }
    let mut report = Report::begin().await;
    let shown = Box::pin(scenario(&mut report, args.images)).await;
    let exists = clusters::directory(CLUSTER)?.is_dir();
    if exists && args.keep {
        say("Everything still runs; `cargo xtask cluster down --name e2e` ends it.");
    } else if exists {
        if let Err(error) = &shown {
            say(&format!("{error}\nThe logs of the pods go with the cluster; `--keep` keeps it."));
        }
        clusters::down(CLUSTER).await?;
        report.look_back()?;
    }
    shown?;
    std::fs::write(&args.out, report.to_string())?;
    say(&format!("Written: {}", args.out.display()));
    let clean = report.left_behind.is_none_or(|left| left.is_empty());
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn scenario(report: &mut Report, ours: Option<PathBuf>) -> Result<(), Failure> {
    let cache = real_milvus::cache()?;
    let python = report.timed("Python client", real_milvus::client(&cache)).await?;
    let images = report.timed("Images", images::make(&cache, &python, ours)).await?;
    let client = Client::new(&python, &cargo::root());

    let node = cluster::prepare_real_node().await?;
    report.before = Some(place::Traces::of_this_machine()?);
    let options = Options { nodes: 0, ..Options::default() };
    let up = async { Ok(clusters::up(CLUSTER, options, Some(&node)).await?) };
    let (_, access) = report.timed("Control plane and node", Box::pin(up)).await?;
    let place = Place::new(access, clusters::directory(CLUSTER)?)?;
    report.timed("Images into the node", place.import(&images.archives)).await?;
    report.timed("etcd, MinIO and Kafka Ready", Box::pin(place.dependencies(&images))).await?;
    report.timed("Chart installed, operator Ready", Box::pin(place.chart())).await?;

    let cluster = [("{from}", FROM)];
    let created = Box::pin(place.milvus("milvus.yaml", "my-release", &cluster));
    report.timed("Milvus 2.2.16 created → Healthy", created).await?;
    let host = place.service("my-release-milvus").await?;
    report.filled = client.fill(&host).await?;
    report.roll = Some(roll::run(&place, &client, &host).await?);

    report.alone = Some(Box::pin(alone::run(&place, &client, &images)).await?);
    report.versions = images.versions;
    Ok(())
}

/// What comes now, and how long since the last.
fn say(line: &str) {
    println!("== {} {line}", jiff::Timestamp::now().strftime("%H:%M:%S"));
}

/// How long something took.
async fn timed<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<(T, Duration), Failure> {
    let begun = Instant::now();
    Ok((work.await?, begun.elapsed()))
}
