//! Small files in place of the programs that images and releases are made of.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::fs;

/// The smallest thing that is an ELF program for x86-64 without interpreter; `name` makes each another one.
pub fn program(name: &str) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0];
    bytes.resize(64, 0);
    bytes[16] = 2;
    bytes[18] = 62;
    bytes[20] = 1;
    bytes[52] = 64;
    bytes.extend(name.bytes());
    bytes
}

/// A directory with one for each name.
pub fn programs() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for name in ["milvus-operator", "milvus-config-tool", "meta-migration", "kubectl-milvus"] {
        fs::write(directory.path().join(name), program(name)).unwrap();
    }
    directory
}
