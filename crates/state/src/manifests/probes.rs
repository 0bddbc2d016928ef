//! Default probes of the Milvus container: upstream's numbers, all seconds, on the metrics port.

use k8s_openapi::api::core::v1::{HTTPGetAction, Probe, TCPSocketAction};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// Port of metrics and health, fixed in Milvus.
pub const METRICS_PORT: i32 = 9091;

fn tcp() -> Probe {
    Probe {
        tcp_socket: Some(TCPSocketAction {
            port: IntOrString::Int(METRICS_PORT),
            ..TCPSocketAction::default()
        }),
        success_threshold: Some(1),
        ..Probe::default()
    }
}

/// Up to 3 minutes to open the metrics port.
pub fn startup() -> Probe {
    Probe { timeout_seconds: Some(3), period_seconds: Some(10), failure_threshold: Some(18), ..tcp() }
}

/// Restarted after 45 s without an answer.
pub fn liveness() -> Probe {
    Probe { timeout_seconds: Some(10), period_seconds: Some(15), failure_threshold: Some(3), ..tcp() }
}

/// `/healthz` says whether the roles in this process are healthy.
pub fn readiness() -> Probe {
    let http = HTTPGetAction {
        path: Some("/healthz".to_owned()),
        port: IntOrString::Int(METRICS_PORT),
        scheme: Some("HTTP".to_owned()),
        ..HTTPGetAction::default()
    };
    Probe {
        http_get: Some(http),
        timeout_seconds: Some(3),
        period_seconds: Some(15),
        failure_threshold: Some(2),
        success_threshold: Some(1),
        ..Probe::default()
    }
}
