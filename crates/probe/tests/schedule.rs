//! When probes run and what the world hears of them, on tokio's paused clock: an hour takes a moment, and
//! every wait is exact.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may fail as the tests themselves"
)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use milvus_probe::etcd::{EtcdTarget, EtcdTransport};
use milvus_probe::outcome::Reason;
use milvus_probe::schedule::{Changes, Check, ProbeKey, Prober};
use milvus_probe::{DEADLINE, Outcome, Target};
use tokio::time::{Instant, sleep};

fn target(name: &str) -> Target {
    Target::Etcd(EtcdTarget { endpoints: vec![name.to_owned()], user: None, transport: EtcdTransport::Plain })
}

fn key(name: &str) -> ProbeKey {
    ProbeKey::new(name)
}

fn name_of(target: &Target) -> String {
    match target {
        Target::Etcd(etcd) => etcd.endpoints[0].clone(),
        other => panic!("no such target in these tests: {other:?}"),
    }
}

fn up() -> Outcome {
    Outcome::ready(Reason::EtcdReady, "")
}

fn down() -> Outcome {
    Outcome::not_ready(Reason::EtcdNotReady, "connection refused")
}

/// A dependency that can be switched off, and the moments at which it was asked.
#[derive(Clone, Default)]
struct Dependency {
    off: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<Instant>>>,
}

impl Dependency {
    fn check(&self) -> Check {
        let this = self.clone();
        Arc::new(move |_target| {
            this.asked.lock().unwrap().push(Instant::now());
            let outcome = if this.off.load(Ordering::SeqCst) { down() } else { up() };
            async move { outcome }.boxed()
        })
    }

    fn switch(&self, on: bool) {
        self.off.store(!on, Ordering::SeqCst);
    }

    fn times_asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    async fn until_asked_again(&self) {
        let before = self.times_asked();
        while self.times_asked() == before {
            sleep(Duration::from_millis(10)).await;
        }
        // The task has taken the result when it sleeps again.
        sleep(Duration::from_millis(10)).await;
    }
}

fn nothing_announced(changes: &mut Changes) -> bool {
    changes.next().now_or_never().is_none()
}

#[tokio::test(start_paused = true)]
async fn a_ready_target_is_asked_every_half_minute_or_so_and_told_once() {
    let dependency = Dependency::default();
    let (prober, mut changes) = Prober::with_check(dependency.check());
    assert_eq!(prober.ensure(&key("a"), target("x")), None, "nothing is known before the first probe");
    assert_eq!(changes.next().await, key("a"));
    sleep(Duration::from_mins(10)).await;
    assert!((16..=26).contains(&dependency.times_asked()), "asked {} times", dependency.times_asked());
    assert!(nothing_announced(&mut changes));
    assert_eq!(prober.latest(&key("a")).unwrap().outcome, up());
}

#[tokio::test(start_paused = true)]
async fn one_failure_is_kept_quiet_and_tried_again_within_a_second_and_a_bit() {
    let dependency = Dependency::default();
    let (prober, mut changes) = Prober::with_check(dependency.check());
    prober.ensure(&key("a"), target("x"));
    changes.next().await;

    dependency.switch(false);
    dependency.until_asked_again().await;
    dependency.switch(true);
    assert!(prober.latest(&key("a")).unwrap().outcome.ready, "one failure is not told");
    let failed_at = *dependency.asked.lock().unwrap().last().unwrap();
    dependency.until_asked_again().await;
    let retried_at = *dependency.asked.lock().unwrap().last().unwrap();
    assert!(retried_at - failed_at <= Duration::from_millis(1_200));
    sleep(Duration::from_mins(2)).await;
    assert!(nothing_announced(&mut changes), "a flap leaves no trace");
}

#[tokio::test(start_paused = true)]
async fn two_failures_are_told_and_so_is_the_recovery() {
    let dependency = Dependency::default();
    let (prober, mut changes) = Prober::with_check(dependency.check());
    prober.ensure(&key("a"), target("x"));
    changes.next().await;
    let since = prober.latest(&key("a")).unwrap().since;

    dependency.switch(false);
    assert_eq!(changes.next().await, key("a"));
    let seen = prober.latest(&key("a")).unwrap();
    assert_eq!(seen.outcome, down());
    assert!(seen.since >= since);

    // Long enough for the back-off to reach its end.
    sleep(Duration::from_mins(5)).await;
    assert!(nothing_announced(&mut changes), "the same failure is told once");
    dependency.switch(true);
    let back = Instant::now();
    assert_eq!(changes.next().await, key("a"));
    assert!(back.elapsed() <= Duration::from_secs(36), "seen after {:?}", back.elapsed());
    assert!(prober.latest(&key("a")).unwrap().outcome.ready);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_answer_is_asked_less_and_less_often() {
    let dependency = Dependency::default();
    dependency.switch(false);
    let (prober, mut changes) = Prober::with_check(dependency.check());
    prober.ensure(&key("a"), target("x"));
    changes.next().await;
    sleep(Duration::from_mins(3)).await;
    let asked = dependency.asked.lock().unwrap().clone();
    let gaps: Vec<f64> = asked.windows(2).map(|w| (w[1] - w[0]).as_secs_f64()).collect();
    for (gap, base) in gaps.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]) {
        assert!((base * 0.79..=base * 1.21).contains(gap), "{gaps:?}");
    }
    assert!(gaps.len() >= 7, "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn another_target_is_asked_at_once_and_the_old_one_no_more() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let check: Check = Arc::new(move |target| {
        log.lock().unwrap().push((name_of(&target), Instant::now()));
        async { up() }.boxed()
    });
    let (prober, mut changes) = Prober::with_check(check);
    prober.ensure(&key("a"), target("old"));
    changes.next().await;
    let old = prober.latest(&key("a")).unwrap().fingerprint;

    let moved = Instant::now();
    assert_eq!(prober.ensure(&key("a"), target("new")), None, "what was found about the old one is gone");
    changes.next().await;
    assert!(moved.elapsed() < Duration::from_millis(5));
    let seen = prober.latest(&key("a")).unwrap();
    assert_eq!(seen.fingerprint, target("new").fingerprint());
    assert_ne!(seen.fingerprint, old);

    sleep(Duration::from_mins(5)).await;
    let last_old = asked.lock().unwrap().iter().rfind(|(name, _)| name == "old").unwrap().1;
    assert!(last_old <= moved);
    assert_eq!(prober.targets(), 1);
}

