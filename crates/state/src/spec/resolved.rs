//! What must not change under data: recorded in `status.resolved` when the Milvus is first accepted.
//!
//! A plain `kubectl apply` of a short YAML removes `mode` and `dependencies` from an object that had them. The API server then
//! fills in the default mode, and what is asked for is another installation without the old one's data. Such a change is
//! refused here, before anything is rendered, with the patch that was probably meant.

use milvus_api::{Components, Milvus, MilvusSpec, Reason, ResolvedDefaults};
use milvus_plan::{Consent, Consents, Coordinators, Queue, QueueChange, Topology};

use super::config::{self, Config};
use super::dependencies;
use super::model::Spec;
use super::owned::{BUCKET, ETCD_ROOT};
use super::settings::DataVolume;
use super::variables;
use crate::convert;
use crate::refusal::Refusal;

/// How a queue without a claim is named: by the kind of its volume, which is no name of a claim.
const NO_CLAIM: &str = "emptyDir";

/// Seconds a new pod must be ready before it counts: upstream's constant.
const MIN_READY_SECONDS: i32 = 30;

/// `spec.upgradePolicy.minReadySeconds`
pub fn min_ready_seconds(spec: &MilvusSpec) -> i32 {
    spec.upgrade_policy.as_ref().and_then(|p| p.min_ready_seconds).unwrap_or(MIN_READY_SECONDS)
}

/// The set of components that the spec asks for. Coordinators that are not named stay what they were.
pub fn topology(milvus: &Milvus, common: &Components) -> Topology {
    let four = [&common.root_coord, &common.data_coord, &common.query_coord, &common.index_coord];
    let pinned = milvus.status.as_ref().and_then(|s| s.resolved.as_ref()).and_then(|r| r.coordinators);
    let named = four.iter().any(|c| c.is_some());
    let kept = pinned == Some(milvus_api::status::CoordinatorSet::Four);
    let coordinators = match common.mix_coord.is_none() && (named || kept) {
        true => Coordinators::Four,
        false => Coordinators::Mix,
    };
    Topology {
        mode: convert::mode(milvus.spec.mode),
        coordinators,
        streaming: common.streaming_mode.unwrap_or(common.streaming_node.is_some()),
        cdc: common.cdc.is_some(),
    }
}

/// The pins of a Milvus that is accepted as it is.
pub fn resolve(spec: &Spec) -> ResolvedDefaults {
    let deps = &spec.dependencies;
    ResolvedDefaults {
        mode: Some(convert::api_mode(spec.topology.mode)),
        msg_stream_type: Some(deps.queue.name().to_owned()),
        coordinators: Some(convert::coordinator_set(spec.topology.coordinators)),
        etcd_root_path: Some(deps.etcd.root_path.clone()),
        bucket: Some(deps.storage.bucket.clone()),
        etcd_endpoints: etcd_endpoints(spec),
        storage_endpoint: Some(storage_endpoint(spec)),
        queue_claim: queue_claim(spec).map(str::to_owned),
        variables: spec.variables.iter().map(|one| (one.key.to_owned(), one.values.clone())).collect(),
    }
}

/// As Milvus reads them: a variable counts more than the file.
fn etcd_endpoints(spec: &Spec) -> Vec<String> {
    let variable = spec.overridden("etcd.endpoints");
    let listed = variable.map(|(_, value)| value.split(',').map(str::to_owned).collect());
    listed.unwrap_or_else(|| spec.dependencies.etcd.endpoints.clone())
}

fn storage_endpoint(spec: &Spec) -> String {
    let value = |key: &str| spec.overridden(key).map(|(_, value)| value.to_owned());
    let (host, port) = (value("minio.address"), value("minio.port"));
    if host.is_none() && port.is_none() {
        return spec.storage_endpoint.clone();
    }
    let storage = &spec.dependencies.storage;
    let (host, port) = (host.unwrap_or(storage.host.clone()), port.unwrap_or(storage.port.to_string()));
    format!("{host}:{port}")
}

