//! What must be written: the difference between what is to be and what is there.

pub mod assemble;
pub mod objects;
mod owned;
mod ownership;
mod workload;

pub use assemble::{Leftover, Turns, remains};
pub use objects::{MetadataWrite, Objects, Removal, Write};
