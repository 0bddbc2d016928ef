//! Failures, as the API server words them.

use serde_json::{Value, json};

/// Machine-readable reason of a failure, as in `metav1.Status`. Errors of the apply engine have none.
pub type Reason = &'static str;

/// A refused request: becomes a `metav1.Status` on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status code.
    pub code: u16,
    /// Such as `NotFound`; empty for errors that have none.
    pub reason: Reason,
    /// What went wrong.
    pub message: String,
    /// Seconds after which to try again; 0 when nothing is said of it.
    pub retry_after: u32,
}

impl Failure {
    /// A failure with a code, a reason and a message.
    pub fn new(code: u16, reason: Reason, message: impl Into<String>) -> Failure {
        Failure { code, reason, message: message.into(), retry_after: 0 }
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Failure {
        Failure::new(400, "BadRequest", message)
    }

    /// 409: another write came first, a precondition does not hold, or fields belong to another manager.
    pub fn conflict(message: impl Into<String>) -> Failure {
        Failure::new(409, "Conflict", message)
    }

    /// 410: what was asked for has been compacted.
    pub fn expired(message: impl Into<String>) -> Failure {
        Failure::new(410, "Expired", message)
    }

    /// 500 without a reason, which is what the apply engine answers to an object that does not fit its
    /// schema.
    pub fn internal(message: impl Into<String>) -> Failure {
        Failure::new(500, "", message)
    }

    /// 501: nothing that the simulator knows. Whoever makes one also records it in the store.
    pub fn unknown(message: impl Into<String>) -> Failure {
        Failure::new(501, "NotImplemented", message)
    }

    /// As `metav1.Status`.
    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if self.retry_after > 0 {
            status["details"] = json!({ "retryAfterSeconds": self.retry_after });
        }
        status
    }
}
