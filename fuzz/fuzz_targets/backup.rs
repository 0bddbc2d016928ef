//! A backup file of anybody: a backup of which every byte was checked, or an error.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use milvus_meta::backup;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(reader) = backup::from(Path::new("backup"), bytes) {
        let mut last: Option<Vec<u8>> = None;
        for record in reader.map_while(Result::ok) {
            assert!(last.is_none_or(|last| last < record.key), "records come in the order of their keys");
            last = Some(record.key);
        }
    }
});
