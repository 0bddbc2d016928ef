//! The jars of Apache Kafka, fetched once by Maven into the cache: from `tools/kafka/pom.xml`, which pins the version.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use snafu::{OptionExt, ResultExt};
use tokio::process::Command;

use super::{
    CacheSnafu, Error, JavaTooOldSnafu, MavenSnafu, NoJavaSnafu, NoVersionSnafu, RunMavenSnafu,
    build::{lock, say},
    cache_dir,
};

/// The file that pins Kafka and the plug-in that fetches it.
const POM: &str = include_str!("../../tools/kafka/pom.xml");
/// The oldest Java that is known to run it.
const OLDEST_JAVA: u32 = 17;
/// How long Maven may take; with a slow line the 56 jars (90 MB) are some minutes.
const FETCHED_WITHIN: Duration = Duration::from_mins(10);

/// The pinned version of Kafka, for example `3.9.1`.
pub fn kafka_version() -> Result<&'static str, Error> {
    let (_, after) = POM.split_once("<kafka.version>").context(NoVersionSnafu { file: "kafka/pom.xml" })?;
    let (version, _) =
        after.split_once("</kafka.version>").context(NoVersionSnafu { file: "kafka/pom.xml" })?;
    Ok(version)
}

/// The directory with all jars of a Kafka broker, `kafka.Kafka` and `kafka.tools.StorageTool` among them; fetches them if
/// this machine never did. The class path is `<directory>/*`.
pub async fn kafka_jars() -> Result<PathBuf, Error> {
    let directory = cache_dir()?.join(format!("kafka-{}", kafka_version()?));
    if !directory.is_dir() {
        fetch(&directory).await?;
    }
    Ok(directory)
}

/// `java`, after a look at its version.
pub async fn java() -> Result<&'static Path, Error> {
    let output = match Command::new("java").arg("-version").stdin(Stdio::null()).output().await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return NoJavaSnafu { program: "java" }.fail();
        }
        output => output.context(RunMavenSnafu { program: "java" })?,
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match major(&said) {
        Some(version) if version >= OLDEST_JAVA => Ok(Path::new("java")),
        _ => JavaTooOldSnafu { said: said.lines().next().unwrap_or_default() }.fail(),
    }
}

/// `openjdk version "17.0.15" 2025-04-15`, and `"1.8.0_362"` before Java 9.
fn major(said: &str) -> Option<u32> {
    let version = said.split('"').nth(1)?;
    let mut parts = version.split(['.', '-', '+']);
    match parts.next()? {
        "1" => parts.next()?.parse().ok(),
        major => major.parse().ok(),
    }
}

/// Fetches into a directory beside the final one, so that a half-filled one is never taken for complete.
async fn fetch(directory: &Path) -> Result<(), Error> {
    let version = kafka_version()?;
    ensure_maven().await?;
    let cache = directory.parent().unwrap_or(directory);
    fs::create_dir_all(cache).context(CacheSnafu { path: cache })?;
    let _lock = lock(cache, "kafka").await?;
    if directory.is_dir() {
        return Ok(());
    }
    let started = Instant::now();
    say(&format!("fetching the jars of Kafka {version} with Maven; kept for next time"));
    let unfinished =
        tempfile::Builder::new().prefix(".fetch-").tempdir_in(cache).context(CacheSnafu { path: cache })?;
    let pom = unfinished.path().join("pom.xml");
    fs::write(&pom, POM).context(CacheSnafu { path: &pom })?;
    let jars = unfinished.path().join("jars");
    maven(&pom, &jars).await?;
    fs::rename(&jars, directory).context(CacheSnafu { path: directory })?;
    say(&format!("fetched Kafka {version} in {} s", started.elapsed().as_secs()));
    Ok(())
}

async fn ensure_maven() -> Result<(), Error> {
    match Command::new("mvn").arg("--version").stdin(Stdio::null()).output().await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => NoJavaSnafu { program: "mvn" }.fail(),
        Err(source) => Err(Error::RunMaven { program: "mvn", source }),
        Ok(_) => Ok(()),
    }
}

async fn maven(pom: &Path, jars: &Path) -> Result<(), Error> {
    let mut target = std::ffi::OsString::from("-DoutputDirectory=");
    target.push(jars);
    let fetch = Command::new("mvn")
        .args(["--batch-mode", "--no-transfer-progress", "-f"])
        .arg(pom)
        .arg("dependency:copy-dependencies")
        .arg("-DincludeScope=runtime")
        .arg(target)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(FETCHED_WITHIN, fetch).await {
        Ok(output) => output.context(RunMavenSnafu { program: "mvn" })?,
        Err(_) => return MavenSnafu { output: format!("no end within {FETCHED_WITHIN:?}") }.fail(),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    match output.status.success() && jars.is_dir() {
        true => Ok(()),
        false => MavenSnafu { output: text }.fail(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_version_is_read_from_the_pom() {
        assert_eq!(kafka_version().unwrap(), "3.9.1");
    }

    #[test]
    fn javas_version_is_read_in_both_forms() {
        assert_eq!(major("openjdk version \"17.0.15\" 2025-04-15"), Some(17));
        assert_eq!(major("openjdk version \"21-ea\" 2023-09-19"), Some(21));
        assert_eq!(major("java version \"1.8.0_362\""), Some(8));
        assert_eq!(major("command not found"), None);
    }
}
