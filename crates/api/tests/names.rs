//! Names as upstream makes them, and what happens where Kubernetes would refuse them.

use milvus_api::{
    ComponentName, ConditionType, Reason, keys,
    names::{self, NameError, Release, Slot},
};

#[test]
fn names_are_upstreams() {
    use ComponentName as C;
    let deployment = |component, group, slot| names::deployment("my", component, group, slot).unwrap();
    assert_eq!(deployment(C::MixCoord, None, None), "my-milvus-mixcoord");
    assert_eq!(deployment(C::QueryNode, None, Some(Slot::One)), "my-milvus-querynode-1");
    assert_eq!(deployment(C::QueryNode, Some("az1"), Some(Slot::Zero)), "my-milvus-querynode-az1-0");
    assert_eq!(names::service("my").unwrap(), "my-milvus");
    assert_eq!(names::config_map("my").unwrap(), "my");
    assert_eq!(names::data_claim("my").unwrap(), "my-data");
    assert_eq!(names::release("my", Release::Minio).unwrap(), "my-minio");
    assert_eq!(keys::group_id(C::QueryNode), "milvus.io/querynode-group-id");
}

#[test]
fn a_group_has_a_state_key_that_fits_into_an_annotation() {
    assert_eq!(names::state_key(ComponentName::QueryNode, None), "querynode");
    // The first 8 bytes of `printf az1 | sha256sum`.
    assert_eq!(names::state_key(ComponentName::Proxy, Some("az1")), "proxy-912dbf93aebb0465");
    let key = keys::current_group_id(&names::state_key(ComponentName::StreamingNode, Some(&"g".repeat(63))));
    assert!(key.len() <= "milvus.io/".len() + names::MAX_LABEL, "{key}");
}

#[test]
fn a_name_that_kubernetes_refuses_is_refused_first() {
    let longest = "m".repeat(56);
    assert_eq!(names::service(&longest).unwrap().len(), 63);
    let too_long = names::service(&format!("{longest}m")).unwrap_err();
    assert!(matches!(too_long, NameError::TooLong { kind: "Service", limit: 63, .. }), "{too_long}");
    assert!(too_long.to_string().contains("64 characters"), "{too_long}");
    assert!(matches!(names::service("1my"), Err(NameError::NotDnsLabel { .. })));
    assert!(matches!(names::service("my.release"), Err(NameError::NotDnsLabel { .. })));
    assert!(names::instance(&"m".repeat(64)).is_err());
    assert!(names::release(&"m".repeat(48), Release::Minio).is_err());
    assert!(
        names::deployment(&"m".repeat(180), ComponentName::Standalone, Some(&"g".repeat(63)), None).is_err()
    );
}

#[test]
fn words_that_scripts_wait_for_are_upstreams() {
    assert_eq!(Reason::MilvusHealthy.as_str(), "ReasonMilvusHealthy");
    assert_eq!(Reason::ConnectionOK.as_str(), "ConnectionOK");
    assert_eq!("MilvusUpdated".parse(), Ok(ConditionType::MilvusUpdated));
    assert_eq!("ReasonMilvusHealthy".parse(), Ok(Reason::MilvusHealthy));
}
