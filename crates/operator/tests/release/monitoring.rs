//! What Prometheus and Grafana get: the series of a real run, and the queries of the chart's rules and dashboard.

use std::collections::BTreeSet;

use milvus_api::Reason;
use milvus_operator::metrics::series::{self, Kind};
use milvus_testkit::operator::Operator;
use rusty_promql_parser::{ast::Expr, expr};
use serde_json::{Value, json};

use crate::{
    USER, ground, install,
    world::{Ground, NAME, Story},
};

/// Of a Milvus in which nothing has moved for ten minutes.
const STALLED: &str = "milvus_stalled_since_timestamp_seconds";
const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts/milvus-operator");

/// Names of the families of a scrape, by which the table of series knows them.
fn families(scrape: &str) -> BTreeSet<String> {
    let described = scrape.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let named = described.filter_map(|line| line.split_once(' '));
    named
        .map(|(name, kind)| match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        })
        .collect()
}

/// Names that can stand in a query.
fn queryable() -> BTreeSet<String> {
    let all = series::ALL.iter().flat_map(|series| match series.kind {
        Kind::Histogram => ["_bucket", "_sum", "_count"].map(|end| format!("{}{end}", series.name)).to_vec(),
        Kind::Gauge | Kind::Counter | Kind::Info => vec![series.name.to_owned()],
    });
    all.collect()
}

fn lines<'a>(scrape: &'a str, start: &str) -> Vec<&'a str> {
    scrape.lines().filter(|line| line.starts_with(start)).collect()
}

