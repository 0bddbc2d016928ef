//! etcd: can a key be read, and is no alarm raised?
//!
//! One endpoint that can be used is enough, as Milvus' client moves between them; those that can't are named
//! all the same. Reading the alarms goes through consensus, so a member that lost its quorum is not taken for
//! usable, although it still answers serializable reads.

use etcd_client::{AlarmAction, AlarmType, Client, ConnectOptions, GetOptions};
use tonic::Code;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use crate::outcome::{Outcome, Reason};
use crate::secret::Secret;
use crate::tls::{Tls, Trust};
use crate::{fault, net};

/// The key that is read. Whether it exists does not matter; it is the one that etcd's own health check reads.
const HEALTH_KEY: &str = "health";
/// What etcd says when a user is named and it has no users (`ErrAuthNotEnabled`); Milvus' client goes on
/// without one.
const AUTH_NOT_ENABLED: &str = "authentication is not enabled";

/// A user of etcd (`config.etcd.auth`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EtcdUser {
    /// Its name.
    pub name: String,
    /// Its password.
    pub password: Secret,
}

/// How the endpoints are spoken to (`config.etcd.ssl`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum EtcdTransport {
    /// Without TLS.
    #[default]
    Plain,
    /// With TLS, and we have what it takes.
    Tls(Tls),
    /// With TLS, and the certificates are files that only the Milvus pods see: the endpoints are dialled, no
    /// more. Holds what is not checked, and why.
    DialOnly(String),
}

/// An etcd as Milvus is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EtcdTarget {
    /// `host:port` of each member, as in `dependencies.etcd.endpoints`; a scheme is allowed.
    pub endpoints: Vec<String>,
    /// The user, where etcd has authentication on.
    pub user: Option<EtcdUser>,
    /// Plain or TLS.
    pub transport: EtcdTransport,
}

/// Probes all endpoints at the same time; ready when one of them is. Takes at most [`crate::DEADLINE`].
pub async fn probe(target: &EtcdTarget) -> Outcome {
    if let EtcdTransport::DialOnly(unchecked) = &target.transport {
        let found = net::any_of(&target.endpoints, |endpoint| net::dial(without_scheme(endpoint))).await;
        return match found.usable {
            true => Outcome::ready(Reason::ConnectionOk, found.praise(unchecked, NOT_ALL)),
            false => Outcome::not_ready(
                Reason::ConnectionFailed,
                format!("no etcd endpoint accepts connections:{}", found.faults),
            ),
        };
    }
    let found = net::any_of(&target.endpoints, |endpoint| check(endpoint, target)).await;
    if found.usable {
        let message = found.praise("Etcd endpoints is healthy", NOT_ALL);
        return Outcome::ready(Reason::EtcdReady, target.scrub(message));
    }
    let message = format!("All etcd endpoints are unhealthy:{}", found.faults);
    Outcome::not_ready(Reason::EtcdNotReady, target.scrub(message))
}

/// Between what is well and the list of endpoints that are not.
const NOT_ALL: &str = "these endpoints can't be used";

impl EtcdTarget {
    fn scrub(&self, message: String) -> String {
        match &self.user {
            Some(user) => user.password.scrub(message),
            None => message,
        }
    }

    fn endpoint(&self, address: &str) -> Result<Endpoint, String> {
        let address = without_scheme(address);
        let invalid = |e: tonic::transport::Error| format!("not an address: {}", fault::describe(&e));
        match &self.transport {
            EtcdTransport::Tls(tls) => Endpoint::from_shared(format!("https://{address}"))
                .and_then(|e| e.tls_config(grpc_tls(tls)))
                .map_err(invalid),
            EtcdTransport::Plain | EtcdTransport::DialOnly(_) => {
                Endpoint::from_shared(format!("http://{address}")).map_err(invalid)
            }
        }
    }
}

fn without_scheme(endpoint: &str) -> &str {
    endpoint.trim_start_matches("http://").trim_start_matches("https://")
}

/// etcd's Go client, which Milvus uses, has no switch for "accept anything" in Milvus' configuration, so
/// [`Trust::Anything`] is treated as the system's CAs.
fn grpc_tls(tls: &Tls) -> ClientTlsConfig {
    let config = match &tls.trust {
        Trust::Ca(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
        Trust::System | Trust::Anything => ClientTlsConfig::new().with_native_roots(),
    };
    match &tls.client {
        Some(client) => config.identity(Identity::from_pem(&client.certificate_pem, client.key_pem.expose())),
        None => config,
    }
}

/// One endpoint: connect, log in, read a key, read the alarms. The error is what to tell the user.
async fn check(address: &str, target: &EtcdTarget) -> Result<(), String> {
    let channel = target.endpoint(address)?.connect().await.map_err(|e| fault::describe(&e))?;
    let channel = etcd_client::Channel::Tonic(channel);
    let login = target.user.as_ref().map(|u| ConnectOptions::new().with_user(&u.name, u.password.expose()));
    let mut client = match Client::from_channel(channel.clone(), login).await {
        Err(error) if error.to_string().contains(AUTH_NOT_ENABLED) => {
            Client::from_channel(channel, None).await
        }
        other => other,
    }
    .map_err(|e| describe(&e))?;

    let read = client.get(HEALTH_KEY, Some(GetOptions::new().with_serializable())).await;
    answered(read.map(|_| ()))?;
    let alarms = client.alarm(AlarmAction::Get, AlarmType::None, None).await;
    let mut raised: Vec<&'static str> = match alarms {
        Ok(response) => response.alarms().iter().map(|a| alarm_name(a.alarm())).collect(),
        Err(error) => return answered(Err(error)),
    };
    raised.sort_unstable();
    raised.dedup();
    if raised.is_empty() { Ok(()) } else { Err(format!("alarm raised: {}", raised.join(", "))) }
}

/// A refusal for lack of permission is an answer all the same: the user of Milvus needs to read its own keys
/// only.
fn answered(answer: Result<(), etcd_client::Error>) -> Result<(), String> {
    match answer {
        Err(etcd_client::Error::GRpcStatus(status)) if status.code() == Code::PermissionDenied => Ok(()),
        Err(error) => Err(describe(&error)),
        Ok(()) => Ok(()),
    }
}

fn describe(error: &etcd_client::Error) -> String {
    match error {
        // The server spoke: its words. Without a cause the status is not from the transport.
        etcd_client::Error::GRpcStatus(status) if std::error::Error::source(status).is_none() => {
            status.message().to_owned()
        }
        etcd_client::Error::GRpcStatus(status) => fault::describe(status),
        other => fault::describe(other),
    }
}

fn alarm_name(alarm: AlarmType) -> &'static str {
    match alarm {
        AlarmType::None => "NONE",
        AlarmType::Nospace => {
            "NOSPACE (the storage quota is used up: compact, defragment, then disarm the alarm)"
        }
        AlarmType::Corrupt => "CORRUPT (a member's data differs from the others')",
    }
}
