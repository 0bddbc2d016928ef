//! A throw-away Apache Kafka of one node (KRaft) with a listener for each security protocol. Needs Java 17 and Maven, see
//! [`crate::tools::kafka_jars`].

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use snafu::{ResultExt, Snafu};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    pki::Authority,
    ports::Port,
    process::{self, Process, Program},
    scratch::{self, FileSnafu, Scratch},
    server::{self, FilesSnafu, KeysSnafu, NoPortSnafu, RunSnafu, ToolSnafu},
    tools,
};

/// How long it may take to format its storage, and to serve; on an idle machine 2 s and 5 s.
const READY_WITHIN: Duration = Duration::from_mins(2);
/// How long an answer may take; one that is starting accepts and does not answer.
const ANSWER: Duration = Duration::from_secs(1);
/// Small and quick to start; it holds nothing.
const JVM: [&str; 5] = [
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
];
/// Any; Kafka wants 16 bytes in base64.
const CLUSTER_ID: &str = "bWlsdnVzLXRlc3RraXQtMQ";
/// `ApiVersions`, version 0, correlation id 1, client `t`.
const API_VERSIONS: &[u8] = b"\x00\x00\x00\x0b\x00\x12\x00\x00\x00\x00\x00\x01\x00\x01t";
/// The two ways of SCRAM.
const SCRAM: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

/// What can go wrong with a throw-away Kafka.
#[derive(Debug, Snafu)]
pub enum Error {
    /// It does not run.
    #[snafu(transparent)]
    Server {
        /// Why.
        source: server::Error,
    },
    /// Its storage could not be formatted.
    #[snafu(display(
        "the storage of Kafka could not be formatted within {READY_WITHIN:?}; its log ends:\n{tail}"
    ))]
    Format {
        /// The last lines of the log.
        tail: String,
    },
}

/// A running Kafka. Dropping it ends it and removes its data.
#[derive(Debug)]
pub struct Kafka {
    process: Process,
    program: Program,
    ports: Listeners,
    authority: Authority,
    // Last: removed after the process has ended.
    _scratch: Scratch,
}

#[derive(Debug)]
struct Listeners {
    plain: Port,
    sasl: Port,
    tls: Port,
    sasl_tls: Port,
    controller: Port,
}

impl Kafka {
    /// Starts one with these users (name and password) and waits until it answers.
    pub async fn start(users: &[(&str, &str)]) -> Result<Self, Error> {
        let jars = tools::kafka_jars().await.context(ToolSnafu)?;
        let java = tools::java().await.context(ToolSnafu)?;
        let scratch = Scratch::new("kafka").await.context(FilesSnafu)?;
        let directory = scratch.path().to_owned();
        let ports = Listeners::reserve()?;
        let authority = Authority::new("milvus-testkit-kafka").context(KeysSnafu)?;
        let settings = write_settings(&directory, &ports, &authority, users)?;
        let jvm = Program::new("kafka", java, directory.join("kafka.log"))
            .args(JVM)
            .args(["-cp".into(), jars.join("*").into_os_string()]);
        format(&jvm, &settings, users).await?;
        let program = jvm.args(["kafka.Kafka".into(), settings.into_os_string()]);
        let process = program.clone().start().await.context(RunSnafu)?;
        scratch::note(&directory, &process).context(FilesSnafu)?;
        let mut kafka = Self { process, program, ports, authority, _scratch: scratch };
        kafka.wait_ready().await?;
        Ok(kafka)
    }

    /// `PLAINTEXT`: `127.0.0.1:<port>`; as the others, it stays the same over restarts.
    pub fn address(&self) -> String {
        self.ports.plain.address()
    }

    /// `SASL_PLAINTEXT` with `PLAIN`, `SCRAM-SHA-256` and `SCRAM-SHA-512`.
    pub fn sasl(&self) -> String {
        self.ports.sasl.address()
    }

    /// `SSL`; clients must show a certificate of [`Kafka::authority`].
    pub fn tls(&self) -> String {
        self.ports.tls.address()
    }

    /// `SASL_SSL` with the mechanisms of [`Kafka::sasl`].
    pub fn sasl_tls(&self) -> String {
        self.ports.sasl_tls.address()
    }

    /// Who has signed its certificate.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// SIGKILL; the data stay. [`Kafka::restart`] brings it back.
    pub async fn kill(&mut self) -> Result<(), Error> {
        self.process.kill().await.context(RunSnafu)?;
        Ok(())
    }

