//! A frame of anybody in the place of Pulsar: an answer, with one short line where it says no, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use milvus_probe::queue::{PulsarAnswer, pulsar_answer};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(PulsarAnswer::Refused(words)) = pulsar_answer(bytes) {
        assert!(words.chars().count() <= 300 && !words.contains('\n'));
    }
});
