//! Claims of a token that the proxy's own filter has verified, as far as routes name them.

use serde_json::{Map, Value};
use sod_route::NoClaims;

use crate::proxy;

const FILTER: &str = "envoy.filters.http.jwt_authn";

/// Which ones, and where the filter puts them.
pub(crate) struct Claims {
    payload: String,
    /// The way to each, key by key.
    paths: Vec<Vec<String>>,
}

impl Claims {
    pub(crate) fn new(payload: String, pointers: Vec<String>) -> Self {
        let path = |pointer: &String| {
            let keys = pointer.split('/').skip(1);
            keys.map(|key| key.replace("~1", "/").replace("~0", "~"))
                .collect::<Vec<_>>()
        };
        let mut paths: Vec<_> = pointers.iter().map(path).collect();
        paths.retain(|path| !path.is_empty());
        paths.sort();
        paths.dedup();
        Claims { payload, paths }
    }

    /// Those that there are. Only texts are: of anything else the proxy does not say what it was.
    pub(crate) fn read(&self) -> Result<Value, NoClaims> {
        let mut claims = Map::new();
        for path in &self.paths {
            let mut whole = vec!["metadata", "filter_metadata", FILTER, &self.payload];
            whole.extend(path.iter().map(String::as_str));
            let Some(bytes) = proxy::property(whole).filter(|bytes| !bytes.is_empty()) else {
                continue;
            };
            let text = String::from_utf8(bytes).ok();
            let Some(text) = text.filter(|text| !text.chars().any(char::is_control)) else {
                let problem = format!("its claim `/{}` is no text", path.join("/"));
                return Err(NoClaims::Refused(problem));
            };
            insert(&mut claims, path, text);
        }
        if claims.is_empty() {
            return Err(NoClaims::Absent);
        }
        Ok(Value::Object(claims))
    }
}

fn insert(claims: &mut Map<String, Value>, path: &[String], text: String) {
    match path {
        [] => {}
        [last] => {
            claims.insert(last.clone(), Value::String(text));
        }
        [first, rest @ ..] => {
            let inner = claims
                .entry(first.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                insert(inner, rest, text);
            }
        }
    }
}
