//! A real Kubernetes control plane, and real etcd, MinIO and Kafka servers, for tests, the demo and benchmarks. Never shipped.
//!
//! The programs are the unmodified upstream ones, built once from Go modules that this crate pins ([`tools`]), run
//! without root on free ports of the loopback interface, and end with whoever started them. Pods are played by
//! kwok: the API behaves as with real nodes, no container runs ([`stages`] says what a pod does). Where root can be had,
//! [`real_node`] adds a node that does run containers.
//!
//! | to get | use |
//! |---|---|
//! | a control plane for a test | [`ControlPlane::start`], or [`ControlPlane::shared`] for a whole test binary |
//! | one that stays (the demo, manual work) | [`clusters`], which `cargo xtask cluster` is a front for |
//! | kubectl and helm against it | [`Access::kubectl`], [`Access::helm`] |
//! | a node that runs containers | [`real_node`], through [`clusters::up`] |
//! | who wrote what, how often | [`audit`] |
//! | the operator, run as users install it | [`operator`] |
//! | to wait for a state of an object | [`wait`] |
//! | the sequence of changes in a namespace | [`recorder`] |
//! | to stop the operator exactly after a write | [`proxy`] |
//! | etcd, MinIO or Kafka alone | [`etcd`], [`minio`], [`kafka`] |
//! | addresses that swallow everything | [`blackhole`] |

pub mod access;
pub mod audit;
pub mod blackhole;
pub mod clusters;
pub mod control_plane;
pub mod etcd;
pub mod files;
pub mod http;
pub mod kafka;
pub mod minio;
mod node;
pub mod operator;
pub mod ports;
pub mod process;
pub mod proxy;
pub mod real_node;
pub mod recorder;
pub mod scratch;
pub mod server;
pub mod stages;
pub mod tools;
pub mod wait;

pub mod pki;

pub use access::Access;
pub use control_plane::ControlPlane;
