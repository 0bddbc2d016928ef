//! A proxy between one client and the API server, which can stop the client's world at an exact write.
//!
//! The client gets a kubeconfig that points here and has no credentials; the proxy sends its requests on as the user of
//! an [`Access`]. Requests that ask for a change are counted. A [`Trap`] lets the n-th of them happen and holds back its answer
//! for ever, so that whoever then kills the client kills it exactly after that write.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::Response,
};
use http::{HeaderName, Method, Request, StatusCode, header};
use kube::{
    Client,
    config::{Cluster, Context, Kubeconfig, NamedCluster, NamedContext},
};
use snafu::{ResultExt, Snafu};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    access::{self, Access},
    scratch::{self, FileError, Scratch},
};

/// Headers that are about a connection and not about a message, or that the onward client sets itself.
const NOT_SENT_ON: [HeaderName; 6] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::ACCEPT_ENCODING,
    header::AUTHORIZATION,
];
/// The largest body of a request; no object of Kubernetes is larger.
const LARGEST_BODY: usize = 4 << 20;

/// Why there is no proxy.
#[derive(Debug, Snafu)]
pub enum Error {
    /// There is no way in for it.
    #[snafu(display("{source}"))]
    Enter {
        /// Why.
        source: access::Error,
    },
    /// It can't listen.
    #[snafu(display("the proxy cannot listen: {source}"))]
    Listen {
        /// What the system said.
        source: std::io::Error,
    },
    /// The kubeconfig can't be written.
    #[snafu(display("{source}"))]
    Files {
        /// Why.
        source: FileError,
    },
}

/// Which write is the last one: 0 for none, else the number since [`Proxy::set_trap`].
type Trap = Arc<AtomicUsize>;

#[derive(Clone)]
struct Shared {
    client: Client,
    writes: Arc<AtomicUsize>,
    trap: Trap,
    sprung: watch::Sender<bool>,
}

/// A running proxy. It ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    kubeconfig: PathBuf,
    writes: Arc<AtomicUsize>,
    trap: Trap,
    sprung: watch::Sender<bool>,
    server: JoinHandle<()>,
    _scratch: Scratch,
}

impl Proxy {
    /// Starts one on a free port of the loopback interface. It lives in the tokio runtime that this is called in.
    pub async fn start(access: &Access) -> Result<Self, Error> {
        let client = access.client().context(EnterSnafu)?;
        let listener = TcpListener::bind("127.0.0.1:0").await.context(ListenSnafu)?;
        let address = listener.local_addr().context(ListenSnafu)?;
        let scratch = Scratch::new("proxy").await.context(FilesSnafu)?;
        let kubeconfig = scratch.path().join("kubeconfig");
        scratch::write_json(&kubeconfig, &entry(&format!("http://{address}"))).context(FilesSnafu)?;
        let (writes, trap, sprung) = (Arc::default(), Trap::default(), watch::Sender::new(false));
        let shared =
            Shared { client, writes: Arc::clone(&writes), trap: trap.clone(), sprung: sprung.clone() };
        let router = Router::new().fallback(pass).with_state(shared);
        let server = tokio::spawn(async move {
            // It ends with the task; before that there is nobody to be told.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { kubeconfig, writes, trap, sprung, server, _scratch: scratch })
    }

    /// What the client is to use.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// How many requests for a change were sent on since the last [`Proxy::set_trap`] or [`Proxy::reset`].
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    /// Counts from 0 again, without a trap.
    pub fn reset(&self) {
        self.set_trap(0);
    }

    /// Counts from 0 again; the answer to the write of that number, and to all later requests for a change, is held back.
    pub fn set_trap(&self, number: usize) {
        self.sprung.send_replace(false);
        self.writes.store(0, Ordering::SeqCst);
        self.trap.store(number, Ordering::SeqCst);
    }

    /// Waits until the write of the trap has happened; whether it has within the given time.
    pub async fn sprung(&self, within: Duration) -> bool {
        let mut sprung = self.sprung.subscribe();
        tokio::time::timeout(within, sprung.wait_for(|sprung| *sprung)).await.is_ok_and(|ended| ended.is_ok())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(shared): State<Shared>, request: Request<Body>) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return send_on(&shared.client, request).await;
    }
    let number = shared.writes.fetch_add(1, Ordering::SeqCst) + 1;
    let trap = shared.trap.load(Ordering::SeqCst);
    if trap != 0 && number > trap {
        return std::future::pending().await;
    }
    let answer = send_on(&shared.client, request).await;
    if number == trap {
        shared.sprung.send_replace(true);
        return std::future::pending().await;
    }
    answer
}

async fn send_on(client: &Client, request: Request<Body>) -> Response {
    match exchange(client, request).await {
        Ok(answer) => answer,
        Err(why) => {
            let mut answer = Response::new(Body::from(why));
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
            answer
        }
    }
}

async fn exchange(client: &Client, request: Request<Body>) -> Result<Response, String> {
    let (mut head, body) = request.into_parts();
    for name in NOT_SENT_ON {
        head.headers.remove(name);
    }
    let body: Bytes = axum::body::to_bytes(body, LARGEST_BODY).await.map_err(|error| error.to_string())?;
    let onward = Request::from_parts(head, kube::client::Body::from(body.to_vec()));
    let (mut head, body) = client.send(onward).await.map_err(|error| error.to_string())?.into_parts();
    for name in NOT_SENT_ON {
        head.headers.remove(name);
    }
    Ok(Response::from_parts(head, Body::new(body)))
}

/// A kubeconfig with one address and nothing else.
fn entry(server: &str) -> Kubeconfig {
    let name = "proxy".to_owned();
    let cluster = Cluster { server: Some(server.to_owned()), ..Cluster::default() };
    let context = Context { cluster: name.clone(), ..Context::default() };
    Kubeconfig {
        api_version: Some("v1".to_owned()),
        kind: Some("Config".to_owned()),
        clusters: vec![NamedCluster {
            name: name.clone(),
            cluster: Some(cluster),
            ..NamedCluster::default()
        }],
        contexts: vec![NamedContext {
            name: name.clone(),
            context: Some(context),
            ..NamedContext::default()
        }],
        current_context: Some(name),
        ..Kubeconfig::default()
    }
}
