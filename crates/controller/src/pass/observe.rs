//! All reads of a pass, in two stages: what the watches hold, then what the pure [`needs`] asks for.
//!
//! Takes the Milvus; gives it parsed, and a [`Snapshot`]. Nothing after it reads anything.

use std::collections::BTreeMap;

use kube::ResourceExt as _;
use milvus_api::Milvus;
use milvus_cluster::{Key, read};
use milvus_state::refusal::Refusal;
use milvus_state::spec::Spec;
use milvus_state::{Parsed, Probes, Snapshot, Watched, needs};
use snafu::ResultExt as _;

use crate::context::Context;
use crate::error::{Error, ObserveSnafu, RenderSnafu};

/// Everything that a pass has read.
pub struct Observed {
    /// The object as it is stored, for the writer of its status.
    pub milvus: Milvus,
    /// Its spec, or why it is not understood.
    pub parsed: Result<Parsed, Vec<Refusal>>,
    /// What was read.
    pub snapshot: Snapshot,
}

/// The key of a Milvus.
pub fn key(milvus: &Milvus) -> Key {
    (milvus.namespace().unwrap_or_default(), milvus.name_any())
}

/// Reads everything that a pass needs.
///
/// # Errors
/// What could not be read, or a template that can't be rendered: a bug.
pub async fn observe(ctx: &Context, watched: Milvus) -> Result<Observed, Error> {
    let key = key(&watched);
    let milvus = ctx.records.newest(&key, watched);
    let watched = ctx.records.watched(&key, &milvus, ctx.parts.clock.now(), &ctx.parts.version);
    let watched = watched.context(ObserveSnafu)?;
    let parsed = Parsed::of(&milvus, &ctx.parts.tool).context(RenderSnafu)?;
    let of_network = match &parsed {
        Ok(parsed) if !watched.milvus.deleting => {
            dependencies(ctx, &parsed.spec, &watched).await.context(ObserveSnafu)?
        }
        _ => OfNetwork { kafka_ca: Some(false), ..OfNetwork::default() },
    };
    let snapshot = snapshot(ctx, &key, parsed.as_ref().ok(), watched, of_network);
    let snapshot = snapshot.await.context(ObserveSnafu)?;
    Ok(Observed { milvus, parsed, snapshot })
}

async fn snapshot(
    ctx: &Context,
    (namespace, name): &Key,
    parsed: Option<&Parsed>,
    watched: Watched,
    of_network: OfNetwork,
) -> Result<Snapshot, read::Error> {
    let client = &ctx.parts.client;
    let needs = needs(parsed, &watched);
    let pods = match needs.pods {
        true => Some(read::pods(client, namespace, name).await?),
        false => None,
    };
    let mut templates = BTreeMap::new();
    for deployment in needs.templates {
        if let Some(template) = read::template(client, namespace, &deployment).await? {
            templates.insert(deployment, template);
        }
    }
    let claim = match needs.claim {
        Some(claim) => read::claim(client, namespace, &claim).await?,
        None => None,
    };
    let OfNetwork { probes, kafka_ca, changed_secrets } = of_network;
    Ok(Snapshot { watched, pods, templates, claim, probes, kafka_ca, changed_secrets })
}

/// What is known of the dependencies of a Milvus.
#[derive(Default)]
struct OfNetwork {
    probes: Probes,
    kafka_ca: Option<bool>,
    changed_secrets: Vec<String>,
}

async fn dependencies(ctx: &Context, spec: &Spec, watched: &Watched) -> Result<OfNetwork, read::Error> {
    let network = &ctx.parts.dependencies;
    let credentials = ctx.credentials.of(spec, network.healthy(spec)).await?;
    Ok(OfNetwork {
        probes: network.probes(spec, &credentials, !watched.has_run()),
        kafka_ca: credentials.kafka_ca(spec),
        changed_secrets: credentials.changed().to_vec(),
    })
}
