//! Operators: processes that use a client, are killed, and start again.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use kube::Client;

use super::clock::Clock;
use super::gate::Gate;
use super::life::{Life, Process};
use super::world::World;

impl World {
    /// A client that never dies: of a user, or of a test.
    pub fn client(&self, name: &str) -> Client {
        self.connect(&Arc::from(name), Life::new())
    }

    fn connect(&self, name: &Arc<str>, life: Life) -> Client {
        let server = self.server().service();
        Client::new(Gate { world: self.clone(), client: name.clone(), life, server }, "default")
    }

    /// Starts an operator and keeps it running: when it dies or ends, it starts again a while later, with a
    /// new client. What a dead one still has in the air stops at its client.
    pub fn start<F: Future<Output = ()> + 'static>(
        &self,
        name: &str,
        program: impl Fn(Client, Clock) -> F + 'static,
    ) {
        let clock = self.clock().another();
        let life = Life::new();
        let process = Process { life: life.clone(), clock: clock.clone(), stays_down: false };
        self.processes().insert(name.to_owned(), process);
        tokio::task::spawn_local(supervise(self.clone(), Arc::from(name), life, clock, program));
    }

    /// Kills an operator, which will be started again.
    pub fn kill(&self, name: &str) {
        if let Some(process) = self.processes().get(name) {
            process.life.kill();
        }
    }

    /// Kills an operator for good.
    pub fn remove(&self, name: &str) {
        if let Some(process) = self.processes().get_mut(name) {
            process.stays_down = true;
            process.life.kill();
        }
    }

    /// Stops an operator for a while: it then goes on where it was, and knows nothing of it.
    pub fn stop(&self, name: &str, time: Duration) {
        let life = self.processes().get(name).map(|process| process.life.clone());
        if let Some(life) = life {
            self.tell(format!("{name} is stopped for {time:?}"));
            tokio::task::spawn_local(async move { life.stop_for(time).await });
        }
    }

    /// Cuts an operator off from the API server for a while: it goes on, and what it asks and is told has to
    /// wait.
    pub fn cut_off(&self, name: &str, time: Duration) {
        let life = self.processes().get(name).map(|process| process.life.clone());
        if let Some(life) = life {
            self.tell(format!("{name} is cut off for {time:?}"));
            tokio::task::spawn_local(async move { life.cut_off_for(time).await });
        }
    }

    /// The clock of an operator, which a test may set wrong.
    pub fn clock_of(&self, name: &str) -> Option<Clock> {
        self.processes().get(name).map(|process| process.clock.clone())
    }
}

/// How a life of an operator ended.
enum End {
    Killed,
    Returned,
    Panicked(String),
}

async fn supervise<F: Future<Output = ()> + 'static>(
    world: World,
    name: Arc<str>,
    mut life: Life,
    clock: Clock,
    program: impl Fn(Client, Clock) -> F + 'static,
) {
    loop {
        world.tell(format!("{name} starts"));
        let future = program(world.connect(&name, life.clone()), clock.clone());
        let end = Running {
            future: AssertUnwindSafe(future).catch_unwind().boxed_local(),
            dead: dead(life.clone()),
            resumed: None,
            life: life.clone(),
            world: world.clone(),
            name: name.clone(),
        };
        match end.await {
            End::Killed => world.tell(format!("{name} is killed")),
            End::Returned => world.tell(format!("{name} ends")),
            End::Panicked(why) => world.violate(&format!("{name} panics: {why}")),
        }
        // Whatever it has left behind is cut off, however it has ended.
        life.kill();
        tokio::time::sleep(world.options().restart_after).await;
        life = Life::new();
        match world.processes().get_mut(&*name) {
            Some(process) if !process.stays_down => process.life = life.clone(),
            _ => return,
        }
    }
}

fn dead(life: Life) -> LocalBoxFuture<'static, ()> {
    async move { life.dead().await }.boxed_local()
}

/// An operator's future until it ends or is killed. Its polls are counted, and each can be its last.
struct Running {
    future: LocalBoxFuture<'static, Result<(), Box<dyn Any + Send>>>,
    dead: LocalBoxFuture<'static, ()>,
    resumed: Option<LocalBoxFuture<'static, ()>>,
    life: Life,
    world: World,
    name: Arc<str>,
}

impl Future for Running {
    type Output = End;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<End> {
        if self.dead.poll_unpin(context).is_ready() {
            return Poll::Ready(End::Killed);
        }
        if !self.life.runs() {
            let life = self.life.clone();
            let wait = || async move { life.running().await }.boxed_local();
            if self.resumed.get_or_insert_with(wait).poll_unpin(context).is_pending() {
                return Poll::Pending;
            }
        }
        self.resumed = None;
        let dies = self.world.chance().poll(&self.name);
        if dies {
            return Poll::Ready(End::Killed);
        }
        let polled = self.future.poll_unpin(context);
        if self.life.is_dead() {
            return Poll::Ready(End::Killed);
        }
        polled.map(|end| match end {
            Ok(()) => End::Returned,
            Err(panic) => End::Panicked(words(panic.as_ref())),
        })
    }
}

/// The words of a panic.
pub(super) fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words").to_owned()
}
