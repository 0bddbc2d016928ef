//! Properties of the pure core over generated metadata.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]

mod common;

use common::{State, catalog, compare, generate::instance, migrate, plan};
use milvus_meta::{
    change::{Phase, Write, writes},
    key::Key,
    proto,
    transform::effect,
};
use proptest::prelude::*;
use prost::Message as _;

/// All writes of a migration, in the order in which they are made.
fn all_writes(before: &State) -> Vec<Write> {
    let catalog = catalog(before);
    let mut all = Vec::new();
    for phase in [Phase::Add, Phase::Rewrite, Phase::Remove] {
        for (key, value) in before {
            all.extend(writes(phase, effect(&catalog, key, value).unwrap(), key, value, 1));
        }
    }
    all
}

fn make(state: &mut State, write: &Write) {
    let found = match &write.after {
        Some(after) => state.insert(write.key.clone(), after.clone()),
        None => state.remove(&write.key),
    };
    assert_eq!(found.as_ref(), write.before.as_ref().map(|(value, _)| value));
}

/// What a rollback does with what the comparison says.
fn roll_back(before: &State, now: &State) -> State {
    let mut after = now.clone();
    compare(before, now, &mut |finding| {
        match finding.backup {
            Some(record) => after.insert(record.key.clone(), record.value.clone()),
            None => after.remove(finding.key()),
        };
    });
    after
}

proptest! {
    #[test]
    fn migrate_then_roll_back_is_identity(before in instance()) {
        let after = migrate(&before).unwrap();
        let tally = compare(&before, &after, &mut |_| {});
        prop_assert!(tally.is_migrated(), "{:?}", tally);
        let tally = compare(&before, &before, &mut |_| {});
        prop_assert!(tally.is_original(), "{:?}", tally);
        prop_assert_eq!(roll_back(&before, &after), before);
    }

    #[test]
    fn migrate_twice_is_migrate_once(before in instance()) {
        let once = migrate(&before).unwrap();
        prop_assert_eq!(migrate(&once).unwrap(), once);
    }

    #[test]
    fn stopped_anywhere_it_can_go_on_and_back(before in instance(), part in 0usize..1000) {
        let writes = all_writes(&before);
        let stop = writes.len() * part / 1000;
        let mut now = before.clone();
        for write in &writes[..stop] {
            make(&mut now, write);
        }
        let tally = compare(&before, &now, &mut |_| {});
        prop_assert_eq!(tally.foreign, 0, "{:?}", tally.examples);
        prop_assert_eq!(roll_back(&before, &now), before.clone());
        for write in &writes[stop..] {
            make(&mut now, write);
        }
        prop_assert_eq!(now, migrate(&before).unwrap());
    }

    #[test]
    fn a_foreign_write_is_always_seen(before in instance(), which in any::<prop::sample::Index>(), value in any::<[u8; 4]>()) {
        let mut now = migrate(&before).unwrap();
        let keys: Vec<_> = now.keys().filter(|key| Key::parse(key).is_restored()).cloned().collect();
        let key = which.get(&keys);
        let old = now.insert(key.clone(), value.to_vec());
        prop_assume!(old.as_deref() != Some(&value[..]));
        let tally = compare(&before, &now, &mut |_| {});
        prop_assert!(!tally.is_migrated());
        prop_assert!(tally.foreign == 1);
    }

    #[test]
    fn plans_do_not_depend_on_chance(before in instance()) {
        let (one, two) = (plan(&before).unwrap(), plan(&before).unwrap());
        prop_assert_eq!(one.changes, two.changes);
        prop_assert_eq!(one.expected, two.expected);
    }

    #[test]
    fn damaged_values_never_panic(before in instance(), which in any::<prop::sample::Index>(), bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut state = before;
        let keys: Vec<_> = state.keys().cloned().collect();
        state.insert(which.get(&keys).clone(), bytes);
        // Refused or migrated, but never half.
        if let Ok(after) = migrate(&state) {
            let tally = compare(&state, &after, &mut |_| {});
            prop_assert!(tally.is_migrated(), "{:?}", tally);
        }
    }

    #[test]
    fn decode_after_encode_is_identity(ids in any::<[i64; 6]>(), text in ".{0,12}", flag in any::<bool>(), time in any::<u64>()) {
        let pairs = vec![proto::KeyValuePair { key: text.clone(), value: text.clone() }];
        let alias = proto::AliasInfo { alias_name: text.clone(), collection_id: ids[0], created_time: time };
        prop_assert_eq!(proto::AliasInfo::decode(alias.encode_to_vec().as_slice()).unwrap(), alias);
        let segment = proto::SegmentIndex {
            collection_id: ids[0], partition_id: ids[1], segment_id: ids[2], num_rows: ids[3], index_id: ids[4],
            build_id: ids[5], node_id: ids[0], index_version: ids[1], state: 3, fail_reason: text.clone(),
            index_file_keys: vec![text.clone(), String::new()], deleted: flag, create_time: time,
            serialize_size: time, write_handoff: flag,
        };
        prop_assert_eq!(proto::SegmentIndex::decode(segment.encode_to_vec().as_slice()).unwrap(), segment);
        let desc = proto::IndexDesc {
            collection_id: ids[0], field_id: ids[1], index_name: text, index_id: ids[2], type_params: pairs.clone(),
            index_params: pairs.clone(), user_index_params: pairs,
        };
        let field = proto::FieldIndex { index_info: Some(desc), deleted: flag, create_time: time };
        prop_assert_eq!(proto::FieldIndex::decode(field.encode_to_vec().as_slice()).unwrap(), field);
        let map = std::collections::BTreeMap::from([(ids[0], ids[1]), (ids[2], ids[3])]);
        let load = proto::CollectionLoadInfo {
            collection_id: ids[4], released_partitions: ids.to_vec(), replica_number: 1, status: 2, field_index_id: map,
        };
        prop_assert_eq!(proto::CollectionLoadInfo::decode(load.encode_to_vec().as_slice()).unwrap(), load);
    }
}
