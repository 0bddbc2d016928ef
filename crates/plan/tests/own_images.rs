//! Components with an image of their own: every image that runs is judged.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{allowing, request, side};
use milvus_plan::{Component, Direction, OwnImage, Reason, Request, explain, plan, table};
use proptest::prelude::*;

fn with_own(mut request: Request, component: Component, from: &str, to: &str) -> Request {
    let (from, to) = (side(from), side(to));
    request.own.push(OwnImage { component, running: vec![from.clone()], from: Some(from), to });
    request
}

fn reasons(request: &Request) -> Vec<Reason> {
    plan(request).unwrap_err().iter().map(|objection| objection.reason).collect()
}

#[test]
fn a_component_is_refused_what_the_whole_milvus_is_refused() {
    let stays = request("2.4.9", "2.4.9");
    let up = with_own(stays.clone(), Component::QueryNode, "2.4.9", "2.6.11");
    assert_eq!(reasons(&up), [Reason::NeedsIntermediateVersion, Reason::NeedsIntermediateVersion]);
    let down = with_own(stays, Component::DataNode, "2.4.9", "2.3.5");
    assert!(reasons(&down).contains(&Reason::MinorDowngrade));
}

#[test]
fn a_refusal_names_the_component_and_can_be_allowed() {
    let request = with_own(request("2.4.9", "2.4.9"), Component::QueryNode, "2.4.9", "2.6.11");
    let objections = plan(&request).unwrap_err();
    assert!(
        objections.first().message.starts_with("The image of querynode cannot be changed"),
        "{objections}"
    );
    let allowed = plan(&allowing(request, "2.4.9->2.6.11")).unwrap();
    assert_eq!(allowed.direction, Direction::Upgrade);
}

#[test]
fn the_rest_can_not_leave_a_component_where_it_can_not_follow() {
    let request = with_own(request("2.5.16", "2.6.11"), Component::QueryNode, "2.4.9", "2.4.9");
    let objections = plan(&allowing(request, "2.5.16->2.6.11")).unwrap_err();
    let words = objections.to_string();
    assert!(
        words.contains("querynode cannot run 2.4.9 (`spec.components.queryNode.image`) beside 2.6.11"),
        "{words}"
    );
}

#[test]
fn a_component_that_stays_is_shown_as_staying() {
    let mirror = "registry.local/milvus:v2.4.9";
    let mut request = request("2.4.9", "2.4.10");
    let own = milvus_plan::Side::of(None, mirror);
    let component = Component::QueryNode;
    request.own.push(OwnImage { component, running: vec![own.clone()], from: Some(own.clone()), to: own });
    let plan = plan(&request).unwrap();
    let row = table::rows(&plan, None).into_iter().find(|row| row.component == "querynode").unwrap();
    assert_eq!(row.state, "stays at 2.4.9");
    assert!(
        explain::plan_summary(&plan)
            .starts_with("Upgrade from 2.4.9 to 2.4.10 (querynode stays at 2.4.9) in 5")
    );
}

#[test]
fn components_that_move_alone_are_named_in_the_order_of_a_roll() {
    let request = with_own(request("2.4.9", "2.4.9"), Component::Proxy, "2.4.9", "2.4.10");
    let plan = plan(&request).unwrap();
    assert!(plan.moves() && plan.ordered);
    assert_eq!(
        explain::plan_summary(&plan),
        "Upgrade of proxy from 2.4.9 to 2.4.10 in 5 steps: indexnode, mixcoord, querynode, datanode, proxy"
    );
}

proptest! {
    /// A component that gets an image of its own is judged as the whole Milvus would be.
    #[test]
    fn one_component_is_judged_as_all_of_them(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let (from, to) = (common::VERSIONS[from.index(25)], common::VERSIONS[to.index(25)]);
        prop_assume!(from != to);
        let whole = plan(&request(from, to)).map_err(|found| found.first().reason);
        let one = with_own(request(from, from), Component::QueryNode, from, to);
        let one = plan(&one).map_err(|found| found.first().reason);
        prop_assert_eq!(whole.as_ref().err(), one.as_ref().err());
        if let (Ok(whole), Ok(one)) = (whole, one) {
            prop_assert_eq!(whole.direction, one.direction);
            prop_assert!(one.moves());
        }
    }
}
