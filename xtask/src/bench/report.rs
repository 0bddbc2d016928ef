//! The table of figures, for a terminal and as a page.

use std::{fmt::Write as _, time::Duration};

use comfy_table::{Table, presets};

use super::{
    Figures,
    figures::{FailOver, Idle, Rolled},
    numbers::{Samples, time},
    roll::Roll,
};

/// Aims. Issue: gaps, overhead, memory and idle writes are what a user feels or pays for.
const GAP: Duration = Duration::from_millis(250);
const OVERHEAD: Duration = Duration::from_secs(1);
/// Memory, by how many Milvus objects there are at most.
const RESIDENT: [(usize, u64); 3] = [(0, 15), (200, 20), (usize::MAX, 35)];
/// Requests a second, the Lease included, that an idle operator may make.
const IDLE_RATE: f64 = 0.6;
/// From its start until a new process has looked at every Milvus.
const RECONCILED: Duration = Duration::from_secs(5);

/// A figure.
pub(super) struct Row {
    what: String,
    measured: String,
    /// What was aimed at, and whether it was reached.
    aim: Option<(String, bool)>,
    /// The same of the operator in Go.
    go: &'static str,
}

impl Row {
    fn new(what: impl Into<String>, measured: impl Into<String>, go: &'static str) -> Self {
        Self { what: what.into(), measured: measured.into(), aim: None, go }
    }

    fn aim(mut self, aim: impl Into<String>, reached: bool) -> Self {
        self.aim = Some((aim.into(), reached));
        self
    }

    fn aim_told(&self) -> String {
        match &self.aim {
            None => String::new(),
            Some((aim, true)) => format!("{aim}: reached"),
            Some((aim, false)) => format!("{aim}: NOT reached"),
        }
    }
}

const HEADER: [&str; 4] = ["Figure", "This operator", "Aim", "The operator in Go"];

/// All figures.
pub(super) fn table(figures: &Figures) -> Vec<Row> {
    let mut rows = create_rows(figures);
    rows.extend(roll_rows(&figures.rolls, ""));
    rows.extend(roll_rows(&figures.crowded_rolls, &format!(" beside {} idle CRs", figures.crowd - 1)));
    rows.extend(size_rows(figures));
    rows.extend(idle_rows(&figures.idle_none, 0));
    rows.extend(idle_rows(&figures.idle_crowd, figures.crowd));
    rows.extend(idle_rows(&figures.idle_many, figures.many));
    rows.extend(many_rows(figures));
    rows.extend(trouble_rows(figures));
    rows
}

fn many_rows(figures: &Figures) -> Vec<Row> {
    let Figures { many, reactions, restarted, .. } = figures;
    let late = reactions.percentile(99).is_none_or(|time| time >= GAP);
    let aim = format!("≤ {} s", RECONCILED.as_secs());
    vec![
        Row::new(
            format!("Standalones created in batches of 100 until there are {many} CRs → all Healthy"),
            time(figures.many_healthy),
            "1000 at once: 266 s",
        ),
        Row::new(format!("Image patched → first write, one of {many} CRs"), reactions.told(), "not measured")
            .aim("p99 < 250 ms", !late),
        Row::new(
            format!("Operator started with {many} CRs → has looked at all"),
            time(restarted.reconciled),
            "1155: 13 s",
        )
        .aim(aim, restarted.reconciled <= RECONCILED),
        Row::new(
            format!("Writes of a start with {many} CRs, and in the 20 s after"),
            told(&restarted.written),
            "not measured",
        )
        .aim("0", restarted.written.is_empty()),
        Row::new(
            format!("Processor time of a start with {many} CRs, until it has looked at all"),
            restarted.processor.told(),
            "not measured",
        ),
    ]
}

/// How many, and the first few.
fn told(written: &[String]) -> String {
    match written {
        [] => "0".to_owned(),
        all => format!("{} ({})", all.len(), all.iter().take(3).cloned().collect::<Vec<_>>().join(", ")),
    }
}

fn create_rows(figures: &Figures) -> Vec<Row> {
    let created = &figures.created;
    let crowd = time(figures.crowd_healthy);
    vec![
        Row::new(
            "Creation of a cluster → its first Deployment",
            created.first_deployment.told(),
            "0.4 / 14.9 / – / 29.2 s (N=12)",
        ),
        Row::new(
            "Creation of a cluster → Healthy",
            created.healthy.told(),
            "30 / 45 / – / 59 s (pods ready after 5 s)",
        ),
        Row::new(
            format!("{} standalones created at once → all Healthy", figures.crowd - 1),
            crowd,
            "1000: 266 s",
        ),
    ]
}

