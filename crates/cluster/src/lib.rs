//! Reads and writes of Kubernetes: the only crate that talks to the API server about a Milvus.
//!
//! Takes a client and names, or rendered objects; gives records, or what the API server answered. It decides nothing.
//! Reads are in [`read`], [`watch`] (over [`changes`]) and [`optional`], writes in [`mod@write`] and [`objects`];
//! what the watches have seen is in [`records`] and, for custom resources, [`stored`].

pub mod cache;
pub mod changes;
pub mod connect;
pub mod objects;
pub mod optional;
pub mod read;
pub mod records;
pub mod scope;
pub mod stored;
pub mod watch;
pub mod write;

pub use cache::Key;
pub use records::Records;
pub use stored::Stored;
