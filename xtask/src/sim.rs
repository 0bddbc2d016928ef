//! `cargo xtask sim --seeds FROM..TO`: the real operator in the deterministic runtime, with faults by chance. The last seed
//! that is done is remembered, so that a long run can be ended and gone on with. `--single`: every single fault of
//! every scenario. `--planted`: see [`planted`].

mod planted;
mod plants;

use std::ops::Range;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::Failure;
use crate::cargo::{self, root};

/// The variable that the test reads.
const SEEDS: &str = "MILVUS_SIM_SEEDS";

/// Run the operator in the simulator with faults by chance, one run for each seed
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which seeds: FROM..TO, without TO
    #[arg(long, value_parser = parse, default_value = "0..100")]
    seeds: Range<u64>,
    /// Go on after the last seed that an earlier run has finished
    #[arg(long)]
    resume: bool,
    /// Instead: every single fault of every scenario, for hours
    #[arg(long, conflicts_with_all = ["seeds", "resume"])]
    single: bool,
    /// Instead: plant faults in the pass, and see that the tests find them; those with this in their words
    #[arg(long, value_name = "WORDS", num_args = 0..=1, default_missing_value = "",
        conflicts_with_all = ["seeds", "resume", "single"])]
    planted: Option<String>,
}

fn parse(text: &str) -> Result<Range<u64>, String> {
    let number = |part: &str| part.trim().parse::<u64>().map_err(|error| format!("{part:?}: {error}"));
    let (from, to) = text.split_once("..").ok_or("not of the form FROM..TO")?;
    let range = number(from)?..number(to)?;
    if range.is_empty() { Err("no seed is in it".to_owned()) } else { Ok(range) }
}

/// Where the end of what is finished is kept.
fn memory() -> PathBuf {
    root().join("target").join("sim-seeds")
}

/// `seeds 8..16: 0 wrong`, as the test prints it: where it ends, and how many are wrong.
fn finished(line: &str) -> Option<(u64, usize)> {
    let (range, wrong) = line.strip_prefix("seeds ")?.split_once(": ")?;
    let (_, to) = range.split_once("..")?;
    Some((to.parse().ok()?, wrong.strip_suffix(" wrong")?.parse().ok()?))
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    match &args.planted {
        Some(words) => planted::run(words).await,
        None if args.single => single().await,
        None => seeds(args).await,
    }
}

/// The tests of single faults with nothing left out.
async fn single() -> Result<ExitCode, Failure> {
    let mut command = cargo::command();
    command.args(["test", "--package", "milvus-controller", "--test", "faults", "--locked", "--"]);
    command.args(["--nocapture", "single::"]).env("MILVUS_TEST_ALL", "1");
    let status = command.status().await?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn seeds(args: Args) -> Result<ExitCode, Failure> {
    let Range { mut start, end } = args.seeds;
    if args.resume {
        let known = std::fs::read_to_string(memory()).ok().and_then(|text| text.trim().parse().ok());
        start = known.unwrap_or(start).max(start);
    }
    if start >= end {
        println!("all seeds below {end} are done");
        return Ok(ExitCode::SUCCESS);
    }
    let mut command = cargo::command();
    command.args(["test", "--package", "milvus-controller", "--test", "faults", "--locked", "--"]);
    command.args(["--ignored", "--nocapture", "seeds_that_are_asked_for"]);
    command.env(SEEDS, format!("{start}..{end}")).stdout(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn()?;
    let mut right_so_far = true;
    if let Some(output) = child.stdout.take() {
        let mut lines = BufReader::new(output).lines();
        while let Some(line) = lines.next_line().await? {
            let Some((to, wrong)) = finished(&line) else {
                println!("{line}");
                continue;
            };
            println!("{line}, {to} of {end}, {} s", began.elapsed().as_secs());
            // What is wrong is looked at again by the next run, which begins before it.
            right_so_far &= wrong == 0;
            if right_so_far {
                remember(to)?;
            }
        }
    }
    Ok(if child.wait().await?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn remember(to: u64) -> Result<(), Failure> {
    let file = memory();
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)?;
    }
    Ok(std::fs::write(file, format!("{to}\n"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_lines_are_read() {
        assert_eq!(parse("3..7"), Ok(3..7));
        assert!(parse("7..3").is_err() && parse("7").is_err());
        assert_eq!(finished("seeds 8..16: 0 wrong"), Some((16, 0)));
        assert_eq!(finished("seeds 8..16: 2 wrong"), Some((16, 2)));
        assert_eq!(finished("running 1 test"), None);
    }
}
