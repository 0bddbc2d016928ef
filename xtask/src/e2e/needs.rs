//! What a run needs of the machine. All that is missing is said at once, before anything is fetched or built.

use milvus_testkit::{
    real_node::needs::{self, Need},
    tools,
};
use rustix::fs::statvfs;
use tokio::process::Command;

use crate::{Failure, real_milvus};

/// Images, their unpacked copies in the node, and a build of the operator for its image.
const DISK_GIB: u64 = 12;
/// Programs and the Debian packages that have them.
const PROGRAMS: [(&str, &str); 5] = [
    ("debootstrap", "debootstrap"),
    ("mvn", "maven"),
    ("tar", "tar"),
    ("java", "openjdk-17-jre-headless"),
    ("cc", "gcc"),
];

/// An error that names everything that is missing.
pub(super) async fn check() -> Result<(), Failure> {
    let mut missing = needs::missing();
    missing.extend(PROGRAMS.iter().filter_map(|(name, package)| Need::program(name, package)));
    let need = |what: String, package| Need { what, package };
    if needs::find("go").is_none() {
        missing.push(need("Go 1.26 (https://go.dev/dl)".to_owned(), None));
    }
    let mut venv = Command::new("python3");
    venv.args(["-c", "import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 8))"]);
    if !succeeds(&mut venv).await {
        missing.push(need("Python 3.8 or newer with venv".to_owned(), Some("python3-venv")));
    }
    if needs::find("java").is_some() && tools::java().await.is_err() {
        missing.push(need("Java 17 or newer".to_owned(), Some("openjdk-17-jre-headless")));
    }
    let free = free_gib()?;
    if free < DISK_GIB {
        missing.push(need(format!("{DISK_GIB} GiB of free disk (there are {free})"), None));
    }
    if missing.is_empty() { Ok(()) } else { Err(needs::explain("cargo xtask e2e", &missing).into()) }
}

async fn succeeds(command: &mut Command) -> bool {
    command.output().await.is_ok_and(|output| output.status.success())
}

fn free_gib() -> Result<u64, Failure> {
    let disk = statvfs(real_milvus::cache()?)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize) >> 30)
}