/// The claim with what is not in the object storage yet. Woodpecker has its data there.
fn queue_claim(spec: &Spec) -> Option<&str> {
    match (&spec.dependencies.queue, spec.data.as_ref()?) {
        (dependencies::Queue::Woodpecker { .. }, _) | (_, DataVolume::Scratch) => None,
        (_, DataVolume::Claim(claim)) => Some(&claim.name),
        (_, DataVolume::Existing(name)) => Some(name),
    }
}

/// What happens to the message queue; the plan decides whether that is allowed.
pub fn queue_change(spec: &Spec, pinned: Option<&ResolvedDefaults>) -> QueueChange {
    let to: Option<Queue> = spec.dependencies.queue.name().parse().ok();
    let from: Option<Queue> =
        pinned.and_then(|p| p.msg_stream_type.as_deref()).and_then(|text| text.parse().ok());
    match (from, to) {
        (Some(from), Some(to)) if from != to => QueueChange::Changed { from, to, has_data: true },
        _ => QueueChange::Unchanged,
    }
}

/// Changes that would start another installation beside the data of this one. `runs`: the pods have these variables
/// already, which then change nothing.
pub fn refusals(spec: &Spec, pinned: Option<&ResolvedDefaults>, runs: bool) -> Vec<Refusal> {
    let Some(pinned) = pinned else { return taken_over(spec) };
    let asked = resolve(spec);
    if asked.mode != pinned.mode
        && let (Some(from), Some(to)) = (pinned.mode, asked.mode)
    {
        return vec![mode_refused(spec, pinned, from, to)];
    }
    let deps = &spec.dependencies;
    // By a variable that is no news.
    let settled = |key: &str| {
        spec.overridden(key).is_some_and(|(variable, _)| runs || variables::known(variable, pinned))
    };
    let lost_external = |external: bool, field: &str, now: &str, was: &str| {
        (!external && now != was).then(|| lost(spec, field, now, was))
    };
    let mut found = Vec::new();
    let endpoints = pinned.etcd_endpoints.join(",");
    found.extend(lost_external(
        deps.etcd.external || settled("etcd.endpoints"),
        "etcd.endpoints",
        &asked.etcd_endpoints.join(","),
        &endpoints,
    ));
    let storage = pinned.storage_endpoint.clone().unwrap_or_default();
    let external = deps.storage.external || settled("minio.address") || settled("minio.port");
    found.extend(lost_external(external, "storage.endpoint", &storage_endpoint(spec), &storage));
    let roots =
        [(ETCD_ROOT, &asked.etcd_root_path, &pinned.etcd_root_path), (BUCKET, &asked.bucket, &pinned.bucket)];
    for (key, now, was) in roots.into_iter().filter(|(key, ..)| !settled(key)) {
        found.extend(changed(key, now.as_ref(), was.as_ref(), spec));
    }
    if !runs {
        found.extend(variables::led_away(spec, &asked, pinned));
    }
    found.extend(pinned.queue_claim.as_ref().and_then(|was| queue_lost(spec, was)));
    found
}

/// The operator that made this Milvus wrote its own value beside one of the user in another spelling, and Milvus took one
/// of the two by chance: where the data is can't be told.
fn taken_over(spec: &Spec) -> Vec<Refusal> {
    let config = Config::of(&spec.config);
    let refused = |key: &str| {
        let entry = config.get(key).filter(|entry| entry.text() != spec.name)?;
        let (section, name) = key.split_once('.')?;
        let documented = spec.config.get(section).and_then(|section| section.get(name));
        let known = documented.and_then(config::text).is_some_and(|text| text == entry.text());
        (!known && spec.overridden(key).is_none()).then(|| {
            let place = format!("spec.config.{}", entry.path);
            let why = format!(
                "the operator that made this Milvus wrote {key} = {:?} beside it, and Milvus took one of the two by chance",
                spec.name
            );
            let fix = format!("Take it out, and write the one under which the data is as spec.config.{key}, nested.");
            Refusal::invalid(&place, why, &fix)
        })
    };
    [ETCD_ROOT, BUCKET].into_iter().filter_map(refused).collect()
}

