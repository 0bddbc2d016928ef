//! What can go wrong, each as one sentence with the fix.

use kube::core::Status;
use snafu::Snafu;

use crate::exit::Exit;

/// Why a verb could not be carried out.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum Error {
    /// No kubeconfig could be read.
    #[snafu(display(
        "No cluster is known: {source}. Give a kubeconfig with --kubeconfig or KUBECONFIG, and a context that it names with --context."
    ))]
    Kubeconfig {
        /// What kube says.
        source: kube::config::KubeconfigError,
    },

    /// The settings of the kubeconfig can't be used.
    #[snafu(display("The kubeconfig can't be used: {source}. Compare it with one that kubectl works with."))]
    Client {
        /// What kube says.
        source: Box<kube::Error>,
    },

    /// No answer.
    #[snafu(display(
        "The API server {url} can't be reached: {why}. Start the cluster, or choose another one with --context."
    ))]
    Unreachable {
        /// Address of the API server.
        url: String,
        /// The innermost cause.
        why: String,
    },

    /// The user is not known.
    #[snafu(display(
        "The API server {url} does not know you: {why}. Log in again, or choose another --context."
    ))]
    Unauthorized {
        /// Address of the API server.
        url: String,
        /// What the API server or the log-in program says.
        why: String,
    },

    /// The user may not do this.
    #[snafu(display(
        "You may not do this: {why}. Ask for a Role with the verbs get, list and watch on milvuses.milvus.io."
    ))]
    Forbidden {
        /// What the API server says.
        why: String,
    },

    /// The API server has no such kind.
    #[snafu(display(
        "The API server {url} does not know the kind Milvus. Install the operator's chart, which brings it, or choose another \
         cluster with --context."
    ))]
    NoCrd {
        /// Address of the API server.
        url: String,
    },

    /// There is no such object.
    #[snafu(display(
        "There is no Milvus {name} in namespace {namespace}. `kubectl milvus status -A` lists those there are."
    ))]
    NotFound {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    },

    /// It went while it was watched.
    #[snafu(display("The Milvus {name} in namespace {namespace} was deleted."))]
    Deleted {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    },

    /// An object that does not decode.
    #[snafu(display(
        "The Milvus {name} in namespace {namespace} can't be understood: {why}. Use the kubectl-milvus of the operator's release."
    ))]
    Unreadable {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
        /// What does not decode.
        why: String,
    },

    /// Anything else that the API server says.
    #[snafu(display("The API server {url} refused: {why}. Try again, and see its log if it stays so."))]
    Server {
        /// Address of the API server.
        url: String,
        /// What it says.
        why: String,
    },

    /// The value can't be written as JSON.
    #[snafu(display("The answer can't be written as JSON: {source}. Please report this."))]
    Json {
        /// What went wrong.
        source: serde_json::Error,
    },

    /// The value can't be written as YAML.
    #[snafu(display("The answer can't be written as YAML: {source}. Please report this."))]
    Yaml {
        /// What went wrong.
        source: Box<serde_saphyr::ser::Error>,
    },

    /// The output is closed or full.
    #[snafu(display("The output can't be written: {source}. See where it goes."))]
    Write {
        /// What went wrong.
        source: std::io::Error,
    },

    /// The process can't be set up.
    #[snafu(display("The program can't start: {source}. See the limits on processes and open files."))]
    Start {
        /// What went wrong.
        source: std::io::Error,
    },
}

impl Error {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            // Whoever reads has enough: `… | head` is no error.
            Error::Write { source } if source.kind() == std::io::ErrorKind::BrokenPipe => Exit::Fine,
            Error::NotFound { .. } | Error::Deleted { .. } => Exit::NotFound,
            _ => Exit::Error,
        }
    }

    /// What a request to the API server at `url` came to.
    pub fn of_request(error: &kube::Error, url: &str) -> Error {
        let url = url.to_owned();
        match error {
            kube::Error::Api(status) => Error::of_status(status, url),
            kube::Error::Auth(_) => Error::Unauthorized { url, why: innermost(error) },
            kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => {
                Error::Unreachable { url, why: innermost(error) }
            }
            _ => Error::Server { url, why: innermost(error) },
        }
    }

    fn of_status(status: &Status, url: String) -> Error {
        let why = status.message.trim_end_matches('.').to_owned();
        match status.code {
            401 => Error::Unauthorized { url, why },
            403 => Error::Forbidden { why },
            // A missing object is a Status with its name; a missing kind is a bare page.
            404 => Error::NoCrd { url },
            _ => Error::Server { url, why },
        }
    }

    /// Whether it may be otherwise in a moment, without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Error::Unreachable { .. } | Error::Server { .. })
    }
}

/// The innermost cause: what stands around it is about the layers of the client.
fn innermost(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.last().map(ToString::to_string).unwrap_or_default()
}
