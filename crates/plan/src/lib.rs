//! What version of Milvus may follow what, and what to do next.
//!
//! Takes plain values (versions, images, what is known to run), gives plain values (a [`Plan`], or the
//! [`Objections`] to one; then a [`Decision`]). It knows nothing of Kubernetes, does no IO and never asks
//! for the time: the same input gives the same answer, so every answer can be shown before anything is touched.
//!
//! A reader of one upgrade opens, in this order: [`facts`] (the only table of version facts), [`checks`],
//! [`mod@plan`], [`mod@next`], [`explain`].

pub mod checks;
pub mod component;
pub mod explain;
pub mod facts;
pub mod migration;
pub mod next;
pub mod order;
pub mod plan;
pub mod progress;
pub mod version;

pub use checks::{Objection, Objections, Reason};
pub use component::{Component, Coordinators, Mode, Topology, components};
pub use facts::{Queue, default_queue};
pub use next::{Decision, decide, next, open};
pub use order::StepOrder;
pub use plan::{Direction, Plan, QueueChange, Request, Side, Step, UpdateMode, plan};
pub use progress::{ComponentState, Progress, WaitReason, Waiting};
pub use version::{MilvusVersion, Version};
