//! What there is to say about one `Milvus`, as a value.
//!
//! Takes the object as the API server stores it and the time; gives a [`View`]. Pure: it reads nothing else,
//! so the same object gives the same words here, in the demo and in a test. How it looks on a screen is
//! decided in [`crate::table`].

mod advice;
mod object;
mod problems;
mod roll;
mod standing;

use jiff::Timestamp;
use milvus_api::{ConditionType, Milvus, MilvusState, MilvusStatus};
use serde::Serialize;

pub use advice::{Advice, advice};
pub use object::Object;
pub use problems::Problem;
pub use roll::{Roll, Step, Waiting};
pub use standing::Standing;

/// One `Milvus` at one time.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// `metadata.name`
    pub name: String,
    /// `metadata.namespace`
    pub namespace: String,
    /// `standalone` or `cluster`
    pub mode: String,
    /// `status.status`, as `kubectl get milvus` shows it.
    pub status: String,
    /// Status of the condition `MilvusUpdated`; absent until there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<String>,
    /// Message of the condition `MilvusUpdated`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub updated_message: String,
    /// `spec.components.image`: what is asked for.
    pub image: String,
    /// `status.currentImage`, if it is another one: what was last seen everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_image: Option<String>,
    /// `host:port` for clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// When the object was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// The time of this view: every age is counted from it.
    pub at: Timestamp,
    /// Where it stands, in one word.
    pub standing: Standing,
    /// Where it stands, in a sentence.
    pub headline: String,
    /// The change of image that is under way, or the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roll: Option<Roll>,
    /// Conditions that are not as they should be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// Fields of `spec` that have no effect yet, each with what happens instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unsupported: Vec<String>,
    /// Fields of `spec` that are carried out and probably not meant so, each with why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl View {
    /// What there is to say about `milvus` at `now`.
    pub fn of(milvus: &Milvus, now: Timestamp) -> View {
        let none = MilvusStatus::default();
        let (meta, status) = (&milvus.metadata, milvus.status.as_ref().unwrap_or(&none));
        let name = meta.name.clone().unwrap_or_default();
        let namespace = meta.namespace.clone().unwrap_or_default();
        let object = Object { name: &name, namespace: &namespace };
        let roll = status.upgrade.as_ref().map(|upgrade| Roll::of(upgrade, object));
        let standing = Standing::of(milvus, status, roll.as_ref());
        let updated = status.condition(ConditionType::MilvusUpdated);
        let image = milvus.spec.components.global.image.clone().unwrap_or_default();
        View {
            mode: milvus.spec.mode.to_string(),
            status: state(status, milvus.status.is_some()),
            updated: updated.map(|c| c.status.clone()),
            updated_message: updated.map(|c| c.message.clone()).unwrap_or_default(),
            running_image: status.current_image.clone().filter(|running| *running != image),
            endpoint: status.endpoint.clone().filter(|e| !e.is_empty()),
            created: meta.creation_timestamp.as_ref().map(|t| t.0),
            at: now,
            headline: standing::headline(standing, milvus, status, roll.as_ref()),
            problems: problems::problems(standing, status, object),
            unsupported: problems::unsupported(status),
            warnings: problems::warnings(status),
            name,
            namespace,
            image,
            standing,
            roll,
        }
    }

    /// The change of image, if it is not over.
    pub fn open_roll(&self) -> Option<&Roll> {
        self.roll.as_ref().filter(|roll| roll.open)
    }
}

/// Empty before the operator has written a status; the type's default would read `Pending`.
fn state(status: &MilvusStatus, known: bool) -> String {
    match (&status.status, known) {
        (MilvusState::Pending, false) => String::new(),
        (state, _) => state.to_string(),
    }
}
