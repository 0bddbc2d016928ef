//! A scripted API server: it answers requests in the order of its script, and fails the test at one that the script
//! does not have. Above it are the production client and the retries that kube puts into every client of a cluster.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use kube::Client;
use kube::client::Body;
use kube::client::retry::RetryPolicy;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::retry::RetryLayer;
use tower::{BoxError, Layer as _};

/// What the server does with a request.
pub enum Answer {
    /// A code and a body.
    Json(u16, Value),
    /// As `Json`, with `Retry-After`, in seconds.
    Busy(u16, u64),
    /// A body that is no JSON.
    Text(u16, &'static str),
    /// The lines of a watch, and then its end.
    Ends(Vec<Value>),
    /// The lines of a watch that stays open.
    Stays(Vec<Value>),
    /// No answer at all.
    Silent,
    /// The connection fails.
    Broken,
}

/// A request as it arrived.
#[derive(Debug)]
pub struct Call {
    pub at: Instant,
    pub method: String,
    pub path: String,
    /// `key=value`, decoded.
    pub query: Vec<String>,
    pub content_type: String,
    pub body: Value,
}

#[derive(Default)]
struct State {
    script: VecDeque<(&'static str, Answer)>,
    calls: Vec<Call>,
}

/// The server.
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<State>>);

impl Script {
    /// A server that knows nothing yet.
    pub fn new() -> Script {
        Script::default()
    }

    /// The next request and its answer. `METHOD /path part …`: each part must be in the query.
    #[must_use]
    pub fn on(self, request: &'static str, answer: Answer) -> Script {
        self.0.lock().unwrap().script.push_back((request, answer));
        self
    }

    /// The client of a process in a cluster.
    pub fn client(&self) -> Client {
        let config = kube::Config::new("http://script".parse().unwrap());
        assert!(config.default_retry, "the client of a cluster retries what a server is too busy for");
        Client::new(RetryLayer::new(RetryPolicy::server_retry()).layer(self.clone()), "default")
    }

    /// What was asked. The script must be used up.
    pub fn done(&self) -> Vec<Call> {
        let mut state = self.0.lock().unwrap();
        let left: Vec<&str> = state.script.iter().map(|(request, _)| *request).collect();
        assert!(left.is_empty(), "never asked: {left:?}\nasked: {:#?}", state.calls);
        std::mem::take(&mut state.calls)
    }

    fn answer(&self, call: Call) -> Answer {
        let mut state = self.0.lock().unwrap();
        let (expected, answer) = state
            .script
            .pop_front()
            .unwrap_or_else(|| panic!("the script is at its end, but: {call:#?}\nafter {:#?}", state.calls));
        let mut parts = expected.split(' ');
        let request = (parts.next().unwrap(), parts.next().unwrap());
        let found = parts.all(|part| call.query.iter().any(|pair| pair == part));
        assert!((&*call.method, &*call.path) == request && found, "expected {expected}, but: {call:#?}");
        state.calls.push(call);
        answer
    }
}

/// Time between two requests.
pub fn pause(calls: &[Call], first: usize) -> Duration {
    calls[first + 1].at - calls[first].at
}

/// How the API server says that something went wrong.
pub fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "code": code, "reason": reason, "message": message})
}

/// A refused request.
pub fn failed(code: u16, reason: &str) -> Answer {
    Answer::Json(code, status(code, reason, &format!("the server says {reason}")))
}

type AnswerBody = UnsyncBoxBody<Bytes, BoxError>;

impl tower::Service<Request<Body>> for Script {
    type Response = Response<AnswerBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<AnswerBody>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let script = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let header = head.headers.get(http::header::CONTENT_TYPE);
            let call = Call {
                at: Instant::now(),
                method: head.method.to_string(),
                path: head.uri.path().to_owned(),
                query: decoded(head.uri.query().unwrap_or_default()),
                content_type: header.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default(),
                body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            };
            respond(script.answer(call)).await
        })
    }
}

fn decoded(query: &str) -> Vec<String> {
    form_urlencoded::parse(query.as_bytes()).map(|(key, value)| format!("{key}={value}")).collect()
}

async fn respond(answer: Answer) -> Result<Response<AnswerBody>, BoxError> {
    let full = |text: String| {
        Full::new(Bytes::from(text)).map_err(|error: Infallible| match error {}).boxed_unsync()
    };
    let builder = Response::builder();
    let lines = |lines: Vec<Value>| {
        let frame = |line: Value| Ok::<_, BoxError>(Frame::data(Bytes::from(format!("{line}\n"))));
        stream::iter(lines.into_iter().map(frame).collect::<Vec<_>>())
    };
    Ok(match answer {
        Answer::Json(code, body) => builder.status(code).body(full(body.to_string()))?,
        Answer::Text(code, body) => builder.status(code).body(full(body.to_owned()))?,
        Answer::Busy(code, seconds) => {
            let body = status(code, "TooManyRequests", "try again later");
            builder.status(code).header("Retry-After", seconds).body(full(body.to_string()))?
        }
        Answer::Ends(events) => builder.body(StreamBody::new(lines(events)).boxed_unsync())?,
        Answer::Stays(events) => {
            builder.body(StreamBody::new(lines(events).chain(stream::pending())).boxed_unsync())?
        }
        Answer::Silent => std::future::pending().await,
        Answer::Broken => return Err("connection refused".into()),
    })
}
