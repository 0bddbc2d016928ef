//! Object storage: can the bucket be listed?
//!
//! One object is asked for, because listing needs what Milvus needs (its own start checks the bucket and its garbage
//! collection lists it), and because it works with credentials that are limited to one bucket. Upstream asks MinIO's
//! admin API, so there the credentials of Milvus need to be an administrator's.

mod answer;

use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::HttpRequestBody;
use tokio::time::timeout;

use self::answer::{Answer, from_body};
use crate::outcome::{Outcome, reason};
use crate::secret::Secret;
use crate::tls::{Tls, Trust, unused};
use crate::{DEADLINE, fault};

/// The region that requests are signed for where none is configured; MinIO and most others accept it, and who does not
/// names the right one in its answer, see [`probe`].
const DEFAULT_REGION: &str = "us-east-1";

/// Which storage it is (`dependencies.storage.type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StorageKind {
    /// MinIO, ours or the user's.
    Minio,
    /// Anything that speaks S3.
    S3,
    /// Azure Blob Storage. Not asked, as upstream: it is taken for ready when an account name is there.
    Azure,
}

/// A pair of keys of the storage (Secret keys `accesskey` and `secretkey`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StorageKeys {
    /// Access key id, or Azure's account name.
    pub access_key: Secret,
    /// Secret key.
    pub secret_key: Secret,
}

/// A bucket as Milvus is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StorageTarget {
    /// Which storage it is.
    pub kind: StorageKind,
    /// `host:port`, as in `dependencies.storage.endpoint`; no scheme, no path.
    pub endpoint: String,
    /// `config.minio.bucketName`.
    pub bucket: String,
    /// The keys; none with `config.minio.useIAM`: then only the service account of the Milvus pods may use the bucket,
    /// and only that the storage answers is checked.
    pub keys: Option<StorageKeys>,
    /// `config.minio.useSSL`.
    pub use_ssl: bool,
    /// Which certificates are accepted with [`Self::use_ssl`].
    pub trust: Trust,
    /// `config.minio.useVirtualHost`: the bucket is part of the host name.
    pub virtual_host: bool,
    /// `config.minio.region`; found out from the storage where empty, as Milvus' client does.
    pub region: Option<String>,
}

/// Lists one object. Takes at most [`DEADLINE`]; nothing is retried here.
///
/// A storage that wants another region than `DEFAULT_REGION` says which, and is asked once more.
pub async fn probe(target: &StorageTarget) -> Outcome {
    if target.kind == StorageKind::Azure {
        return assume_azure(target);
    }
    let answer = timeout(DEADLINE, ask_twice(target)).await;
    let outcome = match answer {
        Err(_elapsed) => {
            Outcome::not_ready(reason::CLIENT_ERROR, format!("{}: {}", target.endpoint, fault::no_answer()))
        }
        Ok(answer) => judge(target, answer),
    };
    target.scrub(outcome)
}

fn assume_azure(target: &StorageTarget) -> Outcome {
    match &target.keys {
        Some(keys) if keys.access_key.expose().is_empty() => {
            Outcome::not_ready(reason::CLIENT_ERROR, "the Azure account name is empty")
        }
        _ => Outcome::ready(reason::STORAGE_READY, ""),
    }
}

async fn ask_twice(target: &StorageTarget) -> Answer {
    let region = target.region.as_deref().filter(|r| !r.is_empty());
    match ask(target, region.unwrap_or(DEFAULT_REGION)).await {
        Answer::OtherRegion(Some(named)) if region.is_none() => ask(target, &named).await,
        answer => answer,
    }
}

async fn ask(target: &StorageTarget, region: &str) -> Answer {
    match list_one(target, region).await {
        Ok((200..300, _listing)) => Answer::Listed,
        Ok((status, body)) => from_body(status, &body),
        Err(why) => Answer::Unreachable(why),
    }
}

