//! A proxy between one client and the API server, which can stop the client's world at an exact write.
//!
//! The client gets a kubeconfig that points here and has no credentials; the proxy sends its requests on as the user of
//! an [`Access`]. Requests that ask for a change are counted. A trap lets the n-th of them happen and holds back its answer
//! and everything later, so that whoever then kills the client kills it exactly after that write.

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

/// The number of the write that is the last one, and whether it has happened; none: no write is.
#[derive(Debug, Default, Clone, Copy)]
struct Trap {
    /// Which trap it is.
    serial: usize,
    number: Option<usize>,
    sprung: bool,
}

#[derive(Clone)]
struct Shared {
    client: Client,
    writes: Arc<AtomicUsize>,
    trap: watch::Sender<Trap>,
}

/// A running proxy. It ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    kubeconfig: PathBuf,
    writes: Arc<AtomicUsize>,
    trap: watch::Sender<Trap>,
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
        let (writes, trap) = (Arc::default(), watch::Sender::new(Trap::default()));
        let shared = Shared { client, writes: Arc::clone(&writes), trap: trap.clone() };
        let router = Router::new().fallback(pass).with_state(shared);
        let server = tokio::spawn(async move {
            // It ends with the task; before that there is nobody to be told.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { kubeconfig, writes, trap, server, _scratch: scratch })
    }

    /// What the client is to use.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// How many requests for a change there were since the last [`Proxy::set_trap`] or [`Proxy::reset`].
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    /// Counts from 0 again, without a trap. What was held back goes on.
    pub fn reset(&self) {
        self.arm(None);
    }

    /// Counts from 0 again; the answer to the write of that number (from 1), and all later writes, are held back until
    /// the next call. What was held back before goes on.
    pub fn set_trap(&self, number: usize) {
        self.arm(Some(number));
    }

    fn arm(&self, number: Option<usize>) {
        self.writes.store(0, Ordering::SeqCst);
        self.trap.send_modify(|trap| *trap = Trap { serial: trap.serial + 1, number, sprung: false });
    }

    /// Waits until the write of the trap has happened; whether it has within the given time.
    pub async fn sprung(&self, within: Duration) -> bool {
        let mut trap = self.trap.subscribe();
        tokio::time::timeout(within, trap.wait_for(|trap| trap.sprung)).await.is_ok_and(|ended| ended.is_ok())
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
    let trap = *shared.trap.borrow();
    if trap.number.is_some_and(|last| number > last) {
        another(&shared, trap).await;
    }
    let answer = send_on(&shared.client, request).await;
    if trap.number == Some(number) {
        shared.trap.send_modify(|now| now.sprung |= now.serial == trap.serial);
        another(&shared, trap).await;
    }
    answer
}

/// Waits until the trap is another one.
async fn another(shared: &Shared, trap: Trap) {
    // The sender is in `shared`, so this ends in no other way.
    let _ = shared.trap.subscribe().wait_for(|now| now.serial != trap.serial).await;
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
