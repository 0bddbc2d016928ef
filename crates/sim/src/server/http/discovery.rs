//! What the API has.

use serde_json::{Value, json};

use crate::server::{answer::Failure, kinds::Kind, object::no_such_path, store::Store};

/// `/version`
pub(super) fn version() -> Value {
    json!({
        "major": "1",
        "minor": "34",
        "gitVersion": "v1.34.0",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "simulated",
    })
}

/// `/api`
pub(super) fn core_versions() -> Value {
    json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] })
}

/// `/apis`
pub(super) fn groups(store: &Store) -> Value {
    let mut names: Vec<&str> =
        present(store).map(|kind| kind.info().group).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    let groups: Vec<Value> = names.into_iter().map(|name| group_of(store, name)).collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

/// `/apis/{group}`
///
/// # Errors
/// 404 for a group without kinds.
pub(super) fn group(store: &Store, name: &str) -> Result<Value, Failure> {
    if !present(store).any(|kind| kind.info().group == name) {
        return Err(no_such_path());
    }
    let mut group = group_of(store, name);
    group["kind"] = "APIGroup".into();
    group["apiVersion"] = "v1".into();
    Ok(group)
}

fn group_of(store: &Store, name: &str) -> Value {
    let version =
        present(store).find(|kind| kind.info().group == name).map_or("v1", |kind| kind.info().version);
    let version = json!({ "groupVersion": format!("{name}/{version}"), "version": version });
    json!({ "name": name, "versions": [version], "preferredVersion": version })
}

/// `/apis/{group}/{version}`
///
/// # Errors
/// 404 for a group without kinds.
pub(super) fn resources(store: &Store, group: &str, version: &str) -> Result<Value, Failure> {
    let of = |kind: &Kind| kind.info().group == group && kind.info().version == version;
    let resources: Vec<Value> = present(store).filter(of).flat_map(of_kind).collect();
    if resources.is_empty() {
        return Err(no_such_path());
    }
    let version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Ok(
        json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources }),
    )
}

fn of_kind(kind: Kind) -> Vec<Value> {
    let info = kind.info();
    let resource = |part: &str, verbs: &[&str], kind: &str| {
        let name = format!("{}{part}", info.plural);
        json!({ "name": name, "singularName": "", "namespaced": info.namespaced, "kind": kind, "verbs": verbs })
    };
    let all = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    let some = ["get", "patch", "update"];
    let mut resources = vec![resource("", &all, info.kind)];
    if info.scale {
        resources.push(resource("/scale", &some, "Scale"));
    }
    if info.status {
        resources.push(resource("/status", &some, info.kind));
    }
    resources
}

fn present(store: &Store) -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| store.has_kind(*kind))
}
