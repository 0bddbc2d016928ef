//! What a run consists of.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::chance::Chance;
use super::clock::Clock;
use super::fault::Fault;
use super::invariants::{State, Watcher};
use super::life::Process;
use super::operation::Operation;
use super::options::{Options, Settled};
use super::trace::Trace;
use crate::cluster::{Behaviour, Cluster, Controller, Round};
use crate::server::{ApiServer, Event, Store};

/// The API server, the cluster, the clients and the clock of one run. Clones are the same world.
#[derive(Clone)]
pub struct World {
    inner: Arc<Inner>,
}

struct Inner {
    server: ApiServer,
    clock: Clock,
    cluster: Mutex<Cluster>,
    chance: Mutex<Chance>,
    watcher: Mutex<Watcher>,
    trace: Mutex<Trace>,
    processes: Mutex<BTreeMap<String, Process>>,
    revision: watch::Sender<u64>,
    violation: watch::Sender<Option<String>>,
    options: Options,
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic of a check or of an operator is caught and reported; what it held is only read after it.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(super) fn new(options: Options) -> World {
        let chance = Chance::new(options.plan.seed, &options.plan.faults, options.odds);
        let (server, start, cluster) = if let Some(settled) = options.after.as_deref() {
            let Settled { store, cluster, now } = settled;
            (ApiServer::with_store(store.carried_over()), *now, cluster.clone())
        } else {
            let cluster = Cluster::new(options.behaviour.clone());
            (ApiServer::new(options.start), options.start, cluster)
        };
        let inner = Inner {
            server,
            clock: Clock::new(start),
            cluster: Mutex::new(cluster),
            chance: Mutex::new(chance),
            watcher: Mutex::default(),
            trace: Mutex::default(),
            processes: Mutex::default(),
            revision: watch::Sender::new(0),
            violation: watch::Sender::new(None),
            options,
        };
        World { inner: Arc::new(inner) }
    }

    /// The cluster as it is, for runs that go on from here.
    pub fn settled(&self) -> Settled {
        let cluster = lock(&self.inner.cluster).clone();
        Settled { store: self.with(|store| store.clone()), cluster, now: self.inner.clock.now() }
    }

    /// What this run was asked for.
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// The server. What is changed through it directly is only checked when something else happens: see
    /// [`World::with`].
    pub fn server(&self) -> &ApiServer {
        &self.inner.server
    }

    /// The right time.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Reads or writes the store; what was written is checked and seen by the controllers.
    pub fn with<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T {
        let now = self.inner.clock.now();
        let result = self.inner.server.with(|store| {
            store.set_now(now);
            work(store)
        });
        self.observe();
        result
    }

    /// Changes how pods behave, from now on.
    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut lock(&self.inner.cluster).behaviour);
        // The controllers look again, as if something had been written.
        self.inner.revision.send_modify(|_| ());
    }

    /// Demands something of every state that follows. The first that does not hold ends the run.
    pub fn demand(
        &self,
        name: &str,
        check: impl FnMut(&State, &Event) -> Result<(), String> + Send + 'static,
    ) {
        lock(&self.inner.watcher).demand(name, Box::new(check));
    }

    /// Faults end here: what follows shows what has become of it.
    pub fn calm(&self) {
        self.tell("calm".to_owned());
        self.chance().calm();
    }

    /// Adds a line to the trace.
    pub fn tell(&self, line: String) {
        lock(&self.inner.trace).push(self.inner.clock.elapsed(), line);
    }

    /// Ends the run as one in which something is wrong.
    pub fn violate(&self, why: &str) {
        self.inner.violation.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                self.tell(format!("VIOLATION {why}"));
                *known = Some(why.to_owned());
            }
            first
        });
    }

    pub(super) fn chance(&self) -> MutexGuard<'_, Chance> {
        lock(&self.inner.chance)
    }

    pub(super) fn processes(&self) -> MutexGuard<'_, BTreeMap<String, Process>> {
        lock(&self.inner.processes)
    }

    pub(super) fn watcher(&self) -> MutexGuard<'_, Watcher> {
        lock(&self.inner.watcher)
    }

    pub(super) fn trace(&self) -> Trace {
        lock(&self.inner.trace).clone()
    }

    /// The first thing that went wrong.
    pub(super) async fn violated(&self) -> String {
        let mut violation = self.inner.violation.subscribe();
        loop {
            if let Some(why) = violation.borrow_and_update().clone() {
                return why;
            }
            if violation.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.inner.revision.subscribe()
    }

    /// What happens to a request.
    pub(super) fn choose(&self, client: &Arc<str>, operation: &Operation) -> Option<Fault> {
        let (fault, requests) = {
            let mut chance = self.chance();
            (chance.choose(client, operation), chance.requests())
        };
        if let Some(fault) = fault {
            self.tell(format!("{client} {operation}: FAULT {fault}"));
        }
        if requests > self.inner.options.most_requests {
            self.violate(&format!("more than {} requests", self.inner.options.most_requests));
        }
        fault
    }

    /// Reads what was committed, and checks it.
    pub(super) fn observe(&self) {
        // The run is over; what is wrong is to be the last that its trace shows.
        if self.inner.violation.borrow().is_some() {
            return;
        }
        let at = self.inner.clock.elapsed();
        let (revision, lines, wrong) = self.inner.server.with(|store| {
            let (lines, wrong) = self.watcher().read(store, at);
            (store.revision(), lines, wrong)
        });
        if !lines.is_empty() {
            let mut trace = lock(&self.inner.trace);
            for line in lines {
                trace.push(at, line);
            }
        }
        if let Some(wrong) = wrong {
            self.violate(&wrong);
        }
        self.inner.revision.send_if_modified(|known| {
            let newer = *known != revision;
            *known = revision;
            newer
        });
    }

    /// The controllers of the cluster, for ever.
    pub(super) async fn drive(self) {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            let round = self.look();
            let reaction = self.chance().reaction();
            let due = round.due.map(|due| due.duration_since(self.inner.clock.now()));
            let due = due.map(|due| std::time::Duration::try_from(due).unwrap_or_default());
            if !round.wrote {
                let timer = async {
                    match due {
                        Some(due) => tokio::time::sleep(due).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    biased;
                    _ = changes.changed() => {}
                    () = timer => {}
                }
            }
            tokio::time::sleep(reaction).await;
        }
    }

    /// One look of every controller, in an order that follows from the seed.
    fn look(&self) -> Round {
        let mut order = Controller::ALL;
        self.chance().shuffle(&mut order);
        let mut all = Round::default();
        for controller in order {
            let looked = self.with(|store| lock(&self.inner.cluster).look(controller, store));
            match looked {
                Ok(round) => all = all.and(round),
                Err(failure) => self.violate(&format!("{controller:?} controller: {}", failure.message)),
            }
        }
        all
    }
}
