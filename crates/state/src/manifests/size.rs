//! A configuration that fits into no ConfigMap is refused here, at its field, and not by the API server at every pass.

use super::config::{self, HOOK_YAML, USER_YAML};
use crate::refusal::Refusal;
use crate::spec::Spec;

/// Bytes that the values of a ConfigMap may have together: Kubernetes' own limit.
const LIMIT: usize = 1 << 20;
/// Bytes of JSON up to which the YAML can't come near the limit, so that it need not be written to be measured: the longest line that
/// one byte of JSON can become is a list item at some depth, and no configuration is hundreds of levels deep.
const SURELY_FITS: usize = 8 << 10;

/// Why the configuration fits into no ConfigMap.
pub fn refusal(spec: &Spec) -> Option<Refusal> {
    let length = |map| serde_json::to_vec(map).map_or(usize::MAX, |json| json.len());
    if length(&spec.config).saturating_add(length(&spec.hook_config)) <= SURELY_FITS {
        return None;
    }
    // One that can't be written is a bug that the render tells.
    let data = config::data(spec, true).ok()?;
    let size = |key: &str| data.get(key).map_or(0, String::len);
    let all: usize = data.values().map(String::len).sum();
    let field = if size(USER_YAML) >= size(HOOK_YAML) { "spec.config" } else { "spec.hookConfig" };
    (all > LIMIT).then(|| {
        Refusal::invalid(
            field,
            format!("as YAML the configuration has {all} bytes, and a ConfigMap holds {LIMIT}"),
            "Shorten it, or put large parts into a volume of your own (spec.components.volumes and volumeMounts).",
        )
    })
}
