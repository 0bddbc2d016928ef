//! Names of the objects that belong to a `Milvus`.
//!
//! They are upstream's: an installation that is taken over has objects of these names. A name that Kubernetes would
//! refuse is refused here, before anything is written.

use sha2::{Digest, Sha256};
use snafu::{Snafu, ensure};
use strum::{Display, EnumString, IntoStaticStr};

use crate::ComponentName;

/// Name of the init container that puts the tools into place.
pub const CONFIG_CONTAINER: &str = "config";
/// A user's mount of this name takes away the one at its path (upstream's convention).
pub const REMOVE: &str = "_remove";
/// Longest name of a Deployment, ConfigMap or claim (a DNS subdomain).
pub const MAX_SUBDOMAIN: usize = 253;
/// Longest value of a label, and longest name of a Service (a DNS label).
pub const MAX_LABEL: usize = 63;
/// Longest name of a Helm release: Helm's own limit.
pub const MAX_RELEASE: usize = 53;
/// Digest bytes of a group's name in a state key.
const STATE_KEY_BYTES: usize = 8;

/// A name that Kubernetes would not take.
#[derive(Debug, Snafu, PartialEq, Eq)]
#[snafu(visibility(pub))]
pub enum NameError {
    /// The name is too long.
    #[snafu(display(
        "the {kind} would be named `{name}`, which is {} characters and may be {limit}: shorten metadata.name or the name of the group",
        name.len()
    ))]
    TooLong {
        /// What the name is for.
        kind: &'static str,
        /// The name.
        name: String,
        /// Characters that it may have.
        limit: usize,
    },

    /// A Service can't have this name, because it is also a DNS label.
    #[snafu(display(
        "the Service would be named `{name}`, which is not a DNS label: metadata.name may have lower-case letters, digits and `-`, and must begin with a letter"
    ))]
    NotDnsLabel {
        /// The name.
        name: String,
    },
}

type Result<T> = std::result::Result<T, NameError>;

/// Which of a component's two Deployments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, IntoStaticStr)]
pub enum Slot {
    /// The one with the suffix `-0`.
    #[strum(serialize = "0")]
    Zero,
    /// The one with the suffix `-1`.
    #[strum(serialize = "1")]
    One,
}

impl Slot {
    /// The value of the slot's label.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Zero => Self::One,
            Self::One => Self::Zero,
        }
    }
}

/// A Helm release of a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Release {
    /// etcd.
    Etcd,
    /// MinIO.
    Minio,
    /// Pulsar, of either chart.
    Pulsar,
    /// Kafka.
    Kafka,
    /// Text Embeddings Inference.
    Tei,
}

fn limited(kind: &'static str, name: String, limit: usize) -> Result<String> {
    ensure!(name.len() <= limit, TooLongSnafu { kind, name, limit });
    Ok(name)
}

/// Value of the label `app.kubernetes.io/instance`.
pub fn instance(milvus: &str) -> Result<String> {
    limited("label app.kubernetes.io/instance", milvus.to_owned(), MAX_LABEL)
}

/// Deployment of a component: `<milvus>-milvus-<component>[-<group>][-0|-1]`.
pub fn deployment(
    milvus: &str,
    component: ComponentName,
    group: Option<&str>,
    slot: Option<Slot>,
) -> Result<String> {
    let mut name = format!("{milvus}-milvus-{component}");
    for part in group.into_iter().chain(slot.map(Slot::as_str)) {
        name.push('-');
        name.push_str(part);
    }
    limited("Deployment", name, MAX_SUBDOMAIN)
}

/// The one Service: `<milvus>-milvus`.
pub fn service(milvus: &str) -> Result<String> {
    let name = limited("Service", format!("{milvus}-milvus"), MAX_LABEL)?;
    let label = name.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-');
    ensure!(label && name.starts_with(|first: char| first.is_ascii_lowercase()), NotDnsLabelSnafu { name });
    Ok(name)
}

/// The Ingress: `<milvus>-milvus`.
pub fn ingress(milvus: &str) -> Result<String> {
    limited("Ingress", format!("{milvus}-milvus"), MAX_SUBDOMAIN)
}

/// The ConfigMap, when `activeConfigMap` names no other: `<milvus>`.
pub fn config_map(milvus: &str) -> Result<String> {
    limited("ConfigMap", milvus.to_owned(), MAX_SUBDOMAIN)
}

/// The volume claim of a queue inside Milvus: `<milvus>-data`.
pub fn data_claim(milvus: &str) -> Result<String> {
    limited("PersistentVolumeClaim", format!("{milvus}-data"), MAX_SUBDOMAIN)
}

/// The PodMonitor: `<milvus>`.
pub fn pod_monitor(milvus: &str) -> Result<String> {
    limited("PodMonitor", milvus.to_owned(), MAX_SUBDOMAIN)
}

/// A Helm release: `<milvus>-<dependency>`.
pub fn release(milvus: &str, release: Release) -> Result<String> {
    limited("Helm release", format!("{milvus}-{release}"), MAX_RELEASE)
}

/// What upstream keys the state of a rollout by: the component, and for a group the first 8 bytes of the SHA-256 of its
/// name in hex, because the key is part of an annotation and a group's name may be too long for one.
pub fn state_key(component: ComponentName, group: Option<&str>) -> String {
    use std::fmt::Write as _;

    let mut key = component.to_string();
    if let Some(group) = group {
        key.push('-');
        for byte in Sha256::digest(group.as_bytes()).iter().take(STATE_KEY_BYTES) {
            // Writing to a String can't fail.
            let _ = write!(key, "{byte:02x}");
        }
    }
    key
}
