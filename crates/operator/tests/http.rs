//! The HTTP servers as the kubelet and Prometheus see them.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::time::Duration;

use jiff::Timestamp;
use milvus_api::{Milvus, MilvusState, MilvusStatus};
use milvus_controller::Observer as _;
use milvus_operator::http::{self, Phase};
use milvus_operator::metrics::{Lead, Metrics};
use milvus_plan::Component;
use milvus_testkit::http::{Answer, send};
use serde_json::json;
use tokio::sync::watch;

async fn get(address: std::net::SocketAddr, path: &str) -> Answer {
    send(::http::Method::GET, &format!("http://{address}{path}")).await.unwrap()
}

fn milvus(name: &str, annotations: &serde_json::Value) -> Milvus {
    serde_json::from_value(json!({
        "apiVersion": "milvus.io/v1beta1",
        "kind": "Milvus",
        "metadata": { "name": name, "namespace": "ns", "annotations": annotations },
        "spec": {},
    }))
    .unwrap()
}

fn in_state(state: MilvusState) -> MilvusStatus {
    MilvusStatus { status: state, ..MilvusStatus::default() }
}

#[tokio::test]
async fn readiness_follows_the_phase_and_life_does_not() {
    let (phase, seen) = watch::channel(Phase::Starting);
    let listener = http::bind("--health-probe-bind-address", "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(http::serve(listener, http::health(seen), std::future::pending()));
    for (now, status) in [
        (Phase::Starting, 503),
        (Phase::Standby, 200),
        (Phase::Syncing, 503),
        (Phase::Working, 200),
        (Phase::Stopping, 503),
    ] {
        phase.send_replace(now);
        assert_eq!(get(address, "/readyz").await.status.as_u16(), status, "{now:?}");
        assert_eq!(get(address, "/healthz").await.status.as_u16(), 200, "{now:?}");
    }
    assert_eq!(get(address, "/metrics").await.status.as_u16(), 404);
}

#[tokio::test]
async fn an_address_in_use_is_named_with_its_flag() {
    let first = http::bind("--metrics-bind-address", "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let taken = first.local_addr().unwrap();
    let error = http::bind("--metrics-bind-address", taken).await.unwrap_err().to_string();
    assert!(error.contains("--metrics-bind-address") && error.contains(&taken.to_string()), "{error}");
}

#[tokio::test]
async fn a_server_ends_when_it_is_told_to() {
    let listener = http::bind("--metrics-bind-address", "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(http::serve(listener, http::metrics(Metrics::default()), async {
        stopped.await.ok();
    }));
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn prometheus_gets_the_series_of_the_go_operator_and_ours() {
    let metrics = Metrics::default();
    let took = Duration::from_millis(30);
    metrics.passed(&milvus("a", &json!({})), &in_state(MilvusState::Pending), took);
    metrics.passed(&milvus("a", &json!({})), &in_state(MilvusState::Healthy), took);
    metrics.passed(&milvus("b", &json!({})), &in_state(MilvusState::Stopped), took);
    metrics.passed(
        &milvus("c", &json!({ "milvus.io/maintaining": "true" })),
        &in_state(MilvusState::Healthy),
        took,
    );
    metrics.passed(&milvus("gone", &json!({})), &in_state(MilvusState::Deleting), took);
    metrics.failing("ns", "gone", 3);
    metrics.forget("ns", "gone");
    metrics.failing("ns", "b", 2);
    metrics.succeeded("ns", "a", Timestamp::now());
    metrics.leads(Lead::Alone);
    metrics.failed("observe");
    metrics.rolled(Component::QueryNode, Duration::from_secs(100));

    let listener = http::bind("--metrics-bind-address", "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(http::serve(listener, http::metrics(metrics), std::future::pending()));
    let answer = get(address, "/metrics").await;
    let lines: Vec<&str> = answer.body.lines().collect();
    for expected in [
        r#"milvus_status{milvus_namespace="ns",milvus_name="a"} 1"#,
        r#"milvus_status{milvus_namespace="ns",milvus_name="b"} 4"#,
        r#"milvus_status{milvus_namespace="ns",milvus_name="c"} 5"#,
        r#"milvus_total_count{status="Healthy"} 1"#,
        r#"milvus_total_count{status="Stopped"} 1"#,
        r#"milvus_total_count{status="Pending"} 0"#,
        r#"milvus_total_count{status="Deleting"} 0"#,
        r#"milvus_reconcile_failures{milvus_namespace="ns",milvus_name="a"} 0"#,
        r#"milvus_reconcile_failures{milvus_namespace="ns",milvus_name="b"} 2"#,
        r#"milvus_operator_reconcile_total{outcome="success"} 1"#,
        r#"milvus_operator_reconcile_total{outcome="observe"} 1"#,
        "milvus_operator_reconcile_duration_seconds_count 5",
        "milvus_operator_leader 1",
        r#"milvus_step_duration_seconds_bucket{le="60.0",component="querynode"} 0"#,
        r#"milvus_step_duration_seconds_bucket{le="120.0",component="querynode"} 1"#,
        "# EOF",
    ] {
        assert!(lines.contains(&expected), "{expected} is not in\n{}", answer.body);
    }
    assert!(!answer.body.contains("gone"));
    assert!(!answer.body.contains("milvus_operator_lease_remaining"), "there is no Lease");
}

#[tokio::test]
async fn an_api_server_that_is_too_old_ends_the_process_with_both_versions() {
    let version = json!({
        "major": "1", "minor": "29+", "gitVersion": "v1.29.4-eks-036c24b", "gitCommit": "", "gitTreeState": "",
        "buildDate": "", "goVersion": "", "compiler": "", "platform": "",
    });
    let body = version.to_string();
    let routes = axum::Router::new().route("/version", axum::routing::get(async || body));
    let listener = http::bind("an API server", "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(http::serve(listener, routes, std::future::pending()));
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = directory.path().join("kubeconfig");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "old",
        "clusters": [{ "name": "old", "cluster": { "server": server } }],
        "users": [{ "name": "me", "user": { "token": "t" } }],
        "contexts": [{ "name": "old", "context": { "cluster": "old", "user": "me" } }],
    });
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let mut operator = tokio::process::Command::new(env!("CARGO_BIN_EXE_milvus-operator"));
    operator.env_clear().args(["-metrics-bind-address=0", "-health-probe-bind-address=0", "-leader-elect"]);
    operator
        .arg("-sync-interval=300")
        .arg(format!("-kubeconfig={}", kubeconfig.display()))
        .kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(30), operator.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    for word in ["v1.29.4-eks-036c24b", "1.30 or newer", "nothing was changed", "--sync-interval"] {
        assert!(said.contains(word), "{word:?} is not in\n{said}");
    }
}
