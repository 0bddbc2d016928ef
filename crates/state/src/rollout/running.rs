//! What runs, from the status and the pods.

use milvus_api::{MilvusStatus, RolloutPhase, RolloutStatus};
use milvus_plan::{Side, Version};

use crate::desired::Parsed;
use crate::observed::Snapshot;
use crate::records::MilvusRecord;

/// A roll that is under way.
pub fn under_way(status: &MilvusStatus) -> Option<&RolloutStatus> {
    let phase = |r: &&RolloutStatus| matches!(r.phase, Some(RolloutPhase::Pending | RolloutPhase::Rolling));
    status.upgrade.as_ref().filter(phase)
}

/// The distinct images of the ready pods of some components.
pub fn ready_images(parsed: &Parsed, snapshot: &Snapshot, of: impl Fn(&str) -> bool) -> Vec<Side> {
    let ready = snapshot.pods.iter().flatten().filter(|p| p.ready && !p.terminating);
    let mut images: Vec<&str> = ready.filter(|p| of(&p.component)).map(|p| p.image.as_str()).collect();
    images.sort_unstable();
    images.dedup();
    let side = |image| known_side(image, &snapshot.watched.milvus, &parsed.spec.asked);
    images.into_iter().map(side).collect()
}

/// An image with the version that was stated for it when it was asked for.
pub fn known_side(image: &str, milvus: &MilvusRecord, asked: &Side) -> Side {
    let stated = milvus.current_version().filter(|_| milvus.status.current_image.as_deref() == Some(image));
    let rolled = milvus.status.upgrade.as_ref().and_then(|u| u.to.as_ref());
    let rolled = rolled.filter(|to| to.image.as_deref() == Some(image)).and_then(|to| to.version.as_deref());
    match stated.or(rolled) {
        Some(version) => side(image, Some(version)),
        None if image == asked.image => asked.clone(),
        None => side(image, None),
    }
}

/// An image with a version that was written down, or else that of its tag.
pub fn side(image: &str, version: Option<&str>) -> Side {
    Side { image: image.to_owned(), version: Version::of(version, image) }
}
