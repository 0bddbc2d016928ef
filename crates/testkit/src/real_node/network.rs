//! What the node changes of the machine's network: one bridge without ports for its address, forwarding between pods,
//! and the rules of kube-proxy.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};
use snafu::{ResultExt, ensure};
use tokio::process::Command;

use super::{ADDRESS, BusySnafu, Error, FilesSnafu, PODS, run};
use crate::scratch::{FileSnafu, write_json};

/// A bridge without ports: a kernel that can run containers has bridges, but not always `dummy` interfaces.
const LINK: &str = "milvus-node0";
/// The network of pods, for the plugins that connect them. They keep notes under this name.
pub(super) const POD_NETWORK: &str = "milvus-node";
/// Whether the kernel passes packets from one interface to another. The plugin switches it on.
const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
/// What was so before.
const RECORD: &str = "network.json";
/// The tables that kube-proxy writes to.
const TABLES: [&str; 3] = ["nat", "filter", "mangle"];

/// What has to be as before.
#[derive(Debug, Serialize, Deserialize)]
struct Before {
    forward: String,
}

/// An error if this machine is a node already, ours or anybody's: two would share their rules.
pub(super) async fn refuse_second() -> Result<(), Error> {
    ensure!(
        !Path::new("/sys/class/net").join(LINK).exists(),
        BusySnafu { found: format!("interface {LINK}") }
    );
    for program in ["iptables-save", "ip6tables-save"] {
        let rules = run(&mut Command::new(program)).await?;
        ensure!(
            !rules.contains(":KUBE-SERVICES"),
            BusySnafu { found: format!("KUBE-SERVICES in {program}") }
        );
    }
    Ok(())
}

/// Makes the address of the node.
pub(super) async fn create(directory: &Path) -> Result<(), Error> {
    let read = fs::read_to_string(FORWARD);
    let forward = read.context(FileSnafu { path: FORWARD, action: "read" }).context(FilesSnafu)?;
    write_json(&directory.join(RECORD), &Before { forward }).context(FilesSnafu)?;
    let address = format!("{ADDRESS}/32");
    ip(&["link", "add", LINK, "type", "bridge"]).await?;
    ip(&["address", "add", &address, "dev", LINK]).await?;
    ip(&["link", "set", LINK, "up"]).await
}

/// How the plugins connect a pod: a pair of interfaces and a route on the host, no bridge. So all packets are routed, and the
/// rules of kube-proxy hold for all of them.
pub(super) fn pod_network(notes: &Path) -> String {
    let network = serde_json::json!({
        "cniVersion": "0.4.0",
        "name": POD_NETWORK,
        "plugins": [{
            "type": "ptp",
            "ipMasq": false,
            "ipam": {
                "type": "host-local",
                "ranges": [[{ "subnet": PODS }]],
                "routes": [{ "dst": "0.0.0.0/0" }],
                "dataDir": notes,
            },
        }],
    });
    network.to_string()
}

/// Takes the rules of kube-proxy that are left after its own cleaning, then the address, and restores forwarding.
pub(super) async fn remove(directory: &Path) -> Result<(), Error> {
    for program in ["iptables", "ip6tables"] {
        for table in TABLES {
            remove_chains(program, table).await?;
        }
    }
    if Path::new("/sys/class/net").join(LINK).exists() {
        ip(&["link", "delete", LINK]).await?;
    }
    let record = directory.join(RECORD);
    let before: Option<Before> = fs::read(&record).ok().and_then(|text| serde_json::from_slice(&text).ok());
    if let Some(Before { forward }) = before {
        fs::write(FORWARD, forward)
            .context(FileSnafu { path: FORWARD, action: "written" })
            .context(FilesSnafu)?;
    }
    Ok(())
}

/// kube-proxy's cleaning leaves the chains that it only looks at, to see whether somebody has removed its rules.
async fn remove_chains(program: &str, table: &str) -> Result<(), Error> {
    let rules = run(Command::new(program).args(["--table", table, "--list-rules"])).await?;
    for rule in rules.lines().filter(|rule| rule.starts_with("-A") && rule.contains(" -j KUBE-")) {
        // A comment in quotes may hold blanks; our own chains and kube-proxy's jumps are removed by their chain below.
        let chain = rule.split_whitespace().nth(1).unwrap_or_default();
        if !chain.starts_with("KUBE-") {
            let words = rule.replacen("-A", "-D", 1);
            let command = format!("{program} --table {table} {words}");
            run(Command::new("sh").args(["-c", &command])).await?;
        }
    }
    let chains: Vec<&str> = rules.lines().filter_map(|rule| rule.strip_prefix("-N KUBE-")).collect();
    for action in ["--flush", "--delete-chain"] {
        for chain in &chains {
            run(Command::new(program).args(["--table", table, action, &format!("KUBE-{chain}")])).await?;
        }
    }
    Ok(())
}

async fn ip(args: &[&str]) -> Result<(), Error> {
    run(Command::new("ip").args(args)).await.map(|_| ())
}
