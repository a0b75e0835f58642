//! One decision, as it is kept.

use serde::{Deserialize, Serialize};
use sod_host::{Digest, Effect, Request, Verdict};
use uuid::Uuid;

use crate::packs::OpenPack;

/// Through which door a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Api {
    /// `POST /v1/decide`
    Native,
    /// `POST /access/v1/evaluation` and `/evaluations`
    Authzen,
    /// `POST /access/v1/search/...`
    Search,
    /// Envoy's external authorization over gRPC.
    ExtAuthz,
    /// A proxy's subrequest over HTTP.
    ForwardAuth,
}

/// Which component decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PackId {
    /// `NAME` of `[pack.NAME]`.
    pub served_as: String,
    /// Name of the pack.
    pub name: String,
    /// Version of the pack.
    pub version: String,
    /// Digest of the component.
    pub digest: Digest,
}

impl PackId {
    pub(crate) fn of(pack: &OpenPack) -> Self {
        let description = pack.policy.describe();
        PackId {
            served_as: pack.name.clone(),
            name: description.name.clone(),
            version: description.version.clone(),
            digest: *pack.policy.digest(),
        }
    }
}

/// One decision, complete enough to be made again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Record {
    /// UUID version 7 (RFC 9562), also in the answer.
    pub id: Uuid,
    /// Milliseconds since the Unix epoch, when the decision was made.
    pub time: i64,
    /// Trace id of W3C Trace Context, 32 hex digits.
    pub trace_id: Option<String>,
    /// `X-Request-ID` as it came.
    pub request_id: Option<String>,
    /// Through which door.
    pub api: Api,
    /// Who asked, if they had to say so: the name of a token, or a certificate's.
    pub client: Option<String>,
    /// What decided.
    pub pack: PackId,
    /// What was asked.
    pub request: Request,
    /// What was answered.
    pub verdict: Verdict,
    /// What the caller was told to do: in shadow mode that is to go ahead, whatever the verdict.
    pub enforced: Effect,
    /// Microseconds that the decision took, waiting not counted.
    pub latency_us: u64,
}
