//! Users, demands, quiet.

use std::time::Duration;

use milvus_sim::harness::{Options, When, run};
use milvus_sim::server::Kind;
use serde_json::json;

use crate::toy::{NEW, OLD, Style, milvus, operator, reached, roll};

#[test]
fn an_edit_comes_when_its_condition_holds() {
    let outcome = run(Options::seed(1), |world| async move {
        world.start("operator-0", operator(Style::Careful));
        world.create(milvus("one", OLD))?;
        let pods = |store: &milvus_sim::server::Store| store.list(Kind::Pod).count() > 0;
        let patch = json!({ "spec": { "components": { "image": NEW } } });
        world.later(When::Once(Box::new(pods)), "roll in the middle", move |store| {
            store.patch_merge("user", Kind::Milvus.at("default", "one"), &patch)
        });
        world.until("2.4.10", |store| reached(store, "one", NEW)).await?;
        Ok(world.with(|store| reached(store, "one", OLD)))
    });
    assert_eq!(outcome.result, Ok(false));
    let edits = outcome.trace.lines().filter(|line| line.contains("roll in the middle")).count();
    assert_eq!(edits, 1, "{}", outcome.trace);
}

#[test]
fn a_demand_is_checked_after_every_commit_and_ends_the_run() {
    let outcome = run(Options::seed(1), |world| async move {
        world.demand("no more than three pods", |state, _| match state.list(Kind::Pod).count() {
            0..=3 => Ok(()),
            more => Err(format!("{more} pods")),
        });
        world.start("operator-0", operator(Style::Careful));
        world.create(milvus("one", OLD))?;
        world.until("2.4.9", |store| reached(store, "one", OLD)).await?;
        world.create(milvus("two", OLD))?;
        world.until("2.4.9", |store| reached(store, "two", OLD)).await
    });
    assert_eq!(outcome.result, Err("no more than three pods: 4 pods".to_owned()));
    let last = outcome.trace.tail(1).to_string();
    assert!(last.contains("VIOLATION no more than three pods: 4 pods"), "{last}");
}

#[test]
fn what_never_comes_is_given_up() {
    let outcome = run(Options::seed(1), |world| async move {
        world.create(milvus("one", OLD))?;
        world.until("an operator", |store| reached(store, "one", OLD)).await
    });
    assert_eq!(outcome.result, Err("never within 3600s: an operator".to_owned()));
}

#[test]
fn silence_counts_who_breaks_it() {
    let outcome = run(Options::seed(1), |world| async move {
        world.start("operator-0", operator(Style::Careful));
        world.create(milvus("one", OLD))?;
        world.until("2.4.9", |store| reached(store, "one", OLD)).await?;
        world.quiet(Duration::from_mins(1)).await?;
        let still = world.silence(Duration::from_hours(24)).await;
        let later = world.clone();
        world.later(When::After(Duration::from_secs(5)), "nothing", |_| Ok(()));
        tokio::task::spawn_local(async move {
            later.sleep(Duration::from_secs(10)).await;
            roll(&later, "one", NEW)
        });
        let loud = world.silence(Duration::from_mins(10)).await;
        Ok((still.commits_of(""), loud.commits_of("user"), loud.commits_of("operator-0")))
    });
    let (still, user, own) = outcome.result.unwrap();
    assert_eq!((still, user), (0, 1));
    assert_eq!(own, 4, "config, Deployment, record, status");
}
