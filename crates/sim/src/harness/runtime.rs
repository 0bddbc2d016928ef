//! One run.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use tokio::task::LocalSet;

use super::chance::Made;
use super::options::Options;
use super::plan::At;
use super::process::words;
use super::trace::Trace;
use super::world::World;

/// Stack of the thread of a run: futures of debug builds are large.
const STACK: usize = 16 << 20;

/// What a run has come to.
#[derive(Clone, Debug)]
pub struct Outcome<T> {
    /// What the scenario gave, or what is wrong.
    pub result: Result<T, String>,
    /// What happened.
    pub trace: Trace,
    /// Requests up to [`World::calm`].
    pub made: Vec<Made>,
    /// Polls of operators up to [`World::calm`].
    pub polls: BTreeMap<Arc<str>, u64>,
    /// What went wrong by plan or chance.
    pub hit: Vec<At>,
}

/// Runs a scenario in a world of its own, on a thread of its own.
///
/// The run ends when the scenario does, when a demand does not hold, when an operator panics, or when it
/// takes longer or asks more often than [`Options`] allow.
pub fn run<T, F>(options: Options, scenario: impl FnOnce(World) -> F + Send) -> Outcome<T>
where
    T: Send,
    F: Future<Output = Result<T, String>>,
{
    let work = || {
        let seed = options.plan.seed;
        milvus_sim_random::seed_thread(seed);
        fastrand::seed(seed);
        block_on(options, scenario)
    };
    let failed = |why: String| Outcome {
        result: Err(why),
        trace: Trace::default(),
        made: Vec::new(),
        polls: BTreeMap::new(),
        hit: Vec::new(),
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("run".to_owned()).stack_size(STACK);
        match thread.spawn_scoped(scope, work).map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => failed(words(panic.as_ref())),
            Err(error) => failed(format!("no thread for a run: {error}")),
        }
    })
}

fn block_on<T, F>(options: Options, scenario: impl FnOnce(World) -> F) -> Outcome<T>
where
    F: Future<Output = Result<T, String>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => unreachable!("a runtime without IO needs nothing that could be missing: {error}"),
    };
    let local = LocalSet::new();
    let (result, world) = local.block_on(&runtime, async {
        let longest = options.longest;
        let world = World::new(options);
        tokio::task::spawn_local(world.clone().drive());
        let played = std::panic::AssertUnwindSafe(scenario(world.clone()));
        let result = tokio::select! {
            biased;
            why = world.violated() => Err(why),
            () = tokio::time::sleep(longest) => Err(format!("takes longer than {longest:?}")),
            played = futures::FutureExt::catch_unwind(played) => {
                played.unwrap_or_else(|panic| Err(words(panic.as_ref())))
            }
        };
        (result, world)
    });
    let chance = world.chance();
    Outcome {
        result,
        trace: world.trace(),
        made: chance.made().to_vec(),
        polls: chance.polls().clone(),
        hit: chance.hit().to_vec(),
    }
}
