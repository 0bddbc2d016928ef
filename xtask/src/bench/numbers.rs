//! Samples of a duration, and how they are told.

use std::time::Duration;

use jiff::Timestamp;

/// From one time to another; zero where the clock of a watch is a little behind that of the audit log.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// Durations of the same thing, measured several times.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples(Vec<Duration>);

impl FromIterator<Duration> for Samples {
    fn from_iter<I: IntoIterator<Item = Duration>>(samples: I) -> Self {
        let mut samples: Vec<Duration> = samples.into_iter().collect();
        samples.sort_unstable();
        Self(samples)
    }
}

impl Samples {
    /// How many.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest sample that `percent` of all are not above (nearest rank); none without samples.
    pub(super) fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = (percent * self.0.len()).div_ceil(100).max(1);
        self.0.get(rank - 1).copied()
    }

    /// The longest.
    pub(super) fn max(&self) -> Option<Duration> {
        self.0.last().copied()
    }

    /// `min / median / p99 / max (N=…)`.
    pub(super) fn told(&self) -> String {
        let at = |percent| self.percentile(percent).map(time).unwrap_or_default();
        match self.count() {
            0 => "not measured".to_owned(),
            count @ 1..=4 => {
                let all: Vec<String> = self.0.iter().copied().map(time).collect();
                format!("{} (N={count})", all.join(", "))
            }
            count => format!("{} / {} / {} / {} (N={count})", at(0), at(50), at(99), at(100)),
        }
    }
}

/// With a unit that suits it.
pub(super) fn time(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1000.0;
    match milliseconds {
        ..10.0 => format!("{milliseconds:.1} ms"),
        10.0..1000.0 => format!("{milliseconds:.0} ms"),
        _ => format!("{:.2} s", duration.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_that_were_measured() {
        let samples: Samples = (1..=30).rev().map(Duration::from_millis).collect();
        let at = |percent| samples.percentile(percent).unwrap().as_millis();
        assert_eq!([at(0), at(50), at(99), at(100)], [1, 15, 30, 30]);
        assert_eq!(samples.told(), "1.0 ms / 15 ms / 30 ms / 30 ms (N=30)");
        assert_eq!(Samples::default().told(), "not measured");
    }
}
