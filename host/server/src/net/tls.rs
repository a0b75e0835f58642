//! TLS, and the name in a client's certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::Deserialize;
use tokio_rustls::TlsAcceptor;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::config::{Config, ConfigError};

/// `[server.tls]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// The server's certificate and those between it and its root, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Roots of clients' certificates, PEM. With it, a client without a certificate is not let in.
    pub client_ca: Option<PathBuf>,
}

impl Settings {
    /// Files whose change is a reason to read them again.
    pub(super) fn files(&self, config: &Config) -> Vec<PathBuf> {
        let files = [
            Some(&self.certificate),
            Some(&self.key),
            self.client_ca.as_ref(),
        ];
        files
            .into_iter()
            .flatten()
            .map(|path| config.path(path))
            .collect()
    }
}

/// What new connections are encrypted with. It changes when the files do; open connections keep what they have.
#[derive(Debug)]
pub(super) struct Tls(ArcSwap<ServerConfig>);

impl Tls {
    pub(super) fn new(settings: &Settings, config: &Config) -> Result<Self, ConfigError> {
        Ok(Tls(ArcSwap::from(read(settings, config)?)))
    }

    /// # Errors
    /// Files that do not fit together; what there was stays.
    pub(super) fn reload(&self, settings: &Settings, config: &Config) -> Result<(), ConfigError> {
        self.0.store(read(settings, config)?);
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.load_full())
    }
}

fn read(settings: &Settings, config: &Config) -> Result<Arc<ServerConfig>, ConfigError> {
    let chain = certificates(
        "server.tls.certificate",
        &config.path(&settings.certificate),
    )?;
    let path = config.path(&settings.key);
    let key = PrivateKeyDer::from_pem_file(&path)
        .map_err(|error| unusable("server.tls.key", &path, &error))?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable("server.tls", &path, &error))?;
    let builder = match &settings.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let path = config.path(file);
            let unusable =
                |error: &dyn std::error::Error| unusable("server.tls.client_ca", &path, error);
            let mut roots = RootCertStore::empty();
            for root in certificates("server.tls.client_ca", &path)? {
                roots.add(root).map_err(|error| unusable(&error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| unusable(&error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut tls = builder
        .with_single_cert(chain, key)
        .map_err(|error| unusable("server.tls.key", &path, &error))?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(tls))
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| unusable(key, path, &error))?
        .collect();
    let certificates = certificates.map_err(|error| unusable(key, path, &error))?;
    if certificates.is_empty() {
        let problem = format!("there is no certificate in `{}`", path.display());
        return Err(ConfigError::contradiction(key, problem, "a file in PEM"));
    }
    Ok(certificates)
}

fn unusable(key: &str, path: &Path, error: &dyn std::error::Error) -> ConfigError {
    let problem = format!("`{}`: {error}", path.display());
    let help = "certificates and keys are in PEM, and the key is the certificate's";
    ConfigError::contradiction(key, problem, help)
}

/// Whose certificate it is: its SPIFFE id, or its first DNS name, or its common name.
///
/// The verifier has found the certificate good; here it is only read.
pub(super) fn name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.map_or(&[][..], |names| &names.value.general_names);
    let spiffe = names.iter().find_map(|name| match name {
        GeneralName::URI(uri) if uri.starts_with("spiffe://") => Some(*uri),
        _ => None,
    });
    let dns = || {
        names.iter().find_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        })
    };
    let common = || {
        let name = certificate.subject().iter_common_name().next();
        name.and_then(|name| name.as_str().ok())
    };
    spiffe.or_else(dns).or_else(common).map(str::to_owned)
}
