//! What a request is about.

use super::kinds::Kind;

/// A part of an object that is written by a path of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subresource {
    /// `/status`
    Status,
    /// `/scale`
    Scale,
}

impl Subresource {
    /// As in paths and in `managedFields`.
    pub fn as_str(self) -> &'static str {
        match self {
            Subresource::Status => "status",
            Subresource::Scale => "scale",
        }
    }
}

/// An object, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// Kind of the object.
    pub kind: Kind,
    /// Its namespace; empty for kinds that have none.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The part, or the whole of it.
    pub subresource: Option<Subresource>,
}

impl Kind {
    /// An object of this kind.
    pub fn at<'a>(self, namespace: &'a str, name: &'a str) -> Target<'a> {
        Target { kind: self, namespace, name, subresource: None }
    }
}

impl Target<'_> {
    /// Its status.
    #[must_use]
    pub fn status(self) -> Self {
        Target { subresource: Some(Subresource::Status), ..self }
    }

    /// Its scale.
    #[must_use]
    pub fn scale(self) -> Self {
        Target { subresource: Some(Subresource::Scale), ..self }
    }
}

/// What must hold of an object for it to be deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// It is this very object.
    pub uid: Option<String>,
    /// Nothing was written to it since.
    pub resource_version: Option<String>,
}

/// What becomes of the objects that an owner leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Propagation {
    /// They are deleted after it.
    #[default]
    Background,
    /// They are deleted before it.
    Foreground,
    /// They stay.
    Orphan,
}
