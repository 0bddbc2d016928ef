//! Milvus objects as users write them, against the dependencies of the world.

use serde_json::{Value, json};

/// The name that all guides use.
pub const NAME: &str = "my-release";

/// The official image with a tag.
pub fn image(tag: &str) -> String {
    format!("milvusdb/milvus:v{tag}")
}

/// Where the dependencies are, and the bucket.
#[derive(Debug, Clone)]
pub struct Places {
    /// `host:port` of etcd.
    pub etcd: String,
    /// `host:port` of MinIO.
    pub minio: String,
    /// The bucket, and the root path in etcd.
    pub bucket: String,
}

impl Places {
    /// A Milvus of that mode and image, with the given components beside the image.
    ///
    /// The queue is a Pulsar with a plug-in for log-ins: of such a one the operator asks only that it takes
    /// connections, which etcd does.
    pub fn milvus(&self, mode: &str, tag: &str, components: Value) -> Value {
        let mut components = components;
        components["image"] = json!(image(tag));
        json!({
            "apiVersion": "milvus.io/v1beta1",
            "kind": "Milvus",
            "metadata": { "name": NAME },
            "spec": {
                "mode": mode,
                "upgradePolicy": { "minReadySeconds": 1 },
                "components": components,
                "dependencies": {
                    "etcd": { "external": true, "endpoints": [self.etcd] },
                    "storage": { "external": true, "type": "MinIO", "endpoint": self.minio, "secretRef": "storage" },
                    "msgStreamType": "pulsar",
                    "pulsar": { "external": true, "endpoint": self.etcd },
                },
                "config": {
                    "etcd": { "rootPath": self.bucket },
                    "minio": { "bucketName": self.bucket },
                    "pulsar": { "authPlugin": "token" },
                },
            },
        })
    }

    /// A cluster with a mixcoord.
    pub fn mix(&self, tag: &str) -> Value {
        self.milvus("cluster", tag, json!({ "mixCoord": {} }))
    }

    /// A cluster with four coordinators.
    pub fn four(&self, tag: &str) -> Value {
        let coordinators = json!({ "rootCoord": {}, "dataCoord": {}, "queryCoord": {}, "indexCoord": {} });
        self.milvus("cluster", tag, coordinators)
    }

    /// A standalone with a queue outside, so that it can roll.
    pub fn standalone(&self, tag: &str) -> Value {
        self.milvus("standalone", tag, json!({}))
    }
}
