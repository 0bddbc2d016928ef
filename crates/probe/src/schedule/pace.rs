//! When the next probe is due and what one result means: pure, without a clock.

use std::time::Duration;

use crate::outcome::Outcome;

/// Between two probes of what is ready, before [`JITTER_PERCENT`]. Upstream: 30 s for what is not healthy, 60
/// s else.
pub const HEALTHY_INTERVAL: Duration = Duration::from_secs(30);
/// After a first failure; doubled with each further one.
pub const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest time between two probes of what is not ready.
pub const LONGEST_RETRY: Duration = Duration::from_secs(30);
/// Findings in a row that change what is said of what is ready. One alone is a lost packet or a leader
/// election, and a condition that flips for it makes people distrust it: it is kept to ourselves and tried
/// again after [`FIRST_RETRY`]. The same goes for a member that is away while the others are ready.
pub const FAILURES_TO_FLIP: u32 = 2;
/// Every wait is longer or shorter by up to this share, so that a thousand targets do not stay in step.
pub const JITTER_PERCENT: u32 = 20;

/// How a target has been doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pace {
    /// Failures since the last success.
    failures: u32,
    /// Findings in a row that differ from a "ready" that the world was told.
    doubts: u32,
    /// What the world was told last.
    told: Option<Outcome>,
    /// Spreads the jitter; different for each target and each probe.
    seed: u64,
}

impl Pace {
    pub(super) fn new(seed: u64) -> Self {
        Self { failures: 0, doubts: 0, told: None, seed }
    }

    /// Takes the result of a probe; gives it back if the world must be told.
    pub(super) fn take(&mut self, outcome: Outcome) -> Option<Outcome> {
        self.failures = if outcome.ready { 0 } else { self.failures.saturating_add(1) };
        if self.told.as_ref() == Some(&outcome) {
            self.doubts = 0;
            return None;
        }
        if self.told.as_ref().is_some_and(|told| told.ready) {
            self.doubts += 1;
            if self.doubts < FAILURES_TO_FLIP {
                return None;
            }
        }
        self.doubts = 0;
        self.told = Some(outcome.clone());
        Some(outcome)
    }

    /// Whether the last probe failed.
    pub(super) fn failing(&self) -> bool {
        self.failures > 0
    }

    /// How long to wait until the next probe.
    pub(super) fn wait(&mut self) -> Duration {
        let base = match self.failures {
            0 if self.doubts > 0 => FIRST_RETRY,
            0 => HEALTHY_INTERVAL,
            n => FIRST_RETRY.saturating_mul(1 << (n - 1).min(16)).min(LONGEST_RETRY),
        };
        base * (100 - JITTER_PERCENT + self.draw(2 * JITTER_PERCENT + 1)) / 100
    }

    /// A number below `below`: splitmix64, because spreading timers needs no real randomness.
    fn draw(&mut self, below: u32) -> u32 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.seed;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^= x >> 31;
        u32::try_from(x % u64::from(below)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    fn up() -> Outcome {
        Outcome::ready(Reason::EtcdReady, "")
    }

    fn down(why: &str) -> Outcome {
        Outcome::not_ready(Reason::EtcdNotReady, why)
    }

    #[test]
    fn one_failure_after_a_success_is_not_told_and_two_are() {
        let mut pace = Pace::new(1);
        assert_eq!(pace.take(up()), Some(up()));
        assert_eq!(pace.take(down("a")), None);
        assert!(pace.wait() < Duration::from_millis(1_300), "tried again at once");
        assert_eq!(pace.take(down("a")), Some(down("a")));
    }

    #[test]
    fn a_flap_leaves_no_trace() {
        let mut pace = Pace::new(1);
        pace.take(up());
        for _ in 0..5 {
            assert_eq!(pace.take(down("a")), None);
            assert_eq!(pace.take(up()), None);
        }
    }

    #[test]
    fn a_member_that_is_away_is_told_when_it_was_seen_twice_and_when_it_is_back() {
        let part = || Outcome::ready(Reason::EtcdReady, "but these endpoints can't be used");
        let mut pace = Pace::new(1);
        pace.take(up());
        assert_eq!(pace.take(part()), None);
        assert!(pace.wait() < Duration::from_millis(1_300), "asked again at once");
        assert_eq!(pace.take(part()), Some(part()));
        assert!(pace.wait() > Duration::from_secs(20), "it is ready, after all");
        assert_eq!(pace.take(up()), None);
        assert_eq!(pace.take(up()), Some(up()));
    }

    #[test]
    fn what_never_was_ready_is_told_at_the_first_failure() {
        assert_eq!(Pace::new(1).take(down("a")), Some(down("a")));
    }

    #[test]
    fn the_same_finding_is_told_once() {
        let mut pace = Pace::new(1);
        assert_eq!(pace.take(down("a")), Some(down("a")));
        assert_eq!(pace.take(down("a")), None);
        assert_eq!(pace.take(down("b")), Some(down("b")));
        assert_eq!(pace.take(up()), Some(up()));
    }

    #[test]
    fn waits_double_up_to_the_longest_and_fall_back_after_a_success() {
        let mut pace = Pace::new(7);
        let mut seconds = Vec::new();
        for _ in 0..8 {
            pace.take(down("a"));
            seconds.push(pace.wait().as_secs_f64());
        }
        for (got, base) in seconds.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]) {
            assert!((base * 0.8..=base * 1.2).contains(got), "{got} is not {base} +-20 %");
        }
        pace.take(up());
        assert!(pace.wait() >= Duration::from_secs(24));
    }

    #[test]
    fn two_targets_do_not_stay_in_step() {
        let waits = |seed| {
            let mut pace = Pace::new(seed);
            pace.take(up());
            (0..4).map(|_| pace.wait()).collect::<Vec<_>>()
        };
        assert_ne!(waits(1), waits(2));
    }
}
