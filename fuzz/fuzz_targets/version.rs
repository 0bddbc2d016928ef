//! A version as somebody wrote it, alone or as the tag of an image: unknown, or written as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use milvus_plan::{MilvusVersion, Version};

fuzz_target!(|text: &str| {
    let image = Version::of(None, text);
    assert_eq!(image.partial_cmp(&image), Some(std::cmp::Ordering::Equal));
    if let Ok(version) = text.parse::<MilvusVersion>() {
        let again: MilvusVersion = version.to_string().parse().unwrap();
        assert_eq!((&version, version.to_string()), (&again, again.to_string()));
        assert_eq!(Version::of(Some(text), "milvus:latest").known(), Some(&version));
    }
});
