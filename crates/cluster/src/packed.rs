//! A Milvus between two passes.
//!
//! Takes what a watch receives; gives the Milvus to the pass that asks. Decoded, a small Milvus is ten kilobytes in eighty pieces; kept
//! as JSON text it is three in one, and a pass decodes it in less time than one request takes.

use std::borrow::Cow;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::DeserializeGuard;
use milvus_api::Milvus;
use serde::{Deserialize, Deserializer};

/// The annotation in which `kubectl apply` keeps what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A Milvus as the watch has it. One that can't be decoded (it was stored under an older schema) is kept as such, and does not stop the
/// others.
#[derive(Clone, Debug)]
pub struct Packed {
    /// What it is found by: name, namespace, UID and resource version.
    identity: ObjectMeta,
    /// The object as JSON, or why it can't be decoded.
    content: Result<Box<str>, Box<str>>,
}

impl Packed {
    fn of(DeserializeGuard(decoded): DeserializeGuard<Milvus>) -> Packed {
        let (meta, content) = match decoded {
            Ok(mut milvus) => {
                slim(&mut milvus.metadata);
                let text = serde_json::to_string(&milvus);
                (milvus.metadata, text.map_err(|error| error.to_string()))
            }
            Err(invalid) => (invalid.metadata, Err(invalid.error)),
        };
        let ObjectMeta { name, namespace, uid, resource_version, .. } = meta;
        Packed {
            identity: ObjectMeta { name, namespace, uid, resource_version, ..ObjectMeta::default() },
            content: content.map(String::into_boxed_str).map_err(String::into_boxed_str),
        }
    }

    /// The Milvus, without what nothing reads (field ownership, and what `kubectl apply` keeps for itself); or why it can't be decoded,
    /// which names the field.
    pub fn unpack(&self) -> Result<Milvus, String> {
        let text = self.content.as_deref().map_err(ToString::to_string)?;
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

/// Field ownership is half of a stored object, and what `kubectl apply` keeps for itself is the whole spec once more. Nothing here reads
/// either.
fn slim(meta: &mut ObjectMeta) {
    meta.managed_fields = None;
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove(LAST_APPLIED);
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DeserializeGuard::deserialize(deserializer).map(Packed::of)
    }
}

impl Resource for Packed {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        Milvus::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        Milvus::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        Milvus::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        Milvus::plural(&())
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
        let packed: Packed = serde_json::from_value(sent.clone()).unwrap();
        let meta = sent["metadata"].as_object_mut().unwrap();
        meta.remove("managedFields");
        meta["annotations"] = json!({"kept": "yes"});
        let decoded: Milvus = serde_json::from_value(sent).unwrap();
        assert_eq!(packed.unpack(), Ok(decoded));
        assert_eq!((packed.name_any().as_str(), packed.uid().as_deref()), ("my-release", Some("u")));
        assert_eq!(
            (packed.namespace().as_deref(), packed.resource_version().as_deref()),
            (Some("ns"), Some("7"))
        );
    }

    #[test]
    fn one_that_can_not_be_decoded_is_still_known_and_says_why() {
        let packed: Packed = serde_json::from_value(object(&json!({"components": "none"}))).unwrap();
        assert_eq!(packed.name_any(), "my-release");
        let why = packed.unpack().unwrap_err();
        assert!(why.contains("Expected struct Components"), "{why}");
    }
}
