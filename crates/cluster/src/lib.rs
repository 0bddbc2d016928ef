//! Reads and writes of Kubernetes: the only crate that talks to the API server about a Milvus.
//!
//! Takes a client and names, or rendered objects; gives records, or what the API server answered. It decides nothing. Reads are in
//! [`read`] and [`watch`], writes in [`mod@write`]; what the watches have seen is in [`records`]
//! and, the Milvus itself, [`packed`].

pub mod connect;
pub mod monitors;
pub mod packed;
pub mod read;
pub mod records;
pub mod scope;
pub mod watch;
pub mod write;

pub use packed::Packed;
pub use records::Records;
