//! What can go wrong with a request, and how often.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::server::Failure;

/// How long a client waits for an answer before it gives up.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused with this code, and nothing is done.
    Error(u16),
    /// No answer comes, and nothing is done. The client gives up after half a minute.
    Timeout,
    /// It is done, and the connection breaks before the answer.
    LostReply,
    /// It is done, and no answer comes. The client gives up after half a minute.
    NoReply,
    /// The client dies, and nothing is done.
    KillBefore,
    /// It is done, and the client dies.
    KillAfter,
    /// It is done so much later.
    Delay(Duration),
    /// The stream of a watch misbehaves.
    Watch(WatchFault),
}

/// What goes wrong with a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchFault {
    /// It ends after this time.
    Close(Duration),
    /// Its connection breaks after this time.
    Break(Duration),
    /// What it shows is so old.
    Lag(Duration),
    /// It shows nothing for this time and then says that what was missed is gone: 410.
    Gap(Duration),
    /// It is refused, as where it would begin is gone: 410.
    Expired,
    /// It shows everything twice.
    Twice,
}

impl Fault {
    /// What every request can meet, one of each kind.
    pub const ANY: [Fault; 13] = [
        Fault::Error(400),
        Fault::Error(403),
        Fault::Error(404),
        Fault::Error(409),
        Fault::Error(429),
        Fault::Error(500),
        Fault::Error(503),
        Fault::Error(504),
        Fault::Timeout,
        Fault::LostReply,
        Fault::NoReply,
        Fault::KillBefore,
        Fault::KillAfter,
    ];

    /// What watches can meet besides.
    pub const WATCHES: [Fault; 6] = [
        Fault::Watch(WatchFault::Close(Duration::from_secs(1))),
        Fault::Watch(WatchFault::Break(Duration::from_secs(1))),
        Fault::Watch(WatchFault::Lag(Duration::from_secs(5))),
        Fault::Watch(WatchFault::Gap(Duration::from_secs(20))),
        Fault::Watch(WatchFault::Expired),
        Fault::Watch(WatchFault::Twice),
    ];

    /// Whether it makes sense for a request: a read that is done and not answered is one that is not done.
    pub fn suits(self, writes: bool, watches: bool) -> bool {
        match self {
            Fault::Watch(_) => watches,
            Fault::LostReply | Fault::NoReply | Fault::KillAfter => writes,
            _ => true,
        }
    }
}

/// What the API server says when it refuses with a code.
pub(super) fn refusal(code: u16) -> Failure {
    let reason = match code {
        400 => "BadRequest",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    };
    let retry_after = u32::from(matches!(code, 429 | 503));
    Failure { retry_after, ..Failure::new(code, reason, "a planned fault of the simulation") }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Error(code) => write!(out, "{code}"),
            Fault::Timeout => out.write_str("timeout before"),
            Fault::LostReply => out.write_str("lost reply"),
            Fault::NoReply => out.write_str("timeout after"),
            Fault::KillBefore => out.write_str("kill before"),
            Fault::KillAfter => out.write_str("kill after"),
            Fault::Delay(time) => write!(out, "delay {}ms", time.as_millis()),
            Fault::Watch(fault) => fault.fmt(out),
        }
    }
}

impl fmt::Display for WatchFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WatchFault::Close(after) => write!(out, "close {}ms", after.as_millis()),
            WatchFault::Break(after) => write!(out, "break {}ms", after.as_millis()),
            WatchFault::Lag(time) => write!(out, "lag {}ms", time.as_millis()),
            WatchFault::Gap(time) => write!(out, "gap {}ms", time.as_millis()),
            WatchFault::Expired => out.write_str("expired"),
            WatchFault::Twice => out.write_str("twice"),
        }
    }
}

impl FromStr for Fault {
    type Err = ();

    fn from_str(text: &str) -> Result<Fault, ()> {
        let simple = match text {
            "timeout before" => Some(Fault::Timeout),
            "lost reply" => Some(Fault::LostReply),
            "timeout after" => Some(Fault::NoReply),
            "kill before" => Some(Fault::KillBefore),
            "kill after" => Some(Fault::KillAfter),
            "expired" => Some(Fault::Watch(WatchFault::Expired)),
            "twice" => Some(Fault::Watch(WatchFault::Twice)),
            _ => None,
        };
        if let Some(fault) = simple {
            return Ok(fault);
        }
        if let Ok(code) = text.parse() {
            return Ok(Fault::Error(code));
        }
        let (word, time) = text.split_once(' ').ok_or(())?;
        let time = duration(time).ok_or(())?;
        Ok(match word {
            "delay" => Fault::Delay(time),
            "close" => Fault::Watch(WatchFault::Close(time)),
            "break" => Fault::Watch(WatchFault::Break(time)),
            "lag" => Fault::Watch(WatchFault::Lag(time)),
            "gap" => Fault::Watch(WatchFault::Gap(time)),
            _ => return Err(()),
        })
    }
}

/// `5s`, `250ms`.
fn duration(text: &str) -> Option<Duration> {
    if let Some(number) = text.strip_suffix("ms") {
        return number.parse().ok().map(Duration::from_millis);
    }
    text.strip_suffix('s')?.parse().ok().map(Duration::from_secs)
}

/// How many of [`Fault::ANY`] a healthy API server does not say by chance, from the first: 400, 403 and 404.
const NEVER_BY_CHANCE: usize = 3;

/// How often things go wrong by chance, in thousandths of the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Odds {
    /// Any request.
    pub request: u32,
    /// A watch, besides.
    pub watch: u32,
    /// The longest lag of a watch.
    pub longest_lag: Duration,
}

impl Default for Odds {
    fn default() -> Odds {
        Odds { request: 80, watch: 250, longest_lag: Duration::from_secs(20) }
    }
}

impl Odds {
    /// Draws what goes wrong with a request.
    pub(super) fn draw(&self, rng: &mut fastrand::Rng, writes: bool, watches: bool) -> Option<Fault> {
        let hit = |rng: &mut fastrand::Rng, odds: u32| rng.u32(0..1000) < odds;
        if watches && hit(rng, self.watch) {
            return Some(Fault::Watch(self.draw_watch(rng)));
        }
        if !hit(rng, self.request) {
            return None;
        }
        let fault = Fault::ANY[rng.usize(NEVER_BY_CHANCE..Fault::ANY.len())];
        let conflict = fault == Fault::Error(409);
        (fault.suits(writes, watches) && (writes || !conflict)).then_some(fault)
    }

    fn draw_watch(&self, rng: &mut fastrand::Rng) -> WatchFault {
        let longest = u64::try_from(self.longest_lag.as_millis()).unwrap_or(u64::MAX).max(1);
        let time = Duration::from_millis(rng.u64(0..longest));
        match rng.u8(0..8) {
            0 => WatchFault::Close(time),
            1 => WatchFault::Break(time),
            2 => WatchFault::Gap(time),
            3 => WatchFault::Expired,
            4 => WatchFault::Twice,
            _ => WatchFault::Lag(time),
        }
    }
}
