//! Evidence, from where a route has it: the request, a folder, or a server on the operator's network.
//!
//! What is not there, too large, late or no JSON is a denial. Nothing that a client sends can lead out of the folder or
//! to another host.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode, redirect};
use rustix::fs::{Mode, OFlags};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use sod_host::RawValue;
use sod_route::{Code, Denial, EvidenceFrom, whole};
use tokio::sync::Semaphore;

use super::Arrived;
use super::settings::contradiction;
use crate::config::{Config, ConfigError};

/// Finds evidence.
#[derive(Debug)]
pub(super) struct Finder {
    /// Where relative paths begin.
    folder: PathBuf,
    client: Client,
    places: Semaphore,
    most_bytes: usize,
    timeout: Duration,
}

impl Finder {
    pub(super) fn open(config: &Config) -> Result<Self, ConfigError> {
        let settings = &config.gate;
        let roots = match &settings.evidence_ca {
            Some(path) => roots(&config.path(path))?,
            None => RootCertStore::empty(),
        };
        let timeout = Duration::from_millis(settings.evidence_timeout_ms);
        let client = client(roots, timeout).map_err(|problem| {
            contradiction("gate.evidence_ca", problem, "check the certificates in it")
        })?;
        Ok(Finder {
            folder: config.folder.clone(),
            client,
            places: Semaphore::new(settings.evidence_fetches.min(Semaphore::MAX_PERMITS)),
            most_bytes: settings.evidence_bytes,
            timeout,
        })
    }

    pub(super) async fn find(
        &self,
        from: &EvidenceFrom,
        arrived: &Arrived,
    ) -> Result<Option<Box<RawValue>>, Denial> {
        let found = match from {
            EvidenceFrom::Nothing => return Ok(None),
            EvidenceFrom::Here(evidence) => {
                self.fits(evidence.get().len())?;
                evidence.clone()
            }
            EvidenceFrom::Body(pointer) => {
                self.fits(arrived.body.len())?;
                complete(arrived)?;
                pointer.select(&arrived.body)?
            }
            EvidenceFrom::File { directory, name } => {
                whole(&self.file(self.folder.join(directory), name.clone()).await?)?
            }
            EvidenceFrom::Url(url) => whole(&self.fetch(url).await?)?,
            _ => return Err(unavailable("the route has it in a place that is not known")),
        };
        Ok(Some(found))
    }

    fn fits(&self, bytes: usize) -> Result<(), Denial> {
        if bytes <= self.most_bytes {
            return Ok(());
        }
        let problem = format!("the evidence is larger than {} bytes", self.most_bytes);
        Err(Denial::new(Code::EvidenceRefused, problem))
    }

    async fn file(&self, directory: PathBuf, name: String) -> Result<Vec<u8>, Denial> {
        let most = self.most_bytes;
        let reading = tokio::task::spawn_blocking(move || read(&directory, &name, most));
        let read = reading
            .await
            .map_err(|_| unavailable("reading it broke off"))?;
        let bytes = read?;
        self.fits(bytes.len())?;
        Ok(bytes)
    }

    async fn fetch(&self, url: &str) -> Result<Vec<u8>, Denial> {
        let fetching = async {
            let place = self.places.acquire().await;
            let _place = place.map_err(|_| unavailable("the server is stopping"))?;
            self.get(url).await
        };
        let fetched = tokio::time::timeout(self.timeout, fetching).await;
        fetched.map_err(|_| unavailable("its server has not answered in time"))?
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, Denial> {
        // What it says of addresses and certificates is for the operator, not for who asks.
        let broken = |error: reqwest::Error| {
            tracing::warn!(target: "sod::gate", url, error = &error as &dyn std::error::Error, "no evidence");
            unavailable("its server cannot be asked")
        };
        let mut response = self.client.get(url).send().await.map_err(broken)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => {
                return Err(Denial::new(
                    Code::EvidenceMissing,
                    "its server has no such evidence",
                ));
            }
            status => {
                tracing::warn!(target: "sod::gate", url, status = status.as_u16(), "no evidence");
                return Err(unavailable("its server gives none"));
            }
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            self.fits(bytes.len().saturating_add(chunk.len()))?;
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

fn unavailable(problem: &str) -> Denial {
    Denial::new(
        Code::EvidenceUnavailable,
        format!("the evidence: {problem}"),
    )
}

/// Envoy can be told to send the beginning of a body only.
fn complete(arrived: &Arrived) -> Result<(), Denial> {
    let mut headers = arrived.request.headers.iter();
    let partial = headers.any(|(name, value)| {
        name.eq_ignore_ascii_case("x-envoy-auth-partial-body") && value != "false"
    });
    if partial {
        let problem = "the proxy has sent the beginning of the body only";
        return Err(Denial::new(Code::EvidenceRefused, problem));
    }
    Ok(())
}

/// The file of that name, if it is one and is in the folder, whatever links lead to it.
fn read(directory: &Path, name: &str, most: usize) -> Result<Vec<u8>, Denial> {
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Denial::new(
            Code::EvidenceMissing,
            format!("there is no evidence `{name}`"),
        ),
        _ => {
            let directory = directory.display();
            tracing::warn!(target: "sod::gate", %directory, name, %error, "no evidence");
            unavailable("it cannot be read")
        }
    };
    let directory = directory
        .canonicalize()
        .map_err(|_| unavailable("its folder cannot be read"))?;
    let path = directory.join(name).canonicalize().map_err(unreadable)?;
    if !path.starts_with(&directory) {
        return Err(unavailable("its name leads out of the folder"));
    }
    // Without waiting, or a pipe would hold it for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(&path, flags, Mode::empty());
    let file = File::from(file.map_err(|error| unreadable(error.into()))?);
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(unavailable("it is no file"));
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}

fn roots(path: &Path) -> Result<RootCertStore, ConfigError> {
    let wrong = |problem: String| {
        let problem = format!("`{}`: {problem}", path.display());
        contradiction(
            "gate.evidence_ca",
            problem,
            "name a file of certificates in PEM",
        )
    };
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("it has no certificate".to_owned()));
    }
    Ok(roots)
}

/// No proxy of the environment, no redirect, no certificates but the operator's.
fn client(roots: RootCertStore, timeout: Duration) -> Result<Client, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(timeout)
        .build()
        .map_err(|error| error.to_string())
}
