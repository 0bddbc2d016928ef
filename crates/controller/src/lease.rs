//! Which of several operators works: leader election on one Lease, the one that the Go operator uses, so that the two never work
//! at the same time either.
//!
//! Takes a client and who we are; gives a [`Leadership`] when it is our turn. The rules are client-go's:
//! * every write carries the `resourceVersion` that was read, so of two that want the Lease at the same moment one is refused;
//! * a Lease has run out when it was *seen* unchanged for its whole duration, by our own monotonic clock: clocks of
//!   two machines are never compared;
//! * who can't renew gives up a good while before anybody else may take over.
//!
//! `kube-lease-manager` does none of the three (it frees a Lease that has run out by a patch without a version, which can hit
//! the next holder; it compares clocks; it sees a release only when the old duration is over), so it is not used here.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, PostParams};
use kube::{Client, ResourceExt as _};
use milvus_api::keys::LEADER_LEASE as LEASE_NAME;
use snafu::{ResultExt as _, Snafu};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::ports::Clock;

mod held;

pub use held::Held;

/// Longest wait for one answer of the API server; well below the time in which a renewal must succeed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
/// Longest time that giving up the Lease may take: a pod has 10 s to end.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(3);

/// The periods of an election. The default is client-go's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long a Lease holds after its last renewal. Whole seconds, 1 at least.
    pub duration: Duration,
    /// A leader that has not renewed for so long has lost; shorter than `duration` by more than a request may take.
    pub renew_deadline: Duration,
    /// Between two renewals, and between two looks at somebody else's Lease.
    pub retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

/// Why a request about the Lease failed.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The API server refused, or could not be reached.
    #[snafu(display("can't {action} the Lease {LEASE_NAME}: {source}"))]
    Request {
        /// What was tried.
        action: &'static str,
        /// What the client says.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
    /// The API server did not answer.
    #[snafu(display("can't {action} the Lease {LEASE_NAME}: no answer in time"))]
    Silence {
        /// What was tried.
        action: &'static str,
    },
}

/// Why leadership ended without our doing.
#[derive(Debug, Snafu)]
pub enum Lost {
    /// Somebody else holds the Lease, or it was deleted.
    #[snafu(display("the Lease {LEASE_NAME} is held by {holder:?} now"))]
    Taken {
        /// Who; empty if nobody.
        holder: String,
    },
    /// It could not be renewed for so long that somebody else may soon take it.
    #[snafu(display("the Lease {LEASE_NAME} could not be renewed in time: {source}"))]
    NotRenewed {
        /// The last failure.
        source: Error,
    },
    /// The task that renews it is gone.
    #[snafu(display("the renewal of the Lease {LEASE_NAME} has ended"))]
    Ended,
}

/// Wants to lead.
pub struct Elector {
    api: Api<Lease>,
    identity: String,
    timing: Timing,
    clock: Clock,
}

/// Who this process is, in the Lease and in audit logs. `pod` is the pod's name; what is made of it is another one in each process, because
/// a container that was restarted must not take its predecessor's Lease for its own.
pub fn identity(pod: &str) -> String {
    let unique = RandomState::new().hash_one(std::process::id());
    format!("{pod}_{unique:016x}")
}

/// The Lease of somebody else as it was last seen.
struct Seen {
    version: String,
    since: Instant,
}

impl Elector {
    /// Takes part in the election in `namespace` under an [`identity`].
    pub fn new(client: Client, namespace: &str, identity: String, clock: Clock) -> Elector {
        Elector { api: Api::namespaced(client, namespace), identity, timing: Timing::default(), clock }
    }

    /// The same with other periods.
    #[must_use]
    pub fn with_timing(self, timing: Timing) -> Elector {
        Elector { timing, ..self }
    }

    /// Who we are in `spec.holderIdentity`.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Waits until we hold the Lease. Faults are logged and tried again for ever: a standby that can't reach the API server has nothing
    /// better to do.
    pub async fn wait_until_leader(self) -> Leadership {
        let mut seen = None;
        let mut last_fault = String::new();
        loop {
            let started = Instant::now();
            match self.try_to_lead(&mut seen).await {
                Ok(Some(lease)) => {
                    tracing::info!(identity = self.identity, "leading");
                    return Leadership::start(self, lease, started);
                }
                Ok(None) => last_fault.clear(),
                Err(error) => {
                    let fault = error.to_string();
                    if fault != last_fault {
                        tracing::warn!(%error, "will be tried again");
                        last_fault = fault;
                    }
                }
            }
            sleep(self.timing.retry).await;
        }
    }

