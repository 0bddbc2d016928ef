//! One thread from which all children are started.
//!
//! The kernel's "die with the parent" is about the parent *thread*, and tests run on threads that end with the test,
//! while a shared control plane must outlive the test that started it. This thread lives as long as the process.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::{
        OnceLock,
        mpsc::{Sender, channel},
    },
    thread,
};

use tokio::sync::oneshot;

type Request = (Command, oneshot::Sender<io::Result<Child>>);

static SPAWNER: OnceLock<Sender<Request>> = OnceLock::new();
static SETPRIV: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Starts `command` from the thread that lives as long as this process.
pub(super) async fn spawn(command: Command) -> io::Result<Child> {
    let (answer, child) = oneshot::channel();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, requests) = channel::<Request>();
        thread::spawn(move || {
            for (mut command, answer) in requests {
                // Nobody waits for the answer any more: the child is dropped, so it must not stay behind.
                if let Err(Ok(mut orphan)) = answer.send(command.spawn()) {
                    let _ = orphan.kill();
                    let _ = orphan.wait();
                }
            }
        });
        sender
    });
    spawner.send((command, answer)).map_err(|_| io::Error::other("the spawner thread has ended"))?;
    child.await.map_err(|_| io::Error::other("the spawner thread has ended"))?
}

/// util-linux's `setpriv`, if this machine has one that knows `--pdeathsig`. Without it attached children are ended
/// by `Drop`, and what an aborted run leaves behind by the next run ([`crate::scratch`]).
pub(super) fn setpriv() -> Option<&'static Path> {
    SETPRIV
        .get_or_init(|| {
            let works = Command::new("setpriv").args(["--pdeathsig", "KILL", "--", "true"]).output();
            works.is_ok_and(|output| output.status.success()).then(|| PathBuf::from("setpriv"))
        })
        .as_deref()
}
