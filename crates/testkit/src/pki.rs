//! Keys for tests, made anew for each and valid for 127.0.0.1 only: an [`Authority`] with certificates of servers and clients, and
//! the keys of a control plane (that of the API server, and the pair that signs the tokens of ServiceAccounts).

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
    #[snafu(display("a certificate could not be made: {source}"))]
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

/// A certificate and its private key, both PEM.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The certificate, without that of its authority.
    pub certificate: String,
    /// The key, PKCS #8.
    pub key: String,
}

/// A certificate authority.
#[derive(Debug)]
pub struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// One of its own, called `name`.
    pub fn new(name: &str) -> Result<Self, Error> {
        let key = KeyPair::generate().context(GenerateSnafu)?;
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        ca.distinguished_name.push(DnType::CommonName, name);
        let certificate = ca.self_signed(&key).context(GenerateSnafu)?.pem();
        Ok(Self { certificate, issuer: Issuer::new(ca, key) })
    }

    /// Its own certificate, PEM: what others trust.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// For a server on 127.0.0.1, that may also be a client: etcd is one of its own port.
    pub fn server(&self) -> Result<Pair, Error> {
        use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
        self.sign("server", &["127.0.0.1", "localhost"], vec![ServerAuth, ClientAuth])
    }

    /// For a client.
    pub fn client(&self, name: &str) -> Result<Pair, Error> {
        self.sign(name, &[], vec![ExtendedKeyUsagePurpose::ClientAuth])
    }

    fn sign(&self, name: &str, names: &[&str], usages: Vec<ExtendedKeyUsagePurpose>) -> Result<Pair, Error> {
        let key = KeyPair::generate().context(GenerateSnafu)?;
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).context(GenerateSnafu)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = usages;
        let certificate = params.signed_by(&key, &self.issuer).context(GenerateSnafu)?.pem();
        Ok(Pair { certificate, key: key.serialize_pem() })
    }
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
        let authority = Authority::new("milvus-testkit")?;
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
        let serving = serving.signed_by(&serving_key, &authority.issuer).context(GenerateSnafu)?;

        let client_key = KeyPair::generate().context(GenerateSnafu)?;
        let mut client = CertificateParams::default();
        client.distinguished_name.push(DnType::CommonName, "kube-apiserver-kubelet-client");
        client.distinguished_name.push(DnType::OrganizationName, "system:masters");
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client = client.signed_by(&client_key, &authority.issuer).context(GenerateSnafu)?;

        let tokens = KeyPair::generate().context(GenerateSnafu)?;
        let write = |name: &str, content: &str| {
            let path = directory.join(name);
            let written = write_private(&path, content.as_bytes());
            written.context(FileSnafu { path: &path, action: "written" }).context(WriteSnafu).map(|()| path)
        };
        Ok(Self {
            ca: write("ca.crt", authority.certificate())?,
            serving_certificate: write("apiserver.crt", &serving.pem())?,
            serving_key: write("apiserver.key", &serving_key.serialize_pem())?,
            kubelet_client_certificate: write("kubelet-client.crt", &client.pem())?,
            kubelet_client_key: write("kubelet-client.key", &client_key.serialize_pem())?,
            token_signing_key: write("sa.key", &tokens.serialize_pem())?,
            token_public_key: write("sa.pub", &tokens.public_key_pem())?,
        })
    }
}
