//! The verbs. Each computes a value and hands it to the printer; none prints.

pub mod status;
