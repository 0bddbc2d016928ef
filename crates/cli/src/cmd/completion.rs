//! `kubectl milvus completion`: the script by which a shell completes this command line.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;

/// The name by which a shell finds the program: kubectl runs a plugin `x` as `kubectl-x`.
const PROGRAM: &str = "kubectl-milvus";

/// The script for `shell`, as text to be sourced.
pub fn script(shell: Shell) -> String {
    // Under the name with a space in it, which help texts show, a shell would look for another program.
    let mut command = Cli::command().bin_name(PROGRAM);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, PROGRAM, &mut script);
    // The names and help texts that it is made of are text.
    String::from_utf8_lossy(&script).into_owned()
}
