//! What happens to a Milvus in its life.

use std::time::Duration;

use milvus_api::Milvus;
use milvus_plan::Component;
use serde_json::{Value, json};

use crate::crs;
use crate::script::{Doing, Script, Step, Until};

/// After every scenario nothing is written for so long.
const SILENCE: Duration = Duration::from_mins(20);

/// A cluster with two query nodes, so that a roll is more than one pod long.
fn cluster(tag: &str) -> Milvus {
    let mut milvus = crs::mix(tag);
    crs::replicas(&mut milvus, Component::QueryNode, 2);
    milvus
}

fn script(steps: Vec<Step>) -> Script {
    Script { steps, silence: SILENCE }
}

fn create(words: &'static str, tag: &str) -> Step {
    Step { words, doing: Doing::Create(Box::new(cluster(tag))), until: Until::Updated }
}

fn merge(words: &'static str, components: &Value, until: Until) -> Step {
    Step { words, doing: Doing::Merge(json!({ "spec": { "components": components } })), until }
}

fn image(words: &'static str, tag: &str, until: Until) -> Step {
    merge(words, &json!({ "image": crs::image(tag) }), until)
}

/// The first start.
pub fn created() -> Script {
    script(vec![create("create 2.4.9", "2.4.9")])
}

/// One roll.
pub fn rolled() -> Script {
    script(vec![create("create 2.4.9", "2.4.9"), image("roll 2.4.10", "2.4.10", Until::Updated)])
}

/// A roll that is taken back when the coordinator has moved.
pub fn reverted() -> Script {
    let middle = Until::Moved("mixcoord", crs::image("2.4.10"));
    script(vec![
        create("create 2.4.9", "2.4.9"),
        image("roll 2.4.10 to the mixcoord", "2.4.10", middle),
        image("back to 2.4.9", "2.4.9", Until::Updated),
    ])
}

/// The way down, in reverse.
pub fn downgraded() -> Script {
    let down = json!({ "image": crs::image("2.4.9"), "imageUpdateMode": "rollingDowngrade" });
    script(vec![create("create 2.4.10", "2.4.10"), merge("downgrade 2.4.9", &down, Until::Updated)])
}

/// A change that skips a minor version.
pub fn refused() -> Script {
    script(vec![
        create("create 2.4.9", "2.4.9"),
        image("ask for 2.6.11", "2.6.11", Until::Refused("NeedsIntermediateVersion")),
    ])
}

/// A cluster is asked to be a standalone.
pub fn mode_refused() -> Script {
    let doing = Doing::Merge(json!({ "spec": { "mode": "standalone" } }));
    let step = Step { words: "ask for standalone", doing, until: Until::Refused("ModeChangeRefused") };
    script(vec![create("create 2.4.9", "2.4.9"), step])
}

/// The end.
pub fn deleted() -> Script {
    let step = Step { words: "delete", doing: Doing::Delete, until: Until::Gone };
    script(vec![create("create 2.4.9", "2.4.9"), step])
}

/// Two Deployments for each component, reached by the next roll.
pub fn relaid() -> Script {
    script(vec![
        create("create 2.4.9", "2.4.9"),
        merge("two Deployments", &json!({ "rollingMode": 3 }), Until::Updated),
        image("roll 2.4.10", "2.4.10", Until::Updated),
    ])
}

/// The dependencies are away for a while.
pub fn cut_off() -> Script {
    let dials = |words, away, until| Step { words, doing: Doing::Away(away), until };
    script(vec![
        create("create 2.4.9", "2.4.9"),
        dials("dependencies away", true, Until::Away),
        dials("dependencies back", false, Until::Updated),
    ])
}

/// A bit of all.
pub fn mixed() -> Script {
    let middle = Until::Moved("mixcoord", crs::image("2.4.10"));
    script(vec![
        create("create 2.4.9", "2.4.9"),
        image("roll 2.4.10 to the mixcoord", "2.4.10", middle),
        image("back to 2.4.9", "2.4.9", Until::Updated),
        image("ask for 2.6.11", "2.6.11", Until::Refused("NeedsIntermediateVersion")),
        merge(
            "two Deployments and 2.4.10",
            &json!({ "rollingMode": 3, "image": crs::image("2.4.10") }),
            Until::Updated,
        ),
    ])
}

/// All of them, by name.
pub fn all() -> Vec<(&'static str, Script)> {
    vec![
        ("created", created()),
        ("rolled", rolled()),
        ("reverted", reverted()),
        ("downgraded", downgraded()),
        ("refused", refused()),
        ("mode refused", mode_refused()),
        ("deleted", deleted()),
        ("relaid", relaid()),
        ("cut off", cut_off()),
        ("mixed", mixed()),
    ]
}
