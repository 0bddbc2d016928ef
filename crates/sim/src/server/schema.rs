//! Structural schemas: what a field is, and how lists and maps of it are merged.

mod builtin;
mod compile;
mod decode;
mod definitions;
mod quantity;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::kinds::Kind;

pub(crate) use decode::{check, decode, drop_nulls, fill_defaults};

/// What a value may be.
#[derive(Debug)]
pub(crate) enum Schema {
    /// Anything. Maps are merged field by field, lists are one value.
    Any,
    /// One value.
    Scalar(Scalar),
    /// A list.
    List(ListOf),
    /// An object or a map.
    Object(ObjectOf),
}

/// What a single value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text,
    Integer,
    Number,
    Flag,
    /// A number with a unit, kept in its canonical form.
    Quantity,
    /// A number or a text.
    Free,
}

/// A list.
#[derive(Debug)]
pub(crate) struct ListOf {
    pub(crate) item: Arc<Schema>,
    pub(crate) merge: Merge,
}

/// How a list is merged.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Merge {
    /// It is one value.
    Atomic,
    /// Its items are.
    Set,
    /// Its items are objects that are told apart by these fields; a field may have a default.
    Keys(Vec<(String, Option<Value>)>),
}

/// An object or a map.
#[derive(Debug, Default)]
pub(crate) struct ObjectOf {
    pub(crate) fields: BTreeMap<String, Field>,
    /// What else it may hold; nothing else when absent.
    pub(crate) rest: Option<Arc<Schema>>,
    /// It is one value.
    pub(crate) atomic: bool,
    /// Fields that must be there; checked where the kind is a custom one.
    pub(crate) required: Vec<String>,
    /// It is a type of Kubernetes: no field of it is null.
    pub(crate) builtin: bool,
}

/// A field of an object.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) schema: Arc<Schema>,
    pub(crate) default: Option<Value>,
    pub(crate) nullable: bool,
    pub(crate) limits: Limits,
    /// How its zero value is written.
    pub(crate) zero: Zero,
}

/// What a custom resource may not exceed.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    pub(crate) values: Vec<Value>,
    pub(crate) minimum: Option<f64>,
    pub(crate) maximum: Option<f64>,
    pub(crate) min_length: Option<u64>,
    pub(crate) max_length: Option<u64>,
}

/// How a built-in kind writes the zero value of a field: what its Go type and its tag say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zero {
    /// As it was written.
    Kept,
    /// Not at all.
    Left,
    /// An empty object that is always there.
    Always,
}

impl ObjectOf {
    /// What a field may be.
    pub(crate) fn field(&self, name: &str) -> Option<&Schema> {
        self.fields.get(name).map(|field| &*field.schema).or(self.rest.as_deref())
    }
}

static SCHEMAS: LazyLock<BTreeMap<Kind, Arc<Schema>>> =
    LazyLock::new(|| Kind::ALL.into_iter().map(|kind| (kind, definitions::of(kind))).collect());

/// The schema of a kind.
pub(crate) fn of(kind: Kind) -> &'static Schema {
    SCHEMAS.get(&kind).map_or(&Schema::Any, |schema| schema)
}
