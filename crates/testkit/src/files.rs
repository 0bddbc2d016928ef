//! Files over HTTP on the loopback interface: what a chart repository is.

use std::path::{Path, PathBuf};

use axum::{
    Router,
    extract::{Path as Segment, State},
    http::StatusCode,
    routing::get,
};
use snafu::{ResultExt, Snafu};
use tokio::{net::TcpListener, task::JoinHandle};

/// There is no port to listen on.
#[derive(Debug, Snafu)]
#[snafu(display("no port to serve files on: {source}"))]
pub struct Error {
    source: std::io::Error,
}

/// A server. Dropping it ends it.
#[derive(Debug)]
pub struct FileServer {
    url: String,
    task: JoinHandle<()>,
}

impl FileServer {
    /// Serves the files that lie in a directory, as they are when they are asked for.
    pub async fn start(directory: &Path) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context(Snafu)?;
        let url = format!("http://{}", listener.local_addr().context(Snafu)?);
        let routes = Router::new().route("/{name}", get(file)).with_state(directory.to_owned());
        let task = tokio::spawn(async move {
            // It ends with the test; what went wrong shows as a request without an answer.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { url, task })
    }

    /// Where the directory is found.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn file(
    State(directory): State<PathBuf>,
    Segment(name): Segment<String>,
) -> Result<Vec<u8>, StatusCode> {
    tokio::fs::read(directory.join(name)).await.map_err(|_| StatusCode::NOT_FOUND)
}
