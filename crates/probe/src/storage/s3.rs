//! The question in the words of S3: `ListObjectsV2` of one object.

use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::HttpRequestBody;

use super::StorageTarget;
use super::answer::{Answer, from_body};
use crate::fault;

/// The region that requests are signed for where none is configured; MinIO and most others accept it, and who
/// does not names the right one in its answer, see [`ask`].
const DEFAULT_REGION: &str = "us-east-1";

/// Asks; a storage that wants another region than [`DEFAULT_REGION`] says which, and is asked once more.
pub(super) async fn ask(target: &StorageTarget) -> Answer {
    let region = target.region.as_deref().filter(|r| !r.is_empty());
    match once(target, region.unwrap_or(DEFAULT_REGION)).await {
        Answer::OtherRegion(Some(named)) if region.is_none() => once(target, &named).await,
        answer => answer,
    }
}

async fn once(target: &StorageTarget, region: &str) -> Answer {
    match list_one(target, region).await {
        Ok((200..300, _listing)) => Answer::Listed,
        Ok((status, body)) => from_body(status, &body),
        Err(why) => Answer::Unreachable(why),
    }
}

/// The request itself. The signature is `object_store`'s; its client is not used because it retries, and
/// because its errors put times and request ids around what the server said.
async fn list_one(target: &StorageTarget, region: &str) -> Result<(u16, String), String> {
    let mut request = http::Request::get(url(target))
        .body(HttpRequestBody::empty())
        .map_err(|_| format!("{} is not an endpoint: it must be host:port", target.endpoint))?;
    if let Some(keys) = target.keys() {
        keys.check()?;
        let credential = AwsCredential {
            key_id: keys.access_key.expose().to_owned(),
            secret_key: keys.secret_key.expose().to_owned(),
            token: None,
        };
        AwsAuthorizer::new(&credential, "s3", region)
            .try_authorize(&mut request, None)
            .map_err(|e| fault::describe(&e))?;
    }
    target.send(target.use_ssl, &request).await
}

fn url(target: &StorageTarget) -> String {
    let scheme = if target.use_ssl { "https" } else { "http" };
    let bucket = match target.virtual_host {
        true => format!("{scheme}://{}.{}/", target.bucket, target.endpoint),
        false => format!("{scheme}://{}/{}", target.endpoint, target.bucket),
    };
    format!("{bucket}?list-type=2&max-keys=1")
}
