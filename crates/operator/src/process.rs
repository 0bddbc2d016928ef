//! The process: binds its ports, waits for its turn to lead, runs the controllers, and ends cleanly.
//!
//! Takes the command line; gives an error that says why it can't go on. A lost lease ends the process at once: somebody else may be
//! about to lead, and a new process begins with nothing that could be out of date.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, future};
use kube::Client;
use milvus_cluster::connect;
use milvus_cluster::write::{Fence, Writer};
use milvus_controller::context::Parts;
use milvus_controller::lease::{self, Elector, Leadership, Lost};
use milvus_controller::run::{Settings, controllers};
use milvus_controller::{Clock, Context};
use milvus_probe::{Changes, Prober};
use milvus_state::manifests::Tool;
use snafu::{ResultExt as _, Snafu};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::args::Args;
use crate::http::{self, Phase};
use crate::metrics::{Lead, Metrics};
use crate::probing::{self, Probing};
use crate::requirements;

/// Image of the `config` init container when neither flag nor environment names one.
const TOOL_IMAGE: &str = concat!("milvus-operator:", env!("CARGO_PKG_VERSION"));
/// What the API server's audit log shows of our requests, before the name of the process.
const AGENT: &str = concat!("milvus-operator/", env!("CARGO_PKG_VERSION"));
/// Longest wait for the passes under way when the process is told to end; a pod has 10 s.
const DRAIN: Duration = Duration::from_secs(5);

/// Why the process ends.
#[derive(Debug, Snafu)]
pub enum Error {
    /// No client.
    #[snafu(display("{source}"))]
    Connect {
        /// Why.
        source: connect::Error,
    },
    /// The cluster is not one that it can work in.
    #[snafu(display("{source}"))]
    Requirements {
        /// What is missing.
        source: requirements::Error,
    },
    /// A port can't be had.
    #[snafu(display("{source}"))]
    Http {
        /// Which.
        source: http::Error,
    },
    /// Signals can't be waited for.
    #[snafu(display("can't wait for signals: {source}"))]
    Signals {
        /// What the system says.
        source: std::io::Error,
    },
    /// The controllers ended by themselves; a new process begins anew.
    #[snafu(display("the controllers have ended, which they never should"))]
    Ended,
    /// Somebody else may lead now.
    #[snafu(display("ends because it no longer leads: {source}"))]
    Deposed {
        /// Why.
        source: Lost,
    },
}

/// Runs the operator until it is told to end.
pub async fn run(args: Args) -> Result<(), Error> {
    for setting in args.unused(std::env::vars_os()) {
        tracing::warn!(setting, "this setting of the Go operator sets nothing here and is ignored");
    }
    let stop = stop_on_signal()?;
    let (phase, phases) = watch::channel(Phase::Starting);
    let metrics = Metrics::default();
    serve(&args, phases, &metrics, &stop).await?;
    let identity = lease::identity(&args.pod_name);
    let connect = async |rate| {
        let agent = format!("{AGENT} ({identity})");
        connect::client(&agent, args.kubeconfig.as_deref(), rate).await.context(ConnectSnafu)
    };
    let client = connect(None).await?;
    let Some(judged) = stop.run_until_cancelled(requirements::check(&client)).await else { return Ok(()) };
    judged.context(RequirementsSnafu)?;
    let Some(mut leadership) = lead(&args, &client, identity.clone(), &phase, &stop).await else {
        return Ok(());
    };
    metrics.leads(standing(leadership.as_ref()));
    // The Lease has the other client: what holds up the work never holds up the renewal.
    let client = match args.rate() {
        Some(rate) => connect(Some(rate)).await?,
        None => client,
    };
    phase.send_replace(Phase::Syncing);
    let (prober, changes) = Prober::new();
    let parts = Parts {
        writer: Writer::new(client.clone(), fence(leadership.as_ref())),
        client,
        clock: Clock::system(),
        dependencies: Arc::new(Probing::new(prober)),
        observer: Arc::new(metrics),
        tool: tool(&args),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instance: args.pod_name.clone(),
        secrets_period: args.secrets_period,
    };
    let halt = CancellationToken::new();
    let working = work(&args, Context::new(parts), changes, phase.clone(), halt.clone());
    tokio::pin!(working);
    tokio::select! {
        () = &mut working => return EndedSnafu.fail(),
        source = lost(&mut leadership) => return Err(Error::Deposed { source }),
        () = stop.cancelled() => {}
    }
    phase.send_replace(Phase::Stopping);
    halt.cancel();
    if tokio::time::timeout(DRAIN, working).await.is_err() {
        tracing::warn!("passes are still under way; the next operator takes them up");
    }
    if let Some(leadership) = leadership
        && let Err(error) = leadership.release().await
    {
        tracing::warn!(%error, "the lease runs out by itself");
    }
    tracing::info!("ended");
    Ok(())
}