fn roll_rows(rolls: &[Rolled], beside: &str) -> Vec<Row> {
    let each = |of: fn(&Roll) -> Duration| rolls.iter().map(|rolled| of(&rolled.roll)).collect::<Samples>();
    let gaps: Samples = rolls.iter().flat_map(|rolled| rolled.roll.gaps()).collect();
    let overhead = each(Roll::overhead);
    let below = |samples: &Samples, percent, limit| samples.percentile(percent).is_some_and(|d| d <= limit);
    let gap = Row::new(
        format!("Step seen done → next component patched{beside}"),
        gaps.told(),
        "0.2 / 25.2 / – / 30.1 s (N=71), and one of 360 s",
    )
    .aim("p99 < 250 ms", gaps.percentile(99).is_some_and(|gap| gap < GAP));
    let overhead_row = Row::new(
        format!("Overhead of a roll of five steps{beside}"),
        overhead.told(),
        "37-47 % over what Kubernetes needs: about 100 s",
    )
    .aim("≤ 1 s", below(&overhead, 100, OVERHEAD));
    let mut rows = vec![
        Row::new(
            format!("Image patched → first write{beside}"),
            each(Roll::reaction).told(),
            "21 / 71 / – / 210 ms (N=24)",
        ),
        gap,
        Row::new(
            format!("Last step seen done → MilvusUpdated=True{beside}"),
            each(Roll::conclusion).told(),
            "24 / 25 / – / 27 s (N=14)",
        ),
        overhead_row,
        Row::new(
            format!("A roll of five steps, in all{beside}"),
            each(Roll::wall).told(),
            "276-328 s (steps of 35 s)",
        ),
    ];
    let processor: Samples = rolls.iter().map(|rolled| rolled.processor).collect();
    rows.push(Row::new(
        format!("Processor time of a roll of five steps{beside}"),
        processor.told(),
        "not measured",
    ));
    let counts = |of: fn(&Rolled) -> usize| {
        let (least, most) = (rolls.iter().map(of).min(), rolls.iter().map(of).max());
        format!("{}-{}", least.unwrap_or_default(), most.unwrap_or_default())
    };
    let writes =
        format!("{} ({} to status)", counts(|rolled| rolled.writes), counts(|rolled| rolled.status_writes));
    rows.push(Row::new(
        format!("Writes of a roll of five steps, Events included{beside}"),
        writes,
        "32 (22 to status), no Events",
    ));
    rows
}

fn size_rows(figures: &Figures) -> Vec<Row> {
    vec![Row::new("Size of the executable", megabytes(figures.binary_bytes), "104.6 MB")]
}

fn idle_rows(idle: &Idle, crs: usize) -> Vec<Row> {
    let memory = idle.memory;
    let resident = format!(
        "{} ({} anonymous), peak {}",
        megabytes(memory.resident),
        megabytes(memory.anonymous),
        megabytes(memory.peak)
    );
    let seconds = idle.window.as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a handful of requests")]
    let per_minute = idle.requests as f64 * 60.0 / seconds;
    #[allow(clippy::cast_precision_loss, reason = "a handful of requests")]
    let rate = (idle.requests + idle.lease) as f64 / seconds;
    let go_memory = match crs {
        0 => "62-68 MB (13-16 anonymous)",
        1..=200 => "100: 90 MB (37 anonymous)",
        _ => "1000: 211-235 MB (156-181 anonymous)",
    };
    let most = RESIDENT.iter().find(|(up_to, _)| crs <= *up_to).map_or(0, |(_, megabytes)| *megabytes);
    vec![
        Row::new(format!("Resident memory, idle, {crs} CRs"), resident, go_memory)
            .aim(format!("≤ {most} MB"), memory.resident <= most * 1_000_000),
        Row::new(
            format!("Requests a minute, idle, {crs} CRs (Lease: {})", idle.lease),
            format!("{per_minute:.0}; with the Lease {rate:.2} a second"),
            "only watch renewals",
        )
        .aim(format!("≤ {IDLE_RATE} a second"), rate <= IDLE_RATE),
        Row::new(
            format!("Writes in {seconds:.0} s, idle, {crs} CRs, Lease left out"),
            told(&idle.written),
            "0",
        )
        .aim("0", idle.written.is_empty()),
    ]
}

fn trouble_rows(figures: &Figures) -> Vec<Row> {
    let go = ["22-28 s", "28 min", "31 min"];
    let mut rows: Vec<Row> = figures
        .repairs
        .iter()
        .zip(go)
        .map(|((kind, samples), go)| {
            Row::new(format!("{kind} deleted → created again"), samples.told(), go)
                .aim("< 1 s", samples.max().is_some_and(|max| max < Duration::from_secs(1)))
        })
        .collect();
    let over = |over: &FailOver| format!("{}, {}", time(over.lease), time(over.write));
    let what = "a standby has the Lease, makes the first write";
    let beside = format!("beside {} CRs", figures.many);
    rows.push(Row::new(format!("Leader killed → {what} {beside}"), over(&figures.killed), "not measured"));
    rows.push(Row::new(
        format!("Leader terminated → {what} {beside}"),
        over(&figures.terminated),
        "not measured",
    ));
    rows
}

