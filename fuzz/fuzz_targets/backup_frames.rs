//! The frames of a backup with checksums that fit, so that what is behind the checksum is reached: each frame
//! is a kind, a length (one byte) and as many bytes of the input.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use milvus_meta::backup;
use sha2::{Digest, Sha256};

fuzz_target!(|bytes: &[u8]| {
    let mut file = backup::MAGIC.to_vec();
    let mut rest = bytes;
    while let [kind, length, more @ ..] = rest {
        let (body, more) = more.split_at(more.len().min(usize::from(*length)));
        file.push(*kind);
        file.extend((body.len() as u32).to_le_bytes());
        file.extend(body);
        let mut digest = Sha256::new();
        digest.update([*kind]);
        digest.update((body.len() as u64).to_le_bytes());
        digest.update(body);
        file.extend(digest.finalize());
        rest = more;
    }
    let _ = backup::from(Path::new("backup"), file.as_slice()).and_then(backup::Reader::summary);
});
