//! The configuration as Milvus reads it: what is pinned, what is probed and what is in `user.yaml` are one value.

use std::collections::BTreeMap;

use milvus_api::{Milvus, MilvusStatus, ResolvedDefaults};
use milvus_state::records::DeploymentRecord;
use milvus_state::spec::config::{Config, plain};
use milvus_state::spec::{Spec, resolved};
use milvus_state::{Outcome, decide};
use rstest::rstest;
use serde_json::{Map, Value, json};

use crate::rendered;
use crate::support::{self, crs};

/// A cluster with this configuration, and what else is merged into its components.
fn cluster(config: &str, components: &str) -> Milvus {
    let mut milvus = support::created(crs::mix("2.4.9"));
    milvus.spec.config = Some(serde_saphyr::from_str(config).unwrap());
    let mut all = serde_json::to_value(&milvus.spec.components).unwrap();
    milvus_state::manifests::config::merge(&mut all, &serde_saphyr::from_str(components).unwrap());
    milvus.spec.components = serde_json::from_value(all).unwrap();
    milvus
}

fn spec(milvus: &Milvus) -> Spec {
    support::parse(milvus).unwrap().spec
}

/// What Milvus reads from `user.yaml`; a key that is there twice fails.
fn read_by_milvus(milvus: &Milvus) -> BTreeMap<String, String> {
    let data = rendered(milvus.clone(), false).remove("ConfigMap my-release").unwrap();
    let text = data["data"]["user.yaml"].as_str().unwrap().to_owned();
    let map: Map<String, Value> = serde_saphyr::from_str(&text).unwrap();
    let config = Config::of(&map);
    assert!(keys(&map).iter().all(|key| config.each(key).len() < 2), "{text}");
    keys(&map).into_iter().filter_map(|key| Some((plain(&key), config.text(&key)?))).collect()
}

fn keys(map: &Map<String, Value>) -> Vec<String> {
    let below = |(name, value): (&String, &Value)| match value.as_object() {
        Some(inner) => keys(inner).into_iter().map(|key| format!("{name}.{key}")).collect(),
        None => vec![name.clone()],
    };
    map.iter().flat_map(below).collect()
}

/// Root path and bucket as they are pinned, probed and written: always the same.
fn roots(milvus: &Milvus) -> (String, String) {
    let spec = spec(milvus);
    let (pins, read) = (resolved::resolve(&spec), read_by_milvus(milvus));
    let found = (read["etcdrootpath"].clone(), read["miniobucketname"].clone());
    assert_eq!((&pins.etcd_root_path, &pins.bucket), (&Some(found.0.clone()), &Some(found.1.clone())));
    assert_eq!((&spec.dependencies.etcd.root_path, &spec.dependencies.storage.bucket), (&found.0, &found.1));
    found
}

#[rstest]
#[case::no_section("{etcd: null, minio: null, msgChannel: null}")]
#[case::empty_section("{etcd: {}, minio: {}, msgChannel: {chanNamePrefix: null}}")]
#[case::null("{etcd: {rootPath: null}, minio: {bucketName: null}}")]
#[case::empty_text(r#"{etcd: {rootPath: ""}, minio.bucketName: ""}"#)]
#[case::text_for_a_section("{etcd: x, minio: 7, msgChannel: y}")]
fn what_is_empty_leaves_the_name_of_the_milvus(#[case] config: &str) {
    let milvus = cluster(config, "{}");
    assert_eq!(roots(&milvus), ("my-release".to_owned(), "my-release".to_owned()));
    assert_eq!(read_by_milvus(&milvus)["msgchannelchannameprefixcluster"], "my-release");
}

#[test]
fn a_number_is_the_name_that_milvus_makes_of_it() {
    let milvus = cluster("{etcd: {rootPath: 7}, minio: {bucketName: 123}}", "{}");
    assert_eq!(roots(&milvus), ("7".to_owned(), "123".to_owned()));
}