#[tokio::test]
async fn a_run_has_every_series_of_the_table_and_a_milvus_that_is_gone_has_none() {
    let (ground, _turn) = ground().await;
    let mut operator = install(ground, &[]).await;
    let story = Story::begin(ground, USER, "monitoring").await;
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    story.set_image("2.4.10").await;
    story.until_step("mixcoord").await;
    let rolling = operator.metrics().await.unwrap();
    story.until_healthy("2.4.10").await;
    story.patch(json!({ "spec": { "mode": "standalone" } })).await;
    story.until_condition(milvus_api::ConditionType::SpecAccepted, "False", "ModeChangeRefused").await;
    let refused = operator.metrics().await.unwrap();
    let of = format!(r#"milvus_namespace="monitoring",milvus_name="{NAME}""#);
    let waiting = lines(&rolling, "milvus_step_waiting_since_timestamp_seconds{");
    assert!(
        waiting.len() == 1 && waiting[0].contains(&format!(r#"{of},step="mixcoord",reason=""#)),
        "{waiting:?}"
    );
    assert!(lines(&refused, "milvus_step_waiting").is_empty(), "the roll is over");
    let why = format!(r#"milvus_spec_refused{{{of},reason="ModeChangeRefused"}} 1"#);
    assert!(refused.lines().any(|line| line == why), "{refused}");
    for dependency in ["etcd", "storage", "msgstream"] {
        let ready = format!(r#"milvus_dependency_ready{{{of},dependency="{dependency}"}} 1"#);
        assert!(refused.lines().any(|line| line == ready), "{refused}");
    }
    for line in [&format!("milvus_status{{{of}}} 1"), "milvus_operator_leader 1"] {
        assert!(refused.lines().any(|found| found == line), "{line} is not in {refused}");
    }
    assert_eq!(lines(&refused, "milvus_step_duration_seconds_count").len(), 5, "one for each component");

    let seen: BTreeSet<String> = families(&rolling).into_iter().chain(families(&refused)).collect();
    // Nothing stands still for ten minutes here; a stall is shown where the series are made.
    let table = series::ALL.iter().filter(|series| series.name != STALLED);
    let table: BTreeSet<String> = table.map(|series| series.name.to_owned()).collect();
    assert_eq!(seen, table);
    story.delete().await;
    story.until_gone(NAME).await;
    until_forgotten(&operator, &of).await;
    assert!(operator.terminate().await.unwrap().success());
}

/// Waits until a scrape has no series of a Milvus: the operator learns of its end by a watch, a moment after everybody else may.
async fn until_forgotten(operator: &Operator, of: &str) {
    let gone = async {
        while operator.metrics().await.unwrap().contains(of) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(crate::world::SOON, gone).await.unwrap_or_else(|_| panic!("its series stay"));
}

async fn rendered(ground: &Ground, template: &str, set: &str) -> Value {
    let template = format!("templates/{template}.yaml");
    let args = ["template", "x", CHART, "-n", "ns", "--show-only", &template, "--set", set];
    serde_saphyr::from_str(&crate::helm(ground, &args).await).unwrap()
}

/// Names of the series that a query reads.
fn reads(query: &str) -> BTreeSet<String> {
    fn walk(expr: &Expr, names: &mut BTreeSet<String>) {
        match expr {
            Expr::VectorSelector(selector) => names.extend(selector.name.clone()),
            Expr::MatrixSelector(range) => names.extend(range.selector.name.clone()),
            Expr::Call(call) => call.args.iter().for_each(|arg| walk(arg, names)),
            Expr::Aggregation(aggregation) => {
                walk(&aggregation.expr, names);
                aggregation.param.iter().for_each(|param| walk(param, names));
            }
            Expr::Binary(binary) => {
                walk(&binary.lhs, names);
                walk(&binary.rhs, names);
            }
            Expr::Unary(unary) => walk(&unary.expr, names),
            Expr::Paren(inner) => walk(inner, names),
            Expr::Subquery(subquery) => walk(&subquery.expr, names),
            Expr::Number(_) | Expr::String(_) => {}
        }
    }
    let (rest, parsed) = expr(query.trim()).unwrap_or_else(|error| panic!("{query}: {error}"));
    assert!(rest.trim().is_empty(), "{query}: not read from {rest:?} on");
    let mut names = BTreeSet::new();
    walk(&parsed, &mut names);
    assert!(!names.is_empty(), "{query} reads nothing");
    names
}

fn assert_known(query: &str) {
    let unknown: Vec<String> = reads(query).difference(&queryable()).cloned().collect();
    assert!(unknown.is_empty(), "{query} reads {unknown:?}, which nothing has");
}

#[tokio::test]
async fn every_alert_reads_series_that_exist_and_names_a_page_that_exists() {
    let (ground, _turn) = ground().await;
    let rule =
        rendered(ground, "prometheusrule", "prometheusRule.enabled=true,prometheusRule.labels.a=b").await;
    assert_eq!(rule["metadata"]["labels"]["a"], "b");
    let rules: Vec<&Value> = rule["spec"]["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|g| g["rules"].as_array().unwrap())
        .collect();
    assert!(rules.len() >= 10);
    for rule in rules {
        assert_known(rule["expr"].as_str().unwrap());
        for field in ["summary", "description", "runbook"] {
            assert!(rule["annotations"][field].as_str().is_some_and(|text| !text.is_empty()), "{rule}");
        }
        assert!(rule["labels"]["severity"].is_string() && rule["for"].is_string(), "{rule}");
        let page = rule["annotations"]["runbook"].as_str().unwrap();
        let reasons = [Reason::InvalidSpec, Reason::ModeChangeRefused].map(|reason| reason.to_string());
        for reason in reasons {
            let page = page.replace("{{ $labels.reason }}", &reason);
            let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(&page);
            assert!(file.is_file(), "{page} does not exist");
        }
    }
}

#[tokio::test]
async fn every_panel_of_the_dashboard_reads_series_that_exist() {
    let (ground, _turn) = ground().await;
    let map = rendered(ground, "dashboard", "dashboard.enabled=true").await;
    assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
    let dashboard: Value =
        serde_json::from_str(map["data"]["milvus-operator.json"].as_str().unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets: Vec<&Value> =
        panels.iter().flat_map(|p| p["targets"].as_array().into_iter().flatten()).collect();
    assert!(targets.len() >= 15);
    for target in targets {
        assert_known(target["expr"].as_str().unwrap());
    }
    let ids: BTreeSet<i64> = panels.iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has its own id");
}
