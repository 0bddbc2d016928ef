//! Looks for metadata of Milvus under other root paths, to help who has given a wrong one.

use etcd_client::{Client, GetOptions};

use super::{Etcd, EtcdError};

/// A search that has not ended after this many requests is given up: it only serves a message.
const REQUESTS: usize = 64;

impl Etcd {
    /// Meta roots (`<rootPath>/<metaSubPath>`) under which something of Milvus lies; at most ten.
    ///
    /// # Errors
    ///
    /// When etcd can't be asked.
    pub async fn neighbours(&self) -> Result<Vec<String>, EtcdError> {
        let mut found = Vec::new();
        let mut from = vec![0];
        for _ in 0..REQUESTS {
            let options = GetOptions::new().with_from_key().with_keys_only().with_limit(500);
            let request = |mut c: Client| {
                let (from, options) = (from.clone(), options.clone());
                async move { c.get(from, Some(options)).await }
            };
            let answer = self.call("look for other root paths", request).await?;
            let Some(last) = answer.kvs().last() else { break };
            let root = answer.kvs().iter().find_map(|kv| root_of(kv.key()));
            match root {
                Some(root) => {
                    // Jumps behind everything below that root: `0` is the byte after `/`.
                    from = [root.as_bytes(), b"0"].concat();
                    found.push(root);
                }
                None if answer.more() => from = [last.key(), b"\0"].concat(),
                None => break,
            }
            if found.len() == 10 {
                break;
            }
        }
        Ok(found)
    }
}

fn root_of(key: &[u8]) -> Option<String> {
    let key = std::str::from_utf8(key).ok()?;
    let signs = ["/root-coord/", "/datacoord-meta/", "/session/id"];
    signs.iter().find_map(|sign| key.split_once(sign)).map(|(root, _)| root.to_owned())
}
