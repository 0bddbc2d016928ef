//! The guides in `docs/guides`: their files and commands, as they stand, over a running release.
//!
//! A `yaml` block is a file, named by the comment in its first line; a `sh` block is run; a `text` block is what the last one printed.

use std::path::{Path, PathBuf};

use milvus_testkit::{
    access,
    tools::{self, Tool},
};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::world::{Story, World};

#[tokio::test]
async fn the_guide_for_clusters_works_as_it_stands() {
    let story = World::story("guide-cluster").await;
    let milvus = story.places.mix("2.4.9");
    follow(&story, milvus, "upgrade-cluster.md", 7).await;
}

#[tokio::test]
async fn the_guide_for_standalones_works_as_it_stands() {
    let story = World::story("guide-standalone").await;
    let milvus = story.places.standalone("2.4.9");
    follow(&story, milvus, "upgrade-standalone.md", 4).await;
}

/// Follows a guide to its end, from a Milvus that runs. `runs`: how many command blocks it has at least.
async fn follow(story: &Story, mut milvus: Value, guide: &str, runs: usize) {
    milvus["spec"]["components"]["enableRollingUpdate"] = json!(true);
    story.running(milvus, "2.4.9").await;
    let text = std::fs::read_to_string(root().join("docs/guides").join(guide)).unwrap();
    let user = User::of(story).await;
    let (mut run, mut printed) = (0, String::new());
    for (language, block) in blocks(&text) {
        match language.as_str() {
            "yaml" => user.save(&block),
            "sh" => {
                printed = user.run(&block).await;
                run += 1;
            }
            "text" => assert!(as_shown(&printed, &block), "{guide} shows\n{block}\nand this came\n{printed}"),
            other => panic!("{guide} has a block of {other:?}, which nobody checks"),
        }
    }
    assert!(run >= runs, "{guide} has {run} command blocks");
}

/// The code blocks, in order: language and text.
fn blocks(markdown: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                open = Some((language.to_string(), String::new()));
            }
            Event::Text(text) => {
                if let Some((_, block)) = &mut open {
                    block.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => found.extend(open.take()),
            _ => {}
        }
    }
    found
}

/// Somebody with a shell, a kubeconfig whose context has the namespace, and kubectl with our plugin.
struct User {
    home: tempfile::TempDir,
    path: String,
}

impl User {
    async fn of(story: &Story) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::copy(story.ground.plane.access().kubeconfig(), home.path().join("config")).unwrap();
        let kubectl = tools::path(Tool::Kubectl).await.unwrap();
        let plugin = Path::new(env!("CARGO_BIN_EXE_milvus-operator")).with_file_name("kubectl-milvus");
        assert!(plugin.is_file(), "{} is not built: cargo build --package kubectl-milvus", plugin.display());
        let ours = [kubectl.parent().unwrap().to_owned(), plugin.parent().unwrap().to_owned()];
        let path = std::env::var_os("PATH").unwrap();
        let path = std::env::join_paths(ours.into_iter().chain(std::env::split_paths(&path))).unwrap();
        let user = Self { home, path: path.into_string().unwrap() };
        user.run(&format!("kubectl config set-context --current --namespace={}", story.namespace)).await;
        user
    }

    fn save(&self, block: &str) {
        let name = block.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap();
        std::fs::write(self.home.path().join(name), block).unwrap();
    }

    async fn run(&self, block: &str) -> String {
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", block]).current_dir(self.home.path());
        bash.env("PATH", &self.path).env("KUBECONFIG", self.home.path().join("config"));
        access::run(bash, None).await.unwrap().success().unwrap()
    }
}

/// The lines that are shown are those that were printed last. Ages differ.
fn as_shown(printed: &str, shown: &str) -> bool {
    let cells = |text: &str| -> Vec<Vec<String>> {
        text.trim().lines().map(|line| line.split_whitespace().map(cell).collect()).collect()
    };
    cells(printed).ends_with(&cells(shown))
}

/// A cell; one number for every age.
fn cell(text: &str) -> String {
    let age = text.ends_with(['s', 'm', 'h', 'd']) && text.starts_with(|c: char| c.is_ascii_digit());
    if age { "age".to_owned() } else { text.to_owned() }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