    /// The Lease if it is ours now.
    async fn try_to_lead(&self, seen: &mut Option<Seen>) -> Result<Option<Lease>, Error> {
        let Some(mut lease) = answer("read", self.api.get_opt(LEASE_NAME)).await? else {
            let params = PostParams::default();
            return unless_overtaken(answer("create", self.api.create(&params, &self.first())).await);
        };
        let version = lease.resource_version().unwrap_or_default();
        let since = match seen {
            Some(seen) if seen.version == version => seen.since,
            _ => Instant::now(),
        };
        *seen = Some(Seen { version, since });
        let spec = lease.spec.get_or_insert_default();
        let held = spec.holder_identity.as_deref().is_some_and(|holder| !holder.is_empty());
        if held && since.elapsed() < duration_of(spec, self.timing) {
            return Ok(None);
        }
        let transitions = spec.lease_transitions.unwrap_or_default().saturating_add(1);
        *spec = self.spec(transitions);
        unless_overtaken(self.put("take", &lease).await)
    }

    fn first(&self) -> Lease {
        Lease {
            metadata: ObjectMeta { name: Some(LEASE_NAME.to_owned()), ..ObjectMeta::default() },
            spec: Some(self.spec(0)),
        }
    }

    fn spec(&self, transitions: i32) -> LeaseSpec {
        let now = MicroTime(self.clock.now());
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            acquire_time: Some(now.clone()),
            renew_time: Some(now),
            lease_duration_seconds: Some(i32::try_from(self.timing.duration.as_secs()).unwrap_or(i32::MAX)),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }

    /// Writes the Lease on top of the version that was read.
    async fn put(&self, action: &'static str, lease: &Lease) -> Result<Lease, Error> {
        answer(action, self.api.replace(LEASE_NAME, &PostParams::default(), lease)).await
    }

    fn holds(&self, lease: &Lease) -> bool {
        holder(lease) == self.identity
    }

    /// Renews our Lease. Somebody may have changed it meanwhile (a label, or our own request whose answer was lost): then the newer one is
    /// renewed, if it is still ours.
    async fn renew(&self, lease: &mut Lease) -> Result<(), Renewal> {
        lease.spec.get_or_insert_default().renew_time = Some(MicroTime(self.clock.now()));
        match self.put("renew", lease).await {
            Ok(renewed) => {
                *lease = renewed;
                Ok(())
            }
            Err(error) if is_overtaken(&error) => {
                let newest = answer("read", self.api.get_opt(LEASE_NAME)).await.map_err(Renewal::Failed)?;
                match newest {
                    Some(newest) if self.holds(&newest) => *lease = newest,
                    other => {
                        let holder = other.as_ref().map(holder).unwrap_or_default();
                        return Err(Renewal::Lost(Lost::Taken { holder }));
                    }
                }
                lease.spec.get_or_insert_default().renew_time = Some(MicroTime(self.clock.now()));
                *lease = self.put("renew", lease).await.map_err(Renewal::Failed)?;
                Ok(())
            }
            Err(error) => Err(Renewal::Failed(error)),
        }
    }

    /// Gives the Lease back, so that the next one need not wait for it to run out.
    async fn give_back(&self, mut lease: Lease) -> Result<(), Error> {
        let spec = lease.spec.get_or_insert_default();
        spec.holder_identity = None;
        spec.renew_time = Some(MicroTime(self.clock.now()));
        // What client-go writes; a Lease must have a duration.
        spec.lease_duration_seconds = Some(1);
        self.put("release", &lease).await.map(|_| ())
    }
}

/// What became of a renewal that did not succeed.
enum Renewal {
    /// Try again.
    Failed(Error),
    /// Don't.
    Lost(Lost),
}

