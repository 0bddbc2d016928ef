//! What is removed from a Milvus disappears from the cluster: every kind of thing is added to one that runs, and taken away again.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, PersistentVolumeClaim, PodTemplateSpec, Service},
    networking::v1::Ingress,
};
use kube::{
    Api, ResourceExt as _,
    api::{Patch, PatchParams},
};
use milvus_api::{ConditionType, PodMonitor};
use milvus_testkit::wait::wait_for;
use serde_json::{Value, json};

use crate::world::{NAME, SOON, Story, World, observed, said};

/// Everything that can be added beside what a Milvus has, in the words of `spec.components`.
fn additions() -> Value {
    let sidecar =
        json!({ "name": "side", "image": "side:1", "ports": [{ "name": "side", "containerPort": 7777 }] });
    json!({
        "env": [{ "name": "ADDED", "value": "1" }],
        "podLabels": { "added": "label" },
        "podAnnotations": { "added": "annotation" },
        "metricInterval": "5s",
        "metricLabels": { "added": "series" },
        "proxy": {
            "sidecars": [sidecar],
            "initContainers": [{ "name": "before", "image": "before:1" }],
            "volumes": [{ "name": "added", "emptyDir": {} }],
            "volumeMounts": [{ "name": "added", "mountPath": "/added" }],
            "serviceLabels": { "added": "service" },
            "serviceAnnotations": { "added": "service" },
            "ingress": {
                "labels": { "added": "ingress" },
                "annotations": { "added": "ingress" },
                "hosts": ["milvus.example"],
                "tlsSecretRefs": { "tls": ["milvus.example"] },
            },
        },
    })
}

/// The same fields with nothing in them: a merge patch removes what is null.
fn nothing(value: &Value) -> Value {
    let removed = |(key, inner): (&String, &Value)| match (key.as_str(), inner) {
        ("proxy", proxy) => (key.clone(), nothing(proxy)),
        _ => (key.clone(), Value::Null),
    };
    Value::Object(value.as_object().unwrap().iter().map(removed).collect())
}

async fn template(story: &Story) -> PodTemplateSpec {
    let proxy: Deployment = story.api().get(&format!("{NAME}-milvus-proxy")).await.unwrap();
    proxy.spec.unwrap().template
}

async fn patched(story: &Story, components: Value, hook: Value) {
    story.patch(json!({ "spec": { "components": components, "hookConfig": hook } })).await;
    story.until(|m| observed(m) && m.status.as_ref().unwrap().is_true(ConditionType::MilvusUpdated)).await;
}

#[tokio::test]
async fn what_is_added_is_there_and_what_is_removed_is_gone() {
    let story = World::story("removed-all").await;
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let before = template(&story).await;
    let service_name = format!("{NAME}-milvus");
    let service: Service = story.api().get(&service_name).await.unwrap();

    patched(&story, additions(), json!({ "soPath": "/hook.so" })).await;
    let with = template(&story).await;
    let spec = with.spec.unwrap();
    assert_eq!(spec.containers.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["proxy", "side"]);
    assert!(spec.init_containers.unwrap().iter().any(|c| c.name == "before"));
    assert!(spec.volumes.unwrap().iter().any(|v| v.name == "added"));
    let added: Service = story.api().get(&service_name).await.unwrap();
    assert!(added.spec.as_ref().unwrap().ports.iter().flatten().any(|p| p.port == 7777));
    assert_eq!(
        (&added.labels()["added"], &added.annotations()["added"]),
        (&"service".into(), &"service".into())
    );
    let ingresses: Api<Ingress> = story.api();
    let there =
        |i: Option<&Ingress>| i.is_some_and(|i| i.labels().get("added").is_some_and(|v| v == "ingress"));
    wait_for(ingresses.clone(), &service_name, SOON, there).await.unwrap();
    let monitors: Api<PodMonitor> = story.api();
    let scraped = |m: Option<&PodMonitor>| {
        m.is_some_and(|m| {
            m.spec.pod_metrics_endpoints[0]
                .metric_relabelings
                .first()
                .is_some_and(|r| r.replacement == "series")
        })
    };
    wait_for(monitors.clone(), NAME, SOON, scraped).await.unwrap();
    let config: ConfigMap = story.api().get(NAME).await.unwrap();
    assert!(config.data.unwrap().contains_key("hook.yaml"));

    let mut removed = nothing(&additions());
    removed["disableMetric"] = json!(true);
    patched(&story, removed, Value::Null).await;
    assert_eq!(template(&story).await, before, "the template is what it was");
    wait_for(ingresses, &service_name, SOON, |i| i.is_none()).await.unwrap();
    wait_for(monitors, NAME, SOON, |m| m.is_none()).await.unwrap();
    let after: Service = story.api().get(&service_name).await.unwrap();
    assert_eq!((after.spec, after.metadata.labels), (service.spec, service.metadata.labels));
    assert_eq!(after.metadata.annotations, service.metadata.annotations);
    let config: ConfigMap = story.api().get(NAME).await.unwrap();
    assert!(!config.data.unwrap().contains_key("hook.yaml"));
    let forbidden: Vec<_> =
        story.requests().into_iter().filter(milvus_testkit::audit::Event::is_forbidden).collect();
    assert!(forbidden.is_empty(), "the chart grants too little: {forbidden:#?}");
}

