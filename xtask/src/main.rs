//! Tasks of this repository, as `cargo xtask <verb>`. One module per verb: its arguments and a `run`.
#![allow(clippy::print_stdout, reason = "a command line prints")]

use std::{io::Write, process::ExitCode};

use clap::{Parser, Subcommand};

mod cluster;
#[path = "gen.rs"]
mod generate;

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
    /// Write the files that are made from the types: CRDs and reference pages
    Gen {
        /// Write nothing; fail when a file is not up to date
        #[arg(long)]
        check: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Cluster(args) => cluster::run(args).await.map_err(Failure::from),
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
