//! The program of an operator's process: the production context and run loop.

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
use milvus_cluster::write::Writer;
use milvus_controller::context::Parts;
use milvus_controller::credentials::Credentials;
use milvus_controller::run::{Settings, controllers};
use milvus_controller::{Clock, Context, Dependencies};
use milvus_sim::harness;
use milvus_state::manifests::Tool;
use milvus_state::spec::Spec;
use milvus_state::{ProbeView, Probes};
use tokio_util::sync::CancellationToken;

use crate::nobody::Nobody;

/// The name of the process, and the author of its writes.
pub const NAME: &str = "operator-0";

/// The dependencies of every Milvus. They survive the operator's process.
#[derive(Default)]
pub struct Dials {
    away: AtomicBool,
    news: Mutex<Option<mpsc::UnboundedSender<Key>>>,
}

impl Dials {
    /// The dependencies go away or come back, and the probes tell the operator that lives.
    pub fn set_away(&self, away: bool, key: Key) {
        self.away.store(away, Ordering::Relaxed);
        if let Some(news) = self.news.lock().unwrap().as_ref() {
            // Nobody listens while no operator lives: the next one asks by itself.
            let _ = news.unbounded_send(key);
        }
    }

    fn probed(&self) -> mpsc::UnboundedReceiver<Key> {
        let (news, probed) = mpsc::unbounded();
        *self.news.lock().unwrap() = Some(news);
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

/// A process of the operator, from its start until it is killed.
pub fn operator(
    dials: &Arc<Dials>,
) -> impl Fn(Client, harness::Clock) -> Pin<Box<dyn Future<Output = ()>>> + use<> {
    let dials = dials.clone();
    move |client, clock| {
        let ctx = Arc::new(Context::new(Parts {
            writer: Writer::new(client.clone(), Arc::new(|_| true)),
            client,
            clock: Clock::new(move || clock.now()),
            dependencies: dials.clone(),
            observer: Arc::new(Nobody),
            tool: Tool { image: "operator:1".to_owned(), pull_policy: "IfNotPresent".to_owned() },
            version: "test".to_owned(),
            instance: NAME.to_owned(),
            secrets_period: Duration::from_hours(1),
        }));
        let settings = Settings {
            scopes: vec![Scope::All],
            concurrency: 0,
            upgrades: true,
            probed: dials.probed().boxed(),
            working: Box::new(|| ()),
        };
        Box::pin(controllers(ctx, settings, CancellationToken::new()))
    }
}
