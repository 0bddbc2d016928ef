//! The user's words, parsed. The only reader of the raw spec.
//!
//! Takes the `Milvus` as the API server stores it; gives [`Spec`], in which every default is applied and every
//! free-form part is typed, or all refusals at once. Nothing after it can reach the raw spec, and nothing ever writes
//! it: upstream persists its defaults into the user's object, which fights with every GitOps tool.

mod absent;
mod collisions;
mod components;
pub mod config;
mod config_keys;
mod config_values;
mod decode;
pub mod dependencies;
mod external;
mod files;
mod findings;
mod images;
mod model;
pub mod owned;
mod paths;
mod persistence;
pub mod ports;
mod queues;
pub mod resolved;
mod settings;
mod unsupported;
pub mod variables;
pub mod without_effect;

use std::sync::Arc;

use milvus_api::{Components, FreeForm, Milvus, MilvusSpec, keys, names};
use milvus_plan::components_of;
use milvus_plan::{Component, Mode, Side, Topology};

pub use model::{Spec, TargetPort};
pub use settings::{
    ClaimSettings, ComponentSettings, DataVolume, MonitorSettings, Probes, Reading, Replicas,
    ServiceSettings, Variable, shared,
};

use self::config::Config;
use self::dependencies::{Dependencies, Queue};
use self::findings::Findings;
use self::images::Asked;
use crate::refusal::Refusal;

/// Rolling mode in which every component has two Deployments.
const TWO_DEPLOYMENTS_EACH: i64 = 3;

/// Parses a `Milvus`. `held` is what runs and is kept while a change is refused: its components are parsed too.
///
/// # Errors
/// Every field that can't be understood, each with its path and what to write instead.
pub fn parse(milvus: &Milvus, held: Option<&Side>) -> Result<Spec, Vec<Refusal>> {
    let mut findings = Findings::default();
    let common = &milvus.spec.components;
    let topology = resolved::topology(milvus, common);
    let Asked { side: asked, unused } = images::asked(common, topology, &mut findings);
    check_names(milvus, &mut findings.refusals);
    let config = milvus.spec.config.as_ref().map(FreeForm::as_map).map(Config::of).unwrap_or_default();
    let dependencies = external::parse(milvus, &config, &asked.version, &mut findings.refusals);
    let components = components(common, topology, &asked, held, &mut findings);
    let data =
        dependencies.as_ref().and_then(|d| persistence::parse(milvus, &d.queue, &mut findings.refusals));
    let of_keys = contradictions(&config, dependencies.as_ref()).into_iter();
    let (of_roots, others): (Vec<_>, Vec<_>) = of_keys.partition(|(root, _)| *root);
    findings.refusals.extend(of_roots.into_iter().map(|(_, refusal)| refusal));
    let others = others.into_iter().map(|(_, refusal)| refusal);
    let others = others.chain(ports::refusals(common, topology.mode, &config));
    // What runs with it, runs: to stop looking after it would help nobody.
    match has_run(milvus) {
        true => findings.warnings.extend(others.map(|refusal| refusal.message)),
        false => findings.refusals.extend(others),
    }
    let Findings { refusals, warnings } = findings;
    let Some(dependencies) = dependencies.filter(|_| refusals.is_empty()) else { return Err(refusals) };
    let parts = Parts { asked, unused, topology, components, dependencies, data, warnings };
    Ok(settled(assemble(milvus, parts), common))
}

/// It was accepted once.
fn has_run(milvus: &Milvus) -> bool {
    let status = milvus.status.as_ref();
    status.is_some_and(|status| status.resolved.is_some() || status.current_image.is_some())
}

/// Keys of which Milvus would take one of two values by chance, and whether such a key says where the data is. What the
/// operator replaces or leaves out is not read.
fn contradictions(config: &Config<'_>, dependencies: Option<&Dependencies>) -> Vec<(bool, Refusal)> {
    let owned = dependencies.map(|deps| owned::all(deps, true)).unwrap_or_default();
    let dropped = dependencies.map_or(&[][..], |deps| owned::dropped(&deps.queue));
    let read = |path: &str| {
        !dropped.contains(&config::section(path).as_str())
            && owned.iter().all(|owned| config::plain(owned.key) != config::plain(path))
    };
    let refusal = |entries: &[config::Entry<'_>]| {
        let paths: Vec<String> = entries.iter().map(|entry| format!("spec.config.{}", entry.path)).collect();
        let why = "Milvus takes them for one key, and they have different values";
        let root = owned::ROOTS.iter().any(|key| config::plain(key) == config::plain(&entries[0].path));
        (root, Refusal::invalid(&paths.join(" and "), why, "Keep one of them."))
    };
    config.contradictions().filter(|entries| read(&entries[0].path)).map(refusal).collect()
}

/// What can be said only of the whole: variables that Milvus reads over its file, and keys without effect.
fn settled(mut spec: Spec, common: &Components) -> Spec {
    spec.variables = variables::of(&spec, common);
    let value = |key: &str| spec.overridden(key).map(|(_, value)| value.to_owned());
    let (root_path, bucket) = (value(owned::ETCD_ROOT), value(owned::BUCKET));
    spec.dependencies.etcd.root_path = root_path.unwrap_or(spec.dependencies.etcd.root_path);
    spec.dependencies.storage.bucket = bucket.unwrap_or(spec.dependencies.storage.bucket);
    let mut warnings = variables::warnings(&spec);
    warnings.append(&mut spec.warnings);
    warnings.extend(owned::warnings(&spec));
    warnings.extend(ports::warnings(&spec));
    warnings.extend(paths::warnings(&spec));
    warnings.extend(absent::warnings(&spec, common));
    warnings.extend(absent::second_writers(&spec));
    spec.warnings = warnings;
    spec
}