#[tokio::test(start_paused = true)]
async fn keys_with_the_same_target_share_its_probes_and_all_hear_of_a_change() {
    let dependency = Dependency::default();
    let (prober, mut changes) = Prober::with_check(dependency.check());
    for n in 0..100 {
        prober.ensure(&key(&format!("ns/m{n}#etcd")), target("shared"));
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(dependency.times_asked(), 1);
    let mut told = Vec::new();
    for _ in 0..100 {
        told.push(changes.next().await);
    }
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 100);
    assert!(nothing_announced(&mut changes));
    assert_eq!(
        prober.ensure(&key("late"), target("shared")).unwrap().outcome,
        up(),
        "a latecomer knows at once"
    );
}

#[tokio::test(start_paused = true)]
async fn a_thousand_addresses_that_swallow_packets_do_not_delay_one_that_works() {
    let good = Arc::new(AtomicUsize::new(0));
    let count = good.clone();
    let check: Check = Arc::new(move |target| {
        let count = count.clone();
        async move {
            if name_of(&target) == "good" {
                count.fetch_add(1, Ordering::SeqCst);
                return up();
            }
            sleep(DEADLINE).await;
            down()
        }
        .boxed()
    });
    let (prober, mut changes) = Prober::with_check(check);
    for n in 0..1_000 {
        prober.ensure(&key(&format!("hole{n}")), target(&format!("hole{n}")));
    }
    // Each of them is taken for sound once: 1000 x 5 s in 64 places.
    sleep(Duration::from_secs(90)).await;
    let asked = Instant::now();
    prober.ensure(&key("good"), target("good"));
    while changes.next().await != key("good") {}
    assert!(asked.elapsed() < Duration::from_millis(10), "waited {:?}", asked.elapsed());
    sleep(Duration::from_mins(10)).await;
    let times = good.load(Ordering::SeqCst);
    assert!((16..=26).contains(&times), "asked {times} times in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_crashes_is_no_success_and_is_tried_again() {
    let first = Arc::new(AtomicBool::new(true));
    let check: Check = Arc::new(move |_| {
        assert!(!first.swap(false, Ordering::SeqCst), "the crash of this test");
        async { up() }.boxed()
    });
    let (prober, mut changes) = Prober::with_check(check);
    prober.ensure(&key("a"), target("x"));
    changes.next().await;
    assert_eq!(prober.latest(&key("a")).unwrap().outcome.reason, Reason::ProbeCrashed);
    changes.next().await;
    assert!(prober.latest(&key("a")).unwrap().outcome.ready);
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_is_no_longer_asked() {
    let dependency = Dependency::default();
    let (prober, _changes) = Prober::with_check(dependency.check());
    prober.ensure(&key("ns/a#etcd"), target("x"));
    prober.ensure(&key("ns/ab#etcd"), target("y"));
    sleep(Duration::from_secs(1)).await;
    prober.forget("ns/a#");
    assert_eq!(prober.latest(&key("ns/a#etcd")), None);
    assert!(prober.latest(&key("ns/ab#etcd")).is_some(), "a name that begins the same is another key");
    prober.retain(|_| false);
    assert_eq!(prober.targets(), 0);
    let asked = dependency.times_asked();
    sleep(Duration::from_mins(5)).await;
    assert_eq!(dependency.times_asked(), asked);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_after_the_last_prober_is_gone() {
    let dependency = Dependency::default();
    let (prober, _changes) = Prober::with_check(dependency.check());
    prober.ensure(&key("a"), target("x"));
    sleep(Duration::from_secs(1)).await;
    let second = prober.clone();
    drop(prober);
    sleep(Duration::from_mins(1)).await;
    let asked = dependency.times_asked();
    assert!(asked > 1, "a clone keeps it going");
    drop(second);
    sleep(Duration::from_mins(5)).await;
    assert_eq!(dependency.times_asked(), asked);
}
