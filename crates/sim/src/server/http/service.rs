//! The seam: a `tower::Service` under the kube client.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use jiff::Timestamp;
use kube::client::Body;
use serde_json::Value;

use super::{
    handle::{Answer, handle},
    watch::Watch,
};
use crate::server::{kinds::Kind, store::Store};

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

/// Extension of a read with `resourceVersion=0`, or of a watch that starts with it: it is answered from a
/// cache that has seen the revisions up to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View(pub u64);

/// How open watches end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Closing {
    #[default]
    Clean,
    Broken,
}

/// What the connections and the watches share.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
    /// How often the watches of a kind were ended, and how the last time.
    closings: BTreeMap<Kind, (u64, Closing)>,
}

#[derive(Debug)]
pub(super) struct Shared {
    store: Mutex<Store>,
    waiting: Mutex<Waiting>,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn next_id(&self) -> u64 {
        let mut waiting = self.waiting();
        waiting.next += 1;
        waiting.next
    }

    pub(super) fn closings_of(&self, kind: Kind) -> (u64, Closing) {
        self.waiting().closings.get(&kind).copied().unwrap_or_default()
    }

    /// Wakes a watch when something has changed.
    pub(super) fn wake_later(&self, id: u64, waker: &Waker) {
        self.waiting().wakers.insert(id, waker.clone());
    }

    pub(super) fn forget(&self, id: u64) {
        self.waiting().wakers.remove(&id);
    }

    /// Wakes all watches, in the order in which they were opened.
    fn wake(&self) {
        let wakers = std::mem::take(&mut self.waiting().wakers);
        wakers.into_values().for_each(Waker::wake);
    }
}

/// A simulated API server. Clones share everything.
#[derive(Debug, Clone)]
pub struct ApiServer {
    shared: Arc<Shared>,
}

impl ApiServer {
    /// A server that has just been installed, at a time.
    pub fn new(start: Timestamp) -> ApiServer {
        let shared = Shared { store: Mutex::new(Store::new(start)), waiting: Mutex::default() };
        ApiServer { shared: Arc::new(shared) }
    }

    /// A connection to it, for `kube::Client::new`.
    pub fn service(&self) -> Service {
        Service { server: self.clone() }
    }

    /// Access from inside the process, for controllers, users and tests. Watches see what `f` has changed.
    pub fn with<R>(&self, f: impl FnOnce(&mut Store) -> R) -> R {
        let mut store = self.shared.lock();
        let before = (store.revision(), store.present.clone());
        let result = f(&mut store);
        let changed = (store.revision(), store.present.clone()) != before;
        drop(store);
        if changed {
            self.shared.wake();
        }
        result
    }

    /// Ends the open watches of a kind, or all: with a clean end of the stream, or as a connection that
    /// breaks.
    pub fn close_watches(&self, kind: Option<Kind>, broken: bool) {
        let how = if broken { Closing::Broken } else { Closing::Clean };
        let mut waiting = self.shared.waiting();
        for kind in Kind::ALL.into_iter().filter(|of| kind.is_none_or(|kind| kind == *of)) {
            let (times, last) = waiting.closings.entry(kind).or_default();
            (*times, *last) = (*times + 1, how);
        }
        drop(waiting);
        self.shared.wake();
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
