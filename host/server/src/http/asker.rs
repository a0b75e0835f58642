//! What a request says beside its body: which pack, who asks, in which trace.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use sod_host::Digest;

use super::problem::Problem;
use super::{App, Client};
use crate::packs::OpenPack;
use crate::record::Api;
use crate::service::Origin;

/// Names a request; the answer has it, too.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The pack that is to answer: the one of the path, or the default.
pub(super) struct Chosen(pub(super) Arc<OpenPack>);

impl FromRequestParts<App> for Chosen {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, app).await;
        let params = params.map_err(|_| Problem::malformed("the path is not UTF-8"))?;
        let named = params.iter().find(|(key, _)| *key == "pack");
        app.pack(named.map(|(_, name)| name)).map(Chosen)
    }
}

impl App {
    /// The pack of that name or digest; of no name, the default.
    fn pack(&self, named: Option<&str>) -> Result<Arc<OpenPack>, Problem> {
        let packs = self.service.packs();
        let Some(name) = named else {
            return packs.get(self.settings.default.as_deref()).ok_or_else(|| {
                no_such_pack("no pack is the default one")
                    .with_help("ask under `/packs/NAME/`, or have the operator set `api.default`")
            });
        };
        if let Ok(digest) = name.parse::<Digest>() {
            let mut found = packs.all().into_iter();
            let mut found = found
                .by_ref()
                .filter(|pack| *pack.policy.digest() == digest);
            // Which one answers must not be chance: they may be configured differently.
            return found
                .next()
                .filter(|_| found.next().is_none())
                .ok_or_else(|| {
                    no_such_pack("not exactly one pack with this digest is served")
                        .with_help("`/v1/packs` has what is served now")
                });
        }
        packs.get(Some(name)).ok_or_else(|| {
            no_such_pack("no pack of this name is served")
                .with_help("`/v1/packs` has what is served now")
        })
    }
}

fn no_such_pack(detail: &str) -> Problem {
    let title = "there is no such pack";
    Problem::new(
        StatusCode::NOT_FOUND,
        "no-such-pack",
        title,
        detail.to_owned(),
    )
}

/// Who asks.
pub(super) struct Asker {
    trace_id: Option<String>,
    request_id: Option<String>,
    client: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let request_id = parts.headers.get(REQUEST_ID);
        let client = parts.extensions.get::<Client>();
        Ok(Asker {
            trace_id: trace_id(&parts.headers),
            request_id: request_id.map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned()),
            client: client.and_then(|Client(name)| name.clone()),
        })
    }
}

impl Asker {
    /// The same, for the record.
    pub(super) fn through(&self, api: Api) -> Origin {
        Origin {
            api,
            trace_id: self.trace_id.clone(),
            request_id: self.request_id.clone(),
            client: self.client.clone(),
        }
    }
}

/// The trace id of `traceparent` (W3C Trace Context), if there is a valid one.
pub(super) fn trace_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    let mut fields = text.split('-');
    let (version, trace, parent, flags) = (
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    );
    let hex = |text: &str, length: usize| {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        text.len() == length && text.bytes().all(digit)
    };
    let not_zero = |text: &str| text.bytes().any(|byte| byte != b'0');
    // A later version may have more fields, version 00 has none.
    let version_is_known =
        hex(version, 2) && version != "ff" && (version != "00" || fields.next().is_none());
    let valid = version_is_known
        && hex(trace, 32)
        && not_zero(trace)
        && hex(parent, 16)
        && not_zero(parent)
        && hex(flags, 2);
    valid.then(|| trace.to_owned())
}

#[cfg(test)]
mod tests {
    //! Which trace a request is of.

    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_valid_traceparent_names_a_trace() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        for (text, valid) in [
            (format!("00-{trace}-b7ad6b7169203331-01"), true),
            (format!("cc-{trace}-b7ad6b7169203331-01-more"), true),
            (format!("00-{trace}-b7ad6b7169203331-01-more"), false),
            (format!("ff-{trace}-b7ad6b7169203331-01"), false),
            (format!("00-{trace}-0000000000000000-01"), false),
            (format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)), false),
            (
                format!("00-{}-b7ad6b7169203331-01", trace.to_uppercase()),
                false,
            ),
            (format!("00-{trace}-b7ad6b7169203331"), false),
            (trace.to_owned(), false),
            (String::new(), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(TRACEPARENT, value);
            }
            let expected = valid.then(|| trace.to_owned());
            assert_eq!(trace_id(&headers), expected, "{text}");
        }
    }
}
