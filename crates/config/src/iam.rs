//! `iam-verify`: with an IAM role instead of keys, waits until the object storage answers.
//!
//! Upstream asks the cloud for the bucket with the cloud's own library. This program has no such library, so
//! it asks for less: that the storage's address resolves and takes a connection. Whether the role may use the
//! bucket is said by Milvus itself.

use std::{
    io,
    net::{TcpStream, ToSocketAddrs as _},
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::Duration,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use snafu::ResultExt as _;

use crate::{
    error::{Error, SignalsSnafu},
    files,
    paths::Paths,
    program::say,
    yaml::{self, Map},
};

/// Upstream's: how long one attempt may take, and the time between two.
const ATTEMPT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(5);

/// The clouds that give roles. With any other provider there is nothing to wait for.
const CLOUDS: [&str; 5] = ["gcp", "azure", "aws", "aliyun", "tencent"];

/// Returns when the storage answers, or when this Milvus does not use a role.
///
/// # Errors
///
/// When `user.yaml` can't be read or is no YAML, or SIGTERM can't be listened for.
pub fn run(paths: &Paths) -> Result<(), Error> {
    let path = paths.operator().join("user.yaml");
    let config = match files::read(&path)? {
        Some(text) => yaml::parse(&path, &text)?,
        None => return Ok(()),
    };
    if !setting(&config, "useIAM").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(());
    }
    let cloud = setting(&config, "cloudProvider").unwrap_or_default();
    if !CLOUDS.contains(&cloud) {
        say(
            "iam-verify",
            &format!("minio.cloudProvider is {cloud:?}, which has no roles that can be checked: not waiting"),
        );
        return Ok(());
    }
    let Some(address) = address(&config, cloud) else {
        say("iam-verify", "minio.useIAM is set and minio.address is not: nothing to wait for");
        return Ok(());
    };
    wait(&address)
}

fn setting<'a>(config: &'a Map, key: &str) -> Option<&'a str> {
    config.get_in("minio", key).and_then(yaml::Node::text)
}

/// `host:port` as Milvus dials it. The name of the account is part of the host in Azure.
fn address(config: &Map, cloud: &str) -> Option<String> {
    let host = setting(config, "address")?;
    let host = match (cloud, setting(config, "accessKeyID")) {
        ("azure", Some(account)) => format!("{account}.blob.{host}"),
        _ => host.to_owned(),
    };
    let port = setting(config, "port").unwrap_or(if cloud == "azure" { "443" } else { "9000" });
    Some(if host.contains(':') { host } else { format!("{host}:{port}") })
}

fn wait(address: &str) -> Result<(), Error> {
    // The first process of a container has no default for signals: without this a pod that waits could only
    // be killed.
    for signal in [SIGTERM, SIGINT] {
        let always = Arc::new(AtomicBool::new(true));
        flag::register_conditional_shutdown(signal, 128 + signal, always).context(SignalsSnafu)?;
    }
    loop {
        match reach(address) {
            Ok(()) => {
                say("iam-verify", &format!("the object storage at {address} takes connections"));
                return Ok(());
            }
            Err(error) => say(
                "iam-verify",
                &format!(
                    "waiting for the object storage at {address} (minio.useIAM): {error}; trying again in {} s",
                    PAUSE.as_secs()
                ),
            ),
        }
        thread::sleep(PAUSE);
    }
}

/// One connection to any of its addresses.
fn reach(address: &str) -> io::Result<()> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, ATTEMPT) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}
