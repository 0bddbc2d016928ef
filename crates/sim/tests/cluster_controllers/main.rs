//! The controllers of the simulated cluster do what those of Kubernetes do.

mod bench;
mod deployments;
mod jobs;
mod owners;
mod pods;
mod rolls;
