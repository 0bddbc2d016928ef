//! `cargo xtask bench --against`: this tree and another revision, measured in turn on the same machine in one
//! run.

use std::{
    fs,
    path::PathBuf,
    process::{Command, ExitCode, Output},
    time::Instant,
};

use comfy_table::{Table, presets};
use snafu::{ResultExt as _, ensure};

use super::{
    Args, Error,
    error::{BuildSnafu, FileSnafu, GitSnafu, NoRevisionSnafu},
    machine, measure,
    ratio::{Compared, Unit, compare},
    say, this_tree,
    values::values,
    world::Subject,
};
use crate::{cargo, image};

/// Measures both in turn, prints how they compare, and writes it where that was asked for. Succeeds also when
/// aims were missed: what was measured is the result.
///
/// # Errors
///
/// When there is no such revision, one of the two can't be built, or does not do what is measured of it.
pub(super) async fn run(args: &Args, revision: &str) -> Result<ExitCode, Error> {
    let started = Instant::now();
    let commit = commit(revision)?;
    let other = other(&commit)?;
    let this = this_tree()?;
    let machine = machine::described().await;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for turn in 1..=args.pairs {
        for (name, subject, turns) in [(revision, &other, &mut before), ("this tree", &this, &mut after)] {
            say(&format!("turn {turn} of {}: {name}", args.pairs));
            turns.push(values(&Box::pin(measure(args, subject)).await?));
        }
    }
    let mut text: Vec<String> = machine.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    text.push(format!("Against: {commit}; {} pairs, {} rolls in each turn", args.pairs, args.rolls));
    let text = format!("{}\n\n{}", text.join("\n"), told(revision, &compare(&before, &after)));
    println!("\n{text}");
    if let Some(path) = &args.output {
        fs::write(path, text).context(FileSnafu { path, action: "written" })?;
    }
    println!("after {} s", started.elapsed().as_secs());
    Ok(ExitCode::SUCCESS)
}

/// The full name of the commit that a revision means.
fn commit(revision: &str) -> Result<String, Error> {
    let output = git(&["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{commit}}")])?;
    let problem = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
    ensure!(output.status.success(), NoRevisionSnafu { revision, output: problem() });
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The operator of a commit, built from a copy of its sources below the directory of builds. A second run for
/// the same commit finds it built.
fn other(commit: &str) -> Result<Subject, Error> {
    say(&format!("building the operator of {commit}"));
    let place = image::target().join("bench").join(commit);
    let tree = place.join("tree");
    if !tree.is_dir() {
        unpack(commit, &tree)?;
    }
    let chart = tree.join("charts/milvus-operator");
    let binary = image::operator_of(tree, place.join("build")).context(BuildSnafu)?;
    Ok(Subject { binary, chart })
}

/// Lays out the files of a commit. The directory exists only when it is complete.
fn unpack(commit: &str, tree: &PathBuf) -> Result<(), Error> {
    let output = git(&["archive", "--format=tar", commit])?;
    let problem = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
    ensure!(output.status.success(), NoRevisionSnafu { revision: commit, output: problem() });
    let unfinished = tree.with_extension("unfinished");
    let laid_out = || {
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        fs::create_dir_all(&unfinished)?;
        tar::Archive::new(output.stdout.as_slice()).unpack(&unfinished)?;
        fs::rename(&unfinished, tree)
    };
    laid_out().context(FileSnafu { path: tree, action: "written" })
}

fn git(args: &[&str]) -> Result<Output, Error> {
    Command::new("git").args(args).current_dir(cargo::root()).output().context(GitSnafu)
}

/// The table, and which aims were met.
fn told(revision: &str, all: &[Compared]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["Figure", revision, "This tree", "Ratio (pairs)", "Aim"]);
    for one in all {
        let pairs: Vec<String> = one.pairs.iter().map(|ratio| format!("{ratio:.2}")).collect();
        table.add_row([
            one.what.to_owned(),
            amount(one.unit, one.before),
            amount(one.unit, one.after),
            format!("{:.2} ({})", one.ratio(), pairs.join(", ")),
            aim(one),
        ]);
    }
    let judged = all.iter().filter(|one| one.aim.is_some()).count();
    let missed: Vec<String> = all
        .iter()
        .filter(|one| one.reached() == Some(false))
        .map(|one| format!("  {}: {:.2}", one.what, one.ratio()))
        .collect();
    let verdict = match missed.len() {
        0 => format!("All {judged} aims were met."),
        count => format!("{count} of {judged} aims were not met:\n{}", missed.join("\n")),
    };
    format!("{table}\n\n{verdict}\n")
}

fn aim(one: &Compared) -> String {
    match (one.aim, one.reached()) {
        (Some(aim), Some(true)) => format!("≤ {aim}: met"),
        (Some(aim), _) => format!("≤ {aim}: NOT met"),
        (None, _) => String::new(),
    }
}

fn amount(unit: Unit, amount: f64) -> String {
    match unit {
        Unit::Seconds => {
            super::numbers::time(std::time::Duration::try_from_secs_f64(amount).unwrap_or_default())
        }
        Unit::Bytes => format!("{:.1} MB", amount / 1e6),
        Unit::Count => format!("{amount:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(what: &'static str, unit: Unit, aim: Option<f64>, ratio: f64) -> Compared {
        Compared { what, unit, aim, before: 2e6, after: 2e6 * ratio, pairs: vec![ratio, ratio] }
    }

    #[test]
    fn what_missed_its_aim_is_named_with_its_ratio() {
        let all = [
            one("Memory", Unit::Bytes, Some(0.8), 0.9),
            one("Peak", Unit::Bytes, Some(1.05), 1.0),
            one("Writes", Unit::Count, None, 2.0),
        ];
        let text = told("v1", &all);
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        let memory =
            ["Memory", "2.0", "MB", "1.8", "MB", "0.90", "(0.90,", "0.90)", "≤", "0.8:", "NOT", "met"];
        assert!(rows.contains(&memory.to_vec()), "{text}");
        assert!(text.ends_with("1 of 2 aims were not met:\n  Memory: 0.90\n"), "{text}");
        assert!(told("v1", &all[1..]).ends_with("All 1 aims were met.\n"));
    }

    #[test]
    fn a_revision_that_git_does_not_know_is_named() {
        let error = commit("no-such-revision").unwrap_err().to_string();
        assert!(error.starts_with("there is no revision no-such-revision: "), "{error}");
    }
}
