//! Object storage: can the bucket be listed?
//!
//! One object is asked for, because listing needs what Milvus needs (its own start checks the bucket and its
//! garbage collection lists it), and because it works with credentials that are limited to one bucket.
//! Upstream asks MinIO's admin API, so there the credentials of Milvus need to be an administrator's.
//!
//! Without keys (IAM) the identity that may list it is that of the Milvus pods, not ours. Then what can be
//! seen by anybody is all that is claimed: that a storage answers, and, where it tells strangers, that the
//! bucket is missing.

mod answer;
mod azure;
mod s3;

use tokio::time::timeout;

use self::answer::Answer;
use crate::outcome::{Outcome, Reason};
use crate::secret::Secret;
use crate::tls::{Tls, Trust, unused};
use crate::{DEADLINE, fault};

/// Which storage it is (`dependencies.storage.type`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StorageKind {
    /// MinIO, Amazon S3, or anything that speaks S3.
    S3,
    /// Azure Blob Storage. Milvus always speaks TLS to it, at `<account>.blob.<endpoint>`.
    Azure {
        /// Name of the account.
        account: String,
    },
}

/// A pair of keys of the storage (Secret keys `accesskey` and `secretkey`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StorageKeys {
    /// Access key id, or Azure's account name.
    pub access_key: Secret,
    /// Secret key.
    pub secret_key: Secret,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StorageAccess {
    /// The same keys as Milvus'.
    Keys(StorageKeys),
    /// A stranger, because only the Milvus pods have the identity that may use the bucket. Holds what is not
    /// checked, and why.
    Stranger(String),
}

/// A bucket as Milvus is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StorageTarget {
    /// Which storage it is.
    pub kind: StorageKind,
    /// `host:port`, as in `dependencies.storage.endpoint`; no scheme, no path.
    pub endpoint: String,
    /// `config.minio.bucketName`; of Azure, the container.
    pub bucket: String,
    /// Who asks.
    pub access: StorageAccess,
    /// `config.minio.useSSL`.
    pub use_ssl: bool,
    /// Which certificates are accepted.
    pub trust: Trust,
    /// `config.minio.useVirtualHost`: the bucket is part of the host name.
    pub virtual_host: bool,
    /// `config.minio.region`; found out from the storage where empty, as Milvus' client does.
    pub region: Option<String>,
}

/// Lists one object. Takes at most [`DEADLINE`]; nothing is retried here.
pub async fn probe(target: &StorageTarget) -> Outcome {
    let ask = async {
        match &target.kind {
            StorageKind::S3 => s3::ask(target).await,
            StorageKind::Azure { account } => {
                azure::ask(target, &azure::base(account, &target.endpoint), account).await
            }
        }
    };
    let outcome = match timeout(DEADLINE, ask).await {
        Err(_elapsed) => {
            Outcome::not_ready(Reason::ClientError, format!("{}: {}", target.endpoint, fault::no_answer()))
        }
        Ok(answer) => judge(target, answer),
    };
    target.scrub(outcome)
}

fn judge(target: &StorageTarget, answer: Answer) -> Outcome {
    let failed = |message| Outcome::not_ready(Reason::ClientError, message);
    let ready = |message: &str| Outcome::ready(Reason::StorageReady, message);
    match (answer, &target.access) {
        (Answer::NoBucket, _) => Outcome::not_ready(
            Reason::BucketMissing,
            format!(
                "bucket {} does not exist; Milvus creates it when it starts for the first time",
                target.bucket
            ),
        ),
        (
            Answer::Listed | Answer::Refused(_) | Answer::Declined(_) | Answer::OtherRegion(_),
            StorageAccess::Stranger(unchecked),
        ) => ready(unchecked),
        (Answer::Listed, StorageAccess::Keys(_)) => ready(""),
        (Answer::OtherRegion(_), _) if target.follows_regions() => {
            ready("the bucket is in another region than the endpoint; the keys are not checked")
        }
        (Answer::OtherRegion(Some(named)), _) => {
            failed(format!("the storage expects region {named}: set config.minio.region to it"))
        }
        (Answer::OtherRegion(None), _) => failed(
            "the bucket is in another region: set config.minio.region and the endpoint of that region".into(),
        ),
        (Answer::ClocksDiffer(why), _) => failed(format!(
            "{why} The clock of the storage and that of the node that the operator runs on are too far apart: set the one that is \
             wrong"
        )),
        (
            Answer::Refused(why) | Answer::Declined(why) | Answer::Failed(why) | Answer::Unreachable(why),
            _,
        ) => failed(why),
    }
}

impl StorageTarget {
    /// The client of one probe, with TLS or without.
    fn client(&self, encrypted: bool) -> Result<reqwest::Client, String> {
        let tls = match encrypted {
            true => Tls { trust: self.trust.clone(), client: None }.client_config()?,
            false => unused()?,
        };
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| fault::describe(&e))
    }

    /// Sends a signed request: status and body of the answer.
    async fn send(
        &self,
        encrypted: bool,
        request: &object_store::client::HttpRequest,
    ) -> Result<(u16, String), String> {
        let no_answer = |error: reqwest::Error| format!("{}: {}", self.endpoint, fault::describe(&error));
        let url = request.uri().to_string();
        let asked = self.client(encrypted)?.get(url).headers(request.headers().clone()).send();
        let answer = asked.await.map_err(no_answer)?;
        let status = answer.status().as_u16();
        let body = answer.text().await.map_err(no_answer)?;
        Ok((status, body))
    }

    fn keys(&self) -> Option<&StorageKeys> {
        match &self.access {
            StorageAccess::Keys(keys) => Some(keys),
            StorageAccess::Stranger(_) => None,
        }
    }

    /// Amazon's own endpoints name the bucket's region, and Milvus' client then goes there by itself.
    fn follows_regions(&self) -> bool {
        let host = self.endpoint.split(':').next().unwrap_or_default();
        self.region.as_deref().is_none_or(str::is_empty)
            && (host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"))
    }

    fn scrub(&self, mut outcome: Outcome) -> Outcome {
        if let Some(keys) = self.keys() {
            outcome.message = keys.access_key.scrub(keys.secret_key.scrub(outcome.message));
        }
        outcome
    }
}

impl StorageKeys {
    /// What is wrong with the keys before anybody is asked. A key that came from a file often ends in a line
    /// break, which no HTTP header can hold.
    fn check(&self) -> Result<(), String> {
        for (key, name) in [(&self.access_key, "accesskey"), (&self.secret_key, "secretkey")] {
            if key.expose().is_empty() {
                return Err(format!("{name} in the storage Secret is empty"));
            }
            if key.expose().chars().any(char::is_control) {
                return Err(format!(
                    "{name} in the storage Secret holds a line break or another control character"
                ));
            }
        }
        Ok(())
    }
}
