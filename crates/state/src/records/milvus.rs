//! What is kept of a Milvus besides its spec, which only the parser sees.

use std::collections::BTreeMap;

use milvus_api::{Milvus, MilvusStatus, keys};

/// Metadata and status of a Milvus.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MilvusRecord {
    /// `metadata.name`
    pub name: String,
    /// `metadata.namespace`
    pub namespace: String,
    /// `metadata.uid`
    pub uid: String,
    /// `metadata.generation`
    pub generation: Option<i64>,
    /// Being deleted.
    pub deleting: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Finalizers.
    pub finalizers: Vec<String>,
    /// Status; empty before the first pass.
    pub status: MilvusStatus,
}

impl MilvusRecord {
    /// Keeps all but the spec.
    pub fn of(milvus: &Milvus) -> MilvusRecord {
        let meta = &milvus.metadata;
        MilvusRecord {
            name: meta.name.clone().unwrap_or_default(),
            namespace: meta.namespace.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            generation: meta.generation,
            deleting: meta.deletion_timestamp.is_some(),
            labels: meta.labels.clone().unwrap_or_default(),
            annotations: meta.annotations.clone().unwrap_or_default(),
            finalizers: meta.finalizers.clone().unwrap_or_default(),
            status: milvus.status.clone().unwrap_or_default(),
        }
    }

    /// Annotation `milvus.io/pause-reconcile` is `true`.
    pub fn paused(&self) -> bool {
        self.annotations.get(keys::PAUSE_RECONCILE).is_some_and(|value| value == "true")
    }

    /// Annotation `milvus.io/hold-before`: where the user wants a roll to stand still.
    pub fn hold_before(&self) -> Option<&str> {
        self.annotations.get(keys::HOLD_BEFORE).map(String::as_str)
    }

    /// The image of the last finished roll; `None` before the first was finished.
    pub fn current_image(&self) -> Option<&str> {
        self.status.current_image.as_deref().filter(|image| !image.is_empty())
    }

    /// The version that was known of [`Self::current_image`].
    pub fn current_version(&self) -> Option<&str> {
        self.status.current_version.as_deref().filter(|version| !version.is_empty())
    }
}
