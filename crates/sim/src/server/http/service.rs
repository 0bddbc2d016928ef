//! The seam: a `tower::Service` under the kube client.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody};
use jiff::Timestamp;
use kube::client::Body;
use serde_json::Value;

use super::{
    connection::{AnswerBody, BoxError, Closing, Shared},
    handle::{Answer, handle},
    watch::Watch,
};
use crate::server::{kinds::Kind, store::Store};

/// A simulated API server. Clones share everything.
#[derive(Debug, Clone)]
pub struct ApiServer {
    shared: Arc<Shared>,
}

impl ApiServer {
    /// A server that has just been installed, at a time.
    pub fn new(start: Timestamp) -> ApiServer {
        ApiServer::with_store(Store::new(start))
    }

    /// A server that goes on with what another has stored.
    pub fn with_store(store: Store) -> ApiServer {
        ApiServer { shared: Arc::new(Shared::new(store)) }
    }

    /// A connection to it, for `kube::Client::new`.
    pub fn service(&self) -> Service {
        Service { server: self.clone() }
    }

    /// Access from inside the process, for controllers, users and tests. Watches see what `f` has changed.
    pub fn with<R>(&self, f: impl FnOnce(&mut Store) -> R) -> R {
        let mut store = self.shared.lock();
        let before = (store.revision(), store.kinds());
        let result = f(&mut store);
        let changed = (store.revision(), store.kinds()) != before;
        drop(store);
        if changed {
            self.shared.wake();
        }
        result
    }

    /// Ends the open watches of a kind, or all: with a clean end of the stream, or as a connection that
    /// breaks.
    pub fn close_watches(&self, kind: Option<Kind>, broken: bool) {
        self.shared.close(kind, if broken { Closing::Broken } else { Closing::Clean });
    }

    fn answer(&self, request: &http::request::Parts, body: &[u8]) -> Result<Response<AnswerBody>, BoxError> {
        match self.with(|store| handle(store, request, body)) {
            Ok(Answer::Json(code, value)) => json(code, &value),
            Ok(Answer::Watch(start)) => {
                let body = StreamBody::new(Watch::open(&self.shared, start));
                Ok(Response::builder()
                    .header("content-type", "application/json")
                    .body(body.boxed_unsync())?)
            }
            Err(failure) => json(failure.code, &failure.status()),
        }
    }
}

fn json(code: u16, value: &Value) -> Result<Response<AnswerBody>, BoxError> {
    let body = Full::new(Bytes::from(value.to_string())).map_err(|never| match never {}).boxed_unsync();
    Ok(Response::builder().status(code).header("content-type", "application/json").body(body)?)
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
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await?;
            server.answer(&parts, &body)
        })
    }
}
