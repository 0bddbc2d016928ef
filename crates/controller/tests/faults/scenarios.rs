//! What happens to a Milvus in its life.

use std::time::Duration;

use milvus_api::Milvus;
use milvus_plan::Component;
use milvus_sim::cluster::{Behaviour, Pods};
use serde_json::{Value, json};

use crate::crs;
use crate::script::{Blow, Doing, Script, Step, Until};

/// After every scenario nothing is written for so long.
const SILENCE: Duration = Duration::from_mins(20);
/// The same where leases are renewed all the time.
const ELECTED_SILENCE: Duration = Duration::from_mins(1);
/// Until a slow pod is ready.
const SLOW: Duration = Duration::from_mins(4);

/// A cluster with two query nodes, so that a roll is more than one pod long.
fn cluster(tag: &str) -> Milvus {
    let mut milvus = crs::mix(tag);
    crs::replicas(&mut milvus, Component::QueryNode, 2);
    milvus
}

fn script(steps: Vec<Step>) -> Script {
    Script { steps, elected: false, after: None, silence: SILENCE }
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

/// A roll meets pods that behave otherwise, as soon as one of the new image is there; `told` is what the Milvus then
/// says. All behave well again after it.
fn troubled(words: &'static str, trouble: fn(&mut Behaviour), told: &'static str) -> Script {
    let pods = |words, change, until| Step { words, doing: Doing::Pods(change), until };
    script(vec![
        create("create 2.4.9", "2.4.9"),
        pods(words, trouble, Until::Updated),
        image("roll 2.4.10 into it", "2.4.10", Until::Told(told)),
        pods("pods do well again", |pods| *pods = Behaviour::default(), Until::Updated),
    ])
}

fn new_query_nodes() -> Vec<Pods> {
    vec![Pods::of("querynode").and_image(&crs::image("2.4.10"))]
}

/// New pods end again and again.
pub fn crashing() -> Script {
    troubled("new query nodes crash", |pods| pods.crash_loops = new_query_nodes(), "CrashLoopBackOff")
}

/// New pods find no node.
pub fn pending() -> Script {
    troubled("new query nodes find no node", |pods| pods.unschedulable = new_query_nodes(), "Unschedulable")
}

/// Old pods don't end.
pub fn hanging() -> Script {
    let old = |pods: &mut Behaviour| pods.hang_on_end = vec![Pods::with(&crs::image("2.4.9"))];
    troubled("old pods don't end", old, "has not ended yet")
}

/// New pods take their time.
pub fn slow() -> Script {
    troubled(
        "new query nodes are slow",
        |pods| pods.slow = new_query_nodes().into_iter().map(|pods| (pods, SLOW)).collect(),
        "querynode",
    )
}

/// Pods crash at the new image, and the user goes back.
pub fn crashed_back() -> Script {
    let mut script = crashing();
    script.steps.pop();
    script.steps.push(image("back to 2.4.9", "2.4.9", Until::Updated));
    script
}

/// A `MilvusUpgrade` is answered while its Milvus lives, and once more when that is gone.
pub fn asked() -> Script {
    script(vec![
        create("create 2.4.9", "2.4.9"),
        Step {
            words: "ask for a migration",
            doing: Doing::Upgrade,
            until: Until::Answered("NotYetSupported"),
        },
        Step { words: "delete", doing: Doing::Delete, until: Until::Answered("MilvusNotFound") },
    ])
}

/// Two operators, and in the middle of a roll something happens to the one that leads.
fn led(words: &'static str, blow: Blow) -> Script {
    let middle = Until::Moved("mixcoord", crs::image("2.4.10"));
    let steps = vec![
        create("create 2.4.9", "2.4.9"),
        image("roll 2.4.10 to the mixcoord", "2.4.10", middle),
        Step { words, doing: Doing::Leader(blow), until: Until::Updated },
    ];
    Script { steps, elected: true, after: None, silence: ELECTED_SILENCE }
}

/// Those with two operators, by name.
pub fn elected() -> Vec<(&'static str, Script)> {
    vec![
        ("leader dies", led("the leader dies", Blow::Dies)),
        ("leader stands still", led("the leader stands still", Blow::StandsStill)),
        ("leader cut off", led("the leader is cut off", Blow::CutOff)),
    ]
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

/// All with one operator, by name.
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
        ("crashing", crashing()),
        ("pending", pending()),
        ("hanging", hanging()),
        ("slow", slow()),
        ("crashed, back", crashed_back()),
        ("asked", asked()),
        ("mixed", mixed()),
    ]
}
