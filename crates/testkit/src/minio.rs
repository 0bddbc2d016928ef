//! A throw-away MinIO: an S3 server on a free port with credentials of the caller's choice.

use std::{fs, path::Path, sync::Arc, time::Duration};

use http::{Method, StatusCode};
use object_store::{
    aws::{AmazonS3, AmazonS3Builder},
    path::Path as Key,
    signer::Signer,
};
use snafu::{ResultExt, Snafu, ensure};
use tokio::net::TcpStream;

use crate::{
    http as plain,
    pki::Authority,
    ports::Port,
    process::{Process, Program},
    scratch::{self, FileSnafu, Scratch},
    server::{self, FilesSnafu, KeysSnafu, NoPortSnafu, RunSnafu, ToolSnafu},
    tools::{self, Tool},
};

/// How long MinIO may take until it serves; on an idle machine it takes 1 s.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// How long a signed request is valid: as long as it may be repeated.
const SIGNATURE: Duration = READY_WITHIN;
/// Listing it is answered with 404 as soon as the server has its data and its users.
const UNKNOWN_BUCKET: &str = "asked-until-ready";
/// How long MinIO may take to finish requests after SIGTERM.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// What can go wrong with a throw-away MinIO.
#[derive(Debug, Snafu)]
pub enum Error {
    /// It does not run.
    #[snafu(transparent)]
    Server {
        /// Why.
        source: server::Error,
    },
    /// A client could not be made or a request not be signed.
    #[snafu(display("a client of the bucket {bucket}: {source}"))]
    Client {
        /// The bucket.
        bucket: String,
        /// Why.
        source: object_store::Error,
    },
    /// The request for a new bucket was not answered.
    #[snafu(display("creating the bucket {bucket}: {source}"))]
    Send {
        /// The bucket.
        bucket: String,
        /// Why.
        source: plain::RequestError,
    },
    /// MinIO refuses to make the bucket.
    #[snafu(display("creating the bucket {bucket}: MinIO answers {status}: {body}"))]
    Refused {
        /// The bucket.
        bucket: String,
        /// The status code.
        status: StatusCode,
        /// What it says.
        body: String,
    },
}

/// A running MinIO on a free port. Dropping it ends it and removes its data, unless it was started beside a cluster.
#[derive(Debug)]
pub struct Minio {
    process: Process,
    program: Program,
    port: Port,
    access_key: String,
    secret_key: String,
    encrypted: bool,
    // Last: removed after the process has ended.
    _scratch: Option<Scratch>,
}

impl Minio {
    /// Starts one without buckets and waits until it serves. MinIO wants an access key of 3 and a secret key of 8
    /// characters at least.
    pub async fn start(access_key: &str, secret_key: &str) -> Result<Self, Error> {
        let scratch = Scratch::new("minio").await.context(FilesSnafu)?;
        let directory = scratch.path().to_owned();
        Self::launch(&directory, Some(scratch), access_key, secret_key, None).await
    }

    /// Starts one that speaks TLS, with a certificate of `authority`, and has one bucket. It is waited for until it takes
    /// connections; it answers 503 for a moment longer. The other methods that ask it something are not for such a one.
    pub async fn start_tls(
        access_key: &str,
        secret_key: &str,
        bucket: &str,
        authority: &Authority,
    ) -> Result<Self, Error> {
        let scratch = Scratch::new("minio").await.context(FilesSnafu)?;
        let directory = scratch.path().to_owned();
        let certs = directory.join("certs");
        let pair = authority.server().context(KeysSnafu)?;
        let written = fs::create_dir_all(&certs)
            .and_then(|()| fs::create_dir_all(directory.join("minio").join(bucket)))
            .and_then(|()| scratch::write_private(&certs.join("public.crt"), pair.certificate.as_bytes()))
            .and_then(|()| scratch::write_private(&certs.join("private.key"), pair.key.as_bytes()));
        written.context(FileSnafu { path: &certs, action: "written" }).context(FilesSnafu)?;
        Self::launch(&directory, Some(scratch), access_key, secret_key, Some(&certs)).await
    }

    /// Starts one that outlives this process, below a cluster with a name: data and log lie in the cluster's directory,
    /// and `cluster down` ends it. A cluster has one at most.
    pub async fn start_beside(cluster: &Path, access_key: &str, secret_key: &str) -> Result<Self, Error> {
        Self::launch(cluster, None, access_key, secret_key, None).await
    }

