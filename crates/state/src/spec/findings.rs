//! What is found while a spec is parsed.

use std::collections::BTreeMap;

use crate::refusal::Refusal;

/// What is wrong with a spec, and what is odd about it.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) refusals: Vec<Refusal>,
    pub(super) warnings: Vec<String>,
}

impl Findings {
    /// Adds those of a part, each only once: a setting for all components is met by each of them.
    pub(super) fn add(&mut self, part: Findings) {
        part.refusals.into_iter().for_each(|one| push_new(&mut self.refusals, one));
        part.warnings.into_iter().for_each(|one| push_new(&mut self.warnings, one));
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, one: T) {
    if !list.contains(&one) {
        list.push(one);
    }
}

/// Labels and annotations, merged: the more specific wins.
pub(super) fn overlay(
    base: &BTreeMap<String, String>,
    over: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    base.iter().chain(over).map(|(k, v)| (k.clone(), v.clone())).collect()
}
