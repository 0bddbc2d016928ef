//! CEL rules of the `Milvus` schema: only what can never be right.
//!
//! A rule holds as if upstream's defaults were applied. What may be right after all (a change of queue, path, bucket or
//! topology; a version) is not refused here but by the operator, in a condition. Rules stand at parents, so that
//! what is absent can be judged, and are cheap without any limit on the length of upstream's lists.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A rule that the API server evaluates when a `Milvus` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Object that is `self`.
    pub path: &'static str,
    /// CEL expression that must be true. `oldSelf` in it is optional: absent when the object is created.
    pub rule: &'static str,
    /// What the user reads when it is not.
    pub message: &'static str,
}

/// Every rule.
pub const RULES: &[Rule] = &[
    Rule {
        path: ".spec.dependencies.etcd",
        rule: "!self.external || (has(self.endpoints) && size(self.endpoints) > 0)",
        message: "external etcd needs its address: set spec.dependencies.etcd.endpoints",
    },
    Rule {
        path: ".spec.dependencies.storage",
        rule: "!self.external || (has(self.endpoint) && self.endpoint != '')",
        message: "external storage needs its address: set spec.dependencies.storage.endpoint",
    },
    Rule {
        path: ".spec.dependencies",
        rule: "!has(self.msgStreamType) || self.msgStreamType != 'kafka' || !has(self.kafka) || !self.kafka.external \
               || (has(self.kafka.brokerList) && size(self.kafka.brokerList) > 0)",
        message: "external Kafka needs its address: set spec.dependencies.kafka.brokerList",
    },
    Rule {
        path: ".spec.dependencies",
        rule: "!has(self.msgStreamType) || self.msgStreamType != 'woodpecker' || !has(self.woodpecker) \
               || !self.woodpecker.external || (has(self.woodpecker.quorumBufferPools) \
               && size(self.woodpecker.quorumBufferPools) > 0 \
               && self.woodpecker.quorumBufferPools.all(p, p.name != '' && size(p.seeds) > 0))",
        message: "external Woodpecker needs at least one pool, and each pool a name and seeds: set \
                  spec.dependencies.woodpecker.quorumBufferPools",
    },
    Rule {
        path: ".spec",
        rule: "!has(self.dependencies) || !has(self.dependencies.pulsar) || !self.dependencies.pulsar.external \
               || (has(self.dependencies.pulsar.endpoint) && self.dependencies.pulsar.endpoint != '') \
               || (has(self.dependencies.msgStreamType) && self.dependencies.msgStreamType != '' \
               ? self.dependencies.msgStreamType != 'pulsar' : self.mode != 'cluster')",
        message: "external Pulsar needs its address: set spec.dependencies.pulsar.endpoint",
    },
    Rule {
        path: ".spec",
        // Only for a new object: the upgrade guide patches `enableRollingUpdate: true` into existing ones, whatever
        // their queue, and upstream then ignores it.
        rule: "oldSelf.hasValue() || self.mode == 'cluster' || !has(self.components.enableRollingUpdate) \
               || !self.components.enableRollingUpdate || !has(self.dependencies) \
               || !has(self.dependencies.msgStreamType) || !(self.dependencies.msgStreamType in ['rocksmq', 'natsmq'])",
        message: "a standalone with rocksmq or natsmq can't be updated without downtime, because two pods can't share \
                  its queue: remove spec.components.enableRollingUpdate, or use another msgStreamType",
    },
    Rule {
        path: ".spec.components",
        rule: "!has(self.rollingMode) || self.rollingMode in [0, 2, 3]",
        message: "rollingMode may be 2 (query nodes have two Deployments) or 3 (every component has): correct \
                  spec.components.rollingMode",
    },
];

/// The rules as the schema wants them: all of one object together.
pub(super) fn by_path() -> BTreeMap<&'static str, Vec<Value>> {
    let mut validations: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for rule in RULES {
        let mut validation = json!({ "rule": rule.rule, "message": rule.message });
        if rule.rule.contains("oldSelf") {
            validation["optionalOldSelf"] = true.into();
        }
        validations.entry(rule.path).or_default().push(validation);
    }
    validations
}
