//! `docs/e2e.md`: what was seen, beside the figures of the Go operator.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    time::Duration,
};

use super::{
    FROM, TO,
    alone::Alone,
    place::Traces,
    roll::Roll,
    say, timed,
    traffic::{self, Count},
};
use crate::{Failure, bench::machine};

/// The operator in Go with the same Milvus, traffic and settings, two runs on such a machine (its commit
/// a6dcc63).
const GO: [[&str; 6]; 2] = [
    ["Go operator, run 1", "321 s", "1965 / 0 / 29", "6 s", "6 s", "before Updated"],
    ["Go operator, run 2", "362 s", "2156 / 0 / 47", "10 s", "12 s", "before Updated"],
];

/// What is known so far; printed when all of it is.
#[derive(Default)]
pub(super) struct Report {
    machine: Vec<(&'static str, String)>,
    times: Vec<(&'static str, Duration)>,
    pub(super) versions: Vec<[String; 3]>,
    pub(super) filled: BTreeMap<String, f64>,
    pub(super) roll: Option<Roll>,
    pub(super) alone: Option<Alone>,
    /// The machine before the cluster was started.
    pub(super) before: Option<Traces>,
    /// None if everything was left running.
    pub(super) left_behind: Option<Vec<String>>,
}

impl Report {
    pub(super) async fn begin() -> Self {
        Self { machine: machine::described().await, ..Self::default() }
    }

    /// Notes what the cluster has left on the machine, after its end.
    pub(super) fn look_back(&mut self) -> Result<(), Failure> {
        if let Some(before) = &self.before {
            self.left_behind = Some(Traces::of_this_machine()?.since(before));
        }
        Ok(())
    }

    /// Does something and notes how long it took.
    pub(super) async fn timed<T>(
        &mut self,
        what: &'static str,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        say(what);
        let (result, took) = timed(work).await?;
        self.times.push((what, took));
        Ok(result)
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "<!-- Written by `cargo xtask e2e`. Do not edit. -->\n")?;
        writeln!(out, "# A real Milvus in real pods\n")?;
        writeln!(
            out,
            "The chart installed by helm, the operator and its tools as images, on a node that runs containers (containerd, kubelet, \
             kube-proxy, CoreDNS); etcd, MinIO and Kafka as pods; a Milvus cluster {FROM}, \
             upgraded to {TO} by `kubectl patch` under traffic whose answers are checked; then a standalone.\n"
        )?;
        for (name, value) in &self.machine {
            writeln!(out, "* {name}: {value}")?;
        }
        writeln!(out, "\n| program | version | from |\n|---|---|---|")?;
        for [program, version, from] in &self.versions {
            writeln!(out, "| {program} | {version} | {from} |")?;
        }
        writeln!(out, "\n## From nothing to a Milvus\n\n| step | seconds |\n|---|---|")?;
        for (what, took) in &self.times {
            writeln!(out, "| {what} | {:.1} |", took.as_secs_f64())?;
        }
        for (what, seconds) in &self.filled {
            writeln!(out, "| 10,000 rows of 64 dimensions: {what} | {seconds:.1} |")?;
        }
        if let Some(roll) = &self.roll {
            upgrade(out, roll)?;
        }
        if let Some(alone) = &self.alone {
            standalone(out, alone)?;
        }
        match &self.left_behind {
            None => writeln!(out, "\nThe cluster was left running."),
            Some(left) if left.is_empty() => writeln!(
                out,
                "\nAfterwards nothing was left on the machine: no process, mount, interface, cgroup or rule."
            ),
            Some(left) => writeln!(out, "\n**Left behind on the machine:** {}", left.join(", ")),
        }
    }
}

fn upgrade(out: &mut Formatter<'_>, roll: &Roll) -> fmt::Result {
    writeln!(out, "\n## The upgrade\n")?;
    writeln!(
        out,
        "One client: 5 searches, 2 queries and 2 inserts a second, and a collection made and dropped every 5 s, from 15 s before \
         the patch to 60 s after `MilvusUpdated`. *Wrong* is an answer without an error that lacks what is known to be \
         there. An outage is more than 1.5 s without a right search. Probes, `minReadySeconds` (30) and `preStop` are those that \
         both operators set. One run, on a machine that others use too.\n"
    )?;
    let count = traffic::counts(&roll.requests);
    let shown = |kind: &str| {
        let Count { all, failed, wrong } = count.get(kind).copied().unwrap_or_default();
        format!("{all} / {failed} / {wrong}")
    };
    let outages = traffic::outages(&roll.requests);
    let sum: Duration = outages.iter().map(|outage| outage.lasted).sum();
    let longest = outages.iter().map(|outage| outage.lasted).max().unwrap_or_default();
    let end =
        outages.iter().map(|outage| outage.from + outage.lasted.as_secs_f64() - roll.patched).next_back();
    let end = end.map_or_else(|| "none".to_owned(), |end| format!("{end:.0} s after the patch"));
    writeln!(
        out,
        "| run | patch → Updated | searches / failed / wrong | longest outage | outages in all | end of the last outage |\n|---|---|---|---|---|---|"
    )?;
    writeln!(
        out,
        "| **this operator** | **{:.0} s** | {} | {:.1} s | {:.1} s | {end} |",
        roll.took.as_secs_f64(),
        shown("search"),
        longest.as_secs_f64(),
        sum.as_secs_f64()
    )?;
    for row in GO {
        writeln!(out, "| {} |", row.join(" | "))?;
    }
    writeln!(out, "\n| requests | all / failed / wrong |\n|---|---|")?;
    for (kind, name) in
        [("query", "queries"), ("insert", "inserts"), ("define", "collections made and dropped")]
    {
        writeln!(out, "| {name} | {} |", shown(kind))?;
    }
    for (why, times) in traffic::reasons(&roll.requests) {
        writeln!(out, "| failed: `{}` | {times} |", why.replace(['|', '`'], " "))?;
    }
    for outage in &outages {
        let (from, lasted) = (outage.from - roll.patched, outage.lasted.as_secs_f64());
        writeln!(out, "| outage from {from:.1} s after the patch | {lasted:.1} s |")?;
    }
    steps(out, roll)?;
    afterwards(out, roll)
}

/// What was read back, and what the operator held.
fn afterwards(out: &mut Formatter<'_>, roll: &Roll) -> fmt::Result {
    let back = &roll.read_back;
    writeln!(
        out,
        "\nRead back afterwards with consistency `Strong`: {} of {} acknowledged inserts, {} of {} rows from before; every old row \
         is the answer to the search for it.",
        back.read, back.acknowledged, back.old_read, back.old
    )?;
    let mib = |bytes: u64| bytes >> 20;
    let memory = roll.memory;
    writeln!(
        out,
        "\nResident memory of the operator: {} MiB before, {} MiB at most during the upgrade, {} MiB after.",
        mib(memory.before),
        mib(memory.most),
        mib(memory.after)
    )
}

/// As a watch of `status.upgrade` has seen them.
fn steps(out: &mut Formatter<'_>, roll: &Roll) -> fmt::Result {
    writeln!(out, "\n| step | begun, s after the patch | done | seconds |\n|---|---|---|---|")?;
    for step in &roll.steps {
        let seconds =
            |at: Option<Duration>| at.map_or_else(|| "–".to_owned(), |at| format!("{:.1}", at.as_secs_f64()));
        let lasted = step.done.zip(step.begun).map(|(done, begun)| done.saturating_sub(begun));
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            step.name,
            seconds(step.begun),
            seconds(step.done),
            seconds(lasted)
        )?;
    }
    Ok(())
}

fn standalone(out: &mut Formatter<'_>, alone: &Alone) -> fmt::Result {
    let back = &alone.read_back;
    writeln!(out, "\n## A standalone\n")?;
    writeln!(
        out,
        "Version {TO}, queue rocksmq on {}, etcd and MinIO `inCluster`: at the Services that the Go operator's releases have, with the Secret \
         that they have, created together with it. Healthy {:.0} s after its creation; 10,000 rows, flushed, indexed and loaded, and {} that \
         were not flushed. Its pod was deleted; the next one was Ready after {:.0} s, and searches were answered rightly {:.0} s \
         later. Read back: {} of {} flushed rows, {} of {} that were not flushed.",
        alone.volume,
        alone.healthy.as_secs_f64(),
        alone.unflushed,
        alone.restart.as_secs_f64(),
        alone.searchable.as_secs_f64(),
        back.old_read,
        back.old,
        back.unflushed_read,
        alone.unflushed
    )
}
