//! Which `Milvus` the words are about.

/// Name and namespace, for the commands in advice.
#[derive(Clone, Copy)]
pub struct Object<'a> {
    /// `metadata.name`
    pub name: &'a str,
    /// `metadata.namespace`
    pub namespace: &'a str,
}
