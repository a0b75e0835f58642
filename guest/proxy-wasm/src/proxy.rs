//! All that is asked of the proxy. What it does not know is nothing, never something else.

use std::time::UNIX_EPOCH;

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType};
use sod_route::{Certificate, HttpRequest};

/// The request without its body; nothing if it has no method or path.
pub(crate) fn request() -> Option<HttpRequest> {
    let (mut method, mut target, mut host) = (None, None, None);
    let mut headers = Vec::new();
    for (name, value) in hostcalls::get_map_bytes(MapType::HttpRequestHeaders).ok()? {
        // What is no text is no value that a route could have.
        let value = String::from_utf8_lossy(&value).into_owned();
        match name.as_str() {
            ":method" => method = Some(value),
            ":path" => target = Some(value),
            ":authority" => host = Some(value),
            pseudo if pseudo.starts_with(':') => {}
            _ => headers.push((name, value)),
        }
    }
    Some(HttpRequest {
        method: method?,
        target: target?,
        host,
        headers,
    })
}

/// The body so far, if it is all there.
pub(crate) fn body(size: usize) -> Option<Vec<u8>> {
    if size == 0 {
        return Some(Vec::new());
    }
    let body = hostcalls::get_buffer(BufferType::HttpRequestBody, 0, size).ok()??;
    (body.len() == size).then_some(body)
}

/// Milliseconds since the Unix epoch. A clock that stands there is none.
pub(crate) fn now() -> Option<i64> {
    let time = hostcalls::get_current_time().ok()?;
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    let milliseconds = i64::try_from(since.as_millis()).ok()?;
    Some(milliseconds).filter(|milliseconds| *milliseconds > 0)
}

pub(crate) fn property(path: Vec<&str>) -> Option<Vec<u8>> {
    hostcalls::get_property(path).ok()?
}

/// What the proxy calls the request in its own log.
pub(crate) fn request_id() -> Option<String> {
    let id = String::from_utf8(property(vec!["request", "id"])?).ok()?;
    let fits = !id.is_empty() && id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(id)
}

/// Names in the client's certificate: of each kind the proxy tells the first.
pub(crate) fn certificate() -> Certificate {
    if property(vec!["connection", "mtls"]).as_deref() != Some(&[1]) {
        return Certificate::default();
    }
    let name = |kind| {
        let name = property(vec!["connection", kind]).and_then(|name| String::from_utf8(name).ok());
        name.into_iter().filter(|name| !name.is_empty()).collect()
    };
    Certificate {
        uris: name("uri_san_peer_certificate"),
        dns: name("dns_san_peer_certificate"),
        common_names: Vec::new(),
    }
}

/// Sets a header of the request, or takes it out.
pub(crate) fn header(name: &str, value: Option<&str>) -> bool {
    hostcalls::set_map_value(MapType::HttpRequestHeaders, name, value).is_ok()
}

/// Answers the request here.
pub(crate) fn respond(status: u32, headers: Vec<(&str, &str)>, body: &[u8]) {
    // If the proxy cannot it still does not go on: the request stays stopped.
    let _ = hostcalls::send_http_response(status, headers, Some(body));
}

/// For the proxy's access log: `%FILTER_STATE(wasm.sod:PLAIN)%`.
pub(crate) fn record(json: &[u8]) {
    // A proxy without such a thing still decides.
    let _ = hostcalls::set_property(vec!["sod"], Some(json));
}

pub(crate) fn log(level: LogLevel, message: &str) {
    // Nothing hangs on it.
    let _ = hostcalls::log(level, message);
}
