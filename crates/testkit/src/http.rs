//! Plain HTTP to programs on the loopback interface: readiness probes and metrics.

use std::time::Duration;

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use snafu::Snafu;

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
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// GET of an `http://` address, within 10 s.
pub async fn get(url: &str) -> Result<Answer, RequestError> {
    send(Method::GET, url).await
}

/// Whether a GET is answered with 200.
pub async fn is_ok(url: &str) -> bool {
    get(url).await.is_ok_and(|answer| answer.status == StatusCode::OK)
}

/// A request without a body, within 10 s.
pub async fn send(method: Method, url: &str) -> Result<Answer, RequestError> {
    let answer = tokio::time::timeout(DEADLINE, exchange(method.clone(), url)).await;
    answer.unwrap_or_else(|late| Err(late.into())).map_err(|source| RequestError {
        method,
        url: url.to_owned(),
        source,
    })
}

async fn exchange(method: Method, url: &str) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<&[u8]>>();
    let request = Request::builder().method(method).uri(url).body(Empty::new())?;
    let response = client.request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
}