/// Whoever edits the Ingress or deletes the PodMonitor finds it put right; the address of the Ingress is in the status.
#[tokio::test]
async fn an_ingress_and_a_pod_monitor_are_kept_as_the_spec_says() {
    let story = World::story("removed-drift").await;
    let mut milvus = story.places.standalone("2.4.9");
    milvus["spec"]["components"]["standalone"] =
        json!({ "port": 8080, "ingress": { "hosts": ["a.example"] } });
    story.running(milvus, "2.4.9").await;
    let name = format!("{NAME}-milvus");
    let ingresses: Api<Ingress> = story.api();
    let host = |i: &Ingress| i.spec.as_ref()?.rules.as_ref()?.first()?.host.clone();
    let is = |wanted: &'static str| move |i: Option<&Ingress>| i.and_then(host).as_deref() == Some(wanted);
    let live = wait_for(ingresses.clone(), &name, SOON, is("a.example")).await.unwrap().unwrap();
    let spec = serde_json::to_value(&live.spec).unwrap();
    let port = "/rules/0/http/paths/0/backend/service/port/number";
    assert_eq!(spec.pointer(port), Some(&json!(8080)));
    let edit = json!([{ "op": "replace", "path": "/spec/rules/0/host", "value": "b.example" }]);
    let edit: Patch<Value> = Patch::Json(serde_json::from_value(edit).unwrap());
    ingresses.patch(&name, &PatchParams::default(), &edit).await.unwrap();
    wait_for(ingresses.clone(), &name, SOON, is("a.example")).await.unwrap();
    let status = json!({ "status": { "loadBalancer": { "ingress": [{ "hostname": "lb.example" }] } } });
    ingresses.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    story
        .until(|m| {
            let shown = m.status.as_ref().and_then(|s| s.ingress.clone());
            shown.is_some_and(|s| serde_json::to_string(&s).unwrap().contains("lb.example"))
        })
        .await;
    story.recreated::<PodMonitor>(NAME).await;
}

/// The volume of a queue inside Milvus is made, is filled by pods, and goes with its Milvus only when that was asked for.
#[tokio::test]
async fn a_volume_claim_goes_only_when_it_is_asked_to() {
    let story = World::story("removed-claim").await;
    let claims: Api<PersistentVolumeClaim> = story.api();
    let claim = format!("{NAME}-data");
    for delete in [false, true] {
        let mut milvus = story.places.standalone("2.4.9");
        milvus["spec"]["dependencies"]["msgStreamType"] = json!("rocksmq");
        milvus["spec"]["dependencies"]["rocksmq"] = json!({ "persistence": {
            "enabled": true, "pvcDeletion": delete,
            "persistentVolumeClaim": { "labels": { "kept": "yes" }, "spec": { "resources": { "requests": { "storage": "1Gi" } } } },
        } });
        story.running(milvus, "2.4.9").await;
        let live = claims.get(&claim).await.unwrap();
        assert!(live.metadata.owner_references.is_none());
        assert_eq!(live.labels()["kept"], "yes");
        let mounted = serde_json::to_value(
            story.api::<Deployment>().get(&format!("{NAME}-milvus-standalone")).await.unwrap(),
        );
        assert!(mounted.unwrap().to_string().contains(&format!("\"claimName\":\"{claim}\"")));
        story.delete().await;
        story.until_gone(NAME).await;
        let left = claims.get_opt(&claim).await.unwrap();
        let gone = left.as_ref().is_none_or(|c| c.metadata.deletion_timestamp.is_some());
        assert_eq!(gone, delete);
    }
    wait_for(claims, &claim, SOON, |c| c.is_none()).await.unwrap();
}

/// An Ingress that the API server refuses holds up nothing else, and what it says of it is said.
#[tokio::test]
async fn an_ingress_that_is_refused_holds_up_nothing() {
    let story = World::story("removed-refused").await;
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["components"]["proxy"] = json!({ "ingress": { "hosts": ["not a host"] } });
    story.create(milvus).await;
    let refused = story
        .until(|m| {
            let updated = m.status.as_ref().is_some_and(|s| s.is_true(ConditionType::MilvusUpdated));
            let failed = said(m, ConditionType::UpgradeProgressing)
                .is_some_and(|[_, reason, _]| reason == "WriteFailed");
            observed(m) && updated && failed
        })
        .await;
    let [_, _, message] = said(&refused, ConditionType::UpgradeProgressing).unwrap();
    assert!(message.contains("not a host"), "{message}");
    story.patch(json!({ "spec": { "components": { "proxy": { "ingress": null } } } })).await;
    story.until_healthy("2.4.9").await;
}
