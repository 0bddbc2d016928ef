//! What a test reads when it is over: Events, the audit log, what kubectl prints.

use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use kube::runtime::watcher;
use milvus_testkit::audit;

use super::{SOON, Story};

impl Story {
    /// Waits for an Event of that reason; its note.
    pub async fn until_event(&self, reason: &str) -> String {
        let mut events = std::pin::pin!(watcher(self.api::<Event>(), watcher::Config::default()));
        let find = async {
            while let Some(event) = events.next().await {
                use watcher::Event::{Apply, InitApply};
                if let Ok(Apply(event) | InitApply(event)) = event
                    && event.reason.as_deref() == Some(reason)
                {
                    return event.note.unwrap_or_default();
                }
            }
            String::new()
        };
        let found = tokio::time::timeout(SOON, find).await;
        found.unwrap_or_else(|_| panic!("no Event {reason} in {}", self.namespace))
    }

    /// The notes of all Events of that reason, the oldest first.
    pub async fn told(&self, reason: &str) -> Vec<String> {
        let mut events = self.api::<Event>().list(&ListParams::default()).await.unwrap().items;
        events.retain(|event| event.reason.as_deref() == Some(reason));
        events.sort_by(|one, other| one.event_time.cmp(&other.event_time));
        events.into_iter().map(|event| event.note.unwrap_or_default()).collect()
    }

    /// Reads the audit log until it has what is looked for. An event is in it before its writer has the answer, but
    /// whoever learns of the change by a watch may be earlier.
    pub async fn until_audited<T>(&self, find: impl Fn(&[audit::Event]) -> Option<T>) -> T {
        let look = async {
            loop {
                if let Some(found) = find(&self.ground.plane.audit().unwrap()) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(SOON, look).await.unwrap_or_else(|_| panic!("the audit log never had it"))
    }

    /// What the operator asked for in this namespace.
    pub fn requests(&self) -> Vec<audit::Event> {
        let mut all = self.ground.plane.audit().unwrap();
        all.retain(|event| event.user == self.user && event.namespace == self.namespace);
        all
    }

    /// What the operator wrote in this namespace.
    pub fn writes(&self) -> Vec<audit::Event> {
        let mut all = self.requests();
        all.retain(audit::Event::is_write);
        all
    }

    /// What the operator wrote in this namespace from now on for so long. That nothing happens can't be waited for in any other
    /// way than by waiting.
    pub async fn quiet_for(&self, time: Duration) -> Vec<audit::Event> {
        let before = self.writes().len();
        tokio::time::sleep(time).await;
        self.writes().split_off(before)
    }

    /// kubectl in the namespace; standard output.
    pub async fn kubectl(&self, args: &[&str]) -> String {
        let all = ["-n", &self.namespace].into_iter().chain(args.iter().copied());
        self.ground.plane.access().kubectl(all).await.unwrap().success().unwrap()
    }
}
