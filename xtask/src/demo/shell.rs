//! Runs kubectl as a person would type it, and shows both the line and what it printed.

use std::path::{Path, PathBuf};

use milvus_testkit::{
    Access,
    access::{self, Output},
    tools::{self, Tool},
};
use snafu::ResultExt;

use super::{Error, error::EnterSnafu};

/// A person at the cluster.
pub(super) struct Shell {
    access: Access,
    /// Where kubectl, helm and the plugin lie.
    path: Vec<PathBuf>,
}

impl Shell {
    /// With the plugin of this repository on the PATH.
    pub(super) async fn new(access: &Access, plugin: &Path) -> Self {
        let mut path: Vec<PathBuf> = plugin.parent().map(Path::to_owned).into_iter().collect();
        for tool in [Tool::Kubectl, Tool::Helm] {
            // A machine without Go has its own on the PATH.
            let executable = tools::path(tool).await.ok();
            path.extend(executable.as_deref().and_then(Path::parent).map(Path::to_owned));
        }
        Self { access: access.clone(), path }
    }

    /// The directories in front of the PATH, each followed by a colon.
    pub(super) fn directories(&self) -> String {
        let colon = |text: String, directory: &PathBuf| text + &directory.display().to_string() + ":";
        self.path.iter().fold(String::new(), colon)
    }

    /// Prints the line, runs it, prints what it says; an error if it fails.
    pub(super) async fn run<A: AsRef<str>>(&self, args: &[A]) -> Result<(), Error> {
        println!("$ {}", line(args));
        let mut command = self.access.command(Tool::Kubectl).await.context(EnterSnafu)?;
        command.args(args.iter().map(AsRef::as_ref));
        let output = access::run(command, None).await.and_then(Output::success).context(EnterSnafu)?;
        println!("{}", output.trim_end());
        Ok(())
    }
}

/// The command line of kubectl, quoted for a shell.
pub(super) fn line<A: AsRef<str>>(args: &[A]) -> String {
    args.iter().fold("kubectl".to_owned(), |line, arg| format!("{line} {}", quoted(arg.as_ref())))
}

/// Quoted as the guides quote: only what needs it, and of `name=value` only the value.
fn quoted(arg: &str) -> String {
    let harmless = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c));
    if !arg.is_empty() && harmless(arg) {
        return arg.to_owned();
    }
    let (name, value) = match arg.split_once('=') {
        Some((name, value)) if harmless(name) => (format!("{name}="), value),
        _ => (String::new(), arg),
    };
    format!("{name}'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_can_be_pasted_into_a_shell() {
        let args = ["patch", "milvus", "my-release", "--type=json", r#"-p=[{"op":"replace"}]"#, "it's"];
        let expected = r#"kubectl patch milvus my-release --type=json -p='[{"op":"replace"}]' 'it'\''s'"#;
        assert_eq!(line(&args), expected);
    }
}
