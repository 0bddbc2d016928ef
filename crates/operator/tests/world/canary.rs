//! Credentials that can be recognised wherever they get to, and the places where they may not be.
//!
//! Every story looks through all that was recorded of it when it ends: objects, status, Events, the operator's log, the audit log. Those of
//! Secrets may be nowhere; those that a user writes into `spec.config` or into a variable are in the object that is made of them, and
//! nowhere else.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use milvus_testkit::recorder::Change;
use serde_json::{Value, json};

/// How a credential in a Secret begins.
pub const SECRET: &str = "canary-secret-";
/// How a credential in `spec.config` or `spec.hookConfig` begins.
pub const CONFIG: &str = "canary-config-";
/// How a credential in a variable of a container begins.
pub const ENV: &str = "canary-env-";
/// How one begins that nothing is made of: in the wrong place, or of no use to an existing installation.
pub const LOST: &str = "canary-lost-";

/// The keys of the object storage that all stories share.
pub const ACCESS_KEY: &str = "canary-secret-access";
pub const SECRET_KEY: &str = "canary-secret-key";

/// The marks that an object of a kind may carry.
fn allowed(kind: &str) -> &'static [&'static str] {
    match kind {
        "ConfigMap" => &[CONFIG],
        "Deployment" | "StatefulSet" | "Pod" => &[ENV],
        _ => &[],
    }
}

/// What of an object is ours: of a Milvus not the spec, which is the user's, nor kubectl's copy of it.
fn ours(change: &Change) -> Value {
    let mut metadata = change.object.metadata.clone();
    if let Some(annotations) = &mut metadata.annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    let mut data = change.object.data.clone();
    if let Value::Object(fields) = &mut data
        && change.kind == "Milvus"
    {
        fields.remove("spec");
    }
    json!([metadata, data])
}

/// The credentials in what was recorded that should not be there.
pub fn in_objects(changes: &[Change]) -> Vec<String> {
    let of = |change: &Change| {
        let found = in_text(&ours(change).to_string(), allowed(change.kind));
        found.into_iter().map(|what| format!("{} {}: {what}", change.kind, change.name())).collect::<Vec<_>>()
    };
    let mut found: Vec<String> = changes.iter().flat_map(of).collect();
    found.sort();
    found.dedup();
    found
}

/// The credentials in a text, each with what is around it, but for those with an allowed mark.
pub fn in_text(text: &str, allowed: &[&str]) -> Vec<String> {
    let marks = [SECRET, CONFIG, ENV, LOST].into_iter().filter(|mark| !allowed.contains(mark));
    marks.filter_map(|mark| text.find(mark).map(|at| around(text, at))).collect()
}

fn around(text: &str, at: usize) -> String {
    let floor = |index: usize| (0..=index).rev().find(|i| text.is_char_boundary(*i)).unwrap_or_default();
    let (from, to) = (floor(at.saturating_sub(120)), floor((at + 60).min(text.len())));
    format!("…{}…", &text[from..to])
}

/// A file that grows, from where it was when the story began.
#[derive(Debug, Clone)]
pub struct Grown {
    path: PathBuf,
    from: u64,
}

impl Grown {
    /// What will be added to the file from now on.
    pub fn since_now(path: &Path) -> Self {
        let from = std::fs::metadata(path).map(|file| file.len()).unwrap_or_default();
        Self { path: path.to_owned(), from }
    }

    pub fn text(&self) -> String {
        let mut bytes = Vec::new();
        let mut file = File::open(&self.path).unwrap();
        file.seek(SeekFrom::Start(self.from)).unwrap();
        file.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
