//! The HTTP servers: `/healthz` and `/readyz` for the kubelet, `/metrics` for Prometheus.
//!
//! Takes sockets that are bound already, so that an address in use ends the process with a clear message before it takes part
//! in anything.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use snafu::{ResultExt as _, Snafu};
use strum::IntoStaticStr;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::metrics::Metrics;

/// What `/metrics` is.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Why a server does not run.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The address can't be had.
    #[snafu(display("can't listen on {address} ({flag}): {source}"))]
    Bind {
        /// Which flag says so.
        flag: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The server ended.
    #[snafu(display("the HTTP server ended: {source}"))]
    Serve {
        /// What the system says.
        source: std::io::Error,
    },
}

/// What the operator is doing, as `/readyz` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Phase {
    /// It has just begun.
    #[default]
    Starting,
    /// Another one leads. It is ready: a standby that were not would hold up the rollout of the operator's own Deployment.
    Standby,
    /// It leads, and its watches have not listed everything yet.
    Syncing,
    /// It works.
    Working,
    /// It is about to end.
    Stopping,
}

impl Phase {
    /// Whether `/readyz` answers 200.
    pub fn is_ready(self) -> bool {
        matches!(self, Phase::Standby | Phase::Working)
    }
}

/// Binds `address`, which the user gave by `flag`. A machine without IPv6 has no `[::]`: it gets all IPv4 addresses instead.
pub async fn bind(flag: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    match TcpListener::bind(address).await {
        Err(error) if address.is_ipv6() && address.ip().is_unspecified() && no_ipv6(&error) => {
            let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
            TcpListener::bind(address).await.context(BindSnafu { flag, address })
        }
        bound => bound.context(BindSnafu { flag, address }),
    }
}

fn no_ipv6(error: &std::io::Error) -> bool {
    // An address family that the kernel does not have comes as `Uncategorized`, which has no name; a port in use has.
    !matches!(error.kind(), std::io::ErrorKind::AddrInUse | std::io::ErrorKind::PermissionDenied)
}

/// `/healthz` and `/readyz`.
pub fn health(phase: watch::Receiver<Phase>) -> Router {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(phase)
}

/// `/metrics`.
pub fn metrics(metrics: Metrics) -> Router {
    Router::new().route("/metrics", get(scrape)).with_state(metrics)
}

/// Serves until `stop` completes.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    axum::serve(listener, routes).with_graceful_shutdown(stop).await.context(ServeSnafu)
}

/// That the process answers is all that a restart could mend.
async fn healthz() -> &'static str {
    "ok"
}

async fn readyz(State(phase): State<watch::Receiver<Phase>>) -> (StatusCode, &'static str) {
    let phase = *phase.borrow();
    let status = if phase.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, phase.into())
}

async fn scrape(State(metrics): State<Metrics>) -> impl IntoResponse {
    match metrics.encode() {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, OPEN_METRICS)], text),
        Err(error) => {
            tracing::error!(%error, "the metrics can't be written");
            (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain")], String::new())
        }
    }
}
