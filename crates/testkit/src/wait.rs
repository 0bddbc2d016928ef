//! Waits for a state of an object, by a watch. When it does not come in time, the error shows the object.

use std::{fmt::Debug, pin::pin, time::Duration};

use futures::StreamExt;
use kube::{
    Api, Resource, ResourceExt,
    runtime::{WatchStreamExt, watcher},
};
use serde::{Serialize, de::DeserializeOwned};
use snafu::Snafu;

/// The state did not come.
#[derive(Debug, Snafu)]
pub enum Error {
    /// Time is up.
    #[snafu(display(
        "{kind} {name} was not as expected within {within:?}. {}\nLast seen:\n{last}",
        failure.as_ref().map_or_else(String::new, |failure| format!("The watch failed last with: {failure}."))
    ))]
    Late {
        /// The kind of the object.
        kind: String,
        /// Its name.
        name: String,
        /// How long was waited.
        within: Duration,
        /// The object, as YAML without its managed fields.
        last: String,
        /// What the watch failed with, if it did; it is repeated until time is up.
        failure: Option<String>,
    },
}

/// Returns the object as soon as `expected` holds. `expected` is given `None` while there is no such object, so that
/// its end can be waited for as well; the result is `None` then.
pub async fn wait_for<K>(
    api: Api<K>,
    name: &str,
    within: Duration,
    expected: impl Fn(Option<&K>) -> bool,
) -> Result<Option<K>, Error>
where
    K: Resource<DynamicType: Default> + Clone + Debug + Serialize + DeserializeOwned + Send + 'static,
{
    let kind = K::kind(&Default::default()).into_owned();
    wait_for_dynamic(api, &kind, name, within, expected).await
}

/// Like [`wait_for`], for kinds that are known at run time only.
pub async fn wait_for_dynamic<K>(
    api: Api<K>,
    kind: &str,
    name: &str,
    within: Duration,
    expected: impl Fn(Option<&K>) -> bool,
) -> Result<Option<K>, Error>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned + Send + 'static,
{
    let mut last: Option<K> = None;
    let mut failure = None;
    let wait = async {
        let mut states = pin!(watcher::watch_object(api, name).default_backoff());
        while let Some(state) = states.next().await {
            match state {
                Ok(object) => {
                    last = object;
                    failure = None;
                    if expected(last.as_ref()) {
                        return;
                    }
                }
                Err(error) => failure = Some(error.to_string()),
            }
        }
    };
    match tokio::time::timeout(within, wait).await {
        Ok(()) => Ok(last),
        Err(_) => LateSnafu { kind, name, within, last: show(last), failure }.fail(),
    }
}

/// YAML without managed fields, which are long and of no help.
fn show<K: Resource + Serialize>(object: Option<K>) -> String {
    let Some(mut object) = object else { return "(no such object)".to_owned() };
    object.managed_fields_mut().clear();
    serde_saphyr::to_string(&object).unwrap_or_else(|error| format!("(cannot be shown: {error})"))
}
