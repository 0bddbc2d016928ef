//! The seam: a `tower::Service` under the kube client.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use jiff::Timestamp;
use kube::client::Body;

use super::{kinds::Kind, store::Store};

/// Any error, as tower wants it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// Body of an answer; that of a watch goes on.
pub type AnswerBody = UnsyncBoxBody<Bytes, BoxError>;

/// Extension of a request: who makes it, for the log. Without it the field manager is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(pub Arc<str>);

/// Extension of a watch request: how far the view of this watch is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    /// The newest so many revisions are not shown until others follow them.
    Revisions(u64),
    /// A change is shown so long after it was made, by tokio's clock.
    Time(Duration),
}

/// Extension of a read with `resourceVersion=0`, or of a watch that starts with it: it is answered from a cache that
/// has seen the revisions up to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View(pub u64);

/// A simulated API server. Clones share everything.
#[derive(Debug, Clone)]
pub struct ApiServer {
    store: Arc<Mutex<Store>>,
}

impl ApiServer {
    /// A server that has just been installed, at a time.
    pub fn new(start: Timestamp) -> ApiServer {
        ApiServer { store: Arc::new(Mutex::new(Store::new(start))) }
    }

    /// A connection to it, for `kube::Client::new`.
    pub fn service(&self) -> Service {
        Service { server: self.clone() }
    }

    /// Access from inside the process, for controllers, users and tests. Watches see what `f` has changed.
    pub fn with<R>(&self, f: impl FnOnce(&mut Store) -> R) -> R {
        f(&mut self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the open watches of a kind, or all: with a clean end of the stream, or as a connection that breaks.
    pub fn close_watches(&self, kind: Option<Kind>, broken: bool) {
        let _ = (kind, broken);
    }
}

/// A connection to an [`ApiServer`].
#[derive(Debug, Clone)]
pub struct Service {
    server: ApiServer,
}

impl tower::Service<Request<Body>> for Service {
    type Response = Response<AnswerBody>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let server = self.server.clone();
        Box::pin(async move {
            let failure =
                server.with(|store| store.not_known(format!("{} {}", request.method(), request.uri())));
            let body = Full::new(Bytes::from(failure.status().to_string())).map_err(|never| match never {});
            let answer = Response::builder().status(failure.code).body(body.boxed_unsync())?;
            Ok(answer)
        })
    }
}
