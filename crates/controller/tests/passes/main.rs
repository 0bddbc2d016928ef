//! Whole passes, one after the other, over a small world: what happens to a Milvus from its creation to the end of every kind of
//! change of its image, and what must never happen in between.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../world/mod.rs"]
mod world;

mod broken;
mod clock;
mod create;
mod denied;
mod dependencies;
mod end;
mod examples;
mod hazards;
mod hold;
mod images;
mod layouts;
mod manual;
mod modes;
mod order;
mod owned;
mod reasons;
mod refused;
mod repair;
mod scenarios;
mod size;
mod slots;
mod stalls;
mod taken_over;
mod truth;
mod words;
