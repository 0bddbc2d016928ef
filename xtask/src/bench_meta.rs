//! `cargo xtask bench meta`: what `meta-migration` costs on metadata of 10³, 10⁴ and 10⁵ keys, beside what
//! the same etcd can do at all (plain ranges, plain put batches) in the same run.
//!
//! The metadata is that of a real Milvus 2.1.0, copied with other ids until there is enough of it. A verb is
//! judged by the time that its reads and writes take at the raw speeds, as a share of the time that it took.
#![allow(clippy::cast_precision_loss, reason = "figures of three digits")]

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use clap::Parser;
use etcd_client::{Client, GetOptions, Txn, TxnOp};
use milvus_plan::migration::{Outcome, Report};
use milvus_testkit::etcd::{Etcd, Options};
use tokio::process::Command;

use crate::{Failure, bench_meta_data as data};

/// Keys of a page of the plain range; with these values about a mebibyte, as the tool's own pages.
const PAGE: i64 = 2_500;
/// Puts of a plain batch: as many as the tool's transactions have.
const BATCH: usize = 124;

#[derive(Parser)]
pub(crate) struct Args {
    /// Numbers of keys
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000])]
    keys: Vec<usize>,
    /// The binary; built with --release when not given
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where the figures go, as Markdown
    #[arg(long, value_name = "FILE", default_value = "docs/meta-migration-bench.md")]
    out: PathBuf,
}

/// One verb on one size.
struct Measured {
    verb: &'static str,
    took: Duration,
    /// Keys read and written, as far as the verb has to.
    reads: u64,
    writes: u64,
    /// Peak resident set in bytes.
    peak: u64,
}

