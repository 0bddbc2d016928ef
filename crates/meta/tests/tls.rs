//! etcd with TLS and client certificates.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]
#![cfg(feature = "cli")]

mod common;

use std::path::Path;

use common::instance::{Ended, ended};
use milvus_plan::migration::Outcome;
use milvus_testkit::{
    ports::Port,
    tools::{self, Tool},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::process::{Child, Command};

/// A certificate authority, a certificate signed by it for 127.0.0.1, and its key, as files.
fn certificates(folder: &Path, name: &str) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    std::fs::write(folder.join(format!("{name}-ca.pem")), authority.pem()).unwrap();
    std::fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
    std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

async fn etcd(folder: &Path, client: &Port, peer: &Port) -> Child {
    let file = |name: &str| folder.join(name).display().to_string();
    let url = format!("https://{}", client.address());
    Command::new(tools::path(Tool::Etcd).await.unwrap())
        .args(["--unsafe-no-fsync", "--log-level=error", "--client-cert-auth"])
        .args([format!("--data-dir={}", file("data")), format!("--trusted-ca-file={}", file("good-ca.pem"))])
        .args([format!("--cert-file={}", file("good.pem")), format!("--key-file={}", file("good.key"))])
        .args([format!("--listen-client-urls={url}"), format!("--advertise-client-urls={url}")])
        .args([
            format!("--listen-peer-urls={}", peer.http()),
            format!("--initial-advertise-peer-urls={}", peer.http()),
        ])
        .args([format!("--initial-cluster=default={}", peer.http())])
        .args(["--listen-metrics-urls", "http://127.0.0.1:0"])
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn call(folder: &Path, verb: &str, endpoint: &str, ssl: &str) -> Ended {
    let yaml = format!(
        "config: {{backupFilePath: {}}}\netcd:\n  endpoints: [\"{endpoint}\"]\n  ssl: {ssl}\n",
        folder.join("b").display()
    );
    let path = folder.join("c.yaml");
    std::fs::write(&path, yaml).unwrap();
    let mut command = Command::new(common::instance::binary());
    command.args([verb, "-o", "json", "--patience", "10", "--config"]).arg(path);
    ended(command).await
}

#[tokio::test]
async fn with_certificates() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path(), "good");
    certificates(folder.path(), "evil");
    let (client, peer) = (Port::free().unwrap(), Port::free().unwrap());
    let _etcd = etcd(folder.path(), &client, &peer).await;
    let file = |name: &str| folder.path().join(name).display().to_string();
    let ssl = |ca: &str, pair: &str| {
        format!(
            "{{enabled: true, tlsCACert: {}, tlsCert: {}, tlsKey: {}, tlsMinVersion: 1.3}}",
            file(ca),
            file(&format!("{pair}.pem")),
            file(&format!("{pair}.key"))
        )
    };
    let address = client.address();
    // It has no metadata; that it says so means that it was asked.
    let good = call(folder.path(), "inspect", &address, &ssl("good-ca.pem", "good")).await;
    good.expect(Outcome::NothingThere);
    let stranger = call(folder.path(), "inspect", &address, &ssl("evil-ca.pem", "good")).await;
    let report = stranger.expect(Outcome::Denied);
    assert!(report.message.contains("certificate"), "{}", report.message);
    let refused = call(folder.path(), "inspect", &address, &ssl("good-ca.pem", "evil")).await;
    // With TLS 1.3 the server refuses after the handshake, and how that looks depends on who is faster.
    let report = refused.report();
    assert!([Outcome::Denied, Outcome::Unreachable].contains(&report.outcome), "{report:?}");
    assert!(report.message.contains("certificate"), "{}", report.message);
    let half =
        format!("{{enabled: true, tlsCACert: {}, tlsCert: {}}}", file("good-ca.pem"), file("good.pem"));
    call(folder.path(), "inspect", &address, &half).await.expect(Outcome::BadRequest);
    let none = call(folder.path(), "inspect", &address, "{enabled: true}").await;
    assert!(none.expect(Outcome::BadRequest).message.contains("tlsCACert"));
}
