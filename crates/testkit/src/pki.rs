//! The keys of one control plane: a certificate authority, the serving certificate of the API server, and the pair of
//! keys that signs the tokens of ServiceAccounts. Made anew for every control plane; valid for the address of its API
//! server only.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use snafu::{ResultExt, Snafu};

use crate::scratch::{FileError, FileSnafu, write_private};

/// Why the keys could not be made.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The library refused.
    #[snafu(display("the certificates of the API server could not be made: {source}"))]
    Generate {
        /// Why.
        source: rcgen::Error,
    },
    /// A file could not be written.
    #[snafu(display("{source}"))]
    Write {
        /// Why.
        source: FileError,
    },
}

/// The files, all below one directory.
#[derive(Debug)]
pub(crate) struct Pki {
    /// The certificate of the authority.
    pub(crate) ca: PathBuf,
    /// The serving certificate.
    pub(crate) serving_certificate: PathBuf,
    /// Its key.
    pub(crate) serving_key: PathBuf,
    /// The certificate that the API server shows to a kubelet.
    pub(crate) kubelet_client_certificate: PathBuf,
    /// Its key.
    pub(crate) kubelet_client_key: PathBuf,
    /// The private key that signs tokens.
    pub(crate) token_signing_key: PathBuf,
    /// The public key that tokens are checked with.
    pub(crate) token_public_key: PathBuf,
}

impl Pki {
    /// Makes all keys for an API server at `address` and writes them to `directory`.
    pub(crate) fn generate(directory: &Path, address: Ipv4Addr) -> Result<Self, Error> {
        let ca_key = KeyPair::generate().context(GenerateSnafu)?;
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        ca.distinguished_name.push(DnType::CommonName, "milvus-testkit");
        let ca_pem = ca.self_signed(&ca_key).context(GenerateSnafu)?.pem();

        let serving_key = KeyPair::generate().context(GenerateSnafu)?;
        let address = address.to_string();
        let names = [
            &*address,
            "10.96.0.1",
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
        ];
        let mut serving = CertificateParams::new(names.map(str::to_owned)).context(GenerateSnafu)?;
        serving.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        let issuer = Issuer::new(ca, ca_key);
        let serving = serving.signed_by(&serving_key, &issuer).context(GenerateSnafu)?;

        let client_key = KeyPair::generate().context(GenerateSnafu)?;
        let mut client = CertificateParams::default();
        client.distinguished_name.push(DnType::CommonName, "kube-apiserver-kubelet-client");
        client.distinguished_name.push(DnType::OrganizationName, "system:masters");
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client = client.signed_by(&client_key, &issuer).context(GenerateSnafu)?;

        let tokens = KeyPair::generate().context(GenerateSnafu)?;
        let write = |name: &str, content: &str| {
            let path = directory.join(name);
            let written = write_private(&path, content.as_bytes());
            written.context(FileSnafu { path: &path, action: "written" }).context(WriteSnafu).map(|()| path)
        };
        Ok(Self {
            ca: write("ca.crt", &ca_pem)?,
            serving_certificate: write("apiserver.crt", &serving.pem())?,
            serving_key: write("apiserver.key", &serving_key.serialize_pem())?,
            kubelet_client_certificate: write("kubelet-client.crt", &client.pem())?,
            kubelet_client_key: write("kubelet-client.key", &client_key.serialize_pem())?,
            token_signing_key: write("sa.key", &tokens.serialize_pem())?,
            token_public_key: write("sa.pub", &tokens.public_key_pem())?,
        })
    }
}
