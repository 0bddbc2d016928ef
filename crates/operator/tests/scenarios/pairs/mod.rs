//! A Milvus that became what its spec says is the same as one that was created so: for generated pairs of specs, everything that
//! belongs to the one is compared with everything that belongs to the other.
//!
//! A few pairs; more when `MILVUS_TEST_ALL` is set. A pair is made from its number, so one that fails can be had again.

use std::collections::BTreeMap;

use fastrand::Rng;
use futures::StreamExt as _;
use kube::{
    Api,
    api::{ApiResource, DynamicObject, ListParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};

use crate::world::{NAME, Places, Story, World, all_is_wanted};

mod made;
mod plain;

const PAIRS: u64 = 6;
const ALL_PAIRS: u64 = 60;
const SIDE_BY_SIDE: usize = 3;
/// Both of a pair have the same bucket, and name the same Secret for it.
const BUCKET: &str = "pair";

/// What can belong to a Milvus, with its plural.
const KINDS: [(&str, &str, &str, &str); 5] = [
    ("apps", "v1", "Deployment", "deployments"),
    ("", "v1", "ConfigMap", "configmaps"),
    ("", "v1", "Service", "services"),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("networking.k8s.io", "v1", "Ingress", "ingresses"),
];

/// Waits until all is done, and looks at everything.
async fn settled(story: &Story, milvus: &Value) -> BTreeMap<String, Value> {
    let image = milvus["spec"]["components"]["image"].as_str().unwrap();
    story.until_healthy(image.rsplit_once(":v").unwrap().1).await;
    story.settle().await;
    let mut found = BTreeMap::new();
    for (group, version, kind, plural) in KINDS {
        let kind_of = GroupVersionKind::gvk(group, version, kind);
        let resource = ApiResource::from_gvk_with_plural(&kind_of, plural);
        let api: Api<DynamicObject> = Api::namespaced_with(story.client.clone(), &story.namespace, &resource);
        let mine = ListParams::default().labels(&format!("app.kubernetes.io/instance={NAME}"));
        for object in api.list(&mine).await.unwrap() {
            let (name, object) = plain::object(kind, &object, &story.namespace);
            found.insert(format!("{kind} {name}"), object);
        }
    }
    found.insert("Milvus".to_owned(), plain::milvus(&story.raw().await, &story.namespace));
    found
}

/// Where a Milvus of the pair has its dependencies.
fn places(story: &Story) -> Places {
    Places { bucket: BUCKET.to_owned(), ..story.places.clone() }
}

/// The two specs of a pair, for a story; the second is one of the versions after the first, or the same.
fn specs(number: u64, places: &Places) -> [Value; 2] {
    let mut rng = Rng::with_seed(number);
    let cluster = number % 3 != 2;
    let next = rng.u8(..2);
    [0, next].map(|patch| made::milvus(&mut rng, places, cluster, patch))
}

/// One pair: what differs.
async fn pair(number: u64) -> Vec<String> {
    let became = async {
        let story = World::story(&format!("pair-{number}-became")).await;
        let [one, other] = specs(number, &places(&story));
        story.create(one.clone()).await;
        settled(&story, &one).await;
        let mut next = story.raw().await;
        next["spec"] = other["spec"].clone();
        story.try_replace(next).await.unwrap();
        settled(&story, &other).await
    };
    let created = async {
        let story = World::story(&format!("pair-{number}-created")).await;
        let [_, other] = specs(number, &places(&story));
        story.create(other.clone()).await;
        settled(&story, &other).await
    };
    let (became, created) = tokio::join!(Box::pin(became), Box::pin(created));
    plain::differences(&format!("pair {number}"), &json!(became), &json!(created))
}

#[tokio::test]
async fn what_a_milvus_became_is_what_it_would_have_been_created_as() {
    World::shared().await.ground.minio.create_bucket(BUCKET).await.unwrap();
    let numbers = 0..if all_is_wanted() { ALL_PAIRS } else { PAIRS };
    let pairs = futures::stream::iter(numbers).map(|number| Box::pin(pair(number)));
    let found: Vec<Vec<String>> = pairs.buffer_unordered(SIDE_BY_SIDE).collect().await;
    let found: Vec<String> = found.into_iter().flatten().collect();
    assert!(found.is_empty(), "{found:#?}");
}
