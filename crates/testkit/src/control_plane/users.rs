//! Who may log in to a control plane by a fixed token: the administrator, and each component under the name that it
//! has in a real cluster, so that the audit log tells them apart. All are in `system:masters`.

use std::{
    fs::File,
    io::Read as _,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext};
use snafu::ResultExt;

use super::{EnterSnafu, Error};
use crate::{access::Access, ports::Port, scratch::FileSnafu, server::FilesSnafu};

const ADMIN: &str = "admin";
const COMPONENTS: [&str; 6] = [
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "kwok",
    // Of a node that runs containers.
    "system:node:real-0",
    "system:kube-proxy",
    "coredns",
];

/// The users of one control plane.
pub(super) struct Users {
    pub(super) admin: Access,
    pub(super) controllers: Access,
    pub(super) scheduler: Access,
    pub(super) kwok: Access,
    pub(super) kubelet: Access,
    pub(super) kube_proxy: Access,
    pub(super) coredns: Access,
    /// The file for `--token-auth-file`.
    pub(super) tokens: PathBuf,
}

impl Users {
    /// Makes a token and a kubeconfig for each; `address` is where the API server is, `ca` the certificate file that it
    /// is known by.
    pub(super) async fn create(
        directory: &Path,
        (address, port): (Ipv4Addr, &Port),
        ca: &Path,
    ) -> Result<Self, Error> {
        let admin_token = token()?;
        let line = |name: &str, token: &str| format!("{token},{name},{name},\"system:masters\"\n");
        let mut lines = line(ADMIN, &admin_token);
        let home = directory.join("home");
        let admin =
            Access::new(kubeconfig((address, port), ca, &admin_token), &home).await.context(EnterSnafu)?;
        let mut accesses = Vec::new();
        for name in COMPONENTS {
            let token = token()?;
            lines.push_str(&line(name, &token));
            accesses.push(admin.with_token(name, &token).await.context(EnterSnafu)?);
        }
        let tokens = super::write(directory, "tokens.csv", lines.as_bytes())?;
        let mut next = accesses.into_iter();
        let mut component = || next.next().unwrap_or_else(|| admin.clone());
        Ok(Self {
            controllers: component(),
            scheduler: component(),
            kwok: component(),
            kubelet: component(),
            kube_proxy: component(),
            coredns: component(),
            admin,
            tokens,
        })
    }
}

fn kubeconfig((address, port): (Ipv4Addr, &Port), ca: &Path, token: &str) -> Kubeconfig {
    let name = "milvus-testkit".to_owned();
    let cluster = Cluster {
        server: Some(format!("https://{address}:{}", port.number())),
        certificate_authority: Some(ca.display().to_string()),
        ..Cluster::default()
    };
    let context = Context { cluster: name.clone(), user: Some(ADMIN.to_owned()), ..Context::default() };
    let auth_info = AuthInfo { token: Some(token.to_owned().into()), ..AuthInfo::default() };
    Kubeconfig {
        api_version: Some("v1".to_owned()),
        kind: Some("Config".to_owned()),
        clusters: vec![NamedCluster {
            name: name.clone(),
            cluster: Some(cluster),
            ..NamedCluster::default()
        }],
        contexts: vec![NamedContext {
            name: name.clone(),
            context: Some(context),
            ..NamedContext::default()
        }],
        auth_infos: vec![NamedAuthInfo {
            name: ADMIN.to_owned(),
            auth_info: Some(auth_info),
            ..NamedAuthInfo::default()
        }],
        current_context: Some(name),
        ..Kubeconfig::default()
    }
}

/// 128 bits from the system's generator, as hexadecimal digits.
fn token() -> Result<String, Error> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 16];
    File::open(path)
        .and_then(|mut random| random.read_exact(&mut bytes))
        .context(FileSnafu { path, action: "read" })
        .context(FilesSnafu)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
