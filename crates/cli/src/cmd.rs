//! The verbs. Each computes a value and hands it to [`crate::output`]; none prints.

pub mod completion;
pub mod status;