/// The request itself: status and body of the answer. The signature is `object_store`'s; its client is not used
/// because it retries, and because its errors put times and request ids around what the server said.
async fn list_one(target: &StorageTarget, region: &str) -> Result<(u16, String), String> {
    let mut request = http::Request::get(target.url())
        .body(HttpRequestBody::empty())
        .map_err(|_| format!("{} is not an endpoint: it must be host:port", target.endpoint))?;
    if let Some(keys) = &target.keys {
        let credential = keys.credential()?;
        AwsAuthorizer::new(&credential, "s3", region)
            .try_authorize(&mut request, None)
            .map_err(|e| fault::describe(&e))?;
    }
    let no_answer = |error: reqwest::Error| format!("{}: {}", target.endpoint, fault::describe(&error));
    let answer = target
        .client()?
        .get(request.uri().to_string())
        .headers(request.headers().clone())
        .send()
        .await
        .map_err(no_answer)?;
    let status = answer.status().as_u16();
    let body = answer.text().await.map_err(no_answer)?;
    Ok((status, body))
}

fn judge(target: &StorageTarget, answer: Answer) -> Outcome {
    let failed = |message| Outcome::not_ready(reason::CLIENT_ERROR, message);
    match answer {
        Answer::Listed => Outcome::ready(reason::STORAGE_READY, ""),
        Answer::NoBucket => Outcome::not_ready(
            reason::BUCKET_MISSING,
            format!(
                "bucket {} does not exist; Milvus creates it when it starts for the first time",
                target.bucket
            ),
        ),
        Answer::Refused(_) if target.keys.is_none() => Outcome::ready(
            reason::STORAGE_READY,
            "the storage answers; the rights of the pods' service account are not checked",
        ),
        Answer::OtherRegion(_) if target.follows_regions() => Outcome::ready(
            reason::STORAGE_READY,
            "the bucket is in another region than the endpoint; the keys are not checked",
        ),
        Answer::OtherRegion(Some(named)) => {
            failed(format!("the storage expects region {named}: set config.minio.region to it"))
        }
        Answer::OtherRegion(None) => failed(
            "the bucket is in another region: set config.minio.region and the endpoint of that region".into(),
        ),
        Answer::Refused(why) | Answer::Failed(why) | Answer::Unreachable(why) => failed(why),
    }
}

impl StorageTarget {
    fn client(&self) -> Result<reqwest::Client, String> {
        let tls = if self.use_ssl {
            Tls { trust: self.trust.clone(), client: None }.client_config()?
        } else {
            unused()?
        };
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| fault::describe(&e))
    }

    /// `ListObjectsV2` of one object.
    fn url(&self) -> String {
        let scheme = if self.use_ssl { "https" } else { "http" };
        let bucket = if self.virtual_host {
            format!("{scheme}://{}.{}/", self.bucket, self.endpoint)
        } else {
            format!("{scheme}://{}/{}", self.endpoint, self.bucket)
        };
        format!("{bucket}?list-type=2&max-keys=1")
    }

    /// Amazon's own endpoints name the bucket's region, and Milvus' client then goes there by itself.
    fn follows_regions(&self) -> bool {
        let host = self.endpoint.split(':').next().unwrap_or_default();
        self.region.as_deref().is_none_or(str::is_empty)
            && (host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"))
    }

    fn scrub(&self, mut outcome: Outcome) -> Outcome {
        if let Some(keys) = &self.keys {
            outcome.message = keys.access_key.scrub(keys.secret_key.scrub(outcome.message));
        }
        outcome
    }
}

impl StorageKeys {
    /// A key that came from a file often ends in a line break, which no HTTP header can hold.
    fn credential(&self) -> Result<AwsCredential, String> {
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
        Ok(AwsCredential {
            key_id: self.access_key.expose().to_owned(),
            secret_key: self.secret_key.expose().to_owned(),
            token: None,
        })
    }
}