#[rstest]
#[case("{etcd: {rootpath: other}, minio: {bucketname: b}}")]
#[case("{etcd.rootPath: other, minio.bucketName: b}")]
#[case("{ETCD: {ROOT_PATH: other}, minioBucketName: b}")]
fn a_key_in_another_spelling_is_the_same_key(#[case] config: &str) {
    assert_eq!(roots(&cluster(config, "{}")), ("other".to_owned(), "b".to_owned()));
}

/// The Milvus as it is when it ran once, with its data at these places.
fn ran(mut milvus: Milvus, root_path: &str) -> Milvus {
    let pins = ResolvedDefaults {
        etcd_root_path: Some(root_path.to_owned()),
        variables: BTreeMap::new(),
        ..resolved::resolve(&spec(&milvus))
    };
    milvus.status = Some(MilvusStatus {
        current_image: milvus.spec.components.global.image.clone(),
        resolved: Some(pins),
        ..MilvusStatus::default()
    });
    milvus
}

/// Reasons and messages of what a pass refuses.
fn refused(milvus: &Milvus) -> Vec<(String, String)> {
    let refusals = match decide(&support::parse(milvus), &support::snapshot(milvus)).unwrap().outcome {
        Outcome::Refused { refusals, .. } => refusals,
        _ => Vec::new(),
    };
    refusals.into_iter().map(|refusal| (refusal.reason.as_str().to_owned(), refusal.message)).collect()
}

#[rstest]
#[case("{etcd: {rootPath: other}}", "spec.config.etcd.rootPath:")]
#[case("{etcd: {rootpath: other}}", "spec.config.etcd.rootpath:")]
#[case("{etcd.rootPath: other}", "spec.config.etcd.rootPath:")]
#[case("{etcd_root_path: other}", "spec.config.etcd_root_path:")]
fn another_root_path_in_any_spelling_is_refused(#[case] config: &str, #[case] place: &str) {
    let refused = refused(&ran(cluster(config, "{}"), "my-release"));
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].0, "DependencyChangeRefused");
    assert!(refused[0].1.starts_with(place), "{refused:?}");
    assert!(refused[0].1.contains("my-release->other"), "{refused:?}");
}

#[test]
fn the_same_root_path_in_another_spelling_is_accepted() {
    assert_eq!(refused(&ran(cluster("{etcd: {root_path: mine}}", "{}"), "mine")), []);
}

/// The Go operator wrote the name of the Milvus beside it, and nobody can tell which of the two Milvus took.
#[rstest]
#[case::other_case("{etcd: {rootpath: other}}", 1)]
#[case::flat("{etcd.rootPath: other, minio.bucketName: b}", 2)]
#[case::as_documented("{etcd: {rootPath: other}}", 0)]
#[case::twice("{etcd: {rootPath: other, rootpath: other}}", 0)]
#[case::the_same("{etcd.rootPath: my-release}", 0)]
fn a_spelling_of_a_milvus_that_is_taken_over_is_no_pin(#[case] config: &str, #[case] count: usize) {
    let mut milvus = ran(cluster(config, "{}"), "other");
    milvus.status.as_mut().unwrap().resolved = None;
    let refused = refused(&milvus);
    assert_eq!(refused.len(), count, "{refused:?}");
    assert!(refused.iter().all(|(_, message)| message.contains("beside it")), "{refused:?}");
}

#[test]
fn two_values_of_one_key_are_refused_with_both_places() {
    let milvus = cluster("{etcd: {rootPath: a, rootpath: b}, log: {level: info}, log.level: debug}", "{}");
    let refused = refused(&milvus);
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused.iter().all(|(reason, _)| reason == "InvalidSpec"));
    assert!(
        refused[0].1.starts_with("spec.config.etcd.rootPath and spec.config.etcd.rootpath: "),
        "{refused:?}"
    );
    assert!(refused[1].1.contains("spec.config.log.level"), "{refused:?}");
    // What runs with it is looked after all the same; where its data is must be clear.
    let status = ran(cluster("{}", "{}"), "a").status;
    let refused = self::refused(&Milvus { status: status.clone(), ..milvus });
    assert_eq!(refused.len(), 1, "{refused:?}");
    let milvus =
        Milvus { status, ..cluster("{etcd: {rootPath: a}, log: {level: info}, log.level: debug}", "{}") };
    assert_eq!(self::refused(&milvus), []);
    assert!(spec(&milvus).warnings[0].contains("spec.config.log.level"), "{:?}", spec(&milvus).warnings);
    // The same value twice, and what the operator replaces anyhow, is no contradiction.
    let milvus = cluster("{etcd: {rootPath: 7, root_path: \"7\"}, mq: {type: a}, mq.type: b}", "{}");
    assert!(support::parse(&milvus).is_ok());
}