fn mode_refused(
    spec: &Spec,
    pinned: &ResolvedDefaults,
    from: milvus_api::Mode,
    to: milvus_api::Mode,
) -> Refusal {
    let image = &spec.asked.image;
    let queue = pinned.msg_stream_type.as_deref().unwrap_or("unknown");
    Refusal::new(
        Reason::ModeChangeRefused,
        format!(
            "spec.mode: this Milvus runs as a {from} with queue {queue} and etcd {}; as it stands now the spec asks for a {to}, which would \
             replace every component and lose sight of the data. Nothing was changed. If only the image was meant (a \
             short YAML was applied with `kubectl apply`, which removes what it does not name), put the spec back with the \
             full YAML, or `kubectl patch milvus {} -n {} --type merge -p '{{\"spec\":{{\"mode\":\"{from}\",\"dependencies\":{{…as before…}}}}}}'`, \
             and change the image with `kubectl patch milvus {} -n {} --type merge -p '{{\"spec\":{{\"components\":{{\"image\":\"{image}\"}}}}}}'`",
            pinned.etcd_endpoints.join(","),
            spec.name,
            spec.namespace,
            spec.name,
            spec.namespace,
        ),
    )
}

fn lost(spec: &Spec, field: &str, now: &str, was: &str) -> Refusal {
    Refusal::new(
        Reason::DependencyChangeRefused,
        format!(
            "spec.dependencies.{field}: the data of this Milvus is at {was}; the spec no longer says so and would start on {now}, without the \
             data. Nothing was changed. Put spec.dependencies back; to change something else only, use `kubectl patch milvus \
             {} -n {} --type merge`, which keeps what it does not name",
            spec.name, spec.namespace
        ),
    )
}

/// A queue inside Milvus would begin anew: on a directory that goes with the pod, or in another claim.
fn queue_lost(spec: &Spec, was: &str) -> Option<Refusal> {
    let now = queue_claim(spec).unwrap_or(NO_CLAIM);
    let queue = spec.dependencies.queue.name();
    let field = format!("{queue}.persistence");
    let consent = Consent::Field { name: &field, from: was, to: now };
    (now != was && !allowed(spec, &consent)).then(|| {
        Refusal::new(
            Reason::DependencyChangeRefused,
            format!(
                "spec.dependencies.{field}: the queue of this Milvus is in the volume claim {was}, with all that is not flushed; \
                 on {now} it would start empty. Nothing was changed. Put spec.dependencies.{field} back, or, if nothing in the \
                 queue is needed or it was copied, allow it with the annotation {}",
                consent.annotation()
            ),
        )
    })
}

/// The annotation allows exactly this change.
fn allowed(spec: &Spec, consent: &Consent<'_>) -> bool {
    Consents::parse(spec.allow_upgrade.as_deref()).allow(consent)
}

fn changed(field: &str, now: Option<&String>, was: Option<&String>, spec: &Spec) -> Option<Refusal> {
    let (now, was) = (now?, was?);
    let consent = Consent::Field { name: field, from: was, to: now };
    let place = match spec.overridden(field) {
        Some((variable, _)) => format!("{} ({field})", variable.place),
        None => Config::of(&spec.config).path(field),
    };
    (now != was && !allowed(spec, &consent)).then(|| {
        Refusal::new(
            Reason::DependencyChangeRefused,
            format!(
                "{place}: the data of this Milvus is under {was:?}; under {now:?} it would start empty. Nothing was changed. Put \
                 {was:?} back, or, if the data was moved there, allow it with the annotation {}",
                consent.annotation()
            ),
        )
    })
}
