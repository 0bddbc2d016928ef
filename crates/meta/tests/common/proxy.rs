//! A proxy between the binary and etcd that fails one request, loses one answer, or holds one until the
//! binary is dead.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http_body_util::{BodyExt, Empty, combinators::BoxBody};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http2::SendRequest,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

/// What happens to the chosen request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It never reaches etcd, and the caller is told so.
    Fail,
    /// etcd does it, and the caller is told that it failed.
    LoseReply,
    /// It does not reach etcd until it is released: the test kills the caller, or does something meanwhile.
    HoldBefore,
    /// etcd does it, and the caller hears nothing: the test kills it.
    HoldAfter,
}

/// Which requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Those that may change something.
    Writes,
    /// All of them.
    All,
}

impl Counted {
    fn counts(self, path: &str) -> bool {
        let reads = ["/Range", "/Status", "/LeaseKeepAlive", "/Authenticate"];
        self == Self::All || !reads.iter().any(|read| path.ends_with(read))
    }
}

struct Plan {
    fault: Fault,
    counted: Counted,
    nth: usize,
    seen: AtomicUsize,
    hit: Notify,
    go: Notify,
}

/// A proxy for one call of the binary.
pub struct Proxy {
    pub address: String,
    plan: Arc<Plan>,
    task: JoinHandle<()>,
}

type Body = BoxBody<Bytes, hyper::Error>;

impl Proxy {
    /// Does `fault` to the `nth` counted request, from 1 on.
    pub async fn start(upstream: String, fault: Fault, counted: Counted, nth: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let plan = Arc::new(Plan {
            fault,
            counted,
            nth,
            seen: AtomicUsize::new(0),
            hit: Notify::new(),
            go: Notify::new(),
        });
        let task = tokio::spawn(accept(listener, upstream, Arc::clone(&plan)));
        Self { address, plan, task }
    }

    /// Returns when the chosen request is held.
    pub async fn held(&self) {
        self.plan.hit.notified().await;
    }

    /// Lets the held request go on its way.
    pub fn release(&self) {
        self.plan.go.notify_one();
    }

    /// Whether the chosen request was there at all.
    pub fn was_hit(&self) -> bool {
        self.plan.seen.load(Ordering::SeqCst) >= self.plan.nth
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, upstream: String, plan: Arc<Plan>) {
    loop {
        let (caller, _) = listener.accept().await.unwrap();
        let Ok(server) = TcpStream::connect(&upstream).await else { continue };
        let plan = Arc::clone(&plan);
        tokio::spawn(async move {
            let (sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(server))
                    .await
                    .unwrap();
            tokio::spawn(connection);
            let service = service_fn(move |request| pass(request, sender.clone(), Arc::clone(&plan)));
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(caller), service).await;
        });
    }
}

async fn pass(
    request: Request<Incoming>,
    mut sender: SendRequest<Incoming>,
    plan: Arc<Plan>,
) -> Result<Response<Body>, hyper::Error> {
    let counted = plan.counted.counts(request.uri().path());
    let chosen = counted && plan.seen.fetch_add(1, Ordering::SeqCst) + 1 == plan.nth;
    if !chosen {
        return Ok(sender.send_request(request).await?.map(BodyExt::boxed));
    }
    let stream = request.uri().path().ends_with("/LeaseKeepAlive");
    if matches!(plan.fault, Fault::LoseReply | Fault::HoldAfter) && !stream {
        let answer = sender.send_request(request).await?;
        answer.into_body().collect().await?;
        if plan.fault == Fault::HoldAfter {
            plan.hit.notify_one();
            std::future::pending::<()>().await;
        }
    } else if plan.fault == Fault::HoldBefore {
        plan.hit.notify_one();
        plan.go.notified().await;
        return Ok(sender.send_request(request).await?.map(BodyExt::boxed));
    }
    let failed = Response::builder()
        .header("content-type", "application/grpc")
        .header("grpc-status", "14")
        .header("grpc-message", "injected by the test")
        .body(Empty::new().map_err(|never| match never {}).boxed());
    Ok(failed.unwrap())
}