#[rstest]
#[case::all("{env: [{name: ETCD_ROOTPATH, value: other}]}", "spec.components.env[ETCD_ROOTPATH]")]
#[case::spelled("{env: [{name: etcd_root_path, value: other}]}", "spec.components.env[etcd_root_path]")]
#[case::dotted(
    "{env: [{name: milvus.etcd.rootPath, value: x}]}",
    "spec.components.env[milvus.etcd.rootPath]"
)]
#[case::one(
    "{proxy: {env: [{name: MINIO_BUCKETNAME, value: b}]}}",
    "spec.components.proxy.env[MINIO_BUCKETNAME]"
)]
#[case::owned("{env: [{name: ETCD_ENDPOINTS, value: \"e:1\"}]}", "spec.components.env[ETCD_ENDPOINTS]")]
#[case::queue("{env: [{name: MQ_TYPE, value: kafka}]}", "spec.components.env[MQ_TYPE]")]
#[case::prefix(
    "{env: [{name: MSGCHANNEL_CHANNAMEPREFIX_CLUSTER, value: p}]}",
    "spec.components.env[MSGCHANNEL_CHANNAMEPREFIX_CLUSTER]"
)]
fn a_new_milvus_gets_its_settings_from_no_variable(#[case] components: &str, #[case] place: &str) {
    let refused = refused(&cluster("{}", components));
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].0, "InvalidSpec");
    assert!(refused[0].1.starts_with(&format!("{place}: ")), "{refused:?}");
}

#[rstest]
#[case::root("{env: [{name: ETCD_ROOTPATH, value: other}]}", "my-release->other")]
#[case::endpoints("{env: [{name: ETCD_ENDPOINTS, value: \"other:1\"}]}", "other:1")]
#[case::storage("{env: [{name: MINIO_ADDRESS, value: other}]}", "other:9000")]
#[case::some("{queryNode: {env: [{name: ETCD_ROOTPATH, value: other}]}}", "some components only")]
#[case::queue("{env: [{name: MQ_TYPE, value: kafka}]}", "would leave what is in its queue")]
#[case::broker("{proxy: {env: [{name: PULSAR_ADDRESS, value: p}]}}", "would leave what is in its queue")]
fn a_variable_that_leads_away_from_the_data_is_refused(#[case] components: &str, #[case] words: &str) {
    let mut milvus = ran(cluster("{}", "{}"), "my-release");
    milvus.spec.components = cluster("{}", components).spec.components;
    let refused = refused(&milvus);
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].0, "DependencyChangeRefused");
    assert!(refused[0].1.starts_with("spec.components.") && refused[0].1.contains(words), "{refused:?}");
}

/// One that the Go operator had: it is warned of, and its data is where the variable says.
#[test]
fn the_variable_of_a_running_milvus_is_its_pin() {
    let mut milvus = cluster("{}", "{env: [{name: ETCD_ROOTPATH, value: other}]}");
    milvus.status = Some(MilvusStatus {
        current_image: milvus.spec.components.global.image.clone(),
        ..MilvusStatus::default()
    });
    assert_eq!(refused(&milvus), []);
    let known = spec(&milvus);
    assert_eq!(known.dependencies.etcd.root_path, "other", "what is probed");
    let pins = resolved::resolve(&known);
    assert_eq!(pins.etcd_root_path.as_deref(), Some("other"));
    assert_eq!(known.warnings.len(), 1, "{:?}", known.warnings);
    assert!(
        known.warnings[0].contains("say it in spec.config.etcd.rootPath instead"),
        "{:?}",
        known.warnings
    );
    // Afterwards it may stay, may be said in the configuration instead, and may not just go.
    milvus.status.as_mut().unwrap().resolved = Some(pins);
    assert_eq!(refused(&milvus), []);
    milvus.spec.components.global.env.clear();
    assert_eq!(refused(&milvus)[0].0, "DependencyChangeRefused");
    milvus.spec.config = Some(serde_saphyr::from_str("{etcd: {rootPath: other}}").unwrap());
    assert_eq!(refused(&milvus), []);
}

