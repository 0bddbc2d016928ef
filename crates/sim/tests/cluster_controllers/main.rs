//! The controllers of the simulated cluster do what those of Kubernetes do.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod bench;
mod deployments;
mod jobs;
mod owners;
mod pods;
mod rolls;
