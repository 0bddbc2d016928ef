//! A complete object of any owned kind.

use serde::Serialize;
use serde_json::Value;

use super::error::Error;
use crate::kinds::Kind;

/// A complete object, as it is sent by server-side apply.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Its kind.
    pub kind: Kind,
    /// `metadata.name`
    pub name: String,
    /// The complete object.
    pub object: Value,
}

impl Manifest {
    /// From an object of the type of its kind.
    ///
    /// # Errors
    /// Only bugs: what can't be written as JSON.
    pub fn of(kind: Kind, name: &str, object: &impl Serialize) -> Result<Manifest, Error> {
        let object = serde_json::to_value(object).map_err(|source| Error::Hash { source })?;
        Ok(Manifest { kind, name: name.to_owned(), object })
    }

    /// Its key in `status.appliedGenerations`: the name of a Deployment, else `KIND/NAME`.
    pub fn key(&self) -> String {
        self.kind.applied_key(&self.name)
    }
}
