//! The only file that prints: the report on stdout and in the termination message, progress on stderr.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::Path,
    sync::Mutex,
    time::{Duration, Instant},
};

use comfy_table::Table;
use milvus_meta::{describe::Line, report, run::Progress};
use milvus_plan::migration::Report;

use super::args::Format;

/// Prints how far a step is, at most every two seconds and when a step is over.
pub fn progress(quiet: bool) -> Progress {
    if quiet {
        return Box::new(|_, _, _| {});
    }
    let last = Mutex::new((String::new(), Instant::now()));
    Box::new(move |step, done, total| {
        let Ok(mut last) = last.lock() else { return };
        let due = last.0 != step || last.1.elapsed() > Duration::from_secs(2) || total == Some(done);
        if !due {
            return;
        }
        *last = (step.to_owned(), Instant::now());
        match total {
            Some(total) => say(&format!("{step}: {done} of {total} keys")),
            None => say(&format!("{step}: {done} keys")),
        }
    })
}

/// One line on stderr. A stderr that is gone is no reason to stop.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// One change of `plan`: a line of JSON, or an item of a YAML list.
///
/// # Errors
///
/// When `out` can't be written.
pub fn change(out: &mut impl io::Write, format: Format, line: &Line) -> io::Result<()> {
    match format {
        Format::Table => Ok(()),
        Format::Json => writeln!(out, "{}", serde_json::to_string(line).map_err(io::Error::other)?),
        Format::Yaml => {
            let text = serde_saphyr::to_string(&[line]).map_err(io::Error::other)?;
            out.write_all(text.as_bytes())
        }
    }
}

/// The last words.
///
/// # Errors
///
/// When the report can't be written to standard output or to the termination message.
pub fn finish(report: &Report, format: Format, termination: &Path) -> io::Result<()> {
    let line = report::to_line(report).map_err(io::Error::other)?;
    // Kubernetes makes the file before the container starts; elsewhere there is none, and none is made.
    if let Ok(mut file) = OpenOptions::new().write(true).truncate(true).open(termination) {
        file.write_all(line.as_bytes())?;
    }
    let mut out = io::stdout().lock();
    match format {
        Format::Json => writeln!(out, "{line}")?,
        Format::Yaml => {
            let text = serde_saphyr::to_string(&Whole { report }).map_err(io::Error::other)?;
            out.write_all(text.as_bytes())?;
        }
        Format::Table => writeln!(out, "{}", table(report))?,
    }
    out.flush()
}

#[derive(serde::Serialize)]
struct Whole<'a> {
    report: &'a Report,
}

fn table(report: &Report) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("outcome", format!("{} (exit code {})", report.outcome, report.outcome.exit_code()));
    row("message", report.message.clone());
    row("meta root", report.meta_root.clone());
    if let Some(schema) = report.schema {
        row("schema", format!("{schema:?}"));
    }
    if let Some(stage) = report.stage {
        row("migration", stage.to_string());
    }
    if let Some(revision) = report.revision {
        row("etcd revision", revision.to_string());
    }
    if let Some(census) = &report.census {
        row(
            "keys",
            format!("{} ({} bytes, {} of an unknown kind)", census.keys, census.bytes, census.unknown_keys),
        );
        row("collections", format!("{} ({} dropped)", census.collections, census.dropped_collections));
        row("partitions", census.partitions.to_string());
        row("aliases", census.aliases.to_string());
        row("indexes", census.field_indexes.to_string());
        row("segments", census.segments.to_string());
        row("segment indexes", format!("{} ({} builds)", census.segment_indexes, census.builds));
        row("loaded", census.loaded.to_string());
        row("users", census.users.to_string());
        let sessions =
            if census.sessions.is_empty() { "none".to_owned() } else { census.sessions.join(", ") };
        if report.verb == milvus_plan::migration::Verb::Inspect {
            row("sessions", sessions);
        }
    }
    if let Some(changes) = &report.changes {
        row("new keys", changes.new_keys.to_string());
        row("rewritten", changes.rewritten.to_string());
        row("removed", changes.removed.to_string());
        row("untouched", changes.untouched.to_string());
        row("plan", changes.plan_sha256.clone());
    }
    if let Some(backup) = &report.backup {
        row("backup", format!("{} ({} records, SHA-256 {})", backup.path, backup.records, backup.sha256));
    }
    if report.written > 0 {
        row("written", report.written.to_string());
    }
    for note in &report.notes {
        row("note", note.clone());
    }
    table
}