struct Size {
    keys: usize,
    bytes: usize,
    range: f64,
    put: f64,
    verbs: Vec<Measured>,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    let binary = match args.binary {
        Some(binary) => binary,
        None => build().await?,
    };
    let mut sizes = Vec::new();
    for keys in args.keys {
        println!("{keys} keys …");
        sizes.push(measure(&binary, keys).await?);
    }
    let text = markdown(&sizes);
    println!("{text}");
    std::fs::write(&args.out, text)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the release binary; gives its path.
pub(crate) async fn build() -> Result<PathBuf, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let status = Command::new(env!("CARGO"))
        .current_dir(&root)
        .args(["build", "--release", "--package", "milvus-meta", "--bin", "meta-migration"])
        .status()
        .await?;
    if !status.success() {
        return Err("the release build failed".into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release/meta-migration"))
}

async fn measure(binary: &Path, keys: usize) -> Result<Size, Failure> {
    let etcd = Etcd::start(Options::default()).await?;
    let mut client = etcd.client().await?;
    let metadata = data::copies(keys)?;
    let bytes = metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
    let put = put_all(&mut client, &metadata).await?;
    let keys = metadata.len();
    drop(metadata);
    // Once to warm up what the first reader would pay for.
    range_all(&mut client).await?;
    let range = range_all(&mut client).await?;
    let folder = tempfile::tempdir()?;
    let mut verbs = Vec::new();
    let mut written = 0;
    for (verb, passes) in [("backup", 2), ("plan", 2), ("apply", 3), ("verify", 2), ("rollback", 4)] {
        let (took, peak, report) = call(binary, verb, &etcd.address(), folder.path()).await?;
        // `apply` also reads the new keys back; a rollback is judged by the keys that it writes, as they are.
        let back = if verb == "apply" { report.changes.as_ref().map_or(0, |c| c.new_keys) } else { 0 };
        written = report.written.max(written);
        verbs.push(Measured { verb, took, reads: passes * keys as u64 + back, writes: report.written, peak });
    }
    Ok(Size { keys, bytes, range, put, verbs })
}

/// Keys per second of plain put batches, one after the other.
async fn put_all(client: &mut Client, metadata: &[data::Pair]) -> Result<f64, Failure> {
    let begun = Instant::now();
    for batch in metadata.chunks(BATCH) {
        let put = |(key, value): &data::Pair| TxnOp::put(key.as_slice(), value.as_slice(), None);
        client.txn(Txn::new().and_then(batch.iter().map(put).collect::<Vec<_>>())).await?;
    }
    Ok(metadata.len() as f64 / begun.elapsed().as_secs_f64())
}

/// Keys per second of plain ranges, one after the other.
async fn range_all(client: &mut Client) -> Result<f64, Failure> {
    let begun = Instant::now();
    let (mut from, mut seen, mut revision) = (b"by-dev/meta/".to_vec(), 0, 0);
    loop {
        let options = GetOptions::new().with_range("by-dev/meta0").with_limit(PAGE).with_revision(revision);
        let answer = client.get(from, Some(options)).await?;
        revision = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
        seen += answer.kvs().len();
        match answer.kvs().last() {
            Some(last) if answer.more() => from = [last.key(), b"\0"].concat(),
            _ => return Ok(seen as f64 / begun.elapsed().as_secs_f64()),
        }
    }
}

async fn call(
    binary: &Path,
    verb: &str,
    endpoint: &str,
    folder: &Path,
) -> Result<(Duration, u64, Report), Failure> {
    let begun = Instant::now();
    let child = Command::new(binary)
        .args([verb, "-q", "--endpoints", endpoint, "--termination-message"])
        .arg(folder.join("none"))
        .arg("--backup")
        .arg(folder.join("bak"))
        .args(["--source-version", "2.1.0", "--target-version", "2.2.16"])
        // `plan -o json` would print the whole change set; the report is all that is wanted.
        .args(["-o", if verb == "plan" { "table" } else { "json" }])
        .stdout(Stdio::piped())
        .spawn()?;
    let pid = child.id().unwrap_or_default();
    let watch = tokio::spawn(async move {
        let mut peak = 0;
        while let Ok(status) = tokio::fs::read_to_string(format!("/proc/{pid}/status")).await {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let Some(kib) = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()) else {
                break;
            };
            peak = kib * 1024;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        peak
    });
    let output = child.wait_with_output().await?;
    let took = begun.elapsed();
    let peak = watch.await?;
    let said = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        return Err(format!("{verb}: {said}").into());
    }
    let report = match said.lines().last().map(serde_json::from_str::<Report>) {
        Some(Ok(report)) => report,
        _ => empty_report(),
    };
    Ok((took, peak, report))
}

/// Of a verb that was not asked for JSON.
fn empty_report() -> Report {
    Report {
        contract: 1,
        tool: String::new(),
        verb: milvus_plan::migration::Verb::Plan,
        outcome: Outcome::Done,
        message: String::new(),
        meta_root: String::new(),
        schema: None,
        stage: None,
        revision: None,
        backup: None,
        changes: None,
        census: None,
        written: 0,
        notes: Vec::new(),
    }
}

fn markdown(sizes: &[Size]) -> String {
    let mut text = String::from(
        "# What `meta-migration` costs\n\nWritten by `cargo xtask bench meta`; do not edit. Metadata of a real Milvus 2.1.0, copied with other ids; etcd on the \
         same machine, without fsync. *Share of the limit*: the time that the verb's reads (at the speed of plain ranges) and writes (plain put batches) need, \
         divided by the time that it took.\n\n| keys | MiB | plain range, keys/s | plain put, keys/s | verb | time | keys read | keys written | keys/s | share of the limit | peak RSS |\n|--:|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for size in sizes {
        for one in &size.verbs {
            let seconds = one.took.as_secs_f64();
            let ideal = one.reads as f64 / size.range + one.writes as f64 / size.put;
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "| {} | {:.1} | {:.0} | {:.0} | {} | {:.2} s | {} | {} | {:.0} | {:.0} % | {:.1} MiB |",
                size.keys,
                size.bytes as f64 / 1_048_576.0,
                size.range,
                size.put,
                one.verb,
                seconds,
                one.reads,
                one.writes,
                size.keys as f64 / seconds,
                100.0 * ideal / seconds,
                one.peak as f64 / 1_048_576.0,
            );
        }
    }
    text
}
