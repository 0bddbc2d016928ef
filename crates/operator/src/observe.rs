//! All reads of a pass, in two stages: what the watches hold, then what the pure [`needs`] asks for.
//!
//! Takes the Milvus; gives a [`Snapshot`]. Nothing after it reads anything.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::ResourceExt as _;
use milvus_api::Milvus;
use milvus_cluster::read;
use milvus_cluster::records::Key;
use milvus_state::validate::{Validated, validate};
use milvus_state::{Core, Probes, Snapshot, needs};

use crate::context::Context;
use crate::{credentials, probes};

/// The key of a Milvus.
pub fn key(milvus: &Milvus) -> Key {
    (milvus.namespace().unwrap_or_default(), milvus.name_any())
}

/// Reads everything that a pass needs.
pub async fn observe(ctx: &Context, watched: Milvus) -> Result<Snapshot, read::Error> {
    let core = core(ctx, watched);
    let parsed = validate(&core.milvus, false).ok();
    let seen = match (&parsed, core.milvus.metadata.deletion_timestamp.is_some()) {
        (Some(milvus), false) => dependencies(ctx, milvus, &core).await?,
        _ => Seen { kafka_ca: Some(false), ..Seen::default() },
    };
    let needs = needs(&core, seen.kafka_ca == Some(true));
    let (namespace, name) = key(&core.milvus);
    let pods = match needs.pods {
        true => Some(read::pods(&ctx.client, &namespace, &name).await?),
        false => None,
    };
    let mut templates = BTreeMap::new();
    for deployment in needs.templates {
        if let Some(template) = read::template(&ctx.client, &namespace, &deployment).await? {
            templates.insert(deployment, template);
        }
    }
    let Seen { probes, kafka_ca, changed_secrets } = seen;
    let claim = match needs.claim {
        Some(claim) => read::claim(&ctx.client, &namespace, &claim).await?,
        None => None,
    };
    Ok(Snapshot { core, pods, templates, claim, probes, kafka_ca, changed_secrets })
}

/// What is known of the dependencies of a Milvus.
#[derive(Default)]
struct Seen {
    probes: Probes,
    kafka_ca: Option<bool>,
    changed_secrets: Vec<String>,
}

fn core(ctx: &Context, watched: Milvus) -> Core {
    let key = key(&watched);
    let milvus = ctx.records.newest(&key, watched);
    let entry = format!("{}-milvus", key.1);
    Core {
        now: Timestamp::now(),
        deployments: ctx.records.deployments().of(&key),
        config_maps: ctx.records.config_maps().of(&key),
        service: ctx.records.services().of(&key).remove(&entry),
        ingress: ctx.records.ingresses().of(&key).remove(&entry),
        pod_monitor: ctx.records.pod_monitors().of(&key).remove(&key.1),
        monitor_kind: *ctx.records.monitor_kind(),
        minio_link: ctx.records.minio().contains(&key.0),
        tool: ctx.tool.clone(),
        operator_version: env!("CARGO_PKG_VERSION").to_owned(),
        milvus,
    }
}

async fn dependencies(ctx: &Context, milvus: &Validated, core: &Core) -> Result<Seen, read::Error> {
    let credentials = credentials::of(ctx, milvus, probes::healthy(ctx, milvus)).await?;
    Ok(Seen {
        probes: probes::of(ctx, milvus, &credentials, !core.has_run()),
        kafka_ca: credentials.kafka_ca(milvus),
        changed_secrets: credentials.changed().to_vec(),
    })
}
