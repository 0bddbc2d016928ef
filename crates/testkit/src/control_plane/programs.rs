//! The command lines of the components.

use std::{net::Ipv4Addr, path::Path};

use snafu::ResultExt;

use super::{Error, users::Users};
use crate::{
    pki::Pki,
    ports::Port,
    process::{Process, Program},
    scratch,
    server::{FilesSnafu, RunSnafu},
    stages,
};

/// Request rates of the components' clients. With their default of 20 a second it is the client that is measured.
const RATES: [&str; 2] = ["--kube-api-qps=500", "--kube-api-burst=1000"];
/// A documentation address (RFC 5737): the API server wants one that is not loopback, and finds none by itself on a
/// machine without a network. Nothing connects to it.
const NOWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// What all components have in common.
pub(super) struct Launch<'a> {
    pub(super) directory: &'a Path,
    pub(super) detached: bool,
    /// Where the API server is.
    pub(super) address: Ipv4Addr,
    pub(super) users: &'a Users,
}

impl Launch<'_> {
    pub(super) async fn apiserver(
        &self,
        executable: &Path,
        port: &Port,
        etcd: &Port,
        keys: &Pki,
    ) -> Result<Process, Error> {
        let file = |name: &str| self.directory.join(name).display().to_string();
        // Pods reach the API server through the Service `kubernetes` where it has an address that they can reach.
        let (advertised, reconciler) = match self.address.is_loopback() {
            true => (NOWHERE, "none"),
            false => (self.address, "lease"),
        };
        let args = [
            format!("--etcd-servers={}", etcd.http()),
            format!("--bind-address={}", self.address),
            format!("--secure-port={}", port.number()),
            format!("--advertise-address={advertised}"),
            format!("--endpoint-reconciler-type={reconciler}"),
            // The names of nodes are known to nobody.
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
            format!("--kubelet-client-certificate={}", keys.kubelet_client_certificate.display()),
            format!("--kubelet-client-key={}", keys.kubelet_client_key.display()),
            format!("--tls-cert-file={}", keys.serving_certificate.display()),
            format!("--tls-private-key-file={}", keys.serving_key.display()),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", keys.token_public_key.display()),
            format!("--service-account-signing-key-file={}", keys.token_signing_key.display()),
            format!("--token-auth-file={}", self.users.tokens.display()),
            "--authorization-mode=RBAC".to_owned(),
            format!("--audit-policy-file={}", file("audit-policy.yaml")),
            format!("--audit-log-path={}", file("audit.log")),
            // Never rotated: readers expect one file.
            "--audit-log-maxsize=100000".to_owned(),
            "--allow-privileged=true".to_owned(),
            "--shutdown-delay-duration=0s".to_owned(),
        ];
        self.start("kube-apiserver", executable, args).await
    }

    pub(super) async fn controllers(
        &self,
        executable: &Path,
        port: &Port,
        keys: &Pki,
    ) -> Result<Process, Error> {
        let kubeconfig = self.users.controllers.kubeconfig().display().to_string();
        let args = [
            format!("--kubeconfig={kubeconfig}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", port.number()),
            format!("--service-account-private-key-file={}", keys.token_signing_key.display()),
            format!("--root-ca-file={}", keys.ca.display()),
            "--use-service-account-credentials=false".to_owned(),
            "--leader-elect=false".to_owned(),
            format!("--node-monitor-grace-period={}s", stages::NODE_GRACE.as_secs()),
        ];
        self.start("kube-controller-manager", executable, args.into_iter().chain(RATES.map(str::to_owned)))
            .await
    }

    pub(super) async fn scheduler(&self, executable: &Path, port: &Port) -> Result<Process, Error> {
        let args = [
            format!("--kubeconfig={}", self.users.scheduler.kubeconfig().display()),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", port.number()),
            "--leader-elect=false".to_owned(),
        ];
        self.start("kube-scheduler", executable, args.into_iter().chain(RATES.map(str::to_owned))).await
    }

    pub(super) async fn kwok(&self, executable: &Path, stages: &Path) -> Result<Process, Error> {
        let (label, value) = stages::NODE_LABEL;
        let args = [
            format!("--kubeconfig={}", self.users.kwok.kubeconfig().display()),
            format!("--manage-nodes-with-label-selector={label}={value}"),
            "--cidr=10.200.0.0/16".to_owned(),
            "--node-ip=10.201.0.1".to_owned(),
            format!("--config={}", stages.display()),
        ];
        self.start("kwok", executable, args).await
    }

    async fn start(
        &self,
        name: &str,
        executable: &Path,
        args: impl IntoIterator<Item = String>,
    ) -> Result<Process, Error> {
        let program = Program::new(name, executable, self.directory.join(format!("{name}.log")))
            .args(args)
            // kwok keeps files of its own in the home directory.
            .env("HOME", self.directory)
            .env("KWOK_WORKDIR", self.directory.join("kwok"))
            .detached(self.detached);
        let process = program.start().await.context(RunSnafu)?;
        scratch::note(self.directory, &process).context(FilesSnafu)?;
        Ok(process)
    }
}
