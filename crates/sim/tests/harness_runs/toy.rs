//! A small operator: a Milvus becomes a ConfigMap and a Deployment; each image that was reached is recorded
//! once.

use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::Controller;
use kube::runtime::controller::Action;
use kube::runtime::watcher;
use kube::{Api, Client, Resource as _, ResourceExt as _};
use milvus_api::Milvus;
use milvus_sim::harness::{Clock, Plan, Scenario, World, plain};
use milvus_sim::server::{Kind, Store};
use serde_json::{Value, json};

pub const OLD: &str = "milvusdb/milvus:v2.4.9";
pub const NEW: &str = "milvusdb/milvus:v2.4.10";

/// How the operator records an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Under a name that follows from the image: the same record however often it is written.
    Careful,
    /// The planted bug: as a new object, and only then in the status.
    Careless,
}

struct Context {
    client: Client,
    style: Style,
}

/// The program of an operator.
pub fn operator(style: Style) -> impl Fn(Client, Clock) -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
    move |client, _| Box::pin(control(client, style))
}

async fn control(client: Client, style: Style) {
    let context = Arc::new(Context { client: client.clone(), style });
    Controller::new(Api::<Milvus>::all(client.clone()), watcher::Config::default())
        .owns(Api::<Deployment>::all(client.clone()), watcher::Config::default())
        .owns(Api::<ConfigMap>::all(client), watcher::Config::default())
        .run(reconcile, |_, _, _| Action::requeue(Duration::from_secs(1)), context)
        .for_each(|_| ready(()))
        .await;
}

async fn reconcile(milvus: Arc<Milvus>, context: Arc<Context>) -> Result<Action, kube::Error> {
    let namespace = milvus.namespace().unwrap_or_default();
    let name = milvus.name_any();
    let image = milvus.spec.components.global.image.clone().unwrap_or_default();
    let maps = Api::<ConfigMap>::namespaced(context.client.clone(), &namespace);
    let deployments = Api::<Deployment>::namespaced(context.client.clone(), &namespace);
    let apply = PatchParams::apply("toy").force();
    let config = format!("{name}-config");
    maps.patch(&config, &apply, &Patch::Apply(&config_map(&milvus, &config, &image))).await?;
    let live = deployments.patch(&name, &apply, &Patch::Apply(&deployment(&milvus, &image))).await?;
    let reached = milvus.status.as_ref().and_then(|status| status.current_image.clone());
    if !is_done(&live) || reached.as_deref() == Some(&image) {
        return Ok(Action::await_change());
    }
    record(&milvus, &context, &maps, &image).await?;
    let status = json!({ "status": { "currentImage": image } });
    let all = Api::<Milvus>::namespaced(context.client.clone(), &namespace);
    all.patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await?;
    Ok(Action::await_change())
}

async fn record(
    milvus: &Milvus,
    context: &Context,
    maps: &Api<ConfigMap>,
    image: &str,
) -> Result<(), kube::Error> {
    let tag = image.rsplit(':').next().unwrap_or_default();
    let name = format!("{}-reached-{tag}", milvus.name_any());
    let mut object = config_map(milvus, &name, image);
    if context.style == Style::Careful {
        maps.patch(&name, &PatchParams::apply("toy").force(), &Patch::Apply(&object)).await?;
        return Ok(());
    }
    object["metadata"]["generateName"] = format!("{name}-").into();
    object["metadata"].as_object_mut().map(|metadata| metadata.remove("name"));
    let object: ConfigMap = serde_json::from_value(object).map_err(kube::Error::SerdeError)?;
    maps.create(&PostParams::default(), &object).await.map(drop)
}

fn config_map(milvus: &Milvus, name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": name, "namespace": milvus.namespace(), "ownerReferences": [milvus.controller_owner_ref(&())],
        },
        "data": { "image": image },
    })
}

fn deployment(milvus: &Milvus, image: &str) -> Value {
    let labels = json!({ "app.kubernetes.io/component": "standalone", "app.kubernetes.io/instance": milvus.name_any() });
    let container = json!({ "name": "milvus", "image": image });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": milvus.name_any(), "namespace": milvus.namespace(),
            "ownerReferences": [milvus.controller_owner_ref(&())],
        },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": [container] } },
        },
    })
}

fn is_done(live: &Deployment) -> bool {
    let status = live.status.clone().unwrap_or_default();
    let wanted = live.spec.as_ref().and_then(|spec| spec.replicas);
    status.observed_generation == live.metadata.generation
        && status.updated_replicas == wanted
        && status.available_replicas == wanted
        && status.replicas == wanted
}

/// A Milvus as a user writes it.
pub fn milvus(name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "milvus.io/v1beta1", "kind": "Milvus",
        "metadata": { "name": name, "namespace": "default" },
        "spec": { "mode": "standalone", "components": { "image": image } },
    })
}

/// Sets the image of a Milvus.
pub fn roll(world: &World, name: &str, image: &str) -> Result<(), String> {
    let patch = json!({ "spec": { "components": { "image": image } } });
    world.merge(&format!("roll {name} to {image}"), Kind::Milvus.at("default", name), &patch).map(drop)
}

/// Whether a Milvus has reached an image.
pub fn reached(store: &Store, name: &str, image: &str) -> bool {
    store.get(Kind::Milvus, "default", name).is_some_and(|milvus| milvus["status"]["currentImage"] == image)
}

/// Creates a Milvus and changes its image once, with one operator.
pub struct OneRoll {
    pub style: Style,
}

impl Scenario for OneRoll {
    fn steps(&self) -> Vec<String> {
        vec!["create one".to_owned(), "roll 2.4.10".to_owned()]
    }

    async fn play(&self, world: World) -> Result<(), String> {
        world.start("operator-0", operator(self.style));
        world.create(milvus("one", OLD))?;
        world.until("2.4.9", |store| reached(store, "one", OLD)).await?;
        roll(&world, "one", NEW)?;
        world.until("2.4.10", |store| reached(store, "one", NEW)).await?;
        world.calm();
        world.quiet(Duration::from_mins(1)).await?;
        let silence = world.silence(Duration::from_mins(30)).await;
        match silence.commits_of("operator") {
            0 => Ok(()),
            writes => Err(format!("{writes} writes in half an hour in which nothing is to do")),
        }
    }

    fn end(&self, store: &Store) -> Value {
        end(store)
    }
}

/// Deployments and ConfigMaps, the latter without their names, which may be drawn.
pub fn end(store: &Store) -> Value {
    let mut maps: Vec<String> = store.list(Kind::ConfigMap).map(|map| map["data"].to_string()).collect();
    maps.sort();
    let deployments: Vec<Value> = store.list(Kind::Deployment).map(|live| plain(&live["spec"])).collect();
    json!({ "maps": maps, "deployments": deployments, "pods": store.list(Kind::Pod).count() })
}

/// A plan of a line.
pub fn plan(line: &str) -> Plan {
    line.parse().unwrap()
}
