//! Between the operator's client and the server: counts writes, and lets one of them go wrong.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use kube::client::Body;
use milvus_sim::server::{Actor, AnswerBody, BoxError, Failure, Lag, Service};
use tokio::sync::Notify;

/// Who the operator is in the log of the server.
pub const OPERATOR: &str = "operator";

/// What goes wrong at the n-th write (from 1), counted over all writes of all passes. Events are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The write happens; then the process dies.
    DiesAfter(usize),
    /// The API server refuses the write.
    Refused(usize),
}

/// What is shared with the test.
#[derive(Debug, Default)]
pub struct Shared {
    pub fault: Option<Fault>,
    pub refusal: String,
    pub writes: usize,
    pub objects: usize,
    pub statuses: usize,
    pub lag: Duration,
}

/// The seam of one operator.
#[derive(Clone)]
pub struct Gate {
    pub shared: Arc<Mutex<Shared>>,
    pub died: Arc<Notify>,
    pub server: Service,
}

impl Gate {
    /// Counts a write; what becomes of it.
    fn count(&self, request: &Request<Body>) -> Option<Fault> {
        let path = request.uri().path();
        let reads = *request.method() == Method::GET;
        if reads || path.contains("/events") || path.contains("/leases") {
            return None;
        }
        let mut shared = self.shared.lock().unwrap();
        shared.writes += 1;
        match path.ends_with("/status") {
            true => shared.statuses += 1,
            false => shared.objects += 1,
        }
        let number = shared.writes;
        shared.fault.filter(|fault| match fault {
            Fault::DiesAfter(n) | Fault::Refused(n) => *n == number,
        })
    }
}

impl tower::Service<Request<Body>> for Gate {
    type Response = Response<AnswerBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<AnswerBody>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.server.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let fault = self.count(&request);
        request.extensions_mut().insert(Actor(Arc::from(OPERATOR)));
        let query = request.uri().query().unwrap_or_default();
        if request.uri().path().contains("/deployments") && query.contains("watch=") {
            let lag = self.shared.lock().unwrap().lag;
            request.extensions_mut().insert(Lag::Time(lag));
        }
        let mut gate = self.clone();
        Box::pin(async move {
            if let Some(Fault::Refused(_)) = fault {
                let words = gate.shared.lock().unwrap().refusal.clone();
                let status = Failure::new(403, "Forbidden", words).status().to_string();
                let body = Full::new(Bytes::from(status)).map_err(|never| match never {});
                let answer = Response::builder().status(403).header("content-type", "application/json");
                return Ok(answer.body(body.boxed_unsync())?);
            }
            let answer = gate.server.call(request).await?;
            if let Some(Fault::DiesAfter(_)) = fault {
                gate.died.notify_one();
                std::future::pending::<()>().await;
            }
            Ok(answer)
        })
    }
}
