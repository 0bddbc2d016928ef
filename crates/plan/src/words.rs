//! The words of refusals, and of what a plan warns of. Whole sentences: what, why, and what to do.

use crate::component::Component;
use crate::consent::{ANNOTATION, Consent};
use crate::queue::Queue;
use crate::request::{Side, UpdateMode};
use crate::version::{MilvusVersion, Version};

/// How an image is called, and the field that it is in.
fn image(component: Option<Component>) -> (String, String) {
    match component {
        None => ("The image".to_owned(), "spec.components.image".to_owned()),
        Some(one) => (format!("The image of {one}"), format!("spec.components.{}.image", one.field())),
    }
}

pub(crate) fn unknown_target(component: Option<Component>, from: &Side, to: &Side) -> String {
    let (image, field) = image(component);
    let fix = match component {
        None => "Set `spec.components.version` to that version, for example \"2.5.16\".".to_owned(),
        Some(_) => format!("Set `{field}` to an image whose tag is the version, for example `:v2.5.16`."),
    };
    format!(
        "{image} cannot be changed from {} ({}) to {}: the Milvus version of the new image is {}, so nobody can say \
         whether it reads the data. {fix}",
        from.image, from.version, to.image, to.version
    )
}

pub(crate) fn unknown_source(component: Option<Component>, from: &Side, to: &Side) -> String {
    let (image, field) = image(component);
    let fix = match component {
        None => {
            "set `spec.components.version` to the version of it, for example \"2.5.16\"; then change image and \
                 version together."
        }
        Some(_) => "give that image a tag that is its version, for example `:v2.5.16`; then change it again.",
    };
    format!(
        "{image} cannot be changed from {} to {}: the Milvus version that runs now is {}, so nobody can say whether \
         the new one reads its data. First put `{field}` back to {} and {fix}",
        from.image, to.image, from.version, from.image
    )
}

pub(crate) fn version_not_updated(stated: &MilvusVersion, tagged: &MilvusVersion) -> String {
    format!(
        "The image was changed to a tag that reads {tagged}, but `spec.components.version` still says {stated}, which was the \
         old one. Set `spec.components.version` to \"{tagged}\", or remove it: the tag is enough."
    )
}

pub(crate) fn path_refused(
    component: Option<Component>,
    from: &MilvusVersion,
    to: &MilvusVersion,
    why: &str,
    way_round: &str,
) -> String {
    let annotation = Consent::Version { from, to }.annotation();
    let (image, _) = image(component);
    format!(
        "{image} cannot be changed from {from} to {to}: {why}. {way_round} To do it all the same, at your own risk, \
         set the annotation `{annotation}` on the Milvus."
    )
}

/// `one` is what the component is to run, `rest` what the others are to run, `path` the two in the order of versions.
pub(crate) fn mix_refused(
    component: Component,
    one: &MilvusVersion,
    rest: &MilvusVersion,
    path: (&MilvusVersion, &MilvusVersion),
    why: &str,
) -> String {
    let annotation = Consent::Version { from: path.0, to: path.1 }.annotation();
    let (_, field) = image(Some(component));
    format!(
        "{component} cannot run {one} (`{field}`) beside {rest}: {why}. Remove `{field}`, or give it an image of {rest}. \
         To do it all the same, at your own risk, set the annotation `{annotation}` on the Milvus."
    )
}

pub(crate) fn wrong_mode(
    component: Option<Component>,
    (from, to): (&MilvusVersion, &MilvusVersion),
    mode: UpdateMode,
    wanted: UpdateMode,
) -> String {
    let (image, _) = image(component);
    let older_or_newer = if mode == UpdateMode::RollingUpgrade { "older" } else { "newer" };
    format!(
        "{image} cannot be changed from {from} to {to} under `spec.components.imageUpdateMode: {mode}`: {to} is the \
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

/// The stated version is all that is known of an image without a readable tag, and it did not move with it.
pub(crate) fn version_believed(to: &Side) -> String {
    format!(
        "The image was changed to {}, whose tag says no version, and `spec.components.version` still says {}: that is \
         believed. Set it to the version of the new image if it is another one.",
        to.image, to.version
    )
}

/// A component of another minor line than the rest.
pub(crate) fn mixed(component: Component, one: &Side, rest: &Side) -> String {
    let (_, field) = image(Some(component));
    match &one.version {
        Version::Known(version) => format!(
            "{component} runs {version} (`{field}`) beside {}, another minor line: that is meant for the time of an \
             upgrade only.",
            rest.version
        ),
        Version::Unknown(_) => format!(
            "The Milvus version of {} (`{field}`) can't be told from its tag, so nobody can say whether it fits {}.",
            one.image, rest.version
        ),
    }
}

pub(crate) fn reverting(from: &Side, to: &Side) -> String {
    format!(
        "The roll to {} is not finished: this goes back to {} without judging the path.",
        from.version, to.version
    )
}
