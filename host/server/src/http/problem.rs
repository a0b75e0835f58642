//! One body for every error: problem details (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use miette::Diagnostic as _;
use schemars::JsonSchema;
use serde::Serialize;

use crate::service::Refusal;

/// What `type` begins with; what follows is the code that docs/api.md lists.
const TYPE: &str = "urn:sod:problem:";

/// Seconds until it makes sense to ask again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Why there is no answer. It is no decision, and no permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// `urn:sod:problem:` and a code.
    #[serde(rename = "type")]
    type_uri: String,
    /// The same for all problems of the type.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong this time.
    detail: String,
    /// The path that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    /// Where in the JSON that was sent: `evaluations[1].resource`.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Line in what was sent, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Column in that line, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

impl Problem {
    /// A problem of a type.
    pub(crate) fn new(status: StatusCode, code: &str, title: &str, detail: String) -> Self {
        Problem {
            type_uri: format!("{TYPE}{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail,
            instance: None,
            help: None,
            path: None,
            line: None,
            column: None,
        }
    }

    /// The request cannot be understood.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        let title = "the request is malformed";
        Problem::new(StatusCode::BAD_REQUEST, "malformed", title, detail.into())
    }

    /// What to do about it.
    pub(crate) fn with_help(self, help: impl Into<String>) -> Self {
        let help = Some(help.into());
        Problem { help, ..self }
    }

    /// Where in the JSON; a place within it that is known already comes after.
    pub(crate) fn at(self, path: &str) -> Self {
        let path = match self.path.as_deref() {
            None => path.to_owned(),
            Some(within) if within.starts_with('[') => format!("{path}{within}"),
            Some(within) => format!("{path}.{within}"),
        };
        let path = Some(path).filter(|path| !path.is_empty());
        Problem { path, ..self }
    }

    /// Where in the text. Line 0 is no place.
    pub(crate) fn on(self, line: usize, column: usize) -> Self {
        let (line, column) = match line {
            0 => (None, None),
            line => (Some(line), Some(column)),
        };
        Problem {
            line,
            column,
            ..self
        }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// What is wrong this time, with its place in the JSON.
    pub(crate) fn message(&self) -> String {
        match &self.path {
            Some(path) => format!("`{path}`: {}", self.detail),
            None => self.detail.clone(),
        }
    }

    /// Nothing is there.
    pub(super) fn not_found() -> Self {
        let detail = "nothing is served under this path".to_owned();
        Problem::new(StatusCode::NOT_FOUND, "not-found", "Not Found", detail)
            .with_help("`/openapi.json` has every path")
    }

    /// Something is there, for another method.
    pub(super) fn method_not_allowed() -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        let detail = "this path is not served for this method".to_owned();
        Problem::new(status, "method-not-allowed", "Method Not Allowed", detail)
            .with_help("the header `Allow` has the methods of this path")
    }

    fn body(&self) -> Vec<u8> {
        // Strings and numbers only: there is nothing in it that could not be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code().map(|code| code.to_string());
        let help = refusal.help().map(|help| help.to_string());
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let title = "there is no decision";
        let code = code.as_deref().unwrap_or("refused");
        let problem = Problem::new(status, code, title, refusal.to_string());
        Problem { help, ..problem }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(self.body().into());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// An answer that is a problem, as one of the path that was asked. Headers stay.
pub(crate) fn complete(mut response: Response, path: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let problem = Problem {
        instance: Some(path.to_owned()),
        ..problem
    };
    let mut completed = problem.into_response();
    for (name, value) in response.headers() {
        let of_the_body = [header::CONTENT_TYPE, header::CONTENT_LENGTH];
        if !of_the_body.contains(name) {
            completed.headers_mut().insert(name.clone(), value.clone());
        }
    }
    completed
}

#[cfg(test)]
mod tests {
    //! A refusal is no decision, and says when to ask again.

    use super::*;

    #[test]
    fn a_refusal_is_503_and_says_when_to_ask_again() {
        let problem = "no space left".to_owned();
        for (refusal, code) in [
            (Refusal::Busy, "busy"),
            (Refusal::Unrecorded { problem }, "unrecorded"),
            (Refusal::BrokenOff, "broken-off"),
        ] {
            let problem = Problem::from(refusal);
            assert_eq!(problem.type_uri, format!("{TYPE}{code}"));
            assert!(problem.help.is_some());
            let response = complete(problem.into_response(), "/v1/decide");
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(
                response.headers().get(header::RETRY_AFTER),
                Some(&RETRY_AFTER)
            );
        }
    }

    #[test]
    fn a_place_within_a_place() {
        let at = |within: &str, outer: &str| Problem::malformed("").at(within).at(outer).path;
        assert_eq!(
            at("subject.id", "evaluations[2]").as_deref(),
            Some("evaluations[2].subject.id")
        );
        assert_eq!(
            at("[1].uid", "entities").as_deref(),
            Some("entities[1].uid")
        );
        assert_eq!(at("", "evaluations[2]").as_deref(), Some("evaluations[2]"));
        assert_eq!(at("", ""), None);
    }
}
