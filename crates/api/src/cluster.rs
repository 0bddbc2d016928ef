//! `MilvusCluster` v1alpha1: deprecated long ago, kept so that no stored object is lost.
//!
//! Upstream's controller made a `Milvus` of the same name from it, which it may still own. We reconcile only the
//! `Milvus`. The definition stays, and admits whatever is stored.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FreeForm;

/// Deprecated: use `Milvus` with `mode: cluster`. Objects are kept and not acted on.
#[derive(Clone, Debug, Default, PartialEq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "milvus.io",
    version = "v1alpha1",
    kind = "MilvusCluster",
    plural = "milvusclusters",
    namespaced,
    status = "FreeForm",
    shortname = "mc",
    shortname = "mic",
    derive = "PartialEq",
    derive = "Default",
    doc = "Deprecated: use `Milvus` with `mode: cluster`. Objects are kept and not acted on."
)]
#[serde(rename_all = "camelCase")]
pub struct MilvusClusterSpec {
    /// The components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components: Option<FreeForm>,

    /// etcd, object storage and message queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependencies: Option<FreeForm>,

    /// Milvus configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<FreeForm>,
}
