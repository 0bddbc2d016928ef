//! What every throw-away server, and a control plane of several, needs before it can be asked anything.

use snafu::Snafu;

use crate::{pki, ports, process, scratch, tools};

/// Why a throw-away server does not run.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum Error {
    /// Its program, or what that runs on, is not there.
    #[snafu(display("{source}"))]
    Tool {
        /// Why.
        source: tools::Error,
    },
    /// There is no free port.
    #[snafu(display("{source}"))]
    NoPort {
        /// Why.
        source: ports::Error,
    },
    /// There is no place for its data.
    #[snafu(display("{source}"))]
    Files {
        /// Why.
        source: scratch::FileError,
    },
    /// Its certificates could not be made.
    #[snafu(display("{source}"))]
    Keys {
        /// Why.
        source: pki::Error,
    },
    /// It does not run.
    #[snafu(display("{source}"))]
    Run {
        /// Why.
        source: process::Error,
    },
}
