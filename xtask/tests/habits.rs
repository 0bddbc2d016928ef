//! What a forge runs for us: nothing but what runs here, with pinned actions and no more rights than it
//! needs.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Name and text of each workflow.
fn workflows() -> Vec<(String, String)> {
    let files = fs::read_dir(root().join(".github/workflows")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let all: Vec<_> = files
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(all.len() >= 2, "there is a workflow for changes, and one for releases");
    all
}

fn parsed(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn jobs(workflow: &Value) -> Vec<&Value> {
    workflow["jobs"].as_object().unwrap().values().collect()
}

fn steps<'a>(workflow: &'a Value, key: &str) -> Vec<&'a str> {
    let steps = jobs(workflow).into_iter().flat_map(|job| job["steps"].as_array().unwrap());
    steps.filter_map(|step| step[key].as_str()).collect()
}

#[test]
fn changes_are_checked_by_the_command_that_runs_here_and_by_no_other() {
    let text = fs::read_to_string(root().join(".github/workflows/ci.yml")).unwrap();
    assert_eq!(steps(&parsed(&text), "run"), [".ci/run"]);
    let script = fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(script.lines().any(|line| line == "cargo xtask test"), "{script}");
}

#[test]
fn every_action_is_pinned_by_a_commit_and_says_its_version() {
    for (name, text) in workflows() {
        let named = steps(&parsed(&text), "uses").len();
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("uses: ")).collect();
        assert_eq!(lines.len(), named, "{name}: an action is written in another way");
        for line in lines {
            let (action, version) =
                line.split_once("uses: ").unwrap().1.split_once(" # ").unwrap_or_default();
            let commit = action.split_once('@').unwrap_or_default().1;
            assert!(
                commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{name}: {line}"
            );
            assert!(version.starts_with('v') && version.split('.').count() == 3, "{name}: {line}");
        }
    }
}

#[test]
fn only_the_draft_of_a_release_may_be_written() {
    for (name, text) in workflows() {
        let workflow = parsed(&text);
        let most = workflow["permissions"].as_object().unwrap();
        assert!(
            most.iter().all(|right| (right.0.as_str(), right.1) == ("contents", &"read".into())),
            "{name}"
        );
        for (job, rules) in workflow["jobs"].as_object().unwrap() {
            let rights = rules.get("permissions").and_then(Value::as_object);
            let writes = rights.is_some_and(|rights| rights.values().any(|right| right == "write"));
            assert_eq!(writes, (name.as_str(), job.as_str()) == ("release.yml", "draft"), "{name}: {job}");
            let runs_sources = rules["steps"].to_string().contains("actions/checkout");
            assert!(!(writes && runs_sources), "{name}: {job} may write, and runs what is in the sources");
        }
        assert!(
            !text.contains("pull_request_target"),
            "{name} would run a stranger's change with our rights"
        );
    }
}

#[test]
fn credentials_are_not_left_where_the_sources_can_read_them() {
    for (name, text) in workflows() {
        let workflow = parsed(&text);
        for step in jobs(&workflow).into_iter().flat_map(|job| job["steps"].as_array().unwrap()) {
            if step["uses"].as_str().is_some_and(|action| action.starts_with("actions/checkout@")) {
                assert_eq!(step["with"]["persist-credentials"], false, "{name}");
            }
        }
    }
}

#[test]
fn every_form_of_an_issue_can_be_filled_in() {
    for form in ["bug", "upgrade", "feature"] {
        let path = root().join(format!(".github/ISSUE_TEMPLATE/{form}.yml"));
        let form = parsed(&fs::read_to_string(&path).unwrap());
        let asked = form["body"].as_array().unwrap().iter().filter(|field| field["type"] != "markdown");
        let ids: Vec<&str> = asked.clone().map(|field| field["id"].as_str().unwrap()).collect();
        let mut once = ids.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), ids.len(), "{}: {ids:?}", path.display());
        assert!(
            asked.into_iter().any(|field| field["validations"]["required"] == true),
            "{}",
            path.display()
        );
        assert!(form["name"].is_string() && form["description"].is_string());
    }
}
