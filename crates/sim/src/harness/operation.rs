//! What a request does, from its method and path.

use std::fmt;

use http::{Method, Request};
use kube::client::Body;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are those of Kubernetes")]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Apply,
    Delete,
}

impl Verb {
    /// All.
    pub const ALL: [Verb; 8] = [
        Verb::Get,
        Verb::List,
        Verb::Watch,
        Verb::Create,
        Verb::Update,
        Verb::Patch,
        Verb::Apply,
        Verb::Delete,
    ];

    /// Whether it changes what is stored.
    pub fn writes(self) -> bool {
        !matches!(self, Verb::Get | Verb::List | Verb::Watch)
    }

    /// In small letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "get",
            Verb::List => "list",
            Verb::Watch => "watch",
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Patch => "patch",
            Verb::Apply => "apply",
            Verb::Delete => "delete",
        }
    }
}

/// A request: what it does, to which resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation {
    /// What it does.
    pub verb: Verb,
    /// Plural name, with the subresource: `deployments`, `milvuses/status`. Other paths as they are.
    pub resource: String,
    /// Name of the object; empty for requests about many.
    pub name: String,
}

impl fmt::Display for Operation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.verb.as_str(), self.resource)?;
        if self.name.is_empty() { Ok(()) } else { write!(out, " {}", self.name) }
    }
}

impl Operation {
    /// What a request does.
    pub fn of(request: &Request<Body>) -> Operation {
        let query = request.uri().query().unwrap_or_default();
        let watch = query.split('&').any(|part| matches!(part, "watch=true" | "watch=1"));
        let (resource, name) = parts(request.uri().path());
        let content = request.headers().get(http::header::CONTENT_TYPE);
        let applies = content.is_some_and(|kind| kind.as_bytes().starts_with(b"application/apply-patch"));
        let verb = match *request.method() {
            Method::POST => Verb::Create,
            Method::PUT => Verb::Update,
            Method::PATCH if applies => Verb::Apply,
            Method::PATCH => Verb::Patch,
            Method::DELETE => Verb::Delete,
            _ if watch => Verb::Watch,
            _ if name.is_empty() => Verb::List,
            _ => Verb::Get,
        };
        Operation { verb, resource, name }
    }
}

/// Resource and name of `/api/v1/…` and `/apis/GROUP/VERSION/…`, with or without a namespace.
fn parts(path: &str) -> (String, String) {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let skipped = match parts.first() {
        Some(&"api") if parts.len() > 2 => 2,
        Some(&"apis") if parts.len() > 3 => 3,
        _ => return (path.to_owned(), String::new()),
    };
    parts.drain(..skipped);
    if parts.first() == Some(&"namespaces") && parts.len() > 2 {
        parts.drain(..2);
    }
    let name = parts.get(1).copied().unwrap_or_default().to_owned();
    let resource = match parts.get(2) {
        Some(subresource) => format!("{}/{subresource}", parts[0]),
        None => parts[0].to_owned(),
    };
    (resource, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, uri: &str, kind: &str) -> String {
        let request = Request::builder().method(method).uri(uri).header("content-type", kind);
        Operation::of(&request.body(Body::empty()).unwrap()).to_string()
    }

    #[test]
    fn requests_are_named_by_what_they_do() {
        let apps = "/apis/apps/v1/namespaces/default/deployments";
        assert_eq!(of("GET", &format!("{apps}?limit=500"), ""), "list deployments");
        assert_eq!(of("GET", "/apis/apps/v1/deployments?watch=true&x=1", ""), "watch deployments");
        assert_eq!(of("PATCH", &format!("{apps}/a"), "application/apply-patch+yaml"), "apply deployments a");
        assert_eq!(of("PATCH", &format!("{apps}/a"), "application/merge-patch+json"), "patch deployments a");
        assert_eq!(
            of("PUT", "/apis/milvus.io/v1beta1/namespaces/n/milvuses/a/status", ""),
            "update milvuses/status a"
        );
        assert_eq!(of("GET", "/api/v1/namespaces/n", ""), "get namespaces n");
        assert_eq!(of("DELETE", "/api/v1/namespaces/n/pods/p", ""), "delete pods p");
        assert_eq!(of("GET", "/version", ""), "list /version");
    }
}
