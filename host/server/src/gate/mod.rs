//! What a proxy's request means: who wants to do what to what, and where the evidence is.

mod forward;
mod grpc;

use serde::Deserialize;

/// `[[route]]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {}

pub(crate) use forward::router as forward_auth;
pub(crate) use grpc::routes as ext_authz;