/// Runs what is not stopped by the command line, until `halt`.
async fn work(
    args: &Args,
    ctx: Context,
    changes: Changes,
    phase: watch::Sender<Phase>,
    halt: CancellationToken,
) {
    if args.stop_reconcilers.milvus {
        tracing::warn!("nothing is done about any Milvus: --stop-reconcilers");
        phase.send_replace(Phase::Working);
        halt.cancelled().await;
        return;
    }
    let probed = changes.into_stream().filter_map(|key| future::ready(probing::owner(&key)));
    let settings = Settings {
        scopes: args.scopes(),
        concurrency: args.concurrent_reconcile,
        upgrades: !args.stop_reconcilers.upgrades,
        probed: probed.boxed(),
        working: Box::new(move || _ = phase.send_replace(Phase::Working)),
    };
    controllers(Arc::new(ctx), settings, halt).await;
}

fn standing(leadership: Option<&Leadership>) -> Lead {
    leadership.map_or(Lead::Alone, |leadership| Lead::Elected(leadership.held()))
}

fn tool(args: &Args) -> Tool {
    let image = args.tool_image.clone().filter(|image| !image.is_empty());
    Tool { image: image.unwrap_or_else(|| TOOL_IMAGE.to_owned()), pull_policy: "IfNotPresent".to_owned() }
}

/// A token that is cancelled by SIGTERM or SIGINT.
fn stop_on_signal() -> Result<CancellationToken, Error> {
    let mut terminate = signal(SignalKind::terminate()).context(SignalsSnafu)?;
    let mut interrupt = signal(SignalKind::interrupt()).context(SignalsSnafu)?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to end");
        told.cancel();
    });
    Ok(stop)
}

/// Binds the ports, so that one in use ends the process before it takes part in anything, and serves in the background.
async fn serve(
    args: &Args,
    phases: watch::Receiver<Phase>,
    metrics: &Metrics,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let servers = [
        ("--health-probe-bind-address", args.health_probe_bind_address, http::health(phases)),
        ("--metrics-bind-address", args.metrics_bind_address, http::metrics(metrics.clone())),
    ];
    for (flag, address, routes) in servers {
        let Some(address) = address.0 else { continue };
        let listener = http::bind(flag, address).await.context(HttpSnafu)?;
        let stop = stop.clone();
        tokio::spawn(async move {
            if let Err(error) = http::serve(listener, routes, stop.cancelled_owned()).await {
                tracing::error!(%error, flag, "no longer answers");
            }
        });
    }
    Ok(())
}

/// Waits until it is this process' turn. `None`: told to end before. `Some(None)`: nobody else is meant to run.
async fn lead(
    args: &Args,
    client: &Client,
    identity: String,
    phase: &watch::Sender<Phase>,
    stop: &CancellationToken,
) -> Option<Option<Leadership>> {
    if !args.leader_elect {
        return Some(None);
    }
    phase.send_replace(Phase::Standby);
    let elector = Elector::new(client.clone(), &args.namespace, identity, Clock::system());
    tokio::select! {
        leadership = elector.wait_until_leader() => Some(Some(leadership)),
        () = stop.cancelled() => None,
    }
}

fn fence(leadership: Option<&Leadership>) -> Fence {
    match leadership.map(Leadership::held) {
        Some(held) => Arc::new(move |request| held.outlives(request)),
        None => Arc::new(|_| true),
    }
}

async fn lost(leadership: &mut Option<Leadership>) -> Lost {
    match leadership {
        Some(leadership) => leadership.lost().await,
        None => std::future::pending().await,
    }
}