    /// Starts it again, on the same ports with the same data, and waits until it answers. Kills it first if it runs.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.kill().await?;
        self.process = self.program.clone().start().await.context(RunSnafu)?;
        self.wait_ready().await
    }

    async fn wait_ready(&mut self) -> Result<(), Error> {
        let address = self.address();
        let ready = self
            .process
            .ready(READY_WITHIN, async || timeout(ANSWER, answers(&address)).await.is_ok_and(|yes| yes));
        Ok(ready.await.context(RunSnafu)?)
    }
}

impl Listeners {
    fn reserve() -> Result<Self, server::Error> {
        let port = || Port::free().context(NoPortSnafu);
        Ok(Self { plain: port()?, sasl: port()?, tls: port()?, sasl_tls: port()?, controller: port()? })
    }
}

/// Whether a broker answers the first request of every client.
async fn answers(address: &str) -> bool {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(API_VERSIONS).await?;
        stream.read_u32().await
    };
    exchange.await.is_ok()
}

/// Makes the storage, with the users in it: those of SCRAM are kept there.
async fn format(jvm: &Program, settings: &Path, users: &[(&str, &str)]) -> Result<(), Error> {
    let mut program =
        jvm.clone().args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"]).args([settings]);
    for (name, password) in users {
        for mechanism in SCRAM {
            program = program
                .args(["--add-scram".to_owned(), format!("{mechanism}=[name={name},password={password}]")]);
        }
    }
    let log = program.log.clone();
    let mut process = program.start().await.context(RunSnafu)?;
    let in_time = process.exited(READY_WITHIN).await.context(RunSnafu)?;
    let ended = process.ended().context(RunSnafu)?;
    match in_time && ended.is_some_and(|status| status.success()) {
        true => Ok(()),
        false => FormatSnafu { tail: process::tail(&log) }.fail(),
    }
}

fn write_settings(
    directory: &Path,
    ports: &Listeners,
    authority: &Authority,
    users: &[(&str, &str)],
) -> Result<PathBuf, server::Error> {
    let server = authority.server().context(KeysSnafu)?;
    let file = |name: &str, text: String| {
        let path = directory.join(name);
        fs::write(&path, text)
            .context(FileSnafu { path: &path, action: "written" })
            .context(FilesSnafu)
            .map(|()| path)
    };
    let keystore = file("server.pem", format!("{}{}", server.key, server.certificate))?;
    let truststore = file("ca.pem", authority.certificate().to_owned())?;
    let clients =
        [("PLAIN", &ports.plain), ("SASL", &ports.sasl), ("TLS", &ports.tls), ("SASLTLS", &ports.sasl_tls)];
    let advertised: Vec<String> =
        clients.iter().map(|(name, port)| format!("{name}://{}", port.address())).collect();
    let advertised = advertised.join(",");
    let controller = ports.controller.address();
    let mut text = format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@{controller}\n\
         controller.listener.names=CONTROLLER\n\
         inter.broker.listener.name=PLAIN\n\
         listeners={advertised},CONTROLLER://{controller}\n\
         advertised.listeners={advertised}\n\
         listener.security.protocol.map=PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,SASLTLS:SASL_SSL,CONTROLLER:PLAINTEXT\n\
         log.dirs={}\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         ssl.keystore.type=PEM\n\
         ssl.keystore.location={}\n\
         ssl.truststore.type=PEM\n\
         ssl.truststore.location={}\n\
         listener.name.tls.ssl.client.auth=required\n\
         sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512\n",
        directory.join("kafka").display(),
        keystore.display(),
        truststore.display(),
    );
    text += &logins(users);
    file("server.properties", text)
}

/// The users of both listeners with a log-in; those of SCRAM are in the storage.
fn logins(users: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let module = "org.apache.kafka.common.security";
    let plain: Vec<String> =
        users.iter().map(|(name, password)| format!("user_{name}=\"{password}\"")).collect();
    for listener in ["sasl", "sasltls"] {
        let login = |mechanism: &str, module: &str, rest: &str| {
            format!("listener.name.{listener}.{mechanism}.sasl.jaas.config={module} required{rest};\n")
        };
        text +=
            &login("plain", &format!("{module}.plain.PlainLoginModule"), &format!(" {}", plain.join(" ")));
        for mechanism in SCRAM {
            text += &login(&mechanism.to_ascii_lowercase(), &format!("{module}.scram.ScramLoginModule"), "");
        }
    }
    text
}
