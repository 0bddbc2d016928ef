//! Environment variables that are settings of Milvus: it takes every variable for one, over its configuration file.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::EnvVar;
use milvus_api::{Components, Reason, ResolvedDefaults};
use milvus_plan::{Component, Mode};

use super::config::{self, Config, plain, plain_variable};
use super::decode::GLOBAL;
use super::model::Spec;
use super::owned::{self, ACTIVE_STANDBY, BUCKET, ETCD_ROOT, ROOTS};
use super::settings::{ComponentSettings, Reading, Variable};
use crate::convert;
use crate::refusal::Refusal;

/// A key that the operator writes into the file.
struct Written {
    key: &'static str,
    /// What is in the file.
    text: String,
    /// The field that decides it.
    field: String,
}

/// Variables of a component, by the key that Milvus takes them for. Of two the last one counts.
type Named<'a> = BTreeMap<String, &'a EnvVar>;

fn named(settings: &ComponentSettings) -> Named<'_> {
    settings.env.iter().map(|var| (plain_variable(&var.name), var)).collect()
}

/// Every variable of the user that gives Milvus another value than the operator writes.
pub(super) fn of(spec: &Spec, common: &Components) -> Vec<Variable> {
    let placeholder = |c: Component| c == Component::Standalone && spec.topology.mode == Mode::Cluster;
    let settings = spec.components_at(&spec.asked.version).filter(|c| !placeholder(c.component));
    let all: Vec<_> = settings.map(|settings| (settings.component, named(settings))).collect();
    written(spec).into_iter().filter_map(|written| variable(written, &all, common)).collect()
}

fn written(spec: &Spec) -> Vec<Written> {
    let config = Config::of(&spec.config);
    let roots = ROOTS.map(|key| Written {
        key,
        text: config.text(key).unwrap_or_else(|| spec.name.clone()),
        field: format!("spec.config.{key}"),
    });
    let owned = owned::all(&spec.dependencies, spec.rolling_enabled).into_iter().map(|owned| Written {
        key: owned.key,
        text: config::text(&owned.value).unwrap_or_default(),
        field: owned.from.to_owned(),
    });
    roots.into_iter().chain(owned).collect()
}

fn variable(written: Written, all: &[(Component, Named<'_>)], common: &Components) -> Option<Variable> {
    let Written { key, text, field: instead } = written;
    let wanted = plain(key);
    let found = || all.iter().filter_map(|(c, named)| Some((*c, *named.get(&wanted)?)));
    let (component, first) = found().next()?;
    let values: BTreeSet<Option<&str>> = found().map(|(_, var)| literal(var)).collect();
    let reading = match values.first()? {
        None => Reading::Unreadable,
        Some(value) if values.len() == 1 && *value == text => return None,
        Some(value) if values.len() == 1 && found().count() == all.len() => {
            Reading::Everywhere((*value).to_owned())
        }
        Some(_) => Reading::Somewhere,
    };
    let own = common.component(convert::component_name(component));
    let is_own = own.is_some_and(|own| own.spec.env.iter().any(|var| var.name == first.name));
    let of = if is_own { format!("{GLOBAL}.{}", component.field()) } else { GLOBAL.to_owned() };
    let each = found().map(|(c, var)| format!("{}={}", c.name(), literal(var).unwrap_or("(not readable)")));
    let values = each.collect::<Vec<_>>().join(",");
    Some(Variable { key, place: format!("{of}.env[{}]", first.name), reading, values, instead })
}

/// The value of a variable, where the spec itself has it.
fn literal(var: &EnvVar) -> Option<&str> {
    let value = var.value.as_deref().unwrap_or_default();
    (var.value_from.is_none() && !value.contains("$(")).then_some(value)
}

/// What is said of a Milvus that has such variables and runs.
pub(super) fn warnings(spec: &Spec) -> Vec<String> {
    let said = |variable: &Variable| {
        let Variable { key, place, reading, instead, .. } = variable;
        let what = match reading {
            Reading::Everywhere(_) => "where the operator writes another value; say it in",
            Reading::Somewhere => "and not every component has it with the same value; say it in",
            Reading::Unreadable => {
                "and the operator can't read its value, which is neither checked nor kept; say it in"
            }
        };
        format!(
            "{place}: Milvus reads this variable as {key}, over its configuration file, {what} {instead} instead"
        )
    };
    spec.variables.iter().map(said).collect()
}

/// A Milvus that has not started yet gets its settings from the spec.
pub fn refused_anew(spec: &Spec) -> Vec<Refusal> {
    let readable = spec.variables.iter().filter(|variable| variable.reading != Reading::Unreadable);
    let refused = readable.map(|Variable { key, place, instead, .. }| {
        let why =
            format!("Milvus would read this variable as {key}, over what the operator writes into its file");
        Refusal::invalid(place, why, &format!("Set {instead} instead, and take the variable out."))
    });
    refused.collect()
}

/// The Milvus was accepted with this variable.
pub(super) fn known(variable: &Variable, pinned: &ResolvedDefaults) -> bool {
    pinned.variables.get(variable.key) == Some(&variable.values)
}

/// New variables that lead a Milvus away from its data, or from what is in its queue. Root path and bucket that are the
/// same everywhere are compared with the pins, as those in the file are.
pub(super) fn led_away(spec: &Spec, asked: &ResolvedDefaults, pinned: &ResolvedDefaults) -> Vec<Refusal> {
    let away = |variable: &Variable| {
        let Variable { key, place, reading, instead, .. } = variable;
        let (was, now) = match *key {
            ETCD_ROOT => (pinned.etcd_root_path.clone(), None),
            BUCKET => (pinned.bucket.clone(), None),
            "etcd.endpoints" => (listed(&pinned.etcd_endpoints), listed(&asked.etcd_endpoints)),
            "minio.address" | "minio.port" => {
                (pinned.storage_endpoint.clone(), asked.storage_endpoint.clone())
            }
            key if ACTIVE_STANDBY.contains(&key) || *reading == Reading::Unreadable => return None,
            _ => return Some(newly_set(variable)),
        };
        let was = was?;
        let what = match (reading, now) {
            (Reading::Everywhere(_), Some(now)) if now != was => format!("looks for its data at {now:?}"),
            (Reading::Somewhere, _) => "has other values in some components only".to_owned(),
            (Reading::Everywhere(_) | Reading::Unreadable, _) => return None,
        };
        Some(Refusal::new(
            Reason::DependencyChangeRefused,
            format!(
                "{place}: Milvus reads this variable as {key}, over its configuration file, and so {what}; the data of this \
                 Milvus is at {was:?}. Nothing was changed. Take the variable out; {instead} says where the data is"
            ),
        ))
    };
    spec.variables.iter().filter(|variable| !known(variable, pinned)).filter_map(away).collect()
}

/// A queue, or the names of its channels, would be another one.
fn newly_set(Variable { key, place, instead, .. }: &Variable) -> Refusal {
    Refusal::new(
        Reason::DependencyChangeRefused,
        format!(
            "{place}: Milvus reads this variable as {key}, over its configuration file, and would leave what is in its queue. \
             Nothing was changed. Take the variable out; {instead} says what is used"
        ),
    )
}

fn listed(endpoints: &[String]) -> Option<String> {
    (!endpoints.is_empty()).then(|| endpoints.join(","))
}
