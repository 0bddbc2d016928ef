//! The program of an operator's process: the production context and run loop, and the production election.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use futures::channel::mpsc;
use kube::Client;
use milvus_api::Reason;
use milvus_cluster::Key;
use milvus_cluster::scope::Scope;
use milvus_cluster::write::{Fence, Writer};
use milvus_controller::context::Parts;
use milvus_controller::credentials::Credentials;
use milvus_controller::lease::{self, Elector};
use milvus_controller::run::{Settings, controllers};
use milvus_controller::{Clock, Context, Dependencies};
use milvus_sim::harness;
use milvus_state::manifests::Tool;
use milvus_state::spec::Spec;
use milvus_state::{ProbeView, Probes};
use tokio_util::sync::CancellationToken;

use crate::nobody::Nobody;
use crate::script::NAMESPACE;

/// The operators' processes, which are the authors of their writes. The first works alone where there is no election.
pub const OPERATORS: [&str; 2] = ["operator-0", "operator-1"];

/// Whether the author of a write is an operator.
pub fn is_operator(actor: &str) -> bool {
    OPERATORS.contains(&actor)
}

/// The dependencies of every Milvus. They survive the operator's process.
#[derive(Default)]
pub struct Dials {
    away: AtomicBool,
    news: Mutex<Vec<mpsc::UnboundedSender<Key>>>,
    /// Who each process is in the election, since its last start.
    identities: Mutex<BTreeMap<&'static str, String>>,
}

impl Dials {
    /// The dependencies go away or come back, and the probes tell the operator that lives.
    pub fn set_away(&self, away: bool, key: &Key) {
        self.away.store(away, Ordering::Relaxed);
        // An operator that has died listens no longer: the next one asks by itself.
        self.news.lock().unwrap().retain(|news| news.unbounded_send(key.clone()).is_ok());
    }

    /// Who a process is in the election.
    pub fn identity(&self, process: &str) -> Option<String> {
        self.identities.lock().unwrap().get(process).cloned()
    }

    fn probed(&self) -> mpsc::UnboundedReceiver<Key> {
        let (news, probed) = mpsc::unbounded();
        self.news.lock().unwrap().push(news);
        probed
    }

    fn view(&self, there: Reason, away: Reason) -> ProbeView {
        let ready = !self.away.load(Ordering::Relaxed);
        ProbeView { ready, reason: if ready { there } else { away }, message: String::new() }
    }
}

impl Dependencies for Dials {
    fn healthy(&self, _: &Spec) -> bool {
        !self.away.load(Ordering::Relaxed)
    }

    fn probes(&self, _: &Spec, _: &Credentials, _: bool) -> Probes {
        Probes {
            etcd: Some(self.view(Reason::EtcdReady, Reason::EtcdNotReady)),
            storage: Some(self.view(Reason::StorageReady, Reason::ClientError)),
            queue: Some(self.view(Reason::MsgStreamReady, Reason::MsgStreamNotReady)),
        }
    }

    fn forget(&self, _: &str, _: &str) {}
}

/// What a process of an operator does, from its start until it is killed.
type Program = Pin<Box<dyn Future<Output = ()>>>;

/// An operator that works without an election.
pub fn alone(dials: &Arc<Dials>) -> impl Fn(Client, harness::Clock) -> Program + use<> {
    let dials = dials.clone();
    move |client, clock| Box::pin(work(&dials, client, clock, OPERATORS[0], Arc::new(|_| true)))
}

/// An operator that works while it holds the Lease, as the production process does: a lease that is lost ends it.
pub fn elected(dials: &Arc<Dials>, name: &'static str) -> impl Fn(Client, harness::Clock) -> Program + use<> {
    let dials = dials.clone();
    move |client, clock| {
        let dials = dials.clone();
        Box::pin(async move {
            let time = clock.clone();
            let identity = lease::identity(name);
            dials.identities.lock().unwrap().insert(name, identity.clone());
            let elector = Elector::new(client.clone(), NAMESPACE, identity, Clock::new(move || time.now()));
            let mut leadership = elector.wait_until_leader().await;
            let held = leadership.held();
            let fence: Fence = Arc::new(move |request| held.outlives(request));
            tokio::select! {
                biased;
                _ = leadership.lost() => {}
                () = work(&dials, client, clock, name, fence) => {}
            }
        })
    }
}

fn work(
    dials: &Arc<Dials>,
    client: Client,
    clock: harness::Clock,
    name: &str,
    fence: Fence,
) -> impl Future<Output = ()> + use<> {
    let ctx = Arc::new(Context::new(Parts {
        writer: Writer::new(client.clone(), fence),
        client,
        clock: Clock::new(move || clock.now()),
        dependencies: dials.clone(),
        observer: Arc::new(Nobody),
        tool: Tool { image: "operator:1".to_owned(), pull_policy: "IfNotPresent".to_owned() },
        version: "test".to_owned(),
        instance: name.to_owned(),
        secrets_period: Duration::from_hours(1),
    }));
    let settings = Settings {
        scopes: vec![Scope::All],
        concurrency: 0,
        upgrades: true,
        probed: dials.probed().boxed(),
        working: Box::new(|| ()),
    };
    controllers(ctx, settings, CancellationToken::new())
}
