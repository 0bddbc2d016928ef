//! Free ports of the loopback interface that stay free until the program that they are for listens on them.
//!
//! Asking the system for "any port" and closing it again gives a port that may be somebody else's outgoing connection
//! a moment later. Ports are therefore taken from below the range of outgoing connections, and reserved among all
//! processes that use this module by a locked file.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    sync::atomic::{AtomicU16, Ordering},
};

use snafu::{ResultExt, Snafu};

use crate::scratch;

/// Below this range lie well-known services, above it outgoing connections (Linux: from 32768).
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Where this process looks next; the start differs between processes so that they seldom meet.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// Why no port could be had.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The directory of the reservations or one of its files could not be written.
    #[snafu(display("the reservation of a port: {} could not be written: {source}", path.display()))]
    Reserve {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Every port of the range is taken.
    #[snafu(display("no free port between {FIRST} and {} on 127.0.0.1", FIRST + COUNT - 1))]
    NoneFree,
}

/// A reserved port. Keep it for as long as the program that uses it may be restarted.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _reservation: File,
}

impl Port {
    /// Reserves a port of 127.0.0.1 that nothing listens on.
    pub fn free() -> Result<Self, Error> {
        let directory = scratch::base_dir().join("ports");
        fs::create_dir_all(&directory).context(ReserveSnafu { path: &directory })?;
        let offset = u16::try_from(std::process::id() % u32::from(COUNT / 32)).unwrap_or_default() * 32;
        for _ in 0..COUNT {
            let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
            let number = FIRST + (offset + step) % COUNT;
            let path = directory.join(number.to_string());
            let reservation = File::create(&path).context(ReserveSnafu { path })?;
            if reservation.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, _reservation: reservation });
            }
        }
        NoneFreeSnafu.fail()
    }

    /// The number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// `127.0.0.1:<number>`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.number)
    }

    /// `http://127.0.0.1:<number>`.
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn reserved_ports_differ_although_nobody_listens_yet() {
        let ports: Vec<Port> = (0..20).map(|_| Port::free().unwrap()).collect();
        let numbers: BTreeSet<u16> = ports.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), 20);
    }
}
