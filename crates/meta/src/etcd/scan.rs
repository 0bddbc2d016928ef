//! Reads a range of keys at one revision, page by page, the next page on its way while one is looked at.
//!
//! The number of keys in a page follows the size of the values, so that a page is about a mebibyte and memory
//! stays bounded: etcd walks its whole index for every page, so pages that are too small make a scan
//! quadratic.

use etcd_client::{Client, GetOptions};
use snafu::ensure;
use tokio::task::JoinHandle;

use super::{Etcd, EtcdError, error::OtherSnafu};

/// Bytes that a page aims at.
const PAGE_BYTES: usize = 1 << 20;
/// Longest answer that is taken; a page that is longer is asked for again in smaller pieces.
const ANSWER_BYTES: usize = 48 << 20;
/// Most keys of a page, and of the first page.
const MOST_KEYS: i64 = 10_000;
const FIRST_KEYS: i64 = 1_000;

/// One key of the metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kv {
    /// Relative to the meta root.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
    /// Revision of its last change.
    pub mod_revision: i64,
    /// It goes when a lease ends: a session or a lock.
    pub leased: bool,
}

struct Page {
    kvs: Vec<Kv>,
    more: bool,
    revision: i64,
    bytes: usize,
}

/// A scan under way.
pub struct Scan {
    etcd: Etcd,
    end: Vec<u8>,
    revision: i64,
    limit: i64,
    next: Option<JoinHandle<Result<Page, EtcdError>>>,
}

impl Etcd {
    /// Everything below the meta root. With `revision` 0 at the newest one.
    pub fn scan(&self, revision: i64) -> Scan {
        self.scan_below(b"", revision)
    }

    /// Everything below `prefix`, which is relative to the meta root and ends in a slash.
    pub fn scan_below(&self, prefix: &[u8], revision: i64) -> Scan {
        let from = self.root.absolute(prefix);
        let mut end = from.clone();
        // A prefix ends in a slash, and the byte after it is still a byte.
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        let mut scan = Scan { etcd: self.clone(), end, revision, limit: FIRST_KEYS, next: None };
        scan.request(from);
        scan
    }
}

impl Scan {
    /// The next keys, in order; `None` at the end.
    ///
    /// # Errors
    ///
    /// When etcd can't be asked, or the revision that is read was compacted meanwhile.
    pub async fn page(&mut self) -> Result<Option<Vec<Kv>>, EtcdError> {
        let Some(next) = self.next.take() else { return Ok(None) };
        let page = match next.await {
            Ok(page) => page?,
            Err(error) => return OtherSnafu { what: "read a page", why: error.to_string() }.fail(),
        };
        self.revision = page.revision;
        if page.more
            && let Some(last) = page.kvs.last()
        {
            self.limit = fitting(page.kvs.len(), page.bytes, self.limit);
            let mut from = self.etcd.root.absolute(&last.key);
            from.push(0);
            self.request(from);
        }
        Ok(Some(page.kvs))
    }

    /// The revision that is read; 0 before the first page.
    pub const fn revision(&self) -> i64 {
        self.revision
    }

    fn request(&mut self, from: Vec<u8>) {
        let (etcd, end) = (self.etcd.clone(), self.end.clone());
        let (revision, limit) = (self.revision, self.limit);
        self.next = Some(tokio::spawn(async move { fetch(etcd, from, end, revision, limit).await }));
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        if let Some(next) = &self.next {
            next.abort();
        }
    }
}

/// Keys for the next page: as many as fill it, but at most four times as many as in this one.
fn fitting(keys: usize, bytes: usize, limit: i64) -> i64 {
    let average = (bytes / keys.max(1)).max(1);
    let fit = i64::try_from(PAGE_BYTES / average).unwrap_or(MOST_KEYS);
    fit.clamp(1, MOST_KEYS).min(limit.saturating_mul(4))
}

async fn fetch(
    etcd: Etcd,
    from: Vec<u8>,
    end: Vec<u8>,
    revision: i64,
    limit: i64,
) -> Result<Page, EtcdError> {
    let mut limit = limit;
    loop {
        let options = GetOptions::new().with_range(end.clone()).with_limit(limit).with_revision(revision);
        let request = |client: Client| {
            let (from, options) = (from.clone(), options.clone());
            async move {
                let mut kv = client.kv_client().max_decoding_message_size(ANSWER_BYTES);
                kv.get(from, Some(options)).await
            }
        };
        match etcd.call("read the metadata", request).await {
            Ok(answer) => return page(&etcd, answer, revision),
            Err(EtcdError::AnswerTooLarge { .. }) if limit > 1 => limit = (limit / 4).max(1),
            Err(error) => return Err(error),
        }
    }
}

fn page(etcd: &Etcd, mut answer: etcd_client::GetResponse, revision: i64) -> Result<Page, EtcdError> {
    let newest = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
    ensure!(newest > 0, OtherSnafu { what: "read a page", why: "an answer without a revision" });
    let more = answer.more();
    let skip = etcd.root.absolute(b"").len();
    let mut bytes = 0;
    let mut kvs = Vec::with_capacity(answer.kvs().len());
    for kv in answer.take_kvs() {
        let (mod_revision, leased) = (kv.mod_revision(), kv.lease() != 0);
        let (mut key, value) = kv.into_key_value();
        bytes += key.len() + value.len();
        key.drain(..skip);
        kvs.push(Kv { key, value, mod_revision, leased });
    }
    Ok(Page { kvs, more, revision: if revision > 0 { revision } else { newest }, bytes })
}
