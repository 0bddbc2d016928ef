//! What is known of nodes, whoever runs their pods.

use std::net::Ipv4Addr;

use k8s_openapi::api::core::v1::Node;

/// The address of a node that runs containers, and of the API server of its cluster.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 245, 0, 1);

/// The taint that kwok's own documentation gives to played nodes.
pub(crate) const PLAYED: (&str, &str) = ("kwok.x-k8s.io/node", "fake");

/// Ready, and without the taint that new nodes have until the controllers saw them Ready.
pub(crate) fn is_usable(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let ready = conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    ready && taints.iter().all(|taint| taint.key == PLAYED.0)
}
