//! How two operators compare that were measured in turn. Pure: takes figures, gives ratios.

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// How many.
    Count,
}

/// A figure of one operator in one turn.
#[derive(Debug, Clone)]
pub(super) struct Value {
    /// What was measured, in the same words for both.
    pub(super) what: &'static str,
    /// How much; less is better.
    pub(super) amount: f64,
    pub(super) unit: Unit,
    /// The greatest ratio to the other operator that is aimed at; none for what is only told.
    pub(super) aim: Option<f64>,
}

/// One figure of both.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Compared {
    pub(super) what: &'static str,
    pub(super) unit: Unit,
    pub(super) aim: Option<f64>,
    /// Median of the turns of the other revision.
    pub(super) before: f64,
    /// Median of the turns of this tree.
    pub(super) after: f64,
    /// This tree by the other revision, of each pair of turns.
    pub(super) pairs: Vec<f64>,
}

impl Compared {
    /// The median of the pairs.
    pub(super) fn ratio(&self) -> f64 {
        median(&self.pairs)
    }

    /// Whether the aim is met; none where there is none.
    pub(super) fn reached(&self) -> Option<bool> {
        self.aim.map(|aim| self.ratio() <= aim)
    }
}

/// Every figure that both have, in the order of the first turn. The n-th turn of one is compared with the
/// n-th of the other: they ran one after the other, so that what changes on the machine meanwhile meets both.
pub(super) fn compare(before: &[Vec<Value>], after: &[Vec<Value>]) -> Vec<Compared> {
    let first = before.first().into_iter().flatten();
    first
        .filter_map(|value| {
            let turns = |all: &[Vec<Value>]| all.iter().map(|turn| amount(turn, value.what)).collect();
            let (old, new): (Option<Vec<f64>>, Option<Vec<f64>>) = (turns(before), turns(after));
            let (old, new) = (old?, new?);
            Some(Compared {
                what: value.what,
                unit: value.unit,
                aim: value.aim,
                before: median(&old),
                after: median(&new),
                pairs: old.iter().zip(&new).map(|(old, new)| ratio(*old, *new)).collect(),
            })
        })
        .collect()
}

fn amount(turn: &[Value], what: &str) -> Option<f64> {
    turn.iter().find(|value| value.what == what).map(|value| value.amount)
}

/// Nothing and nothing are equal; something is infinitely more than nothing.
fn ratio(before: f64, after: f64) -> f64 {
    match before > 0.0 {
        true => after / before,
        false if after > 0.0 => f64::INFINITY,
        false => 1.0,
    }
}

/// Of two in the middle their mean; not a number without any.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (None, _) => f64::NAN,
        (Some(upper), 0) => f64::midpoint(sorted[middle - 1], *upper),
        (Some(middle), _) => *middle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(what: &'static str, amount: f64, aim: Option<f64>) -> Value {
        Value { what, amount, unit: Unit::Seconds, aim }
    }

    fn turns(what: &'static str, aim: f64, amounts: &[f64]) -> Vec<Vec<Value>> {
        amounts.iter().map(|amount| vec![value(what, *amount, Some(aim))]).collect()
    }

    #[test]
    fn the_ratio_is_the_median_of_pairs_and_not_the_ratio_of_medians() {
        let (before, after) = (turns("start", 0.5, &[2.0, 10.0, 4.0]), turns("start", 0.5, &[1.0, 2.0, 2.0]));
        let all = compare(&before, &after);
        assert_eq!(all[0].pairs, [0.5, 0.2, 0.5]);
        assert_eq!((all[0].ratio(), all[0].before, all[0].after), (0.5, 4.0, 2.0));
        assert_eq!(all[0].reached(), Some(true), "as much as was aimed at");
    }

    #[test]
    fn of_two_pairs_the_middle_counts() {
        let all = compare(&turns("roll", 1.05, &[1.0, 1.0]), &turns("roll", 1.05, &[1.0, 1.2]));
        assert!((all[0].ratio() - 1.1).abs() < 1e-9);
        assert_eq!(all[0].reached(), Some(false));
    }

    #[test]
    fn from_nothing_to_something_is_never_within_an_aim() {
        let all = compare(&turns("writes", 1.05, &[0.0]), &turns("writes", 1.05, &[3.0]));
        assert_eq!((all[0].ratio(), all[0].reached()), (f64::INFINITY, Some(false)));
        let all = compare(&turns("writes", 1.05, &[0.0]), &turns("writes", 1.05, &[0.0]));
        assert_eq!((all[0].ratio(), all[0].reached()), (1.0, Some(true)));
    }

    #[test]
    fn what_was_not_measured_in_every_turn_is_left_out_and_what_has_no_aim_is_not_judged() {
        let mut before = turns("start", 0.5, &[2.0, 2.0]);
        before[0].push(value("size", 5.0, None));
        before[0].push(value("once", 5.0, None));
        before[1].push(value("size", 5.0, None));
        let mut after = turns("start", 0.5, &[1.0, 1.0]);
        after[0].push(value("size", 6.0, None));
        after[1].push(value("size", 6.0, None));
        let all = compare(&before, &after);
        assert_eq!(all.iter().map(|one| one.what).collect::<Vec<_>>(), ["start", "size"]);
        assert_eq!(all[1].reached(), None);
    }
}
