//! The names of a client's certificate, as Envoy tells them.

use sod_route::Certificate;

/// `source.principal`: the first URI name, or else the first DNS name, or else the subject.
pub(super) fn of_peer(name: &str) -> Certificate {
    let mut certificate = Certificate::default();
    if name.contains("://") {
        certificate.uris.push(name.to_owned());
    } else if name.contains('=') {
        certificate.common_names = common_names(name);
    } else {
        certificate.dns.push(name.to_owned());
    }
    certificate
}

/// `x-forwarded-client-cert`: `By=...;Hash=...;Subject="CN=...";URI=...;DNS=...`. Nobody if there are two, or if it is
/// not of that form.
pub(super) fn forwarded(headers: &[(String, String)]) -> Certificate {
    let mut values = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("x-forwarded-client-cert"));
    match (values.next(), values.next()) {
        (Some((_, value)), None) => read(value).unwrap_or_default(),
        _ => Certificate::default(),
    }
}

fn read(element: &str) -> Option<Certificate> {
    let mut certificate = Certificate::default();
    for pair in split(element, ';')? {
        let (key, value) = pair.split_once('=')?;
        let value = unquoted(value)?;
        match key.trim().to_ascii_lowercase().as_str() {
            "uri" => certificate.uris.push(value),
            "dns" => certificate.dns.push(value),
            "subject" => certificate.common_names = common_names(&value),
            _ => {}
        }
    }
    Some(certificate)
}

/// Parts between separators outside of quotes; nothing if there is a second element, or a quote is not closed.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut quoted, mut escaped, mut from) = (false, false, 0);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted && separator != ',' => return None,
            _ if c == separator && !quoted => {
                parts.push(text.get(from..at)?);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(from..)?);
    (!quoted && !escaped).then_some(parts)
}

fn unquoted(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else {
        return (!value.contains('"')).then(|| value.to_owned());
    };
    let inner = inner.strip_suffix('"')?;
    Some(inner.replace("\\\"", "\""))
}

/// Of a subject as RFC 2253 has it. One with an escape or a quote in it is left out: it could be read in two ways.
fn common_names(subject: &str) -> Vec<String> {
    let parts = subject.split(['/', ',']).map(str::trim);
    let names = parts.filter_map(|part| part.strip_prefix("CN="));
    if subject.contains(['\\', '"', '+']) {
        return Vec::new();
    }
    names.map(str::to_owned).collect()
}
