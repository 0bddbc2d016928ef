//! Two YAML texts of anybody, apart by a zero byte: what they are merged into can be read again and says the
//! same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (source, destination) = text.split_once('\0').unwrap_or((text, ""));
    if let Ok(merged) = milvus_config_tool::merge(source, destination) {
        let again = milvus_config_tool::merge("", &merged);
        assert!(again.as_ref().is_ok_and(|again| *again == merged), "{merged:?} became {again:?}");
    }
});
