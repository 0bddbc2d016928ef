//! Child processes: started with a log file, waited for until they are ready, ended by their own process id.
//!
//! An *attached* process ends with this one, also when this one is killed: the kernel sends SIGKILL when the parent
//! goes (`setpriv --pdeathsig`, util-linux). A *detached* one stays, and is found again through its [`ProcessId`].

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::Signal;
use snafu::{OptionExt, ResultExt, Snafu};

mod id;
mod spawner;

pub use id::ProcessId;

/// How often a program that is starting is asked whether it is ready; programs have no way to announce it.
const PROBE_INTERVAL: Duration = Duration::from_millis(25);
/// Lines of a log that an error quotes.
const QUOTED_LINES: usize = 15;

/// What can go wrong with a child process.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The log file could not be opened.
    #[snafu(display("{name}: its log {} could not be opened: {source}", log.display()))]
    OpenLog {
        /// The program.
        name: String,
        /// The file.
        log: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The program could not be started.
    #[snafu(display("{name} could not be started: {source}"))]
    Spawn {
        /// The program.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The program ended although it should serve.
    #[snafu(display("{name} ended with {status} before it was ready. Its log {} ends:\n{tail}", log.display()))]
    Ended {
        /// The program.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// The program runs, but is not ready in time.
    #[snafu(display("{name} was not ready within {within:?}. Its log {} ends:\n{tail}", log.display()))]
    NotReady {
        /// The program.
        name: String,
        /// How long it had.
        within: Duration,
        /// Its log.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// The program could not be signalled, waited for or looked at.
    #[snafu(display("{name}: {action} failed: {source}"))]
    Control {
        /// The program.
        name: String,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The program did not end, not even after SIGKILL.
    #[snafu(display("{name} (pid {pid}) is still there {within:?} after SIGKILL"))]
    Immortal {
        /// The program.
        name: String,
        /// Its process id.
        pid: u32,
        /// How long was waited.
        within: Duration,
    },
}

/// What to run.
#[derive(Debug, Clone)]
pub struct Program {
    /// The name in messages, for example `etcd`.
    pub name: String,
    /// The executable.
    pub executable: PathBuf,
    /// The arguments.
    pub args: Vec<OsString>,
    /// Variables on top of (or, with `clean_env`, instead of) the environment of this process.
    pub env: Vec<(String, OsString)>,
    /// Whether the environment of this process is withheld.
    pub clean_env: bool,
    /// Where standard output and standard error go (appended).
    pub log: PathBuf,
    /// Whether the process outlives this one.
    pub detached: bool,
}

impl Program {
    /// An attached program without arguments that inherits the environment.
    pub fn new(name: &str, executable: &Path, log: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            executable: executable.to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            clean_env: false,
            log,
            detached: false,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Sets whether the process outlives this one.
    #[must_use]
    pub fn detached(mut self, detached: bool) -> Self {
        self.detached = detached;
        self
    }

    /// Starts it.
    pub async fn start(self) -> Result<Process, Error> {
        let name = self.name.clone();
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .context(OpenLogSnafu { name: &name, log: &self.log })?;
        let errors = log.try_clone().context(OpenLogSnafu { name: &name, log: &self.log })?;
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        let child = spawner::spawn(command).await.context(SpawnSnafu { name: &name })?;
        let id = ProcessId::of(child.id()).context(ControlSnafu { name: &name, action: "reading /proc" })?;
        Ok(Process { program: self, id, child })
    }

    fn quote(&self) -> String {
        tail(&self.log)
    }

    fn command(&self) -> Command {
        // setpriv replaces itself by the program, so that the process id is the program's.
        let mut command = match spawner::setpriv().filter(|_| !self.detached) {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(&self.executable);
                command
            }
            None => Command::new(&self.executable),
        };
        if self.detached {
            // A Ctrl-C in the terminal is for the command that started it, not for what it left behind.
            command.process_group(0);
        }
        if self.clean_env {
            command.env_clear();
        }
        command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A running (or ended) child. Attached ones are killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    program: Program,
    id: ProcessId,
    child: Child,
}

impl Process {
    /// The process id, with what tells it from a later process of the same number.
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// The name in messages.
    pub fn name(&self) -> &str {
        &self.program.name
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.program.log
    }

    /// How it ended, or `None` while it runs.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.child.try_wait().context(ControlSnafu { name: &self.program.name, action: "waiting" })
    }

    /// Returns when `probe` says yes; an error when the process ends first, or after `within`.
    pub async fn ready(&mut self, within: Duration, probe: impl AsyncFn() -> bool) -> Result<(), Error> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.ended()? {
                let Program { name, log, .. } = &self.program;
                return EndedSnafu { name, status, log, tail: self.program.quote() }.fail();
            }
            if probe().await {
                return Ok(());
            }
            if started.elapsed() > within {
                let Program { name, log, .. } = &self.program;
                return NotReadySnafu { name, within, log, tail: self.program.quote() }.fail();
            }
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
    }

    /// SIGTERM, and after `grace` SIGKILL. Returns when the process is gone.
    pub async fn stop(&mut self, grace: Duration) -> Result<ExitStatus, Error> {
        self.signal(Signal::TERM)?;
        if !self.exited(grace).await? {
            self.signal(Signal::KILL)?;
            self.exited(id::AFTER_KILL).await?;
        }
        self.reap()
    }

    /// SIGKILL. Returns when the process is gone.
    pub async fn kill(&mut self) -> Result<ExitStatus, Error> {
        self.signal(Signal::KILL)?;
        self.exited(id::AFTER_KILL).await?;
        self.reap()
    }

    /// Sends a signal; nothing happens if the process has ended.
    pub fn signal(&mut self, signal: Signal) -> Result<(), Error> {
        let action = "sending a signal";
        self.id.signal(signal).map(|_| ()).context(ControlSnafu { name: &self.program.name, action })
    }

    /// Waits up to `within` for the process to end; whether it has.
    pub async fn exited(&self, within: Duration) -> Result<bool, Error> {
        let action = "waiting";
        self.id.exited(within).await.context(ControlSnafu { name: &self.program.name, action })
    }

    fn reap(&mut self) -> Result<ExitStatus, Error> {
        let ended = self.ended()?;
        ended.context(ImmortalSnafu { name: self.name(), pid: self.id.pid, within: id::AFTER_KILL })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.program.detached && !matches!(self.child.try_wait(), Ok(Some(_))) {
            // Nobody is left to be told; SIGKILL of one's own child can only fail if it has ended.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The last lines of a log, for error messages; empty if the log can't be read, for the error that quotes it matters more.
pub fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
}
