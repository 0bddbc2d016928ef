//! What the user should know before a plan runs.

use crate::checks;
use crate::consent::Consents;
use crate::facts::{self, Verdict};
use crate::request::{Change, Direction, OwnImage, QueueChange, Request};
use crate::version::{MilvusVersion, Version};
use crate::words;

/// The warnings of the plan for `request`, none of them twice.
pub(crate) fn of(request: &Request) -> Vec<String> {
    let mut list = Vec::new();
    let mut add = |texts: Vec<String>| {
        for text in texts {
            if !list.contains(&text) {
                list.push(text);
            }
        }
    };
    add(of_target(request));
    request.changes().for_each(|change| add(of_change(&change, request)));
    add(request.own.iter().filter_map(|own| mixed(own, request)).collect());
    add(of_queue(request).into_iter().collect());
    for change in request.changes() {
        if let (Some(from), Direction::Revert) = change.way() {
            add(vec![words::reverting(from, change.to)]);
        }
    }
    list
}

/// What there is to say of the target, whatever it takes the place of.
fn of_target(request: &Request) -> Vec<String> {
    let to = &request.to;
    let mut found = Vec::new();
    if let (Version::Known(stated), Version::Known(tagged)) = (&to.version, Version::of(None, &to.image))
        && *stated != tagged
    {
        found.push(words::tag_differs(stated, &tagged));
    }
    if let ((_, Direction::Start), Some(to)) = (request.whole().way(), to.version.known()) {
        found.extend(facts::warnings_on(to).map(|one| one.text.to_owned()));
    }
    found
}

/// What there is to say of the way from what runs.
fn of_change(change: &Change<'_>, request: &Request) -> Vec<String> {
    let mut found = Vec::new();
    let to = change.to;
    for from in change.judged() {
        let Some((left, gone_to)) = from.version.known().zip(to.version.known()) else { continue };
        let tag_says_nothing = Version::of(None, &to.image).known().is_none();
        if left == gone_to && from.image != to.image && tag_says_nothing {
            found.push(words::version_believed(to));
        }
        if let Some(Verdict::Refused { why, .. }) =
            checks::verdict(left, gone_to, request.running_coordinators)
        {
            found.push(words::overridden(left, gone_to, why));
        }
        found.extend(facts::warnings(left, gone_to).map(|one| one.text.to_owned()));
    }
    found
}

/// A component that is of another minor line than the rest, or of nobody knows which.
fn mixed(own: &OwnImage, request: &Request) -> Option<String> {
    let line = |version: &MilvusVersion| (version.numbers().0, version.numbers().1);
    let (one, rest) = (own.to.version.known(), request.to.version.known());
    (rest.is_some() && one.map(line) != rest.map(line))
        .then(|| words::mixed(own.component, &own.to, &request.to))
}

fn of_queue(request: &Request) -> Option<String> {
    let QueueChange::Changed { from, to, has_data: true } = request.queue else { return None };
    let allowed = Consents::parse(request.override_annotation.as_deref());
    allowed.queue(from, to).then(|| words::queue_overridden(from, to))
}
