//! Whether etcd has room for what will be written.
//!
//! New keys come before deletes, and a delete frees nothing before the next compaction, so the metadata is
//! there twice for a while. Where etcd does not say its quota (before 3.6), the default of 2 GiB is assumed.

use etcd_client::Client;
use milvus_plan::migration::Outcome;
use snafu::Snafu;

use super::{Etcd, EtcdError};

/// etcd's default `--quota-backend-bytes`.
pub const DEFAULT_QUOTA: i64 = 2 << 30;
/// Room that has to be left: etcd refuses a request that might cross the quota, and others write as well.
const RESERVE: i64 = 8 << 20;
/// What etcd needs for a revision of a key beside key and value: keys of its own, pages, both trees.
const PER_KEY: i64 = 256;

/// What etcd says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// Size of the database file in bytes.
    pub size: i64,
    /// Bytes of it that are in use.
    pub in_use: i64,
    /// The quota in bytes.
    pub quota: i64,
    /// Id of the cluster.
    pub cluster: u64,
    /// The space alarm is raised.
    pub alarm: bool,
}

/// Why there is no room.
#[derive(Debug, Snafu)]
pub enum SpaceError {
    /// The alarm is raised: etcd takes no write.
    #[snafu(display(
        "etcd's space alarm is raised ({in_use} of {quota} bytes in use): it takes no write, neither to go on nor to go \
         back. Compact it (etcdctl compact --physical), give the space back (etcdctl defrag), raise --quota-backend-bytes \
         if that is not enough, then clear the alarm (etcdctl alarm disarm) and call again"
    ))]
    Alarm {
        /// Bytes in use.
        in_use: i64,
        /// Bytes allowed.
        quota: i64,
    },
    /// It would be raised.
    #[snafu(display(
        "etcd has no room for {needed} bytes more ({size} bytes in the file, {in_use} in use, quota {quota}). Compact and \
         defragment it (etcdctl compact --physical, etcdctl defrag) or raise --quota-backend-bytes, and call again; \
         nothing was written"
    ))]
    Full {
        /// Bytes that will be written.
        needed: i64,
        /// Size of the file.
        size: i64,
        /// Bytes of it in use.
        in_use: i64,
        /// Bytes allowed.
        quota: i64,
    },
    /// etcd did not answer.
    #[snafu(transparent)]
    Etcd {
        /// Why.
        source: EtcdError,
    },
}

impl SpaceError {
    /// How a call that ends with this ends.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Alarm { .. } | Self::Full { .. } => Outcome::NoRoom,
            Self::Etcd { source } => source.outcome(),
        }
    }
}

impl Space {
    /// Refuses when writing `keys` keys of `bytes` bytes in all would come too close to the quota.
    ///
    /// # Errors
    ///
    /// When the space alarm is raised, or there would not be room enough.
    pub fn check(&self, keys: u64, bytes: u64) -> Result<(), SpaceError> {
        let Self { size, in_use, quota, .. } = *self;
        if self.alarm {
            return AlarmSnafu { in_use, quota }.fail();
        }
        let payload = i64::try_from(bytes).unwrap_or(i64::MAX / 4);
        let overhead = i64::try_from(keys).unwrap_or(i64::MAX / 1024).saturating_mul(PER_KEY);
        // Pages are filled to about two thirds when keys arrive in order of several families.
        let needed = payload.saturating_add(overhead).saturating_mul(3) / 2;
        // Free pages in the file are used again, but a request is judged by the size of the file.
        let fits = in_use.saturating_add(needed).saturating_add(RESERVE) <= quota
            && size.saturating_add(RESERVE / 2) <= quota;
        if fits { Ok(()) } else { FullSnafu { needed, size, in_use, quota }.fail() }
    }
}

impl Etcd {
    /// Asks one member for its size. With several members the others hold the same data.
    ///
    /// # Errors
    ///
    /// When etcd can't be asked.
    pub async fn space(&self) -> Result<Space, EtcdError> {
        let answer = self.call("ask for its size", |mut c: Client| async move { c.status().await }).await?;
        let told = |bytes: i64| (bytes > 0).then_some(bytes);
        Ok(Space {
            size: answer.db_size(),
            in_use: told(answer.raft_used_db_size()).unwrap_or_else(|| answer.db_size()),
            quota: told(answer.db_size_quota()).unwrap_or(DEFAULT_QUOTA),
            cluster: answer.header().map_or(0, etcd_client::ResponseHeader::cluster_id),
            alarm: answer.errors().iter().any(|error| error.contains("NOSPACE")),
        })
    }
}