/// A former release of the operator has let it in and kept another pin: what the pods have already changes nothing.
#[test]
fn a_variable_that_the_pods_have_already_is_no_change() {
    let mut milvus = ran(cluster("{}", "{env: [{name: ETCD_ROOTPATH, value: other}]}"), "my-release");
    let parsed = support::parse(&milvus).unwrap();
    let mut snapshot = support::snapshot(&milvus);
    for component in &parsed.desired.components {
        let name = component.settings.component.name().to_owned();
        let deployment = json!({"metadata": {"name": name, "annotations": {"milvus.io/rendered-hash": component.hash()},
            "ownerReferences": [{"apiVersion": "v", "kind": "Milvus", "name": "m", "uid": "uid-1", "controller": true}]}});
        let record = DeploymentRecord::of(&serde_json::from_value(deployment).unwrap());
        snapshot.watched.deployments.insert(name, record);
    }
    let outcome = |parsed| decide(&parsed, &snapshot).unwrap().outcome;
    assert!(!matches!(outcome(Ok(parsed)), Outcome::Refused { .. }));
    milvus.spec.components.global.env[0].value = Some("third".to_owned());
    assert!(matches!(outcome(support::parse(&milvus)), Outcome::Refused { .. }), "this one is new");
}

/// With which variables a Milvus was accepted is kept: whatever else changes, they are no news.
#[rstest]
#[case::some("{queryNode: {env: [{name: MINIO_ADDRESS, value: gateway}]}}")]
#[case::queue("{env: [{name: MQ_TYPE, value: kafka}]}")]
#[case::endpoints("{env: [{name: ETCD_ENDPOINTS, value: \"etcd.infra:2379\"}]}")]
fn a_variable_that_was_accepted_holds_up_no_other_change(#[case] components: &str) {
    let mut milvus = cluster("{}", components);
    let pins = resolved::resolve(&spec(&milvus));
    milvus.status = Some(MilvusStatus {
        current_image: milvus.spec.components.global.image.clone(),
        resolved: Some(pins),
        ..MilvusStatus::default()
    });
    milvus.spec.components.global.priority_class_name = Some("high".to_owned());
    assert_eq!(refused(&milvus), []);
    let mut query = serde_json::to_value(&milvus.spec.components).unwrap();
    query["queryNode"]["env"] = json!([{"name": "ETCD_ROOTPATH", "value": "new"}]);
    milvus.spec.components = serde_json::from_value(query).unwrap();
    assert_eq!(refused(&milvus)[0].0, "DependencyChangeRefused");
}

#[test]
fn a_variable_that_says_the_same_is_not_spoken_of() {
    let env =
        r#"{env: [{name: MINIO_PORT, value: "9000"}, {name: ETCD_ENDPOINTS, value: "etcd.infra:2379"}]}"#;
    let milvus = cluster("{}", env);
    assert_eq!((spec(&milvus).warnings, refused(&milvus)), (Vec::new(), Vec::new()));
}

#[test]
fn a_variable_that_cannot_be_read_is_said() {
    let env = "{env: [{name: ETCD_ROOTPATH, valueFrom: {secretKeyRef: {name: s, key: k}}}]}";
    let milvus = cluster("{}", env);
    let said = spec(&milvus).warnings;
    assert_eq!((said.len(), refused(&milvus)), (1, Vec::new()), "{said:?}");
    assert!(said[0].contains("can't read its value"), "{said:?}");
}

