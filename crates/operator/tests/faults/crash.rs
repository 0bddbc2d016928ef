//! SIGKILL after the n-th write of a create and of a roll: the end is the same as without it, and the order is kept.
//!
//! Every n when `MILVUS_TEST_ALL` is set, else every [`SHARE`]th. With `MILVUS_TEST_REPORT` the result is written to that file.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf, sync::Arc, time::Duration};

use futures::StreamExt as _;
use milvus_testkit::{
    access::Access,
    operator::NAME as OPERATOR,
    ports::Port,
    process::{Process, Program},
    proxy::Proxy,
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::world::{Ground, History, Story, all_is_wanted, condition};

/// Of how many writes one is the last, unless all are tried.
const SHARE: usize = 4;
/// Runs at a time.
const SIDE_BY_SIDE: usize = 3;
/// By when the n-th write has happened, if there are so many.
const PATIENCE: Duration = Duration::from_mins(1);
const STEPS: [&str; 5] = ["indexnode", "mixcoord", "querynode", "datanode", "proxy"];

struct Matrix {
    ground: &'static Ground,
    /// The operator's way in.
    account: Access,
}

static MATRIX: OnceCell<Matrix> = OnceCell::const_new();

async fn matrix() -> &'static Matrix {
    MATRIX
        .get_or_init(async || {
            let ground: &'static Ground = Box::leak(Box::new(Box::pin(Ground::start()).await));
            ground.install_chart().await;
            let account = ground.plane.access().as_service_account(OPERATOR, OPERATOR).await.unwrap();
            Matrix { ground, account }
        })
        .await
}

/// An operator that looks at one namespace, through a proxy that can stop it at a write.
struct Victim {
    proxy: Proxy,
    program: Program,
    process: Process,
    _ports: [Port; 2],
    _directory: tempfile::TempDir,
}

impl Victim {
    async fn start(account: &Access, namespace: &str, trap: usize) -> Self {
        let proxy = Proxy::start(account).await.unwrap();
        arm(&proxy, trap);
        let directory = tempfile::tempdir().unwrap();
        let ports = [Port::free().unwrap(), Port::free().unwrap()];
        let binary = PathBuf::from(env!("CARGO_BIN_EXE_milvus-operator"));
        let program = Program::new(OPERATOR, &binary, directory.path().join("operator.log"))
            .args([format!("--watch-namespace={namespace}"), "--leader-elect=false".to_owned()])
            .args([format!("--health-probe-bind-address={}", ports[0].address())])
            .args([format!("--metrics-bind-address={}", ports[1].address())])
            .env("KUBECONFIG", proxy.kubeconfig());
        let process = program.clone().start().await.unwrap();
        Self { proxy, program, process, _ports: ports, _directory: directory }
    }

    /// Waits for the trap, kills the operator there, and starts it again without one; whether there were so many writes.
    async fn killed_at_trap(&mut self, done: impl Future<Output = ()>) -> bool {
        let sprung = tokio::select! {
            sprung = self.proxy.sprung(PATIENCE) => sprung,
            () = done => false,
        };
        if sprung {
            self.process.kill().await.unwrap();
            self.proxy.reset();
            self.process = self.program.clone().start().await.unwrap();
        }
        sprung
    }
}

fn arm(proxy: &Proxy, number: usize) {
    match number {
        0 => proxy.reset(),
        number => proxy.set_trap(number),
    }
}

/// What is left at the end, without what differs from run to run.
fn outcome(history: &History) -> Value {
    let milvus = history.milvus(0).pop().cloned().unwrap();
    let kinds =
        ["EtcdReady", "StorageReady", "MsgStreamReady", "MilvusReady", "MilvusUpdated", "SpecAccepted"];
    let conditions: Vec<_> = kinds.iter().map(|kind| condition(&milvus, kind)).collect();
    let steps: Vec<Value> = milvus
        .at_path("/status/upgrade/steps")
        .as_array()
        .into_iter()
        .flatten()
        .map(|step| json!([step["name"], step["state"], step["from"], step["to"]]))
        .collect();
    json!({
        "state": milvus.at_path("/status/status"),
        "image": milvus.at_path("/status/currentImage"),
        "resolved": milvus.at_path("/status/resolved"),
        "conditions": conditions,
        "phase": milvus.at_path("/status/upgrade/phase"),
        "steps": steps,
        "annotations": milvus.object.metadata.annotations,
        "labels": milvus.object.metadata.labels,
        "finalizers": milvus.object.metadata.finalizers,
        "workloads": history.specs(),
    })
}

/// One run: a create and a roll, each with a kill after its n-th write (0: none). The end, and how many writes each needed.
struct Run {
    number: usize,
    killed: [bool; 2],
    writes: [usize; 2],
    ends: [Value; 2],
    steps: Vec<String>,
}

