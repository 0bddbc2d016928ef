//! A custom resource between two passes.
//!
//! Takes what a watch receives; gives the object to the pass that asks. Decoded, a small Milvus is ten kilobytes in
//! eighty pieces; kept as JSON text it is three in one, and a pass decodes it in less time than one request takes.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::DeserializeGuard;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// The annotation in which `kubectl apply` keeps what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// An object as the watch has it. One that can't be decoded (it was stored under an older schema) is kept as such, and
/// does not stop the others.
pub struct Stored<K> {
    /// What it is found by: name, namespace, UID and resource version.
    identity: ObjectMeta,
    /// The object as JSON, or why it can't be decoded.
    content: Result<Box<str>, Box<str>>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Clone for Stored<K> {
    fn clone(&self) -> Stored<K> {
        Stored { identity: self.identity.clone(), content: self.content.clone(), kind: PhantomData }
    }
}

impl<K> fmt::Debug for Stored<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl<K: Resource + Serialize + DeserializeOwned> Stored<K> {
    fn of(DeserializeGuard(decoded): DeserializeGuard<K>) -> Stored<K> {
        let (meta, content) = match decoded {
            Ok(mut object) => {
                slim(object.meta_mut());
                let text = serde_json::to_string(&object);
                (object.meta().clone(), text.map_err(|error| error.to_string()))
            }
            Err(invalid) => (invalid.metadata, Err(invalid.error)),
        };
        let ObjectMeta { name, namespace, uid, resource_version, .. } = meta;
        Stored {
            identity: ObjectMeta { name, namespace, uid, resource_version, ..ObjectMeta::default() },
            content: content.map(String::into_boxed_str).map_err(String::into_boxed_str),
            kind: PhantomData,
        }
    }

    /// The object, without what nothing reads (field ownership, and what `kubectl apply` keeps for itself).
    ///
    /// # Errors
    /// Why it can't be decoded, which names the field.
    pub fn decode(&self) -> Result<K, String> {
        let text = self.content.as_deref().map_err(ToString::to_string)?;
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

/// Field ownership is half of a stored object, and what `kubectl apply` keeps for itself is the whole spec once more.
/// Nothing here reads either.
fn slim(meta: &mut ObjectMeta) {
    meta.managed_fields = None;
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove(LAST_APPLIED);
    }
}

impl<'de, K: Resource + Serialize + DeserializeOwned> Deserialize<'de> for Stored<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DeserializeGuard::deserialize(deserializer).map(Stored::of)
    }
}

impl<K> Resource for Stored<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        K::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        K::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        K::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.identity
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.identity
    }
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt as _;
    use milvus_api::Milvus;
    use serde_json::{Value, json};

    use super::*;

    fn object(spec: &Value) -> Value {
        json!({
            "apiVersion": "milvus.io/v1beta1",
            "kind": "Milvus",
            "metadata": {
                "name": "my-release",
                "namespace": "ns",
                "uid": "u",
                "resourceVersion": "7",
                "labels": {"team": "search"},
                "annotations": {LAST_APPLIED: "{}", "kept": "yes"},
                "managedFields": [{"manager": "kubectl"}],
            },
            "spec": spec,
            "status": {"status": "Healthy", "observedGeneration": 3, "endpoint": "my-release-milvus.ns:19530"},
        })
    }

    #[test]
    fn a_milvus_comes_back_as_it_was_but_for_what_nothing_reads() {
        let mut sent =
            object(&json!({"mode": "cluster", "config": {"log": {"level": "debug", "share": 0.1}}}));
        let stored: Stored<Milvus> = serde_json::from_value(sent.clone()).unwrap();
        let meta = sent["metadata"].as_object_mut().unwrap();
        meta.remove("managedFields");
        meta["annotations"] = json!({"kept": "yes"});
        let decoded: Milvus = serde_json::from_value(sent).unwrap();
        assert_eq!(stored.decode(), Ok(decoded));
        assert_eq!((stored.name_any().as_str(), stored.uid().as_deref()), ("my-release", Some("u")));
        assert_eq!(
            (stored.namespace().as_deref(), stored.resource_version().as_deref()),
            (Some("ns"), Some("7"))
        );
    }

    #[test]
    fn one_that_can_not_be_decoded_is_still_known_and_says_why() {
        let stored: Stored<Milvus> = serde_json::from_value(object(&json!({"components": "none"}))).unwrap();
        assert_eq!(stored.name_any(), "my-release");
        let why = stored.decode().unwrap_err();
        assert!(why.contains("Expected struct Components"), "{why}");
    }
}
