//! Hashes of rendered values.
//!
//! Takes plain values; gives lower-case hex of SHA-256. A hash tells "the same as last time", nothing else: no
//! decision reads anything out of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Hash of a string map (the data of a ConfigMap).
pub fn of_map(map: &BTreeMap<String, String>) -> String {
    let mut hasher = Sha256::new();
    for (key, value) in map {
        for part in [key, value] {
            // Lengths keep ("ab","c") and ("a","bc") apart.
            hasher.update(part.len().to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    hex(&hasher.finalize())
}

/// Hash of a value's JSON. Maps are `BTreeMap`s throughout this crate, so the order of keys is fixed.
pub fn of_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(of_bytes(&serde_json::to_vec(value)?))
}

/// Hash of bytes.
pub fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
