//! The programs of the node, and how they are configured.

use std::path::{Path, PathBuf};

use serde_json::json;
use snafu::ResultExt;

use super::{
    ADDRESS, DIRECTORY, DNS, Error, FilesSnafu, NAME, PAUSE_IMAGE, PODS, READY_WITHIN, RunSnafu, ToolSnafu,
    needs::CNI_PLUGINS, network, socket, write,
};
use crate::{
    access::Access,
    process::{Process, Program},
    scratch,
    tools::{self, Tool},
};

/// Where the programs of a node work.
pub(super) struct Launch {
    /// Of the cluster: what is started is noted there.
    cluster: PathBuf,
    directory: PathBuf,
}

impl Launch {
    pub(super) fn new(cluster: &Path) -> Self {
        Self { cluster: cluster.to_owned(), directory: cluster.join(DIRECTORY) }
    }

    /// Starts containerd and waits until it serves.
    pub(super) async fn containerd(&self) -> Result<Process, Error> {
        let config = self.directory.join("containerd.toml");
        write(&config, &containerd_config(&self.directory))?;
        let notes = self.directory.join("cni-notes");
        write(&self.directory.join("cni/10-pods.conflist"), &network::pod_network(&notes))?;
        let args = ["--config".to_owned(), config.display().to_string()];
        let mut process = self.start("containerd", Path::new("containerd"), args).await?;
        let socket = socket(&self.directory);
        process.ready(READY_WITHIN, async || socket.exists()).await.context(RunSnafu)?;
        Ok(process)
    }

    /// `ca` is what clients of the kubelet (the API server) are known by.
    pub(super) async fn kubelet(&self, access: &Access, ca: &Path) -> Result<Process, Error> {
        let executable = tools::path(Tool::Kubelet).await.context(ToolSnafu)?;
        let config = self.directory.join("kubelet.json");
        write(&config, &kubelet_config(&self.directory, ca))?;
        let root = self.directory.join("kubelet");
        let args = [
            format!("--config={}", config.display()),
            format!("--kubeconfig={}", access.kubeconfig().display()),
            format!("--hostname-override={NAME}"),
            format!("--node-ip={ADDRESS}"),
            format!("--root-dir={}", root.display()),
            format!("--cert-dir={}", root.join("pki").display()),
        ];
        self.start("kubelet", &executable, args).await
    }

    pub(super) async fn kube_proxy(&self, access: &Access) -> Result<Process, Error> {
        let executable = tools::path(Tool::KubeProxy).await.context(ToolSnafu)?;
        let args = [
            format!("--kubeconfig={}", access.kubeconfig().display()),
            format!("--hostname-override={NAME}"),
            "--proxy-mode=iptables".to_owned(),
            format!("--cluster-cidr={PODS}"),
            format!("--healthz-bind-address={ADDRESS}:10256"),
            format!("--metrics-bind-address={ADDRESS}:10249"),
            // Node ports belong to the node's address, not to the machine's others.
            format!("--nodeport-addresses={ADDRESS}/32"),
            "--iptables-localhost-nodeports=false".to_owned(),
            // Limits of the machine's connection tracking stay as they are.
            "--conntrack-max-per-core=0".to_owned(),
            "--conntrack-tcp-timeout-established=0s".to_owned(),
            "--conntrack-tcp-timeout-close-wait=0s".to_owned(),
        ];
        self.start("kube-proxy", &executable, args).await
    }

    pub(super) async fn coredns(&self, access: &Access) -> Result<Process, Error> {
        let executable = tools::path(Tool::Coredns).await.context(ToolSnafu)?;
        let config = self.directory.join("Corefile");
        write(&config, &corefile(access))?;
        let args = ["-conf".to_owned(), config.display().to_string()];
        self.start("coredns", &executable, args).await
    }

    async fn start(
        &self,
        name: &str,
        executable: &Path,
        args: impl IntoIterator<Item = String>,
    ) -> Result<Process, Error> {
        let program = Program::new(name, executable, self.cluster.join(format!("{name}.log")))
            .args(args)
            .env("HOME", &self.directory)
            .detached(true);
        let process = program.start().await.context(RunSnafu)?;
        scratch::note(&self.cluster, &process).context(FilesSnafu)?;
        Ok(process)
    }
}

/// In the second version of the format, which containerd 1.6 reads and later ones convert. Network namespaces are mounted
/// below the state directory, so that nothing of ours is outside of it.
fn containerd_config(directory: &Path) -> String {
    let path = |name: &str| directory.join(name).display().to_string();
    format!(
        r#"version = 2
root = "{root}"
state = "{state}"

[grpc]
address = "{socket}"

[plugins."io.containerd.internal.v1.opt"]
path = "{opt}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI_PLUGINS}"
conf_dir = "{cni}"

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
"#,
        root = path("containerd"),
        state = path("run"),
        socket = socket(directory).display(),
        opt = path("opt"),
        cni = path("cni"),
    )
}

/// No limits and reserves: the machine is not the node's alone. Images are never collected, for nothing could bring them
/// back.
fn kubelet_config(directory: &Path, ca: &Path) -> String {
    let config = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": ADDRESS,
        "healthzPort": 0,
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": ca },
        },
        "authorization": { "mode": "Webhook" },
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": false,
        "enforceNodeAllocatable": [],
        "failCgroupV1": false,
        "failSwapOn": false,
        "clusterDNS": [DNS],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "containerRuntimeEndpoint": format!("unix://{}", socket(directory).display()),
        "evictionHard": {},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "localStorageCapacityIsolation": false,
        "makeIPTablesUtilChains": false,
        "podLogsDir": directory.join("pod-logs"),
        "volumePluginDir": directory.join("volume-plugins"),
    });
    config.to_string()
}

/// Names of the cluster only; there is nobody to ask for others.
fn corefile(access: &Access) -> String {
    format!(
        ".:53 {{
    bind {ADDRESS}
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {}
        ttl 1
    }}
}}
",
        access.kubeconfig().display()
    )
}

/// The Service that pods ask for names, and the process behind it.
pub(super) fn dns_service() -> String {
    let ports = json!([
        { "name": "dns", "port": 53, "protocol": "UDP" },
        { "name": "dns-tcp", "port": 53, "protocol": "TCP" },
    ]);
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "kube-dns", "namespace": "kube-system" },
        "spec": { "clusterIP": DNS, "ports": ports },
    });
    let endpoints = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "labels": { "kubernetes.io/service-name": "kube-dns" },
        },
        "addressType": "IPv4",
        "endpoints": [{ "addresses": [ADDRESS], "conditions": { "ready": true } }],
        "ports": ports,
    });
    json!({ "apiVersion": "v1", "kind": "List", "items": [service, endpoints] }).to_string()
}