/// The settings of all components that exist at one of the two versions. Those that exist only at the one that
/// runs can't be a reason to refuse what is asked.
fn components(
    common: &Components,
    topology: Topology,
    asked: &Side,
    held: Option<&Side>,
    findings: &mut Findings,
) -> Vec<Arc<ComponentSettings>> {
    let wanted = components_of(&asked.version, &topology);
    let running = held.map(|side| components_of(&side.version, &topology)).unwrap_or_default();
    let only_running = running.into_iter().filter(|component| !wanted.contains(component));
    let mut parsed = Vec::with_capacity(wanted.len());
    let mut parse = |component: Component, findings: &mut Findings| {
        parsed.push(Arc::new(components::parse(component, common, topology.mode, findings)));
    };
    for component in &wanted {
        let mut found = Findings::default();
        parse(*component, &mut found);
        findings.add(found);
    }
    only_running.for_each(|component| parse(component, &mut Findings::default()));
    parsed
}

/// What [`parse`] has parsed before it puts the rest together.
struct Parts {
    asked: Side,
    unused: Option<String>,
    topology: Topology,
    components: Vec<Arc<ComponentSettings>>,
    dependencies: Dependencies,
    data: Option<DataVolume>,
    warnings: Vec<String>,
}

fn assemble(milvus: &Milvus, parts: Parts) -> Spec {
    let (meta, spec, common) = (&milvus.metadata, &milvus.spec, &milvus.spec.components);
    let annotation = |key: &str| meta.annotations.as_ref().and_then(|all| all.get(key).cloned());
    let name = meta.name.clone().unwrap_or_default();
    let volume_bound = parts.topology.mode == Mode::Standalone
        && matches!(parts.dependencies.queue, Queue::Rocksmq | Queue::Natsmq);
    let given = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    Spec {
        namespace: meta.namespace.clone().unwrap_or_default(),
        uid: meta.uid.clone().unwrap_or_default(),
        generation: meta.generation.unwrap_or_default(),
        config_map_name: given(&common.active_config_map).unwrap_or_else(|| name.clone()),
        topology: parts.topology,
        asked: parts.asked,
        unused_image: parts.unused,
        update_mode: components::update_mode(common),
        manual: common.enable_manual_mode == Some(true),
        two_deployments: common.rolling_mode == Some(TWO_DEPLOYMENTS_EACH),
        rolling_enabled: !volume_bound && common.enable_rolling_update.unwrap_or(true),
        min_ready_seconds: resolved::min_ready_seconds(spec),
        update_config_map_only: common.update_config_map_only.unwrap_or(true),
        target_port: components::target_port(common),
        run_as_non_root: common.run_as_non_root.unwrap_or_default(),
        tool_image: given(&common.tool_image),
        update_tool_image: common.update_tool_image.unwrap_or_default(),
        dummy_image: given(&common.dummy_image).unwrap_or_else(|| "dummy".to_owned()),
        config: spec.config.clone().map(|c| c.0).unwrap_or_default(),
        hook_config: spec.hook_config.clone().map(|c| c.0).unwrap_or_default(),
        storage_endpoint: external::storage_endpoint(milvus),
        variables: Vec::new(),
        grouped: unsupported::grouped(&name, common),
        unsupported: unsupported::fields(spec, &parts.dependencies),
        warnings: warnings(parts.warnings, spec, parts.topology.mode, &parts.dependencies.queue),
        monitor: monitor(common),
        budgets: spec.upgrade_policy.as_ref().and_then(|p| p.pod_disruption_budgets) == Some(true),
        data: parts.data,
        components: parts.components,
        dependencies: parts.dependencies,
        kafka_sasl_checksum: annotation(keys::KAFKA_SASL_CHECKSUM),
        allow_upgrade: annotation(keys::ALLOW_UPGRADE),
        name,
    }
}

/// Upstream's interval.
const METRIC_INTERVAL: &str = "30s";

fn monitor(common: &Components) -> Option<MonitorSettings> {
    let interval = common.metric_interval.clone().filter(|text| !text.is_empty());
    (common.disable_metric != Some(true)).then(|| MonitorSettings {
        interval: interval.unwrap_or_else(|| METRIC_INTERVAL.to_owned()),
        labels: common.metric_labels.clone(),
    })
}

/// What can be told from the spec alone.
fn warnings(mut found: Vec<String>, spec: &MilvusSpec, mode: Mode, queue: &Queue) -> Vec<String> {
    if mode == Mode::Cluster && matches!(queue, Queue::Rocksmq | Queue::Natsmq) {
        found.push(format!(
            "spec.dependencies.msgStreamType: Milvus does not support {} in a cluster, where every component would have a queue of \
             its own; use pulsar, kafka or woodpecker",
            queue.name()
        ));
    }
    found.extend(spec.config.as_ref().map(|c| config_keys::warnings(c.as_map())).unwrap_or_default());
    found
}

/// A name that is too long for what is derived from it is refused here, before the first of several writes fails.
fn check_names(milvus: &Milvus, refusals: &mut Vec<Refusal>) {
    let name = milvus.metadata.name.as_deref().unwrap_or_default();
    for result in [names::instance(name), names::service(name), names::config_map(name)] {
        if let Err(error) = result {
            refusals.push(Refusal::invalid("metadata.name", error, "Create it anew under a name that fits."));
            return;
        }
    }
}