/// We lead, until [`Self::lost`] says otherwise. Dropping it ends the renewals and lets the Lease run out; [`Self::release`] is quicker.
pub struct Leadership {
    elector: Arc<Elector>,
    held: Held,
    stop: oneshot::Sender<()>,
    renewals: Renewals,
}

/// Ends the task with its owner.
struct Renewals(JoinHandle<Result<Lease, Lost>>);

impl Drop for Renewals {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Leadership {
    fn start(elector: Elector, lease: Lease, asked: Instant) -> Leadership {
        let elector = Arc::new(elector);
        let held = Held::new(asked + elector.timing.duration);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(keep(elector.clone(), lease, held.clone(), asked, stopped));
        Leadership { elector, held, stop, renewals: Renewals(task) }
    }

    /// Until when it is certain.
    pub fn held(&self) -> Held {
        self.held.clone()
    }

    /// Completes when we lead no longer. Whoever leads must end the process then: a successor may start in
    /// [`Timing::duration`] minus [`Timing::renew_deadline`].
    pub async fn lost(&mut self) -> Lost {
        match (&mut self.renewals.0).await {
            Ok(Err(lost)) => lost,
            Ok(Ok(_)) | Err(_) => Lost::Ended,
        }
    }

    /// Gives the Lease back on a clean exit, after the last write. The next one leads within [`Timing::retry`].
    pub async fn release(mut self) -> Result<(), Error> {
        let giving_back = async {
            // The task may be gone already; then so is the Lease.
            if self.stop.send(()).is_err() {
                return Ok(());
            }
            match (&mut self.renewals.0).await {
                Ok(Ok(lease)) => {
                    self.held.set(Instant::now());
                    self.elector.give_back(lease).await
                }
                Ok(Err(_)) | Err(_) => Ok(()),
            }
        };
        timeout(RELEASE_TIMEOUT, giving_back).await.unwrap_or(SilenceSnafu { action: "release" }.fail())
    }
}

/// Renews until told to stop, which gives the Lease as it is, or until it is lost.
async fn keep(
    elector: Arc<Elector>,
    mut lease: Lease,
    held: Held,
    mut renewed: Instant,
    mut stopped: oneshot::Receiver<()>,
) -> Result<Lease, Lost> {
    let Timing { duration, renew_deadline, retry } = elector.timing;
    loop {
        tokio::select! {
            _ = &mut stopped => return Ok(lease),
            () = sleep(retry) => {}
        }
        let started = Instant::now();
        let left = (renewed + renew_deadline).saturating_duration_since(started);
        let answer = timeout(left, elector.renew(&mut lease)).await;
        match answer.unwrap_or(Err(Renewal::Failed(Error::Silence { action: "renew" }))) {
            Ok(()) => {
                renewed = started;
                held.set(renewed + duration);
            }
            Err(Renewal::Lost(lost)) => {
                held.set(started);
                return Err(lost);
            }
            Err(Renewal::Failed(source)) => {
                tracing::warn!(error = %source, "the lease is not renewed");
                if renewed.elapsed() + retry >= renew_deadline {
                    held.set(started);
                    return Err(Lost::NotRenewed { source });
                }
            }
        }
    }
}

fn holder(lease: &Lease) -> String {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.clone()).unwrap_or_default()
}

/// How long a Lease of somebody else holds: what its holder says, as its timing may not be ours.
fn duration_of(spec: &LeaseSpec, timing: Timing) -> Duration {
    let stated = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    stated.map_or(timing.duration, Duration::from_secs)
}

async fn answer<T>(
    action: &'static str,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Error> {
    match timeout(REQUEST_TIMEOUT, request).await {
        Ok(answer) => answer.context(RequestSnafu { action }),
        Err(_elapsed) => SilenceSnafu { action }.fail(),
    }
}

/// Whether somebody else was quicker: the version is not the newest, the object exists already, or it is gone.
fn is_overtaken(error: &Error) -> bool {
    matches!(error, Error::Request { source, .. }
        if matches!(&**source, kube::Error::Api(status) if matches!(status.code, 404 | 409)))
}

fn unless_overtaken(taken: Result<Lease, Error>) -> Result<Option<Lease>, Error> {
    match taken {
        Ok(lease) => Ok(Some(lease)),
        Err(error) if is_overtaken(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
