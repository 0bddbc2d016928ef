//! What the cluster must be: Kubernetes of at least [`OLDEST`].
//!
//! Takes a client; gives an error that says what is too old, before this process takes part in anything. A server that does not answer yet
//! is asked again; one that does not tell its version is taken to be new enough.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::version::Info;
use kube::Client;
use snafu::{Snafu, ensure};
use tokio::time::{sleep, timeout};

/// The oldest minor version of Kubernetes 1: the first whose API server accepts a change of status on an object that an older schema
/// admitted (CRD ratcheting is on by default from 1.30). The chart's `kubeVersion` says the same.
pub const OLDEST: u32 = 30;

/// Longest wait for the answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two questions.
const RETRY: Duration = Duration::from_secs(2);

/// The cluster is not one that the operator can work in.
#[derive(Debug, Snafu, PartialEq, Eq)]
pub enum Error {
    /// The API server is too old.
    #[snafu(display(
        "the API server is Kubernetes {found}, and this operator needs 1.{OLDEST} or newer: older ones refuse the status of a Milvus that was \
         created under an older schema. Upgrade Kubernetes, or keep the operator that worked here before; nothing was changed"
    ))]
    TooOld {
        /// What it says that it is.
        found: String,
    },
}

/// Asks the API server for its version, until it answers.
pub async fn check(client: &Client) -> Result<(), Error> {
    let mut last_fault = String::new();
    loop {
        let fault = match timeout(REQUEST_TIMEOUT, client.apiserver_version()).await {
            Ok(Ok(version)) => return judge(&version),
            Ok(Err(kube::Error::Api(refused))) => {
                tracing::warn!(error = %refused, "the API server does not tell its version; it is taken to be new enough");
                return Ok(());
            }
            Ok(Err(error)) => error.to_string(),
            Err(_elapsed) => format!("no answer within {} s", REQUEST_TIMEOUT.as_secs()),
        };
        if fault != last_fault {
            tracing::warn!(error = fault, "can't read the version of the API server; will be tried again");
            last_fault = fault;
        }
        sleep(RETRY).await;
    }
}

fn judge(version: &Info) -> Result<(), Error> {
    // Some providers write `30+`.
    let minor = version.minor.trim_end_matches(|c: char| !c.is_ascii_digit());
    let (Ok(major), Ok(minor)) = (version.major.parse::<u32>(), minor.parse::<u32>()) else {
        tracing::warn!(
            version = version.git_version,
            "not a version that can be compared; taken to be new enough"
        );
        return Ok(());
    };
    ensure!(major > 1 || (major == 1 && minor >= OLDEST), TooOldSnafu { found: &version.git_version });
    tracing::info!(version = version.git_version, "the API server is new enough");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(major: &str, minor: &str) -> Result<(), Error> {
        let git_version = format!("v{major}.{minor}.0");
        judge(&Info { major: major.to_owned(), minor: minor.to_owned(), git_version, ..Info::default() })
    }

    #[test]
    fn the_oldest_version_is_enough_and_the_one_before_is_not() {
        assert_eq!(judged("1", "30"), Ok(()));
        assert_eq!(judged("1", "30+"), Ok(()));
        assert_eq!(judged("2", "0"), Ok(()));
        assert_eq!(judged("1", "29"), Err(Error::TooOld { found: "v1.29.0".to_owned() }));
        assert_eq!(judged("1", "16+"), Err(Error::TooOld { found: "v1.16+.0".to_owned() }));
        assert_eq!(judged("", ""), Ok(()), "unknown is not old");
    }
}
