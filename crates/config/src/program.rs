//! Which of its programs this one was called as, and how they speak.

use std::{
    ffi::{OsStr, OsString},
    io::Write as _,
    path::Path,
    process::ExitCode,
};

use crate::error::{Error, NoShellSnafu, UnknownNameSnafu};

/// One of the programs in this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `/init.sh`: puts the tools where the Milvus container finds them.
    Init,
    /// `/milvus/tools/run.sh`: prepares the configuration, then becomes Milvus.
    Run,
    /// `/merge`: merges one YAML file into another.
    Merge,
    /// `/iam-verify`: waits until the object storage can be reached.
    IamVerify,
    /// `/cp`: copies files.
    Copy,
}

/// The program's own name, under which the others are its first argument.
const OWN_NAME: &str = "milvus-config-tool";

impl Program {
    /// What `args` (with the name of the program first) ask for, and the arguments that are left.
    ///
    /// `sh FILE …` runs the program called FILE: the init container is started as `/bin/sh /init.sh`, and
    /// there is no shell.
    ///
    /// # Errors
    ///
    /// When no program has the name, or a shell is asked for.
    pub fn of(args: &[OsString]) -> Result<(Self, &[OsString]), Error> {
        let (name, rest) = args.split_first().ok_or_else(|| UnknownNameSnafu { name: "" }.build())?;
        let called = base(name);
        if called != "sh" && called != OWN_NAME {
            return Self::named(&called).map(|program| (program, rest));
        }
        match rest.split_first() {
            Some((script, rest)) if !script.as_encoded_bytes().starts_with(b"-") => {
                Self::named(&base(script)).map(|program| (program, rest))
            }
            _ => NoShellSnafu.fail(),
        }
    }

    fn named(name: &str) -> Result<Self, Error> {
        [Self::Init, Self::Run, Self::Merge, Self::IamVerify, Self::Copy]
            .into_iter()
            .find(|program| program.name() == name)
            .ok_or_else(|| UnknownNameSnafu { name }.build())
    }

    /// The name of its file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Init => "init.sh",
            Self::Run => "run.sh",
            Self::Merge => "merge",
            Self::IamVerify => "iam-verify",
            Self::Copy => "cp",
        }
    }
}

fn base(name: &OsStr) -> String {
    Path::new(name).file_name().unwrap_or(name).to_string_lossy().into_owned()
}

/// One line to standard error, which is the log of the container.
pub fn say(program: &str, line: &str) {
    // A log that nobody takes is no reason not to start Milvus.
    let _ = writeln!(std::io::stderr(), "{program}: {line}");
}

/// Says why it ends. 127 and 126 as a shell has them: the command is not there, or can't be run.
pub fn fail(program: &str, error: &Error) -> ExitCode {
    say(program, &error.to_string());
    match error {
        Error::Exec { source, .. } if source.kind() == std::io::ErrorKind::NotFound => ExitCode::from(127),
        Error::Exec { .. } => ExitCode::from(126),
        _ => ExitCode::FAILURE,
    }
}
