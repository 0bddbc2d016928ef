//! The words of refusals, and of what a plan warns of. Whole sentences: what, why, and what to do.

use crate::consent::{ANNOTATION, Consent};
use crate::queue::Queue;
use crate::request::{Side, UpdateMode};
use crate::version::MilvusVersion;

pub(crate) fn unknown_target(from: &Side, to: &Side) -> String {
    format!(
        "The image cannot be changed from {} ({}) to {}: the Milvus version of the new image is {}, so nobody can say \
         whether it reads the data. Set `spec.components.version` to that version, for example \"2.5.16\".",
        from.image, from.version, to.image, to.version
    )
}

pub(crate) fn unknown_source(from: &Side, to: &Side) -> String {
    format!(
        "The image cannot be changed from {} to {}: the Milvus version that runs now is {}, so nobody can say whether \
         the new one reads its data. First put `spec.components.image` back to {} and set `spec.components.version` to \
         the version of it, for example \"2.5.16\"; then change image and version together.",
        from.image, to.image, from.version, from.image
    )
}

pub(crate) fn version_not_updated(stated: &MilvusVersion, tagged: &MilvusVersion) -> String {
    format!(
        "The image was changed to a tag that reads {tagged}, but `spec.components.version` still says {stated}, which was the \
         old one. Set `spec.components.version` to \"{tagged}\", or remove it: the tag is enough."
    )
}

pub(crate) fn path_refused(from: &MilvusVersion, to: &MilvusVersion, why: &str, way_round: &str) -> String {
    let annotation = Consent::Version { from, to }.annotation();
    format!(
        "The image cannot be changed from {from} to {to}: {why}. {way_round} To do it all the same, at your own risk, \
         set the annotation `{annotation}` on the Milvus."
    )
}

pub(crate) fn wrong_mode(
    from: &MilvusVersion,
    to: &MilvusVersion,
    mode: UpdateMode,
    wanted: UpdateMode,
) -> String {
    let older_or_newer = if mode == UpdateMode::RollingUpgrade { "older" } else { "newer" };
    format!(
        "The image cannot be changed from {from} to {to} under `spec.components.imageUpdateMode: {mode}`: {to} is the \
         {older_or_newer} one, and the order of the components would be wrong. If this is what you want, set \
         `spec.components.imageUpdateMode: {wanted}`; else put the image back."
    )
}

pub(crate) fn queue_change(from: Queue, to: Queue) -> String {
    let annotation = Consent::Queue { from, to }.annotation();
    format!(
        "The message queue cannot be changed from {from} to {to}: what is written and not yet in segments is in {from} \
         and would be lost. Set `spec.dependencies.msgStreamType: {from}`. To change it all the same, at your own \
         risk, stop all writes, flush every collection, take a backup, and set the annotation `{annotation}` on the \
         Milvus."
    )
}

pub(crate) fn overridden(from: &MilvusVersion, to: &MilvusVersion, why: &str) -> String {
    format!("The annotation {ANNOTATION} allows {from} to {to}, which is otherwise refused: {why}.")
}

pub(crate) fn queue_overridden(from: Queue, to: Queue) -> String {
    format!(
        "The annotation {ANNOTATION} allows the change from {from} to {to}: what is only in {from} is not read any more."
    )
}

pub(crate) fn tag_differs(stated: &MilvusVersion, tagged: &MilvusVersion) -> String {
    format!(
        "`spec.components.version` says {stated}, the tag of the image reads {tagged}: {stated} is believed. Remove \
         `spec.components.version` if the tag is right."
    )
}

pub(crate) fn reverting(from: &Side, to: &Side) -> String {
    format!(
        "The roll to {} is not finished: this goes back to {} without judging the path.",
        from.version, to.version
    )
}
