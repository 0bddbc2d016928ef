//! What the operator gives to the pods of a Milvus.

/// Image and pull policy of the init container `config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Image: `--tool-image`, else the operator's own.
    pub image: String,
    /// Pull policy.
    pub pull_policy: String,
}