async fn run(number: usize) -> Run {
    let Matrix { ground, account } = matrix().await;
    let story = Story::begin(ground, "", &format!("crash-{number}")).await;
    let mut victim = Victim::start(account, &story.namespace, number).await;
    let story = story.with_log(victim.process.log());
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["upgradePolicy"]["minReadySeconds"] = json!(0);
    story.create(milvus).await;
    let first = victim.killed_at_trap(async { _ = story.until_healthy("2.4.9").await }).await;
    let healthy = story.until_healthy("2.4.9").await;
    let mark = story.caught_up(&healthy).await;
    let created = (victim.proxy.writes(), outcome(&story.history()));

    victim.proxy.reset();
    arm(&victim.proxy, number);
    let generation = story.set_image("2.4.10").await;
    let second = victim.killed_at_trap(async { _ = story.until_healthy("2.4.10").await }).await;
    let done = story.until_healthy("2.4.10").await;
    story.caught_up(&done).await;
    let history = story.history();
    history.assert_true_updated(generation, "2.4.10");
    history.assert_always_served(mark);
    let rolled = (victim.proxy.writes(), outcome(&history));
    Run {
        number,
        killed: [first, second],
        writes: [created.0, rolled.0],
        ends: [created.1, rolled.1],
        steps: history.steps(mark, "2.4.10"),
    }
}

#[tokio::test]
async fn a_kill_after_any_write_changes_neither_the_order_nor_the_end() {
    let undisturbed = Arc::new(Box::pin(run(0)).await);
    let most = undisturbed.writes.into_iter().max().unwrap();
    let share = if all_is_wanted() { 1 } else { SHARE };
    let numbers: Vec<usize> = (1..=most).filter(|n| (n - 1) % share == 0).collect();
    println!("an undisturbed create has {} writes, a roll {}", undisturbed.writes[0], undisturbed.writes[1]);

    let runs = futures::stream::iter(numbers).map(|n| Box::pin(run(n)));
    let mut runs: Vec<Run> = runs.buffer_unordered(SIDE_BY_SIDE).collect().await;
    runs.sort_by_key(|run| run.number);
    let wrong: BTreeMap<usize, String> =
        runs.iter().filter_map(|run| Some((run.number, differs(run, &undisturbed)?))).collect();
    let report = report(&runs, &undisturbed, &wrong);
    println!("{report}");
    if let Some(path) = std::env::var_os("MILVUS_TEST_REPORT").filter(|_| all_is_wanted()) {
        std::fs::write(path, report).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        runs.iter().any(|run| run.killed[0]) && runs.iter().any(|run| run.killed[1]),
        "nothing was killed"
    );
}

/// What is not as in the run without a kill.
fn differs(run: &Run, undisturbed: &Run) -> Option<String> {
    if run.steps != STEPS {
        return Some(format!("the order was {:?}", run.steps));
    }
    for (phase, (end, expected)) in run.ends.iter().zip(&undisturbed.ends).enumerate() {
        let Value::Object(expected) = expected else { return Some("no outcome".to_owned()) };
        for (part, value) in expected {
            // The namespace is the name of bucket and root path.
            let own = format!("crash-{}", run.number);
            let (is, expected) = (end[part].to_string().replace(&own, "crash-0"), value.to_string());
            if is != expected {
                return Some(format!(
                    "at the end of phase {phase}, {part} is {is}, without a kill {expected}"
                ));
            }
        }
    }
    None
}

fn report(runs: &[Run], undisturbed: &Run, wrong: &BTreeMap<usize, String>) -> String {
    let mut text = String::from(
        "# Killed after any write\n\nThe operator gets SIGKILL after its n-th write of a create, and again of a roll of five steps \
         (2.4.9 to 2.4.10, mixcoord), before it has the answer to that write, and is started again. Then everything must be as without \
         the kill: Deployments, pods, status; the order of the components kept, `Updated=True` never too early, every component \
         served all the time. Written by `cargo xtask test --all`.\n\n",
    );
    let [create, roll] = undisturbed.writes;
    let _ = writeln!(text, "Without a kill a create takes {create} writes and a roll {roll}.\n");
    text.push_str("| n | create | roll | same end, same order |\n|---|---|---|---|\n");
    let word = |killed: bool| if killed { "killed" } else { "ended before" };
    for run in runs {
        let verdict = wrong.get(&run.number).map_or("yes", |_| "**no**");
        let [first, second] = run.killed.map(word);
        let _ = writeln!(text, "| {} | {first} | {second} | {verdict} |", run.number);
    }
    let kills = runs.iter().flat_map(|run| run.killed).filter(|killed| *killed).count();
    let _ = writeln!(text, "\n{kills} kills, {} with another end.", wrong.len());
    text
}
