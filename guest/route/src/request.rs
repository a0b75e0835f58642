//! What comes in: a request as the proxy saw it, and who made it.

use serde_json::Value;

/// An HTTP request, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `POST`
    pub method: String,
    /// Path and query as in the request line, nothing decoded: `/api/deploys/7?dry=1`.
    pub target: String,
    /// `Host` or `:authority`.
    pub host: Option<String>,
    /// All others as they came, duplicates too.
    pub headers: Vec<(String, String)>,
}

/// Who made the request, as far as the host made sure of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// Claims of a token whose signature, issuer, audience and times the host has checked.
    pub claims: Result<Value, NoClaims>,
    /// Names in the certificate that the client has proved to be its own.
    pub certificate: Certificate,
}

impl Identity {
    /// Nobody.
    pub fn none() -> Self {
        Identity {
            claims: Err(NoClaims::Absent),
            certificate: Certificate::default(),
        }
    }
}

/// Why there are no claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoClaims {
    /// There is no token.
    Absent,
    /// There is one, and this is wrong with it.
    Refused(String),
}

/// Names in a client's certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificate {
    /// URI names; SPIFFE ids are among them.
    pub uris: Vec<String>,
    /// DNS names.
    pub dns: Vec<String>,
    /// Common names of the subject.
    pub common_names: Vec<String>,
}
