//! What happened in a run, as short lines.

use std::fmt;
use std::time::Duration;

/// Lines with the time since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    lines: Vec<(Duration, String)>,
}

impl Trace {
    pub(super) fn push(&mut self, at: Duration, line: String) {
        self.lines.push((at, line));
    }

    /// Lines, oldest first.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|(_, line)| line.as_str())
    }

    /// The last lines.
    #[must_use]
    pub fn tail(&self, lines: usize) -> Trace {
        Trace { lines: self.lines[self.lines.len().saturating_sub(lines)..].to_vec() }
    }

    /// A number that two traces share only if they are alike, times included: 64 bits of FNV-1a.
    pub fn hash(&self) -> u64 {
        let times = |at: &Duration| at.as_nanos().to_le_bytes();
        let bytes = self.lines.iter().flat_map(|(at, line)| times(at).into_iter().chain(line.bytes()));
        bytes
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, line) in &self.lines {
            writeln!(out, "{:>9}.{:03} {line}", at.as_secs(), at.subsec_millis())?;
        }
        Ok(())
    }
}
