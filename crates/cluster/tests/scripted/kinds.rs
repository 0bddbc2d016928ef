//! Every owned kind goes where the table says, and its record to where its readers look.

use std::sync::Arc;

use milvus_cluster::objects::{self, Written};
use milvus_cluster::records::budgets_key;
use milvus_cluster::write::Writer;
use milvus_cluster::{Key, Records};
use milvus_state::changes::{Removal, Write};
use milvus_state::kinds::{Kind, Seen};
use milvus_state::manifests::Manifest;
use serde_json::json;

use crate::script::{Answer, Script};

/// The path of an object, from its row.
fn path(kind: Kind) -> String {
    let row = kind.row();
    let prefix = if row.group.is_empty() { "api".to_owned() } else { format!("apis/{}", row.group) };
    format!("/{prefix}/{}/namespaces/ns/{}/thing", row.version, row.plural)
}

/// A record of the object is there for the next pass.
fn is_kept(records: &Records, key: &Key, kind: Kind) -> bool {
    match kind {
        Kind::ConfigMap => records.config_maps().get(key, "thing").is_some(),
        Kind::Service => records.services().get(key, "thing").is_some(),
        Kind::PersistentVolumeClaim => false,
        Kind::Ingress => records.ingresses().get(key, "thing").is_some(),
        Kind::PodMonitor => records.pod_monitors().get(key, "thing").is_some(),
        Kind::PodDisruptionBudget => records.budgets().get(&budgets_key(&key.0), "thing").is_some(),
        Kind::Deployment => records.deployments().get(key, "thing").is_some(),
        Kind::Job => records.jobs().get(key, "thing").is_some(),
        Kind::StatefulSet => records.stateful_sets().get(key, "thing").is_some(),
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_is_applied_and_deleted_at_its_path_and_kept_as_a_record() {
    for kind in Kind::all() {
        let path = path(kind);
        let live = json!({"apiVersion": kind.api_version(), "kind": kind.to_string(), "metadata": {
            "name": "thing", "namespace": "ns", "uid": "u-1", "resourceVersion": "8", "generation": 3}});
        // The requests of a script live as long as the test.
        let apply: &'static str = format!("PATCH {path} fieldManager=milvus-operator force=true").leak();
        let delete: &'static str = format!("DELETE {path}").leak();
        let script = Script::new()
            .on(apply, Answer::Json(200, live.clone()))
            .on(delete, Answer::Json(200, live.clone()));
        let writer = Writer::new(script.client(), Arc::new(|_| true));
        let (records, key) = (Records::default(), ("ns".to_owned(), "my-release".to_owned()));
        let write = Write::from(Manifest { kind, name: "thing".to_owned(), object: live });
        let generation = match objects::apply(&writer, &records, &key, &write).await.unwrap() {
            Written::Deployment(record) => Some(record.generation),
            Written::Generation(generation) => generation,
        };
        assert_eq!(generation, kind.row().has_generation.then_some(3), "{kind}");
        assert_eq!(is_kept(&records, &key, kind), kind.row().seen != Seen::Read, "{kind}");
        objects::remove(&writer, "ns", &Removal::new(kind, "thing", "u-1")).await.unwrap();
        script.done();
    }
}
