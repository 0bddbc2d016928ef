//! Paths of the API.

use crate::server::{
    kinds::Kind,
    target::{Subresource, Target},
};

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Path {
    /// `/version`
    Version,
    /// `/api`
    CoreVersions,
    /// `/apis`
    Groups,
    /// `/apis/{group}`
    Group(String),
    /// `/api/v1`, `/apis/{group}/{version}`
    Resources { group: String, version: String },
    /// All objects of a kind, or those of a namespace.
    Collection { kind: Kind, namespace: Option<String> },
    /// An object, or a part of it.
    Object { kind: Kind, namespace: String, name: String, subresource: Option<Subresource> },
    /// Nothing that is known here.
    Unknown,
}

impl Path {
    pub(super) fn parse(path: &str) -> Path {
        let steps: Vec<&str> = path.trim_matches('/').split('/').collect();
        match &steps[..] {
            ["version"] => Path::Version,
            ["api"] => Path::CoreVersions,
            ["apis"] => Path::Groups,
            ["apis", group] => Path::Group((*group).to_owned()),
            ["api", version] => Path::Resources { group: String::new(), version: (*version).to_owned() },
            ["apis", group, version] => {
                Path::Resources { group: (*group).to_owned(), version: (*version).to_owned() }
            }
            ["api", version, rest @ ..] => resource("", version, rest),
            ["apis", group, version, rest @ ..] => resource(group, version, rest),
            _ => Path::Unknown,
        }
    }
}

fn resource(group: &str, version: &str, rest: &[&str]) -> Path {
    let kind = |plural: &str| Kind::of_path(group, version, plural);
    let (namespace, rest) = match rest {
        ["namespaces", namespace, plural, ..] if kind(plural).is_some() => {
            (Some((*namespace).to_owned()), &rest[2..])
        }
        rest => (None, rest),
    };
    let Some(kind) = rest.first().and_then(|plural| kind(plural)) else { return Path::Unknown };
    let namespaced = kind.info().namespaced;
    let object = |name: &str, subresource| match (&namespace, namespaced) {
        (Some(namespace), true) => {
            Path::Object { kind, namespace: namespace.clone(), name: name.to_owned(), subresource }
        }
        (None, false) => Path::Object { kind, namespace: String::new(), name: name.to_owned(), subresource },
        _ => Path::Unknown,
    };
    match rest {
        [_] if namespace.is_none() || namespaced => Path::Collection { kind, namespace: namespace.clone() },
        [_, name] => object(name, None),
        [_, name, "status"] if kind.info().status => object(name, Some(Subresource::Status)),
        [_, name, "scale"] if kind.info().scale => object(name, Some(Subresource::Scale)),
        _ => Path::Unknown,
    }
}

/// The object of a path.
pub(super) fn target<'a>(
    kind: Kind,
    namespace: &'a str,
    name: &'a str,
    subresource: Option<Subresource>,
) -> Target<'a> {
    Target { kind, namespace, name, subresource }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_objects_collections_and_parts() {
        let object = |kind, namespace: &str, name: &str, subresource| Path::Object {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource,
        };
        let all = |kind, namespace: Option<&str>| Path::Collection {
            kind,
            namespace: namespace.map(str::to_owned),
        };
        for (path, expected) in [
            ("/api/v1/namespaces/ns/pods", all(Kind::Pod, Some("ns"))),
            ("/api/v1/pods", all(Kind::Pod, None)),
            ("/api/v1/namespaces", all(Kind::Namespace, None)),
            ("/api/v1/namespaces/ns", object(Kind::Namespace, "", "ns", None)),
            ("/api/v1/namespaces/ns/status", object(Kind::Namespace, "", "ns", Some(Subresource::Status))),
            ("/apis/apps/v1/namespaces/ns/deployments/d", object(Kind::Deployment, "ns", "d", None)),
            (
                "/apis/apps/v1/namespaces/ns/deployments/d/scale",
                object(Kind::Deployment, "ns", "d", Some(Subresource::Scale)),
            ),
            ("/apis/apps/v1/namespaces/ns/deployments/d/rollback", Path::Unknown),
            ("/api/v1/namespaces/ns/configmaps/c/status", Path::Unknown),
            ("/apis/example.com/v1/things", Path::Unknown),
        ] {
            assert_eq!(Path::parse(path), expected, "{path}");
        }
    }
}
