//! The cluster of a run: what is installed in it, and how it is asked.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command as Plain,
    time::Duration,
};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Pod, Service},
};
use kube::{Api, Client, api::ListParams};
use milvus_api::Milvus;
use milvus_testkit::{Access, access::Output, operator, process::ProcessId, real_node, wait::wait_for};

use super::images::Images;
use crate::{Failure, cargo, demo::is_healthy};

/// Where the Milvus are.
pub(super) const NAMESPACE: &str = "milvus";
/// What MinIO is known by inside of the cluster, which ends with the run.
const SECRETS: [(&str, &str); 2] = [("{access_key}", "e2e-access-key"), ("{secret_key}", "e2e-secret-key")];
/// How long pods may take to be Ready.
const READY_WITHIN: Duration = Duration::from_mins(5);

pub(super) struct Place {
    pub(super) access: Access,
    pub(super) client: Client,
    pub(super) directory: PathBuf,
}

impl Place {
    pub(super) fn new(access: Access, directory: PathBuf) -> Result<Self, Failure> {
        Ok(Self { client: access.client()?, access, directory })
    }

    pub(super) async fn import(&self, archives: &[PathBuf]) -> Result<(), Failure> {
        for archive in archives {
            real_node::import(&self.directory, archive).await?;
        }
        Ok(())
    }

    /// etcd, MinIO and Kafka in a namespace of their own.
    pub(super) async fn dependencies(&self, images: &Images) -> Result<(), Failure> {
        self.apply("dependencies.yaml", images.values().into_iter()).await?;
        for name in ["etcd", "minio", "kafka"] {
            self.available("deps", name).await?;
        }
        Ok(())
    }

    /// The chart by helm, with the images of this repository.
    pub(super) async fn chart(&self) -> Result<(), Failure> {
        let chart = cargo::root().join("charts/milvus-operator").display().to_string();
        let tag = env!("CARGO_PKG_VERSION");
        let tool = format!("toolImage=milvus-config-tool:{tag}");
        let image = format!("image.tag={tag}");
        let args = ["install", operator::NAME, &chart, "--namespace", operator::NAME, "--create-namespace"];
        let values = ["--set", &tool, "--set", &image];
        self.access.helm(args.iter().chain(&values)).await.and_then(Output::success)?;
        self.available(operator::NAME, operator::NAME).await
    }

    /// Creates a Milvus of a manifest and waits until it is Healthy.
    pub(super) async fn milvus(
        &self,
        manifest: &str,
        name: &str,
        values: &[(&str, &str)],
    ) -> Result<(), Failure> {
        self.apply(manifest, values.iter().copied()).await?;
        let healthy = wait_for(self.milvuses(), name, READY_WITHIN, |milvus| milvus.is_some_and(is_healthy));
        healthy.await?;
        Ok(())
    }

    pub(super) fn milvuses(&self) -> Api<Milvus> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    pub(super) fn pods(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub(super) fn deployments(&self, namespace: &str) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The address of a Service of a Milvus, which is reachable from this machine too.
    pub(super) async fn service(&self, name: &str) -> Result<String, Failure> {
        let api: Api<Service> = Api::namespaced(self.client.clone(), NAMESPACE);
        let address = api.get(name).await?.spec.and_then(|spec| spec.cluster_ip);
        Ok(address.ok_or_else(|| format!("the Service {name} has no address"))?)
    }

    /// The operator's process on this machine: the first of its container.
    pub(super) async fn operator(&self) -> Result<ProcessId, Failure> {
        let pods = self.pods(operator::NAME).list(&ListParams::default()).await?;
        let id = pods.items.into_iter().find_map(|pod| pod.status?.container_statuses?.pop()?.container_id);
        let id = id.ok_or("the operator's pod does not say which container it has")?;
        let id = id.rsplit('/').next().unwrap_or(&id);
        for entry in fs::read_dir("/proc")?.flatten() {
            let groups = fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let (Some(pid), true) = (pid, groups.contains(id)) {
                return Ok(ProcessId::of(pid)?);
            }
        }
        Err(format!("no process is in the container {id} of the operator").into())
    }

    pub(super) async fn available(&self, namespace: &str, name: &str) -> Result<(), Failure> {
        let ready = |deployment: Option<&Deployment>| {
            let status = deployment.and_then(|deployment| deployment.status.as_ref());
            status.and_then(|status| status.available_replicas) == Some(1)
        };
        wait_for(self.deployments(namespace), name, READY_WITHIN, ready).await?;
        Ok(())
    }

    async fn apply<'a>(
        &self,
        manifest: &str,
        values: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), Failure> {
        let mut text = fs::read_to_string(cargo::root().join("e2e").join(manifest))?;
        for (name, value) in values.chain(SECRETS) {
            text = text.replace(name, value);
        }
        self.access.apply(&text).await?;
        Ok(())
    }
}

/// What a node could leave on a machine.
pub(super) struct Traces(BTreeSet<String>);

impl Traces {
    /// Interfaces, rules, mounts, cgroups, and the programs of a node.
    pub(super) fn of_this_machine() -> Result<Self, Failure> {
        let mut all = BTreeSet::new();
        let names = |path: &str| -> Vec<String> {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| entry.path().display().to_string()).collect()
        };
        all.extend(names("/sys/class/net"));
        all.extend(names("/sys/fs/cgroup").into_iter().flat_map(|path| names(&path)));
        all.extend(names("/var/lib/cni/results"));
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        all.extend(mounts.lines().filter_map(|line| line.split(' ').nth(4)).map(|at| format!("mount {at}")));
        for program in ["iptables-save", "ip6tables-save"] {
            let rules = Plain::new(program).output()?.stdout;
            let rules = String::from_utf8_lossy(&rules).into_owned();
            let ours = rules.lines().filter(|line| line.contains("KUBE-"));
            all.extend(ours.map(|line| format!("{program}: {line}")));
        }
        for path in names("/proc") {
            // One that has ended and was not yet waited for by this program has no command line.
            let runs = fs::read(Path::new(&path).join("cmdline")).is_ok_and(|line| !line.is_empty());
            let name = fs::read_to_string(Path::new(&path).join("comm")).unwrap_or_default();
            let name = name.trim();
            let of_a_node = ["containerd", "kubelet", "kube-proxy", "coredns", "milvus"].contains(&name)
                || name.starts_with("containerd-shim");
            if runs && of_a_node {
                all.insert(format!("process {name} {path}"));
            }
        }
        let forward = fs::read_to_string("/proc/sys/net/ipv4/ip_forward")?;
        all.insert(format!("net.ipv4.ip_forward = {}", forward.trim()));
        Ok(Self(all))
    }

    /// What was not there `before`.
    pub(super) fn since(&self, before: &Self) -> Vec<String> {
        self.0.difference(&before.0).cloned().collect()
    }
}
