//! Builds one program with Go into the cache: one build at a time on a machine, visible only when it is complete.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use snafu::ResultExt;
use tokio::process::Command;

use super::{CacheSnafu, Error, GoBuildSnafu, NoGoSnafu, RunGoSnafu, Tool, Version};

/// How often a build that is still running says so.
const REMINDER: Duration = Duration::from_mins(1);

/// Builds `tool` of a line of Kubernetes into `executable`. Waits while another process builds, for the
/// programs of Kubernetes share most of their packages and two builds at once would compile them twice.
pub(super) async fn build(tool: Tool, kubernetes: Version, executable: &Path) -> Result<(), Error> {
    let (program, version) = (tool.program(), tool.version_in(kubernetes)?);
    ensure_go(program, version).await?;
    let directory = executable.parent().unwrap_or(executable);
    fs::create_dir_all(directory).context(CacheSnafu { path: directory })?;
    let _lock = lock(directory.parent().unwrap_or(directory), program).await?;
    if executable.is_file() {
        return Ok(());
    }
    let started = Instant::now();
    say(&format!("building {program} {version} from its Go module; kept for next time"));
    let unfinished = tempfile::Builder::new()
        .prefix(".build-")
        .tempdir_in(directory)
        .context(CacheSnafu { path: directory })?;
    let output = unfinished.path().join(program);
    compile(tool, kubernetes, &output, started).await?;
    fs::rename(&output, executable).context(CacheSnafu { path: executable })?;
    say(&format!("built {program} {version} in {} s", started.elapsed().as_secs()));
    Ok(())
}

async fn ensure_go(program: &'static str, version: &'static str) -> Result<(), Error> {
    match Command::new("go").arg("version").stdout(Stdio::null()).status().await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => NoGoSnafu { program, version }.fail(),
        Err(source) => Err(Error::RunGo { source }),
        Ok(_) => Ok(()),
    }
}

/// The lock that every build on this machine takes. The system gives it back when the process ends, however it ends.
pub(super) async fn lock(cache: &Path, program: &'static str) -> Result<File, Error> {
    let path = cache.join(".build.lock");
    let file = File::create(&path).context(CacheSnafu { path: &path })?;
    if file.try_lock().is_err() {
        say(&format!("{program}: waiting for another process that builds"));
    }
    let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
    locked.unwrap_or_else(|stopped| Err(stopped.into())).context(CacheSnafu { path })
}

async fn compile(tool: Tool, kubernetes: Version, output: &Path, started: Instant) -> Result<(), Error> {
    let (program, version) = (tool.program(), tool.version_in(kubernetes)?);
    let mut flags = "-s -w".to_owned();
    for value in tool.linker_values(version) {
        flags.push_str(" -X ");
        flags.push_str(&value);
    }
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools").join(tool.module(kubernetes).folder);
    let build = Command::new("go")
        .args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", &flags, "-o"])
        .arg(output)
        .arg(tool.package())
        .current_dir(module)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    tokio::pin!(build);
    let finished = loop {
        match tokio::time::timeout(REMINDER, &mut build).await {
            Ok(finished) => break finished.context(RunGoSnafu)?,
            Err(_) => say(&format!("still building {program} {version}: {} s", started.elapsed().as_secs())),
        }
    };
    if finished.status.success() {
        return Ok(());
    }
    let text = [finished.stdout, finished.stderr].concat();
    GoBuildSnafu { program, version, output: String::from_utf8_lossy(&text) }.fail()
}

/// One line for whoever waits. Nothing depends on it being seen, so a closed standard error is no error.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