#[allow(clippy::cast_precision_loss, reason = "below 2^53")]
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// For a terminal.
pub(super) fn plain(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(HEADER);
    for row in rows {
        table.add_row([row.what.clone(), row.measured.clone(), row.aim_told(), row.go.to_owned()]);
    }
    table.to_string()
}

const METHOD: &str = "\
The static program of the operator's image runs as a process with the arguments of the chart's Deployment and the rights of its ServiceAccount, against an
API server with RBAC and audit log. Pods are played by kwok: Ready 1 s after they are bound to a node, gone 0.3 s after their deletion;
`minReadySeconds` is 1. etcd and MinIO are real and external. Control plane, operator and the measuring program share the machine.

* Requests are timed by the audit log of the API server (when a request arrived, in microseconds). What is *seen* is timed by a watch of the measuring
  program. Both read the clock of the same machine.
* A step begins with the first request that changes a Deployment of its component, and is seen done when every Deployment of the component is complete
  at the target image and no pod of another image is left. For query nodes that covers the whole hand-over between the two Deployments.
* The overhead of a roll is its wall time, from the user's patch to `MilvusUpdated=True`, without the sum of its steps.
* Several samples are told as minimum / median / 99th percentile / maximum; percentiles are samples (nearest rank), so with few samples p99 is the maximum.
* Memory is what the kernel says of the process (`VmRSS`; anonymous: `RssAnon`; peak: `VmHWM`); 1 MB is 1,000,000 bytes. It is read at the end of the idle
  time, with CRs after all the creations and rolls above.
* The large crowd is standalones, each with one pod. A change is made when the one before it has settled; the first write is a status, which records the target.
* Processor time is what the kernel has given to all threads of the process (`utime` and `stime`), in steps of 10 ms.
* A started operator has looked at a Milvus when its metrics have a series for it.
* Idleness begins when the operator has written nothing for 5 s: the last Event of a change comes after the status that was waited for.
* Idle requests are all requests of the operator but those for its Lease; a watch counts when it ends. Secrets, which with many
  Milvus objects are read about once in 32 s, are due for the first time long after.

The figures of the operator in Go (zilliztech/milvus-operator, commit a6dcc63) were measured earlier, on 2026-11-21, on a machine of the same size, by hand,
with pods Ready after 5 s and `minReadySeconds` 30 as it sets, so that Kubernetes needs 35 s a step; no figure of it was measured again here.
";

/// As a page of the documentation.
pub(super) fn page(rows: &[Row], machine: &[(&'static str, String)], figures: &Figures) -> String {
    let mut page = "<!-- Written by `cargo xtask bench`. Do not edit. -->\n\n# Benchmarks\n\n".to_owned();
    for (name, value) in machine {
        // Writing to a String can't fail.
        let _ = writeln!(page, "* {name}: {value}");
    }
    let _ = write!(page, "\n| {} |\n|---|---|---|---|\n", HEADER.join(" | "));
    for row in rows {
        let _ = writeln!(page, "| {} | {} | {} | {} |", row.what, row.measured, row.aim_told(), row.go);
    }
    page.push_str("\n## What was not reached\n\n");
    let missed: Vec<&Row> =
        rows.iter().filter(|row| row.aim.as_ref().is_some_and(|(_, reached)| !reached)).collect();
    if missed.is_empty() {
        page.push_str("Every aim was reached in this run.\n");
    }
    for row in missed {
        let aim = row.aim.as_ref().map(|(aim, _)| aim.as_str()).unwrap_or_default();
        let _ = writeln!(page, "* {}: {} instead of {aim}.", row.what, row.measured);
    }
    let _ =
        write!(page, "\n## Steps of the last roll\n\n| Component | Took | Until the next |\n|---|---|---|\n");
    if let Some(Rolled { roll, .. }) = figures.rolls.last() {
        let gaps = roll.gaps().into_iter().map(time).chain([time(roll.conclusion())]);
        for (step, gap) in roll.steps.iter().zip(gaps) {
            let took = time(super::numbers::between(step.patched, step.ended));
            let _ = writeln!(page, "| {} | {took} | {gap} |", step.component);
        }
    }
    page.push_str("\n## How it is measured\n\n");
    page.push_str(METHOD);
    page
}
