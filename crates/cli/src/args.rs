//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// The codes of [`crate::exit::Exit`], for `--help`.
const EXIT_CODES: &str = "Exit codes: 0 shown, or with --watch NAME: done; 1 error; 2 usage; 3 no such Milvus; \
                          4 the spec is refused; 130 Ctrl-C.";

/// What a Milvus is doing, and why it waits.
#[derive(Debug, Parser)]
#[command(name = "kubectl-milvus", bin_name = "kubectl milvus", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Which cluster.
    #[command(flatten)]
    pub connection: Connection,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show where every Milvus stands, or the story of one: its roll, what it waits for, what is wrong and
    /// what to do
    Status(Status),
    /// Print the script by which a shell completes `kubectl-milvus`
    Completion {
        /// The shell
        shell: Shell,
    },
}

/// Which cluster, and which namespace of it, as kubectl understands it.
#[derive(Debug, Default, Args)]
pub struct Connection {
    /// Kubeconfig file; otherwise $KUBECONFIG, then ~/.kube/config, then the pod that this runs in
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig; otherwise its current one
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Namespace; otherwise that of the context
    #[arg(long, short, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
}

/// `kubectl milvus status`
#[derive(Debug, Args)]
pub struct Status {
    /// Name of a Milvus; without it, all are listed
    #[arg(conflicts_with = "all_namespaces")]
    pub name: Option<String>,
    /// Every namespace
    #[arg(long, short = 'A')]
    pub all_namespaces: bool,
    /// Show every change as it happens; with a name, until everything is as the spec asks
    #[arg(long, short)]
    pub watch: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t)]
    pub output: Format,
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON value; with --watch one per line
    Json,
    /// YAML; with --watch one document per change
    Yaml,
}
