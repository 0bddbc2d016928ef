//! The question in the words of Azure Blob Storage: `List Blobs` of one blob.

use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential};
use object_store::client::HttpRequestBody;

use super::StorageTarget;
use super::answer::{Answer, from_body};
use crate::fault;

/// Where Milvus finds an account.
pub(super) fn base(account: &str, endpoint: &str) -> String {
    format!("https://{account}.blob.{endpoint}")
}

/// Asks at `base`, which is [`base`] but for the tests.
pub(super) async fn ask(target: &StorageTarget, base: &str, account: &str) -> Answer {
    match list_one(target, base, account).await {
        Ok((200..300, _listing)) => Answer::Listed,
        Ok((status, body)) => from_body(status, &body),
        Err(why) => Answer::Unreachable(why),
    }
}

async fn list_one(target: &StorageTarget, base: &str, account: &str) -> Result<(u16, String), String> {
    if account.is_empty() {
        return Err(
            "the name of the Azure account is not known: it is `accesskey` in the storage Secret, or \
                    config.minio.accessKeyID"
                .into(),
        );
    }
    let url = format!("{base}/{}?restype=container&comp=list&maxresults=1", target.bucket);
    let mut request = http::Request::get(url).body(HttpRequestBody::empty()).map_err(|_| {
        format!("{} is not an endpoint: it must be host:port, such as core.windows.net:443", target.endpoint)
    })?;
    if let Some(keys) = target.keys() {
        keys.check()?;
        let key = AzureAccessKey::try_new(keys.secret_key.expose()).map_err(|_| {
            "secretkey in the storage Secret is not a key of an Azure account: those are base64".to_owned()
        })?;
        AzureAuthorizer::new(&AzureCredential::AccessKey(key), account)
            .try_authorize(&mut request)
            .map_err(|e| fault::describe(&e))?;
    }
    target.send(base.starts_with("https:"), &request).await
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::RawQuery;
    use http::{HeaderMap, StatusCode};

    use super::super::{StorageAccess, StorageKeys, StorageKind, judge};
    use super::*;
    use crate::outcome::{Outcome, Reason};
    use crate::tls::Trust;

    /// base64 of `key`.
    const KEY: &str = "a2V5";

    fn target(access: StorageAccess) -> StorageTarget {
        StorageTarget {
            kind: StorageKind::Azure { account: "acct".into() },
            endpoint: "core.windows.net:443".into(),
            bucket: "box".into(),
            access,
            use_ssl: true,
            trust: Trust::System,
            virtual_host: false,
            region: None,
        }
    }

    fn with_keys(secret: &str) -> StorageTarget {
        target(StorageAccess::Keys(StorageKeys { access_key: "acct".into(), secret_key: secret.into() }))
    }

    fn stranger() -> StorageTarget {
        target(StorageAccess::Stranger("not checked".into()))
    }

    /// What Azure answers, by its documentation: to the right signature a listing, to a stranger nothing, and
    /// about another container that it is missing.
    async fn azure(headers: HeaderMap, uri: http::Uri, RawQuery(query): RawQuery) -> (StatusCode, String) {
        let error = |code: &str, text: &str| {
            format!(
                "\u{feff}<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{text}\nRequestId:17\nTime:2026</Message></Error>"
            )
        };
        assert_eq!(query.as_deref(), Some("restype=container&comp=list&maxresults=1"));
        let login = headers.get("authorization").and_then(|v| v.to_str().ok());
        match (login, uri.path()) {
            (None, _) => {
                (StatusCode::NOT_FOUND, error("ResourceNotFound", "The specified resource does not exist."))
            }
            (Some(login), "/box") if login.starts_with("SharedKey acct:") => {
                (StatusCode::OK, "<list/>".into())
            }
            (Some(_), "/wrong") => (StatusCode::FORBIDDEN, error("AuthenticationFailed", "Server failed.")),
            (Some(_), _) => {
                (StatusCode::NOT_FOUND, error("ContainerNotFound", "The specified container does not exist."))
            }
        }
    }

    async fn asked(target: &StorageTarget) -> Outcome {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, Router::new().fallback(azure)).await });
        let answer = ask(target, &base, "acct").await;
        server.abort();
        judge(target, answer)
    }

    #[tokio::test]
    async fn a_container_that_can_be_listed_is_ready_and_a_missing_one_is_its_own_finding() {
        assert_eq!(asked(&with_keys(KEY)).await, Outcome::ready(Reason::StorageReady, ""));
        let mut missing = with_keys(KEY);
        missing.bucket = "other".into();
        assert_eq!(asked(&missing).await.reason, Reason::BucketMissing);
    }

    #[tokio::test]
    async fn refusals_are_in_azures_words_without_what_differs_each_time() {
        let mut wrong = with_keys(KEY);
        wrong.bucket = "wrong".into();
        let expected = "AuthenticationFailed: Server failed.";
        assert_eq!(asked(&wrong).await, Outcome::not_ready(Reason::ClientError, expected));
        let no_base64 = asked(&with_keys("canary!")).await;
        assert!(
            no_base64.message.contains("base64") && !no_base64.message.contains("canary"),
            "{no_base64:?}"
        );
    }

    #[tokio::test]
    async fn to_a_stranger_an_answer_is_all_there_is() {
        assert_eq!(asked(&stranger()).await, Outcome::ready(Reason::StorageReady, "not checked"));
    }

    #[test]
    fn the_account_is_part_of_the_host_name() {
        assert_eq!(base("acct", "core.windows.net:443"), "https://acct.blob.core.windows.net:443");
    }
}
