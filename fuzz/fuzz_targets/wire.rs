//! A protobuf message of anybody: its fields are the whole of it, and one number can be taken out once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use milvus_meta::wire;

fuzz_target!(|bytes: &[u8]| {
    let fields: Result<Vec<_>, _> = wire::fields(bytes).collect();
    let Ok(fields) = fields else {
        assert!(wire::without(bytes, 1).is_err() && wire::has_above(bytes, u32::MAX).is_err());
        return;
    };
    let joined: Vec<u8> = fields.iter().flat_map(|field| field.whole.iter().copied()).collect();
    assert_eq!(joined, bytes);
    for field in fields {
        let without = wire::without(bytes, field.number).unwrap().unwrap();
        assert_eq!(wire::without(&without, field.number), Ok(None));
    }
});
