//! Envoy's external authorization, version 3, over gRPC.

use std::collections::BTreeMap;

use envoy_types::ext_authz::v3::pb::{
    Authorization, AuthorizationServer, CheckRequest, CheckResponse, HeaderAppendAction,
    HttpStatusCode,
};
use envoy_types::ext_authz::v3::{
    CheckResponseExt as _, DeniedHttpResponseBuilder, OkHttpResponseBuilder,
};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest as Http, Peer};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{ListValue, Struct, Value};
use sod_route::{Code, Denial, HttpRequest};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use super::answer::{Answer, Go, Stop, Told};
use super::{Arrived, Gate};
use crate::http::Client;
use crate::record::Api;

/// The gRPC services.
pub(super) fn routes(gate: &Gate) -> Routes {
    Routes::new(AuthorizationServer::new(ExtAuthz { gate: gate.clone() }))
}

#[derive(Debug)]
pub(super) struct ExtAuthz {
    pub(super) gate: Gate,
}

#[tonic::async_trait]
impl Authorization for ExtAuthz {
    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        let client = request.extensions().get::<Client>();
        let client = client.and_then(|Client(name)| name.clone());
        let answer = match arrived(request.into_inner(), client) {
            Some(arrived) => self.gate.answer(arrived).await,
            None => {
                let answer = Answer::denied(&Denial::new(
                    Code::RequestRefused,
                    "the check has no HTTP request with method and path",
                ));
                answer.trace();
                answer
            }
        };
        Ok(Response::new(response(answer)))
    }
}

/// Nothing if what every HTTP request has is missing.
fn arrived(request: CheckRequest, client: Option<String>) -> Option<Arrived> {
    let attributes = request.attributes?;
    let http = attributes.request?.http?;
    if http.method.is_empty() || http.path.is_empty() {
        return None;
    }
    let body = match http.raw_body.is_empty() {
        true => http.body.clone().into_bytes(),
        false => http.raw_body.clone(),
    };
    let principal = |peer: Peer| Some(peer.principal).filter(|name| !name.is_empty());
    Some(Arrived {
        request: HttpRequest {
            headers: headers(&http),
            // The path has the query, as in the request line; `query` is always empty.
            method: http.method,
            target: http.path,
            host: Some(http.host).filter(|host| !host.is_empty()),
        },
        body,
        peer: attributes.source.and_then(principal),
        client,
        api: Api::ExtAuthz,
    })
}

/// With `encode_raw_headers` they are in a list, duplicates apart, else in a map, duplicates joined by commas. What
/// HTTP/2 has in pseudo-headers is in fields of its own.
fn headers(http: &Http) -> Vec<(String, String)> {
    let from_map = http
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    let from_list = http
        .header_map
        .iter()
        .flat_map(|map| &map.headers)
        .map(|header| {
            let value = match header.raw_value.is_empty() {
                true => header.value.clone(),
                false => String::from_utf8_lossy(&header.raw_value).into_owned(),
            };
            (header.key.clone(), value)
        });
    let all = from_map.chain(from_list);
    all.filter(|(name, _)| !name.starts_with(':')).collect()
}

fn response(answer: Answer) -> CheckResponse {
    match answer {
        Answer::Go(go) => ok(go),
        Answer::Stop(stop) => denied(&stop),
    }
}

fn ok(Go { headers, told }: Go) -> CheckResponse {
    let overwrite = Some(HeaderAppendAction::OverwriteIfExistsOrAdd);
    let mut http = OkHttpResponseBuilder::new();
    let own = told.headers();
    // Envoy removes after it has set.
    let removed = headers
        .remove
        .iter()
        .filter(|name| own.iter().all(|(set, _)| set != name));
    for name in removed {
        http.remove_header(name);
    }
    for (name, value) in &headers.set {
        http.add_header(name, value, overwrite, false);
    }
    for (name, value) in own {
        http.add_header(name, &value, overwrite, false);
        http.add_response_header(name, value, overwrite, false);
    }
    let mut response = CheckResponse::with_status(Status::ok("go ahead"));
    response.set_http_response(http);
    response.set_dynamic_metadata(Some(metadata(&told)));
    response
}

fn denied(stop: &Stop) -> CheckResponse {
    let mut http = DeniedHttpResponseBuilder::new();
    let overwrite = Some(HeaderAppendAction::OverwriteIfExistsOrAdd);
    http.set_http_status(match stop.status {
        401 => HttpStatusCode::Unauthorized,
        503 => HttpStatusCode::ServiceUnavailable,
        _ => HttpStatusCode::Forbidden,
    });
    http.add_header("content-type", "application/json", overwrite, false);
    for (name, value) in stop.told.headers() {
        http.add_header(name, value, overwrite, false);
    }
    http.set_body(stop.body.to_string());
    let message = stop.told.codes().join(" ");
    let status = match stop.status {
        _ if message == Code::RequestRefused.as_str() => Status::invalid_argument(message),
        401 => Status::unauthenticated(message),
        503 => Status::unavailable(message),
        _ => Status::permission_denied(message),
    };
    let mut response = CheckResponse::with_status(status);
    response.set_http_response(http);
    response.set_dynamic_metadata(Some(metadata(&stop.told)));
    response
}

fn metadata(told: &Told) -> Struct {
    let fields = told.metadata().into_iter();
    Struct {
        fields: fields
            .map(|(name, json)| (name.to_owned(), value(json)))
            .collect(),
    }
}

fn value(json: serde_json::Value) -> Value {
    let fields = |object: BTreeMap<String, serde_json::Value>| Struct {
        fields: object
            .into_iter()
            .map(|(name, json)| (name, value(json)))
            .collect(),
    };
    let kind = match json {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(truth) => Kind::BoolValue(truth),
        serde_json::Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Kind::StringValue(text),
        serde_json::Value::Array(items) => Kind::ListValue(ListValue {
            values: items.into_iter().map(value).collect(),
        }),
        serde_json::Value::Object(object) => {
            Kind::StructValue(fields(object.into_iter().collect()))
        }
    };
    Value { kind: Some(kind) }
}
