//! Plain HTTP to programs on the loopback interface: readiness probes and metrics.

use std::time::Duration;

use reqwest::{Client, Error, Method, StatusCode};
use snafu::{ResultExt, Snafu};

/// No program on the loopback interface needs longer for the small pages that this is for.
const DEADLINE: Duration = Duration::from_secs(10);

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// The body; bytes that are not UTF-8 are replaced.
    pub body: String,
}

/// A request without an answer.
#[derive(Debug, Snafu)]
#[snafu(display("{method} {url}: {source}"))]
pub struct RequestError {
    method: Method,
    url: String,
    source: Error,
}

/// GET of an `http://` address, within 10 s.
pub async fn get(url: &str) -> Result<Answer, RequestError> {
    send(Method::GET, url).await
}

/// Whether a GET is answered with 200.
pub async fn is_ok(url: &str) -> bool {
    get(url).await.is_ok_and(|answer| answer.status == StatusCode::OK)
}

/// A request without a body, within 10 s and past any proxy.
pub async fn send(method: Method, url: &str) -> Result<Answer, RequestError> {
    exchange(&method, url).await.context(RequestSnafu { method, url })
}

async fn exchange(method: &Method, url: &str) -> Result<Answer, Error> {
    install_crypto();
    let client = Client::builder().no_proxy().timeout(DEADLINE).build()?;
    let response = client.request(method.clone(), url).send().await?;
    Ok(Answer { status: response.status(), body: response.text().await? })
}

/// Makes ring the process's TLS provider, which clients ask for even for plain HTTP. One that was installed before is
/// as good.
pub(crate) fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
