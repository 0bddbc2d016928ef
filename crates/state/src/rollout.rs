//! What is there, compared with what is to be: in which Deployments a component lives, how far it is, what is
//! asked for and what runs in the words of the plan.

pub mod gates;
pub mod halfway;
pub mod layout;
pub mod moved;
pub mod needs;
pub mod own_images;
pub mod progress;
pub mod request;
pub mod running;
pub mod slots;
pub mod target;

pub use layout::Layout;
pub use target::Target;
