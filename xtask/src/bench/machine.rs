//! Where and with what the figures were measured.

use std::fs;

use milvus_testkit::tools::Tool;

use crate::cargo;

/// Lines for the report: machine, date, versions.
pub(crate) async fn described() -> Vec<(&'static str, String)> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, field: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.split_once(':'));
        line.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = value(&read("/proc/meminfo"), "MemTotal");
    let kibibytes: u64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
    let load = read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned();
    let version = |tool: Tool| format!("{} {}", tool.program(), tool.version().unwrap_or("unknown"));
    let programs = [Tool::KubeApiserver, Tool::Etcd, Tool::Kwok].map(version).join(", ");
    let now = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string();
    vec![
        ("Processor", format!("{cores} cores, {}", value(&read("/proc/cpuinfo"), "model name"))),
        ("Memory", format!("{} GiB", kibibytes.div_ceil(1024 * 1024))),
        ("Kernel", format!("Linux {}", read("/proc/sys/kernel/osrelease").trim())),
        ("Load before", format!("{load} (1 minute; 0 is an idle machine)")),
        ("Date", now),
        ("Commit", said("git", &["rev-parse", "--short=12", "HEAD"]).await),
        ("Compiler", said("rustc", &["--version"]).await),
        ("Test kit", programs),
    ]
}

/// What a program prints; what can't be asked is unknown, for a figure is no worse without it.
async fn said(program: &str, args: &[&str]) -> String {
    let output = tokio::process::Command::new(program).args(args).current_dir(cargo::root()).output().await;
    let text = output.ok().filter(|output| output.status.success());
    text.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
