//! What the kernel says of the operator's process: memory, and time on a processor.

use std::{fs, io, time::Duration};

use milvus_testkit::process::ProcessId;
use snafu::{OptionExt as _, ResultExt as _};

use super::error::{Error, FileSnafu, ProcessSnafu};

/// Memory of the operator, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    /// All that is resident (`VmRSS`): what a limit counts.
    pub(super) resident: u64,
    /// Of that, what is not mapped from the executable (`RssAnon`).
    pub(super) anonymous: u64,
    /// The most that ever was resident (`VmHWM`).
    pub(super) peak: u64,
}

/// The memory that the process holds now.
///
/// # Errors
///
/// When the process is gone, or the kernel does not list a field.
pub(super) fn memory(process: ProcessId) -> Result<Memory, Error> {
    let path = format!("/proc/{}/status", process.pid);
    let status = fs::read_to_string(&path).context(FileSnafu { path, action: "read" })?;
    parse_memory(&status).context(ProcessSnafu { what: "memory" })
}

fn parse_memory(status: &str) -> Option<Memory> {
    let of = |field: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_suffix("kB"));
        line.and_then(|text| text.trim().parse::<u64>().ok()).map(|kibibytes| kibibytes * 1024)
    };
    Some(Memory { resident: of("VmRSS:")?, anonymous: of("RssAnon:")?, peak: of("VmHWM:")? })
}

/// The time that the process, with all of its threads, has had a processor since it began; in steps of a
/// clock tick, 10 ms on Linux.
///
/// # Errors
///
/// When the process is gone.
pub(super) fn processor_time(process: ProcessId) -> Result<Duration, Error> {
    let path = format!("/proc/{}/stat", process.pid);
    let stat = fs::read_to_string(&path).context(FileSnafu { path, action: "read" })?;
    let ticks = parse_ticks(&stat).context(ProcessSnafu { what: "time on a processor" })?;
    // At most 2^53 ticks, which are millions of years.
    #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
    let seconds = ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
    Duration::try_from_secs_f64(seconds)
        .map_err(io::Error::other)
        .context(FileSnafu { path: "/proc", action: "read" })
}

/// `utime` and `stime`, the 14th and 15th field (proc_pid_stat(5)). The second field is the name of the
/// program, which may have blanks and brackets of its own.
fn parse_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_those_of_user_and_kernel_whatever_the_program_is_called() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 5 0 0 0 130 25 9 9 20 0 8 0 100 1000 200";
        assert_eq!(parse_ticks(stat), Some(155));
        assert_eq!(parse_ticks("42 (a) S 1"), None);
    }

    #[test]
    fn memory_is_told_in_bytes() {
        let status = "Name:\ta\nVmHWM:\t    30 kB\nVmRSS:\t    20 kB\nRssAnon:\t      10 kB\n";
        let memory = parse_memory(status).unwrap();
        assert_eq!((memory.resident, memory.anonymous, memory.peak), (20480, 10240, 30720));
        assert!(parse_memory("VmRSS:\t 20 kB\n").is_none());
    }
}
