//! `kubectl milvus completion`, through the real program.
#![allow(clippy::unwrap_used, reason = "a test ends where its ground gives way")]

use std::process::Command;

fn script(shell: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-milvus"))
        .args(["completion", shell])
        // It needs no cluster.
        .env("KUBECONFIG", "no/such/file")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_shell_gets_a_script_that_knows_verbs_and_flags() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = script(shell);
        for word in ["kubectl-milvus", "status", "completion", "all-namespaces", "kubeconfig"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
}

/// What bash offers for the last of `words`: it calls the function that `complete` was told, with the
/// command, the word and the word before it.
fn offered(words: &[&str]) -> Vec<String> {
    let (last, before) = (words.last().unwrap(), words.iter().rev().nth(1).unwrap());
    let line = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    let function = "$(complete -p kubectl-milvus | sed 's/.*-F \\([^ ]*\\).*/\\1/')";
    let ask = format!(
        "source /dev/stdin; COMP_WORDS=({line}); COMP_CWORD={}; {function} '{}' '{last}' '{before}'; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.len() - 1,
        words[0],
    );
    let mut child = Command::new("bash")
        .args(["-c", &ask])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), script("bash").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_verbs_flags_and_values() {
    assert_eq!(offered(&["kubectl-milvus", "sta"]), ["status"]);
    assert_eq!(offered(&["kubectl-milvus", "status", "--al"]), ["--all-namespaces"]);
    let formats = offered(&["kubectl-milvus", "status", "--output", ""]);
    assert!(
        ["table", "json", "yaml"].iter().all(|format| formats.iter().any(|one| one == format)),
        "{formats:?}"
    );
}

#[test]
fn a_shell_that_is_not_known_ends_with_2() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_kubectl-milvus")).args(["completion", "cmd"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("zsh"), "the shells are named");
}
