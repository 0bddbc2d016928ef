//! People who do something to the cluster, and what they wait for.

use std::time::Duration;

use serde_json::Value;

use super::world::World;
use crate::server::{Failure, Store, Target};

/// Who does what users do, in the log.
const USER: &str = "user";

/// When a user does something.
pub enum When {
    /// So long after now.
    After(Duration),
    /// As soon as this holds.
    Once(Box<dyn Fn(&Store) -> bool>),
}

impl World {
    /// Lets virtual time pass.
    pub async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Waits until something holds.
    ///
    /// # Errors
    /// It does not within [`super::Options::patience`].
    pub async fn until(&self, what: &str, there: impl Fn(&Store) -> bool) -> Result<(), String> {
        let mut changes = self.changes();
        let wait = async {
            while !self.with(|store| there(store)) {
                if changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let patience = self.options().patience;
        let waited = tokio::time::timeout(patience, wait).await;
        waited.map_err(|_| format!("never within {patience:?}: {what}"))
    }

    /// A user does something, which the trace calls `what`.
    ///
    /// # Errors
    /// The server refuses it.
    pub fn edit<T>(
        &self,
        what: &str,
        edit: impl FnOnce(&mut Store) -> Result<T, Failure>,
    ) -> Result<T, String> {
        self.tell(format!("{USER}: {what}"));
        self.with(edit).map_err(|failure| format!("{what}: {}", failure.message))
    }

    /// A user creates an object.
    ///
    /// # Errors
    /// The server refuses it, or does not know its kind.
    pub fn create(&self, object: Value) -> Result<Value, String> {
        use crate::server::Kind;
        let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let known = Kind::of(&version, &kind).ok_or_else(|| format!("no such kind: {version} {kind}"))?;
        let what = format!("create {kind} {}", object["metadata"]["name"].as_str().unwrap_or_default());
        self.edit(&what, |store| store.create(USER, known, object))
    }

    /// A user sends a merge patch.
    ///
    /// # Errors
    /// The server refuses it.
    pub fn merge(&self, what: &str, target: Target<'_>, patch: &Value) -> Result<Value, String> {
        self.edit(what, |store| store.patch_merge(USER, target, patch))
    }

    /// A user will do something, while the scenario goes on. That the server refuses it ends the run.
    pub fn later<T>(
        &self,
        when: When,
        what: &str,
        edit: impl FnOnce(&mut Store) -> Result<T, Failure> + 'static,
    ) {
        let (world, what) = (self.clone(), what.to_owned());
        tokio::task::spawn_local(async move {
            let waited = match when {
                When::After(time) => {
                    world.sleep(time).await;
                    Ok(())
                }
                When::Once(there) => world.until(&what, there).await,
            };
            if let Err(why) = waited.and_then(|()| world.edit(&what, edit).map(drop)) {
                world.violate(&why);
            }
        });
    }
}
