//! Tasks of this repository, as `cargo xtask <verb>`. One module per verb: its arguments and a `run`.
#![allow(clippy::print_stdout, reason = "a command line prints")]

use std::{io::Write, process::ExitCode};

use clap::{Parser, Subcommand};

mod bench_meta;
mod bench_meta_data;
mod cluster;
#[path = "gen.rs"]
mod generate;
mod meta_e2e;

type Failure = Box<dyn std::error::Error>;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of this repository")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// A Kubernetes control plane on this machine, without root and without containers
    Cluster(cluster::Args),
    /// Measure something and write the figures to docs/
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
    /// A real Milvus 2.2.16 on migrated metadata, and back; writes what it saw to docs/
    MetaE2e(meta_e2e::Args),
    /// Write the files that are made from the types: CRDs and reference pages
    Gen {
        /// Write nothing; fail when a file is not up to date
        #[arg(long)]
        check: bool,
    },
}

#[derive(Subcommand)]
enum Bench {
    /// The metadata migration, beside what etcd can do at all
    Meta(bench_meta::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Cluster(args) => cluster::run(args).await.map_err(Failure::from),
        Verb::Bench { what: Bench::Meta(args) } => bench_meta::run(args).await,
        Verb::MetaE2e(args) => meta_e2e::run(args).await,
        Verb::Gen { check } => gen_files(check),
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
