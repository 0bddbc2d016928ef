//! The registry of reasons, as far as they are no refusals of a path of versions (those are the plan's): every word that
//! conditions, waits and Events give as their reason, with where it may stand and what to do about it.
//!
//! The words of upstream are kept letter by letter. The doc comment of a variant is its meaning in the reference
//! pages, [`Reason::row`] has the rest.

mod place;
mod reason;
mod rows;

pub use place::{Place, Row, Severity};
pub use reason::Reason;
pub use rows::REFUSED;
