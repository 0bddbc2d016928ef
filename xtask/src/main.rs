//! Tasks of this repository, as `cargo xtask <verb>`. One module per verb: its arguments and a `run`.
#![allow(clippy::print_stdout, reason = "a command line prints")]

use std::{io::Write, process::ExitCode};

use clap::{Parser, Subcommand};

mod bench;
mod bench_meta;
mod bench_meta_data;
mod cargo;
mod chart;
mod check_chart;
mod cluster;
mod demo;
mod e2e;
#[path = "gen.rs"]
mod generate;
mod image;
mod meta_e2e;
mod packing;
mod real_milvus;
mod release;
mod sim;
mod test;

type Failure = Box<dyn std::error::Error>;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of this repository")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// A Kubernetes control plane on this machine, without root and without containers unless they are asked
    /// for
    Cluster(cluster::Args),
    /// Install a Milvus and upgrade it on a real control plane, and show how it goes
    Demo(demo::Args),
    /// Run every check and test of this repository
    Test(test::Args),
    /// Measure the operator on a real control plane; writes docs/benchmarks.md
    #[command(args_conflicts_with_subcommands = true)]
    Bench {
        #[command(subcommand)]
        what: Option<Bench>,
        #[command(flatten)]
        args: bench::Args,
    },
    /// A real Milvus in real pods, upgraded under traffic; needs root; writes docs/e2e.md
    E2e(e2e::Args),
    /// A real Milvus 2.2.16 on migrated metadata, and back; writes what it saw to docs/
    MetaE2e(meta_e2e::Args),
    /// Write the files that are made from the types: CRDs and reference pages
    Gen {
        /// Write nothing; fail when a file is not up to date
        #[arg(long)]
        check: bool,
    },
    /// Pack the chart, with an index that `helm repo add` takes
    Chart(chart::Args),
    /// Run checkov over the rendered chart; needs Python 3
    CheckChart,
    /// Write the images as archives that `docker load`, `ctr images import` and `kind load image-archive`
    /// take; no container daemon is needed
    Image(image::Args),
    /// Everything that a release consists of: archives, images, chart repository, SBOM and checksums
    Release(release::Args),
    /// The operator in the simulator, with faults by chance, one run for each seed
    Sim(sim::Args),
}

#[derive(Subcommand)]
enum Bench {
    /// The metadata migration, beside what etcd can do at all
    Meta(bench_meta::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Cluster(args) => Box::pin(cluster::run(args)).await,
        Verb::Demo(args) => Box::pin(demo::run(args)).await.map_err(Failure::from),
        Verb::Test(args) => test::run(args).await.map(|()| ExitCode::SUCCESS).map_err(Failure::from),
        Verb::Bench { what: Some(Bench::Meta(args)), .. } => bench_meta::run(args).await,
        Verb::Bench { what: None, args } => Box::pin(bench::run(args)).await.map_err(Failure::from),
        Verb::MetaE2e(args) => meta_e2e::run(args).await,
        Verb::E2e(args) => Box::pin(e2e::run(args)).await,
        Verb::Gen { check } => gen_files(check),
        Verb::Chart(args) => chart(args).await,
        Verb::CheckChart => check_chart().await,
        Verb::Image(args) => images(&args),
        Verb::Release(args) => release(args).await,
        Verb::Sim(args) => sim::run(args).await,
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            // Nobody is left to be told if standard error is closed.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn gen_files(check: bool) -> Result<ExitCode, Failure> {
    for file in generate::run(check)? {
        println!("{file}");
    }
    Ok(ExitCode::SUCCESS)
}

async fn chart(args: chart::Args) -> Result<ExitCode, Failure> {
    println!("{}", chart::run(args).await?.display());
    Ok(ExitCode::SUCCESS)
}

async fn check_chart() -> Result<ExitCode, Failure> {
    print!("{}", check_chart::run().await?);
    println!("checkov finds nothing");
    Ok(ExitCode::SUCCESS)
}

fn images(args: &image::Args) -> Result<ExitCode, Failure> {
    for line in image::run(args)? {
        println!("{line}");
    }
    Ok(ExitCode::SUCCESS)
}

async fn release(args: release::Args) -> Result<ExitCode, Failure> {
    for file in release::run(args).await? {
        println!("{file}");
    }
    Ok(ExitCode::SUCCESS)
}
