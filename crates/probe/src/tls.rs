//! What is needed to talk TLS to a dependency, and the rustls configuration made of it. Always ring.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::secret::Secret;

/// Which server certificates are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Trust {
    /// Those of the CAs that this system trusts.
    #[default]
    System,
    /// Those signed by the CAs in this PEM text.
    Ca(String),
    /// Any: the user said so (`insecureSkipVerify` and the like).
    Anything,
}

/// A certificate that we show to the server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientCertificate {
    /// The certificate chain, PEM.
    pub certificate_pem: String,
    /// Its private key, PEM.
    pub key_pem: Secret,
}

/// TLS towards a dependency.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tls {
    /// Which server certificates are accepted.
    pub trust: Trust,
    /// The certificate that we show, if the server asks for one.
    pub client: Option<ClientCertificate>,
}

/// A configuration for a client that is told no `https` address: it trusts nobody, and costs no look at the
/// system's CAs.
pub(crate) fn unused() -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

impl Tls {
    /// The rustls configuration. The error is what to tell the user.
    pub(crate) fn client_config(&self) -> Result<ClientConfig, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?;
        let builder = match &self.trust {
            Trust::Anything => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAnything(provider)))
            }
            Trust::System => builder.with_webpki_verifier(verifier(system_roots()?, provider)?),
            Trust::Ca(pem) => builder.with_webpki_verifier(verifier(roots_of(pem)?, provider)?),
        };
        match &self.client {
            None => Ok(builder.with_no_client_auth()),
            Some(client) => {
                let chain = CertificateDer::pem_slice_iter(client.certificate_pem.as_bytes())
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|e| format!("the client certificate cannot be read: {e}"))?;
                let key = PrivateKeyDer::from_pem_slice(client.key_pem.expose().as_bytes())
                    .map_err(|_| "the client key cannot be read: it must be a PEM private key".to_owned())?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|e| format!("the client certificate cannot be used: {e}"))
            }
        }
    }
}

fn verifier(
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(|e| e.to_string())
}

fn system_roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _ignored) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err("no CA certificates are installed where the operator runs".into());
    }
    Ok(roots)
}

fn roots_of(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|e| format!("Failed to load CA certificate: {e}"))?;
        roots.add(certificate).map_err(|e| format!("Failed to load CA certificate: {e}"))?;
    }
    if roots.is_empty() {
        return Err("Failed to load CA certificate: it holds no PEM certificate".into());
    }
    Ok(roots)
}

/// Accepts every server certificate; signatures are still checked, so that a broken handshake is seen.
#[derive(Debug)]
struct AcceptAnything(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnything {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
