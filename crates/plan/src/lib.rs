//! What version may follow what, and what to do next: pure, without Kubernetes, IO or a clock.

pub mod migration;
