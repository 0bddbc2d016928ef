//! `cargo xtask sim --planted`: faults are planted in the pass, one at a time, and the runs of the operator in the
//! simulator must find each. The source files are edited in place and put back.

use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use super::plants::{PLANTS, Plant};
use crate::Failure;
use crate::cargo::{self, root};

/// A file as it was, which is put back in any case.
struct Original {
    file: PathBuf,
    text: String,
}

impl Drop for Original {
    fn drop(&mut self) {
        if let Err(error) = std::fs::write(&self.file, &self.text) {
            println!("{} could not be put back: {error}", self.file.display());
        }
    }
}

/// Plants one fault after the other; `only`: those that have this in their words.
pub(crate) async fn run(only: &str) -> Result<ExitCode, Failure> {
    let mut missed = 0;
    for plant in PLANTS.iter().filter(|plant| plant.what.contains(only)) {
        let found = found(plant).await?;
        missed += usize::from(found.is_none());
        println!("{}: {}", plant.what, found.as_deref().unwrap_or("NOT FOUND"));
    }
    println!("{missed} not found");
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What finds a fault: the tests that fail, and the first that is said to be wrong.
async fn found(plant: &Plant) -> Result<Option<String>, Failure> {
    let file = root().join(plant.file);
    let text = std::fs::read_to_string(&file)?;
    let planted = text.replacen(plant.from, plant.to, 1);
    let original = Original { file, text };
    std::fs::write(&original.file, planted)?;
    let mut command = cargo::command();
    command.args(["test", "--package", "milvus-controller", "--test", "faults", "--locked"]);
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().await?;
    drop(original);
    let said = String::from_utf8_lossy(&output.stdout);
    if !said.contains("test result:") {
        return Ok(Some(format!("does not compile:\n{}", String::from_utf8_lossy(&output.stderr))));
    }
    Ok((!output.status.success()).then(|| told(&said)))
}

/// From the output of the tests: which have failed, and the first thing that is wrong.
fn told(said: &str) -> String {
    let failed = said.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    let failed: Vec<&str> = failed.collect();
    let reported = said.lines().skip_while(|line| !line.starts_with("  seed=")).nth(1);
    let result = said.lines().find(|line| line.contains("Err(\""));
    format!("{} [{}]", reported.or(result).unwrap_or_default().trim(), failed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_still_applies() {
        for Plant { what, file, from, to } in PLANTS {
            let text = std::fs::read_to_string(root().join(file)).unwrap();
            assert_eq!(text.matches(from).count(), 1, "{what}: {file}");
            assert_ne!(from, to);
        }
        assert!(PLANTS.len() >= 20);
    }

    #[test]
    fn the_output_of_tests_is_read() {
        let said = "test a::b ... ok\ntest a::c ... FAILED\n2 runs, 1 wrong\n  seed=1 x\n    only one: two\n";
        assert_eq!(told(said), "only one: two [a::c]");
        assert_eq!(told("test d ... FAILED\n left: Err(\"never\")"), "left: Err(\"never\") [d]");
    }
}
