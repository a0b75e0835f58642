//! No question comes of this request, and it is not to go ahead.

use thiserror::Error;

/// Why not. Codes are an interface: they are never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Code {
    /// No route has this method, path, host and headers.
    NoRoute,
    /// The request could be read in two ways, or tries to.
    RequestRefused,
    /// The route takes an identity and there is none.
    IdentityMissing,
    /// The identity is not to be believed.
    IdentityRefused,
    /// A part that the route takes is not there.
    ValueMissing,
    /// A part that the route takes is not fit for it.
    ValueRefused,
    /// There is no evidence where the route has it.
    EvidenceMissing,
    /// The evidence is not JSON, or has two values in one place.
    EvidenceRefused,
    /// The evidence could not be fetched or read.
    EvidenceUnavailable,
}

impl Code {
    /// All of them.
    pub const ALL: [Code; 9] = [
        Code::NoRoute,
        Code::RequestRefused,
        Code::IdentityMissing,
        Code::IdentityRefused,
        Code::ValueMissing,
        Code::ValueRefused,
        Code::EvidenceMissing,
        Code::EvidenceRefused,
        Code::EvidenceUnavailable,
    ];

    /// As it is written: `no-route`.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::NoRoute => "no-route",
            Code::RequestRefused => "request-refused",
            Code::IdentityMissing => "identity-missing",
            Code::IdentityRefused => "identity-refused",
            Code::ValueMissing => "value-missing",
            Code::ValueRefused => "value-refused",
            Code::EvidenceMissing => "evidence-missing",
            Code::EvidenceRefused => "evidence-refused",
            Code::EvidenceUnavailable => "evidence-unavailable",
        }
    }

    /// What the developer who gets it can do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Code::NoRoute => "check method and path; what no route names is denied",
            Code::RequestRefused => "send the request in its plain form",
            Code::IdentityMissing => "say who you are: sign in, or send your token",
            Code::IdentityRefused => "get a new token from the issuer and try again",
            Code::ValueMissing => "send what is missing, once",
            Code::ValueRefused => {
                "send a plain value, without control characters or surrounding space"
            }
            Code::EvidenceMissing => {
                "collect the evidence first, and put it where the route has it"
            }
            Code::EvidenceRefused => "send the evidence as one JSON document, each key once",
            Code::EvidenceUnavailable => {
                "try again; if it goes on, the operator of the evidence has to act"
            }
        }
    }

    /// The HTTP status of the answer: 401 where an identity would help, else 403.
    pub fn status(self) -> u16 {
        match self {
            Code::IdentityMissing | Code::IdentityRefused => 401,
            _ => 403,
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The request is denied before any pack was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Denial {
    /// Why, for programs.
    pub code: Code,
    /// Why, for people.
    pub message: String,
    /// The route that it came as far as.
    pub route: Option<String>,
}

impl Denial {
    /// A denial that belongs to no route yet.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Denial {
            code,
            message: message.into(),
            route: None,
        }
    }

    /// It came as far as this route.
    #[must_use]
    pub fn at(self, route: &str) -> Self {
        Denial {
            route: Some(route.to_owned()),
            ..self
        }
    }
}
