//! `cargo xtask bench`: how fast the operator is, how much it asks for, and what it holds in memory, on a
//! real control plane. Prints a table and writes it to `docs/benchmarks.md`.

use std::{
    fs,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::{Parser, builder::ArgPredicate};
use snafu::ResultExt as _;

mod against;
mod error;
mod figures;
pub(crate) mod machine;
mod numbers;
mod process;
mod ratio;
mod report;
mod roll;
mod thousand;
mod values;
mod world;

pub(crate) use error::Error;
use error::{BuildSnafu, FileSnafu};
use figures::{Created, FailOver, Idle, NAME, NAMESPACE, Rolled, image};
use numbers::Samples;
use thousand::Restarted;
use world::{Mode, Subject, World};

use crate::cargo;

/// With the large crowd, idleness is looked at so many times as long: every watch ends within 5 minutes, and
/// all began together.
const RENEWALS: u32 = 5;

#[derive(Parser)]
pub(crate) struct Args {
    /// Build the operator of this git revision too, measure both in turn, and print how they compare; takes
    /// more than an hour
    #[arg(long, value_name = "REVISION")]
    against: Option<String>,
    /// How often each is measured
    #[arg(long, value_name = "COUNT", default_value_t = 2, requires = "against", value_parser = at_least_one)]
    pairs: usize,
    /// Rolls of a healthy cluster; each gives four gaps between steps [default: 6, with --against 30]
    #[arg(
        long,
        value_name = "COUNT",
        default_value = "6",
        default_value_if("against", ArgPredicate::IsPresent, "30"),
        hide_default_value = true
    )]
    rolls: usize,
    /// Milvus clusters that are created one after the other
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    creations: usize,
    /// Milvus standalones in the crowd
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    crowd: usize,
    /// Milvus standalones in the large crowd
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    many: usize,
    /// Changes of an image of one of the large crowd
    #[arg(long, value_name = "COUNT", default_value_t = 40)]
    changes: usize,
    /// Starts of the operator beside the large crowd whose processor time is taken
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    starts: usize,
    /// Seconds of idleness that are looked at, before and with the crowd
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = crate::cluster::seconds)]
    idle: Duration,
    /// Where the table is written [default: docs/benchmarks.md; with --against nowhere]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// All that was measured.
pub(super) struct Figures {
    binary_bytes: u64,
    created: Created,
    rolls: Vec<Rolled>,
    crowded_rolls: Vec<Rolled>,
    crowd: usize,
    crowd_healthy: Duration,
    idle_none: Idle,
    idle_crowd: Idle,
    repairs: [(&'static str, Samples); 3],
    many: usize,
    many_healthy: Duration,
    idle_many: Idle,
    reactions: Samples,
    restarted: Restarted,
    killed: FailOver,
    terminated: FailOver,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let count = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if count == 0 { Err("each must be measured at least once".to_owned()) } else { Ok(count) }
}

/// Measures, prints and writes.
///
/// # Errors
///
/// When the operator can't be built or does not do what is measured of it.
pub(crate) async fn run(args: Args) -> Result<ExitCode, Error> {
    if let Some(revision) = &args.against {
        return Box::pin(against::run(&args, revision)).await;
    }
    let subject = this_tree()?;
    let machine = machine::described().await;
    let started = Instant::now();
    let figures = Box::pin(measure(&args, &subject)).await?;
    let table = report::table(&figures);
    println!("\n{}", report::plain(&table));
    let default = cargo::root().join("docs/benchmarks.md");
    let path = args.output.as_ref().unwrap_or(&default);
    let page = report::page(&table, &machine, &figures);
    fs::write(path, page).context(FileSnafu { path, action: "written" })?;
    println!("written to {} after {} s", path.display(), started.elapsed().as_secs());
    Ok(ExitCode::SUCCESS)
}

/// The operator of this tree.
fn this_tree() -> Result<Subject, Error> {
    say("building the operator as it is in its image");
    let binary = crate::image::operator().context(BuildSnafu)?;
    Ok(Subject { binary, chart: cargo::root().join("charts/milvus-operator") })
}

async fn measure(args: &Args, subject: &Subject) -> Result<Figures, Error> {
    let binary = &subject.binary;
    let binary_bytes = fs::metadata(binary).context(FileSnafu { path: binary, action: "read" })?.len();
    say("starting a control plane, etcd, MinIO and the operator");
    let mut world = World::start(subject).await?;
    say("idle without a Milvus");
    let idle_none = figures::idle(&world, args.idle).await?;
    say("creating Milvus clusters");
    let created = figures::create(&world, args.creations).await?;
    say("rolling a cluster");
    world.namespace(NAMESPACE).await?;
    world.create(NAMESPACE, NAME, Mode::Cluster, &image(0)).await?;
    world.settled(NAMESPACE, NAME, &image(0)).await?;
    let mut next = 1;
    let rolls = figures::rolls(&world, next..next + args.rolls).await?;
    next += args.rolls;
    say("deleting what it owns");
    let repairs = figures::repairs(&world).await?;
    say("creating a crowd");
    let crowd_healthy = figures::crowd(&world, args.crowd).await?;
    say("idle with the crowd");
    let idle_crowd = figures::idle(&world, args.idle).await?;
    let crowd = figures::count(&world).await?;
    say("rolling a cluster beside the crowd");
    let more = args.rolls.div_ceil(4);
    let crowded_rolls = figures::rolls(&world, next..next + more).await?;
    next += more;
    say("creating a large crowd");
    let many_healthy = Box::pin(thousand::grow(&world, args.crowd, args.many)).await?;
    say("idle with the large crowd");
    // How many watches end in a minute is no matter of speed.
    let renewals = if args.against.is_some() { 1 } else { RENEWALS };
    let idle_many = figures::idle(&world, args.idle * renewals).await?;
    let many = figures::count(&world).await?;
    say("changing some of the large crowd");
    let reactions = Box::pin(thousand::reactions(&world, args.changes)).await?;
    say("restarting the operator");
    figures::calm(&world).await?;
    let restarted = Box::pin(thousand::restart(&mut world, many, args.starts)).await?;
    say("replacing the leader");
    let killed = Box::pin(figures::fail_over(&mut world, next, true)).await?;
    let terminated = Box::pin(figures::fail_over(&mut world, next + 1, false)).await?;
    Ok(Figures {
        binary_bytes,
        created,
        rolls,
        crowded_rolls,
        crowd,
        crowd_healthy,
        idle_none,
        idle_crowd,
        repairs,
        many,
        many_healthy,
        idle_many,
        reactions,
        restarted,
        killed,
        terminated,
    })
}

fn say(what: &str) {
    println!("· {what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_revisions_are_rolled_often_enough_for_a_percentile() {
        let parsed = |more: &[&str]| Args::try_parse_from([&["bench"], more].concat());
        assert_eq!(parsed(&[]).unwrap().rolls, 6);
        let args = parsed(&["--against", "v1"]).unwrap();
        assert_eq!((args.rolls, args.pairs), (30, 2));
        assert_eq!(parsed(&["--against", "v1", "--rolls", "2"]).unwrap().rolls, 2);
        assert!(parsed(&["--pairs", "3"]).is_err(), "of one revision there are no pairs");
        assert!(parsed(&["--against", "v1", "--pairs", "0"]).is_err());
    }
}
