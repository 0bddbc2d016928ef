//! The simulator does what a real API server does: generated sequences of requests are sent to both, and
//! every answer, every object and every event of a watch is compared.
//!
//! Both see the same requests but for what each of them has made by itself: UIDs, versions, times, addresses.
//! The controllers of the real control plane are stopped, so that nobody else writes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails as the test does")]
#![allow(clippy::disallowed_methods, reason = "tests may read the environment")]

mod objects;
mod sequence;
mod world;

use std::time::Duration;

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client,
    api::PostParams,
    runtime::wait::{Condition as _, conditions},
};
use milvus_sim::server::{ApiServer, Rules};
use milvus_testkit::{ControlPlane, process::Signal, wait::wait_for};

use sequence::Sequence;
use world::{Outcome, World};

/// Sequences of the test command.
const SEQUENCES: u64 = 60;
/// Sequences when everything is asked for.
const ALL_SEQUENCES: u64 = 2000;
/// How long a definition may take until it is established.
const SOON: Duration = Duration::from_secs(30);
/// Sequences that run at once on the real API server.
const AT_ONCE: usize = 8;

/// A control plane in which nobody but the test writes, with the definitions of our kinds.
async fn plane() -> (ControlPlane, Client) {
    let plane = ControlPlane::new().await.unwrap();
    let client = plane.client().unwrap();
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in milvus_api::crd::definitions().unwrap() {
        let definition: CustomResourceDefinition = serde_json::from_value(definition).unwrap();
        let made = api.create(&PostParams::default(), &definition).await.unwrap();
        let established = conditions::is_crd_established();
        let name = made.metadata.name.unwrap();
        wait_for(api.clone(), &name, SOON, |definition| established.matches_object(definition))
            .await
            .unwrap();
    }
    for name in ["kube-controller-manager", "kube-scheduler", "kwok"] {
        plane.process(name).unwrap().id().signal(Signal::STOP).unwrap();
    }
    (plane, client)
}

/// What a sequence comes to on the simulator.
async fn simulated(sequence: &Sequence, rules: Rules) -> Vec<Outcome> {
    let server = ApiServer::new(Timestamp::from_second(1_700_000_000).unwrap());
    server.with(|store| store.set_rules(rules));
    let outcomes = World::new(Client::new(server.service(), "default"), sequence).run().await;
    assert_eq!(
        server.with(|store| store.unknown().to_vec()),
        Vec::<String>::new(),
        "sequence {}",
        sequence.seed
    );
    outcomes
}

/// The first difference between two runs of a sequence, in words.
fn difference(sequence: &Sequence, real: &[Outcome], simulated: &[Outcome]) -> Option<String> {
    let first = real.iter().zip(simulated).position(|(real, simulated)| real != simulated);
    let first = first.or((real.len() != simulated.len()).then_some(real.len().min(simulated.len())))?;
    let shown =
        |outcomes: &[Outcome]| outcomes.get(first).map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let before: Vec<String> = sequence.steps.iter().take(first + 1).map(ToString::to_string).collect();
    Some(format!(
        "sequence {}, step {first}:\n  {}\nreal:\n{}\nsimulated:\n{}",
        sequence.seed,
        before.join("\n  "),
        shown(real),
        shown(simulated),
    ))
}

fn how_many() -> u64 {
    if std::env::var_os("MILVUS_TEST_ALL").is_some() { ALL_SEQUENCES } else { SEQUENCES }
}

#[tokio::test]
async fn the_simulator_answers_as_a_real_api_server_does() {
    let (_plane, client) = plane().await;
    let sequences: Vec<Sequence> = (0..how_many()).map(Sequence::new).collect();
    let real: Vec<Vec<Outcome>> = stream::iter(&sequences)
        .map(|sequence| World::new(client.clone(), sequence).run())
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut divergences = Vec::new();
    for (sequence, real) in sequences.iter().zip(&real) {
        divergences.extend(difference(sequence, real, &simulated(sequence, Rules::default()).await));
    }
    let requests: usize = sequences.iter().map(|sequence| sequence.steps.len()).sum();
    println!("{} sequences with {requests} requests, {} divergences", sequences.len(), divergences.len());
    let shown: Vec<String> = divergences.iter().take(5).cloned().collect();
    assert!(divergences.is_empty(), "{} divergences\n{}", divergences.len(), shown.join("\n\n"));

    // The same comparison finds out when a rule of the simulator is another one.
    for (name, rules) in [
        ("bump_generation_on_metadata", Rules { bump_generation_on_metadata: true, ..Rules::default() }),
        ("commit_without_change", Rules { commit_without_change: true, ..Rules::default() }),
        (
            "keep_what_is_no_longer_applied",
            Rules { keep_what_is_no_longer_applied: true, ..Rules::default() },
        ),
        ("accept_stale_writes", Rules { accept_stale_writes: true, ..Rules::default() }),
    ] {
        let mut found = 0;
        for (sequence, real) in sequences.iter().zip(&real) {
            found += usize::from(difference(sequence, real, &simulated(sequence, rules).await).is_some());
        }
        println!("{name}: {found} sequences differ");
        assert!(found > 0, "nothing shows that {name} is wrong");
    }
}
