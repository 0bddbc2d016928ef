//! What version of Milvus may follow what, and what to do next.
//!
//! Takes plain values (versions, images, what is known to run), gives plain values (a [`Plan`], or the
//! [`Objections`] to one; then a [`Decision`]). It knows nothing of Kubernetes, does no IO and never asks for
//! the time: the same input gives the same answer, so every answer can be shown before anything is touched.
//!
//! The modules stand here from the ground up: each uses only what stands above it in this list. A reader of
//! one upgrade opens, in this order: [`facts`] (the only table of version facts), [`mod@plan`] with its
//! checks, [`mod@next`], [`explain`].

pub mod version;

pub mod component;
pub mod queue;
pub mod reason;

pub mod consent;
pub mod hold_before;
pub mod objection;
pub mod request;
pub mod step;

pub mod facts;
mod words;

mod checks;
pub mod order;
mod warnings;

pub mod plan;
pub mod progress;

pub mod position;

pub mod gate;

pub mod next;
pub mod stall;

pub mod explain;

pub mod table;

pub mod migration;

pub use component::{Component, Coordinators, Mode, Topology};
pub use consent::{Consent, Consents};
pub use facts::{components, components_of, default_queue, layout};
pub use gate::{Hold, HoldReason, HoldsBack, holds};
pub use hold_before::HoldBefore;
pub use next::{Decision, Halt, decide, next, open};
pub use objection::{Objection, Objections};
pub use order::StepOrder;
pub use plan::{Hop, OwnRoll, Plan, plan};
pub use position::{Position, unfinished};
pub use progress::{ComponentState, Progress, StepState, WaitReason, Waiting};
pub use queue::Queue;
pub use reason::Reason;
pub use request::{Direction, OwnImage, QueueChange, Request, Side, UpdateMode};
pub use stall::{LastProgress, Mark, PodCounts, STALLED_AFTER_SECONDS, Stall, stall, stalls_at};
pub use step::{Action, GateName, JobKind, Step};
pub use version::{MilvusVersion, Version};
