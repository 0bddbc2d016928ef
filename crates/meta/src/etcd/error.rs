//! What can go wrong between us and etcd, sorted by what has to be done about it.

use std::error::Error as _;

use milvus_plan::migration::Outcome;
use snafu::Snafu;

use super::Access;

/// A request to etcd that did not succeed.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum EtcdError {
    /// No answer within the time that the caller allowed.
    #[snafu(display("etcd at {endpoints} did not answer ({what}): {why}"))]
    Unreachable {
        /// What was asked for.
        what: &'static str,
        /// Whom.
        endpoints: String,
        /// What the last attempt said.
        why: String,
    },
    /// User, password, permission or certificate.
    #[snafu(display("etcd at {endpoints} refuses us ({what}): {why}"))]
    Denied {
        /// What was asked for.
        what: &'static str,
        /// Whom.
        endpoints: String,
        /// What it said.
        why: String,
    },
    /// The revision that is read was compacted meanwhile.
    #[snafu(display("etcd was compacted while it was read"))]
    Compacted,
    /// The space alarm is raised.
    #[snafu(display(
        "etcd has no space left ({what}). Compact it (etcdctl compact --physical), give the space back (etcdctl defrag), \
         raise --quota-backend-bytes if that is not enough, then clear the alarm (etcdctl alarm disarm) and call again"
    ))]
    NoSpace {
        /// What was asked for.
        what: &'static str,
    },
    /// The request has more operations or bytes than this etcd takes.
    #[snafu(display("etcd takes no request of this size ({what}): {why}"))]
    TooLarge {
        /// What was asked for.
        what: &'static str,
        /// What it said.
        why: String,
    },
    /// The answer is larger than we read at once.
    #[snafu(display("an answer of etcd is too large ({what})"))]
    AnswerTooLarge {
        /// What was asked for.
        what: &'static str,
    },
    /// Anything else.
    #[snafu(display("etcd ({what}): {why}"))]
    Other {
        /// What was asked for.
        what: &'static str,
        /// What it said.
        why: String,
    },
}

impl EtcdError {
    /// How a call that ends with this ends.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Unreachable { .. } | Self::Compacted => Outcome::Unreachable,
            Self::Denied { .. } => Outcome::Denied,
            Self::NoSpace { .. } => Outcome::NoRoom,
            Self::TooLarge { .. } | Self::AnswerTooLarge { .. } | Self::Other { .. } => Outcome::Failed,
        }
    }

    /// From what the client says; `None` is a time-out of ours.
    pub(super) fn from_client(
        what: &'static str,
        access: &Access,
        error: Option<etcd_client::Error>,
    ) -> Self {
        let endpoints = access.endpoints.join(",");
        // A server that does not like our certificate says so after the handshake, by closing the connection.
        let hint = if access.tls.is_some() { " (or it refuses our certificate)" } else { "" };
        let Some(error) = error else {
            return Self::Unreachable { what, endpoints, why: format!("no answer in time{hint}") };
        };
        let why = words(&error);
        match kind(&error) {
            Kind::Transient => Self::Unreachable { what, endpoints, why: why + hint },
            Kind::Denied => Self::Denied { what, endpoints, why },
            Kind::Compacted => Self::Compacted,
            Kind::NoSpace => Self::NoSpace { what },
            Kind::TooLarge => Self::TooLarge { what, why },
            Kind::AnswerTooLarge => Self::AnswerTooLarge { what },
            Kind::Other => Self::Other { what, why },
        }
    }
}

/// Kinds of answers that differ in what is done about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Transient,
    Denied,
    Compacted,
    NoSpace,
    TooLarge,
    AnswerTooLarge,
    Other,
}

/// Sorts what the client says. The words are those of etcd's `rpctypes`, the numbers those of gRPC.
pub(super) fn kind(error: &etcd_client::Error) -> Kind {
    use etcd_client::Error;
    let text = words(error);
    let has = |needle: &str| text.contains(needle);
    match error {
        _ if has("certificate") || has("HandshakeFailure") || has("CorruptMessage") => Kind::Denied,
        Error::GRpcStatus(status) => match status.code() as i32 {
            _ if has("database space exceeded") => Kind::NoSpace,
            _ if has("has been compacted") => Kind::Compacted,
            _ if has("too many operations") || has("request is too large") => Kind::TooLarge,
            _ if has("message length too large") => Kind::AnswerTooLarge,
            // PermissionDenied, Unauthenticated, and what etcd says with InvalidArgument or
            // FailedPrecondition.
            7 | 16 => Kind::Denied,
            3 | 9 if has("auth") || has("user name") => Kind::Denied,
            // Cancelled, Unknown, DeadlineExceeded, ResourceExhausted, Aborted, Internal, Unavailable.
            1 | 2 | 4 | 8 | 10 | 13 | 14 => Kind::Transient,
            _ => Kind::Other,
        },
        Error::TransportError(_) | Error::IoError(_) | Error::LeaseKeepAliveError(_) => Kind::Transient,
        _ => Kind::Other,
    }
}

/// The error and its causes, each said once.
fn words(error: &etcd_client::Error) -> String {
    let mut text = error.to_string();
    let mut source: Option<&(dyn std::error::Error + 'static)> = match error {
        etcd_client::Error::GRpcStatus(status) => status.source(),
        etcd_client::Error::TransportError(transport) => transport.source(),
        _ => None,
    };
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}
