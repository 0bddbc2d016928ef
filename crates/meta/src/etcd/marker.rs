//! The marker: one key outside of the meta root that says how far a migration is.

use etcd_client::{Client, Compare, CompareOp, Txn, TxnOp};
use milvus_plan::migration::{CONTRACT, Marker, marker_key};
use snafu::ensure;

use super::{
    Etcd, EtcdError,
    lock::{Lock, ranges},
    write::{WriteError, refused},
};
use crate::etcd::error::OtherSnafu;

/// A marker as it was read.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Its value; `None` when there is no marker.
    pub marker: Option<Marker>,
    /// Revision of its last change; 0 when there is no marker.
    pub revision: i64,
}

impl Etcd {
    /// Reads the marker. One that cannot be understood is an error: it says that something was begun.
    ///
    /// # Errors
    ///
    /// When etcd can't be asked, or the marker is that of a newer program or can't be understood.
    pub async fn marker(&self) -> Result<Found, EtcdError> {
        let key = marker_key(&self.root.path);
        let Some((value, revision)) = self.get(&key).await? else { return Ok(Found::default()) };
        match serde_json::from_slice::<Marker>(&value) {
            Ok(marker) => {
                let why = format!("{key} was written by a newer program ({})", marker.tool);
                ensure!(marker.contract == CONTRACT, OtherSnafu { what: "read the marker", why });
                Ok(Found { marker: Some(marker), revision })
            }
            Err(error) => {
                let why = format!("{key} cannot be understood: {error}");
                OtherSnafu { what: "read the marker", why }.fail()
            }
        }
    }

    /// Writes the marker, if it is still as it was `found`. Gives it as it is now.
    ///
    /// # Errors
    ///
    /// When etcd can't be asked, the lock is lost, or the marker has changed since it was found.
    pub async fn mark(&self, lock: &Lock, found: &Found, marker: Marker) -> Result<Found, WriteError> {
        let key = marker_key(&self.root.path);
        let value = serde_json::to_string(&marker)
            .map_err(|error| EtcdError::Other { what: "write the marker", why: error.to_string() })?;
        let mut when = lock.guards();
        when.push(Compare::mod_revision(key.as_str(), CompareOp::Equal, found.revision));
        let mut questions = lock.questions();
        questions.push(TxnOp::get(key.as_str(), None));
        let txn = Txn::new()
            .when(when)
            .and_then([TxnOp::put(key.as_str(), value.as_str(), None)])
            .or_else(questions);
        let request = |mut c: Client| {
            let txn = txn.clone();
            async move { c.txn(txn).await }
        };
        let answer = self.call("write the marker", request).await?;
        if answer.succeeded() {
            let revision = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
            return Ok(Found { marker: Some(marker), revision });
        }
        let answers = ranges(&answer);
        lock.judge(&answers).map_err(refused)?;
        match answers.get(2).and_then(|kvs| kvs.first()) {
            // An earlier attempt of ours was applied although its answer was lost.
            Some(kv) if kv.value() == value.as_bytes() => {
                Ok(Found { marker: Some(marker), revision: kv.mod_revision() })
            }
            _ => Err(WriteError::Conflict { key }),
        }
    }
}
