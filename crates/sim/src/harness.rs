//! The deterministic runtime: operators with the production kube client on the simulated API server, with the
//! controllers of [`crate::cluster`], users, faults, and what must hold.
//!
//! A run is a function of its [`Options`]: it has a thread of its own, whose random numbers follow from the
//! seed, and tokio's paused clock, which jumps to the next timer when nothing else is to do. What leaks in
//! all the same is the order of branches of a `tokio::select!` that is not `biased`: tokio counts the
//! runtimes of the process.

mod chance;
mod clock;
mod explore;
mod fault;
mod gate;
mod invariants;
mod life;
mod operation;
mod options;
mod plan;
mod process;
mod quiet;
mod report;
mod runtime;
mod stream;
mod trace;
mod users;
mod world;

pub use clock::Clock;
pub use explore::{Choice, Scenario, explore, replay, seeds};
pub use fault::{Fault, Odds, WatchFault};
pub use invariants::State;
pub use operation::{Operation, Verb};
pub use options::{Options, Settled};
pub use plan::{At, Class, Plan, PlanError};
pub use quiet::Silence;
pub use report::{Failed, Report, plain};
pub use runtime::{Outcome, run};
pub use trace::Trace;
pub use users::When;
pub use world::World;
