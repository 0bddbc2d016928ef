//! Files that the configuration of Milvus names, traced to where they come from.
//!
//! `config.etcd.ssl.tlsCert` and its likes are paths in the Milvus pods. Where such a path lies in a Secret that
//! `spec.components.volumes` and `volumeMounts` put there, the operator can read the same file by the name of that Secret.

use milvus_api::{FreeForm, MilvusSpec};
use serde_json::Value;

use super::dependencies::PodFile;

/// Where a path of the Milvus pods comes from.
pub fn source(spec: &MilvusSpec, path: &str) -> PodFile {
    traced(spec, path).unwrap_or_else(|| PodFile::Elsewhere { path: path.to_owned() })
}

/// What is left of a path below the directory at which something is mounted; empty for the directory itself.
pub(super) fn below<'a>(mount: &str, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix(mount.trim_end_matches('/'))?;
    (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_start_matches('/'))
}

fn traced(spec: &MilvusSpec, path: &str) -> Option<PodFile> {
    let common = &spec.components.global;
    // The deepest mount is the one that a pod sees.
    let (mount, rest) = common
        .volume_mounts
        .iter()
        .filter_map(|mount| Some((mount, below(&mount.mount_path, path)?)))
        .max_by_key(|(mount, _)| mount.mount_path.len())?;
    let file = match mount.sub_path.as_deref().filter(|sub| !sub.is_empty()) {
        Some(sub) => [sub.trim_end_matches('/'), rest].join("/").trim_end_matches('/').to_owned(),
        None => rest.to_owned(),
    };
    let volume = common.volumes.iter().find(|volume| text(volume, &["name"]) == Some(&mount.name))?;
    let projected = volume.get_path(&["projected", "sources"]).and_then(Value::as_array);
    let single = volume.get_path(&["secret"]).map(|secret| (secret, "secretName"));
    let parts = projected.into_iter().flatten().filter_map(|part| Some((part.get("secret")?, "name")));
    single.into_iter().chain(parts).find_map(|(secret, name)| of_secret(secret, name, &file))
}

fn text<'a>(volume: &'a FreeForm, path: &[&str]) -> Option<&'a str> {
    volume.get_path(path).and_then(Value::as_str)
}

/// The key of a Secret that is seen as `file` in a volume; with `items` only the listed keys are, under other names.
fn of_secret(secret: &Value, name: &str, file: &str) -> Option<PodFile> {
    let name = secret.get(name).and_then(Value::as_str)?.to_owned();
    let key = match secret.get("items").and_then(Value::as_array) {
        Some(items) => {
            let item = items.iter().find(|item| item.get("path").and_then(Value::as_str) == Some(file))?;
            item.get("key").and_then(Value::as_str)?.to_owned()
        }
        None => file.to_owned(),
    };
    (!key.is_empty()).then_some(PodFile::Secret { name, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(volume: &str, mount: &str) -> MilvusSpec {
        let yaml = format!("components:\n  volumes: [{volume}]\n  volumeMounts: [{mount}]\n");
        serde_saphyr::from_str(&yaml).unwrap()
    }

    fn secret(name: &str, key: &str) -> PodFile {
        PodFile::Secret { name: name.into(), key: key.into() }
    }

    #[test]
    fn a_file_of_a_mounted_secret_is_one_of_its_keys() {
        let spec = spec("{name: v, secret: {secretName: tls}}", "{name: v, mountPath: /certs/}");
        assert_eq!(source(&spec, "/certs/ca.crt"), secret("tls", "ca.crt"));
    }

    #[test]
    fn items_and_sub_paths_and_projections_are_followed() {
        let items = "{name: v, secret: {secretName: tls, items: [{key: ca.crt, path: pem/ca.pem}]}}";
        let all = spec(items, "{name: v, mountPath: /certs}");
        assert_eq!(source(&all, "/certs/pem/ca.pem"), secret("tls", "ca.crt"));
        assert_eq!(source(&all, "/certs/ca.crt"), PodFile::Elsewhere { path: "/certs/ca.crt".into() });
        let one = spec(items, "{name: v, mountPath: /ca.pem, subPath: pem/ca.pem}");
        assert_eq!(source(&one, "/ca.pem"), secret("tls", "ca.crt"));
        let projected = spec(
            "{name: v, projected: {sources: [{configMap: {name: c}}, {secret: {name: tls}}]}}",
            "{name: v, mountPath: /certs}",
        );
        assert_eq!(source(&projected, "/certs/tls.key"), secret("tls", "tls.key"));
    }

    #[test]
    fn a_path_that_only_looks_like_it_lies_in_the_mount_does_not() {
        let spec = spec("{name: v, secret: {secretName: tls}}", "{name: v, mountPath: /certs}");
        let path = "/certs-old/ca.crt";
        assert_eq!(source(&spec, path), PodFile::Elsewhere { path: path.into() });
    }

    #[test]
    fn what_is_no_secret_is_elsewhere() {
        let spec = spec("{name: v, hostPath: {path: /etc/ssl}}", "{name: v, mountPath: /certs}");
        assert_eq!(source(&spec, "/certs/ca.crt"), PodFile::Elsewhere { path: "/certs/ca.crt".into() });
    }
}
