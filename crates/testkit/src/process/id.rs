//! A process id that can be kept in a file: it never means a later process that got the same number.

use std::{fs, io, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use serde::{Deserialize, Serialize};

/// How long a killed process may need to go away on a busy machine.
pub(super) const AFTER_KILL: Duration = Duration::from_secs(20);

/// A process of this machine since its last boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// The number that the system gave it, and may give again later.
    pub pid: u32,
    /// When it started, in clock ticks since boot (field 22 of `/proc/<pid>/stat`): what tells it from a later one.
    pub start_ticks: u64,
}

impl ProcessId {
    /// Of the process that has this number now; an error of kind `NotFound` if there is none.
    pub fn of(pid: u32) -> io::Result<Self> {
        let (start_ticks, _) = stat(pid)?;
        Ok(Self { pid, start_ticks })
    }

    /// Of this process.
    pub fn own() -> io::Result<Self> {
        Self::of(std::process::id())
    }

    /// Whether it still runs. One that has ended but was not yet waited for by its parent does not.
    pub fn is_alive(self) -> bool {
        stat(self.pid).is_ok_and(|(start_ticks, state)| start_ticks == self.start_ticks && state != 'Z')
    }

    /// Sends a signal to this process and no other; `false` if it has ended.
    pub fn signal(self, signal: Signal) -> io::Result<bool> {
        let Some(handle) = self.open()? else { return Ok(false) };
        match pidfd_send_signal(&handle, signal) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits up to `within` for it to end; whether it has.
    pub async fn exited(self, within: Duration) -> io::Result<bool> {
        let Some(handle) = self.open()? else { return Ok(true) };
        let timeout = Timespec::try_from(within).map_err(io::Error::other)?;
        // The handle becomes readable when the process ends.
        let wait = move || poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&timeout));
        let ended = tokio::task::spawn_blocking(wait).await??;
        Ok(ended == 1)
    }

    /// SIGTERM, and after `grace` SIGKILL; whether the process is gone.
    pub async fn stop(self, grace: Duration) -> io::Result<bool> {
        if !self.signal(Signal::TERM)? || self.exited(grace).await? {
            return Ok(true);
        }
        self.signal(Signal::KILL)?;
        self.exited(AFTER_KILL).await
    }

    /// Resident memory in bytes (`VmRSS` of `/proc/<pid>/status`).
    pub fn resident_bytes(self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let kibibytes = status.lines().find_map(|line| {
            line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        });
        kibibytes
            .filter(|_| self.is_alive())
            .map(|count| count * 1024)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the process has ended"))
    }

    /// A handle that can only ever mean this process: opened by number, kept if the start time is still the same.
    fn open(self) -> io::Result<Option<OwnedFd>> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let Some(pid) = pid else { return Ok(None) };
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => {
                Ok(stat(self.pid).is_ok_and(|(ticks, _)| ticks == self.start_ticks).then_some(handle))
            }
            Err(Errno::SRCH) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Start time in ticks since boot, and the state letter, from `/proc/<pid>/stat`. The name in the second field may
/// contain anything, so fields are counted from its closing parenthesis.
fn stat(pid: u32) -> io::Result<(u64, char)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let state = fields.first().and_then(|field| field.chars().next());
    let start = fields.get(19).and_then(|field| field.parse().ok());
    start.zip(state).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unexpected /proc/<pid>/stat"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn a_process_with_the_number_of_an_ended_one_is_left_alone() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        let earlier = ProcessId { start_ticks: id.start_ticks - 1, ..id };

        assert!(!earlier.is_alive());
        assert!(earlier.stop(Duration::from_secs(1)).await.unwrap(), "the earlier one counts as gone");
        assert!(id.is_alive(), "and the later one was not signalled");

        assert!(id.stop(Duration::from_secs(5)).await.unwrap());
        child.wait().unwrap();
    }

    #[tokio::test]
    async fn what_ignores_sigterm_is_killed() {
        let mut child = Command::new("sh").args(["-c", "trap '' TERM; echo; sleep 60"]).spawn().unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        assert!(id.stop(Duration::from_millis(200)).await.unwrap());
        assert!(!id.is_alive());
        child.wait().unwrap();
    }

    #[test]
    fn this_process_uses_memory() {
        let bytes = ProcessId::own().unwrap().resident_bytes().unwrap();
        assert!(bytes > 1 << 20, "{bytes}");
    }
}
