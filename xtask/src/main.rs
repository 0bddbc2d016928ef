//! Tasks of this repository.

#[path = "gen.rs"]
mod generate;

use std::{io::Write as _, process::ExitCode};

use clap::{Parser, Subcommand};

/// Tasks of this repository.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Write the files that are made from the types: CRDs and reference pages.
    Gen {
        /// Write nothing; fail when a file is not up to date.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let Task::Gen { check } = Arguments::parse().task;
    let (text, code) = match generate::run(check) {
        Ok(changed) => (changed.join("\n"), ExitCode::SUCCESS),
        Err(error) => (snafu::Report::from_error(error).to_string(), ExitCode::FAILURE),
    };
    // Nothing is left to do when the terminal is gone.
    let _ = writeln!(std::io::stderr(), "{text}");
    code
}