    /// Detached if there is no scratch directory that would end with this process.
    async fn launch(
        directory: &Path,
        scratch: Option<Scratch>,
        access_key: &str,
        secret_key: &str,
        certs: Option<&Path>,
    ) -> Result<Self, Error> {
        let executable = tools::path(Tool::Minio).await.context(ToolSnafu)?;
        let port = Port::free().context(NoPortSnafu)?;
        let program = Program::new("minio", &executable, directory.join("minio.log"))
            .detached(scratch.is_none())
            .args(["server", "--quiet", "--address"])
            .args([port.address()])
            .args(certs.into_iter().flat_map(|certs| ["--certs-dir".into(), certs.as_os_str().to_owned()]))
            .args([directory.join("minio")])
            .env("MINIO_ROOT_USER", access_key)
            .env("MINIO_ROOT_PASSWORD", secret_key)
            .env("MINIO_BROWSER", "off")
            .env("MINIO_UPDATE", "off")
            .env("HOME", directory);
        let process = program.clone().start().await.context(RunSnafu)?;
        scratch::note(directory, &process).context(FilesSnafu)?;
        let (access_key, secret_key) = (access_key.to_owned(), secret_key.to_owned());
        let encrypted = certs.is_some();
        let mut minio = Self { process, program, port, access_key, secret_key, encrypted, _scratch: scratch };
        minio.wait_ready().await?;
        Ok(minio)
    }

    /// `http://127.0.0.1:<port>`; stays the same over restarts.
    pub fn endpoint(&self) -> String {
        self.port.http()
    }

    /// `127.0.0.1:<port>`, as Milvus writes endpoints.
    pub fn address(&self) -> String {
        self.port.address()
    }

    /// Makes a bucket; an error if it exists.
    pub async fn create_bucket(&self, bucket: &str) -> Result<(), Error> {
        let url = self.signed(Method::PUT, bucket).await?;
        let answer = plain::send(Method::PUT, &url).await.context(SendSnafu { bucket })?;
        ensure!(
            answer.status.is_success(),
            RefusedSnafu { bucket, status: answer.status, body: answer.body }
        );
        Ok(())
    }

    /// A client of a bucket that exists, with the credentials of this server.
    pub fn bucket(&self, bucket: &str) -> Result<Arc<AmazonS3>, Error> {
        self.s3(bucket).map(Arc::new)
    }

    /// SIGTERM; the data stay. [`Minio::restart`] brings it back.
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.process.stop(STOP_GRACE).await.context(RunSnafu)?;
        Ok(())
    }

    /// Starts it again, on the same port with the same data, and waits until it serves. Kills it first if it runs.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.process.kill().await.context(RunSnafu)?;
        self.process = self.program.clone().start().await.context(RunSnafu)?;
        self.wait_ready().await
    }

    /// `/minio/health/ready` says 200 while the S3 side still answers 503 `XMinioServerNotInitialized`, so it is the S3 side
    /// that is asked.
    async fn wait_ready(&mut self) -> Result<(), Error> {
        let url = self.signed(Method::GET, UNKNOWN_BUCKET).await?;
        let (address, encrypted) = (self.address(), self.encrypted);
        let ready = async || match encrypted {
            true => TcpStream::connect(&address).await.is_ok(),
            false => {
                plain::send(Method::GET, &url).await.is_ok_and(|answer| !answer.status.is_server_error())
            }
        };
        Ok(self.process.ready(READY_WITHIN, ready).await.context(RunSnafu)?)
    }

    async fn signed(&self, method: Method, bucket: &str) -> Result<String, Error> {
        let signed = self.s3(bucket)?.signed_url(method, &Key::default(), SIGNATURE).await;
        Ok(signed.context(ClientSnafu { bucket })?.into())
    }

    fn s3(&self, bucket: &str) -> Result<AmazonS3, Error> {
        plain::install_crypto();
        AmazonS3Builder::new()
            .with_endpoint(self.endpoint())
            .with_allow_http(true)
            .with_region("us-east-1")
            .with_bucket_name(bucket)
            .with_access_key_id(&self.access_key)
            .with_secret_access_key(&self.secret_key)
            .build()
            .context(ClientSnafu { bucket })
    }
}
