//! Who made a request: what a token says that a known key has signed, and what a certificate says.

mod certificate;
mod jwt;

use serde::Deserialize;
use sod_route::{Certificate, HttpRequest, Identity, NoClaims};

use self::jwt::Tokens;
use crate::config::{Config, ConfigError};

/// `[identity]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// `[identity.jwt]`: whose tokens are believed.
    pub jwt: Option<jwt::Settings>,
    /// The proxy overwrites `x-forwarded-client-cert` always, so that no client can set it.
    pub x_forwarded_client_cert_is_set_by_a_trusted_proxy: bool,
}

/// Finds out who made a request.
#[derive(Debug)]
pub(super) struct Identities {
    tokens: Option<Tokens>,
    forwarded_certificate: bool,
}

impl Identities {
    pub(super) fn open(config: &Config) -> Result<Self, ConfigError> {
        let settings = &config.identity;
        let tokens = settings.jwt.as_ref();
        Ok(Identities {
            tokens: tokens.map(|jwt| Tokens::open(jwt, config)).transpose()?,
            forwarded_certificate: settings.x_forwarded_client_cert_is_set_by_a_trusted_proxy,
        })
    }

    pub(super) fn read_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    /// Who made it, by a certificate that the proxy names and by a token that is valid at `now`, in milliseconds.
    pub(super) fn of(&self, request: &HttpRequest, peer: Option<&str>, now: i64) -> Identity {
        let claims = match &self.tokens {
            Some(tokens) => tokens.claims(request, now),
            None => Err(NoClaims::Absent),
        };
        Identity {
            claims,
            certificate: self.certificate(request, peer),
        }
    }

    fn certificate(&self, request: &HttpRequest, peer: Option<&str>) -> Certificate {
        let forwarded = self
            .forwarded_certificate
            .then(|| certificate::forwarded(&request.headers));
        match (forwarded, peer) {
            (Some(certificate), _) => certificate,
            (None, Some(name)) => certificate::of_peer(name),
            (None, None) => Certificate::default(),
        }
    }
}