#[test]
fn keys_that_the_operator_writes_are_said() {
    let milvus = cluster(
        "{minio: {bucketName: b, Address: other, port: 9999}, etcd: {endpoints: [other:2379]}, mq.type: kafka, messageQueue: kafka, \
         kafka: {ssl: {tlsCaCert: /x}}, rootCoord: {enableActiveStandby: false}}",
        "{}",
    );
    let ignores = |key: &str, from: &str| {
        format!("spec.config.{key}: the operator writes it from spec.{from}, and ignores this")
    };
    let expected = [
        ignores("etcd.endpoints", "dependencies.etcd.endpoints"),
        ignores("minio.Address", "dependencies.storage.endpoint"),
        ignores("minio.port", "dependencies.storage.endpoint"),
        ignores("rootCoord.enableActiveStandby", "components.enableRollingUpdate"),
        ignores("mq.type", "dependencies.msgStreamType"),
        ignores("messageQueue", "dependencies.msgStreamType"),
        "spec.config.kafka: it is left out, because spec.dependencies.msgStreamType is pulsar".to_owned(),
    ];
    assert_eq!(spec(&milvus).warnings, expected);
    let read = read_by_milvus(&milvus);
    assert_eq!(
        (&*read["minioaddress"], &*read["minioport"], &*read["mqtype"]),
        ("minio.infra", "9000", "pulsar")
    );
    assert!(read.keys().all(|key| !key.starts_with("kafka")), "{read:?}");
}

#[test]
fn keys_that_say_what_the_operator_writes_are_not_spoken_of() {
    let same = "{minio: {address: minio.infra, port: \"9000\"}, etcd: {endpoints: etcd.infra:2379}, kafka: {}, mq: {type: pulsar}}";
    assert_eq!(spec(&cluster(same, "{}")).warnings, Vec::<String>::new());
}

const TLS: &str =
    "{tls: {serverPemPath: /certs/a.pem, serverKeyPath: /certs/a.key}, common: {security: {tlsMode: 1}}}";

#[rstest]
#[case::no_mount(TLS, "{}", &["tls.serverPemPath: /certs/a.pem is in no mount of proxy,", "tls.serverKeyPath"])]
#[case::other_mount(TLS, "{volumeMounts: [{name: v, mountPath: /certs-old}]}", &["serverPemPath", "serverKeyPath"])]
#[case::mount(TLS, "{volumeMounts: [{name: v, mountPath: /certs}]}", &[])]
#[case::of_the_proxy(TLS, "{proxy: {volumeMounts: [{name: v, mountPath: /certs/}]}}", &[])]
#[case::of_another(TLS, "{queryNode: {volumeMounts: [{name: v, mountPath: /certs}]}}", &["serverPemPath", "serverKeyPath"])]
#[case::off("{tls: {serverPemPath: /certs/a.pem}}", "{}", &[])]
#[case::etcd("{etcd: {ssl: {enabled: true, tlsCert: /e/c}}}", "{proxy: {volumeMounts: [{name: v, mountPath: /e}]}}",
    &["etcd.ssl.tlsCert: /e/c is in no mount of mixcoord, datanode, querynode, indexnode,"])]
#[case::of_the_image("{minio: {useSSL: true, ssl: {tlsCACert: /etc/ssl/certs/ca.pem}}}", "{}", &[])]
#[case::storage("{minio: {useSSL: \"true\", ssl.tlsCACert: /ca}}", "{}", &["minio.ssl.tlsCACert: /ca is in no mount of mixcoord,"])]
#[case::other_queue("{kafka: {ssl: {enabled: true, tlsCert: /k}}}", "{}", &["spec.config.kafka: it is left out"])]
#[case::inside("{internaltls.caPemPath: /i, common.security.internaltlsEnabled: true}", "{}", &["internaltls.caPemPath: /i is in no mount"])]
fn files_that_no_mount_brings(#[case] config: &str, #[case] components: &str, #[case] words: &[&str]) {
    let volume = json!([{"name": "v", "emptyDir": {}}]);
    let mut milvus = cluster(config, components);
    milvus.spec.components.global.volumes = serde_json::from_value(volume).unwrap();
    let said = spec(&milvus).warnings;
    assert_eq!(said.len(), words.len(), "{said:?}");
    assert!(said.iter().zip(words).all(|(said, word)| said.contains(word)), "{said:?}");
}
