//! Exit codes. Scripts rely on them: a code is never given another meaning.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: it was shown; with `--watch NAME`, everything is as `spec` asks.
    Fine,
    /// 1: it could not be done: no cluster, no permission, no CRD.
    Error,
    /// 2: the command line can't be understood. clap ends the program with the same number.
    Usage,
    /// 3: there is no such Milvus, or it was deleted while it was watched.
    NotFound,
    /// 4: the spec, or the change of it, is refused, and nothing will happen until it is changed.
    Refused,
    /// 130: ended by Ctrl-C, as shells expect it (128 + SIGINT).
    Interrupted,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Fine => 0,
            Exit::Error => 1,
            Exit::Usage => 2,
            Exit::NotFound => 3,
            Exit::Refused => 4,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
