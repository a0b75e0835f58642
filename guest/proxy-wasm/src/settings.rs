//! The plugin's configuration: docs/proxy-wasm.md.

use serde::Deserialize;
use serde_json::value::RawValue;
use sod_route::{Evidence, Route, Routes};

use crate::claims::Claims;
use crate::evidence::OwnEvidence;

/// As the operator writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    routes: Vec<Route>,
    #[serde(default)]
    evidence: Option<Box<RawValue>>,
    #[serde(default)]
    entities: Option<Box<RawValue>>,
    #[serde(default)]
    context: Option<Box<RawValue>>,
    #[serde(default)]
    jwt_payload_in_metadata: Option<String>,
    #[serde(default)]
    believe_client_certificates: bool,
    #[serde(default = "max_body_bytes")]
    max_body_bytes: usize,
    #[serde(default)]
    respond_with_verdict: bool,
}

fn max_body_bytes() -> usize {
    1 << 20
}

/// Found valid.
pub(crate) struct Settings {
    pub(crate) routes: Routes,
    /// Evidence that the operator has.
    pub(crate) evidence: OwnEvidence,
    pub(crate) entities: Option<String>,
    pub(crate) context: Option<String>,
    /// Which claims to ask for, where the proxy has verified a token.
    pub(crate) claims: Option<Claims>,
    /// Whether the listener takes only clients whose certificate it has validated.
    pub(crate) believe_client_certificates: bool,
    pub(crate) max_body_bytes: usize,
    /// Answer with the verdict, and let nothing through.
    pub(crate) respond_with_verdict: bool,
}

impl Settings {
    /// # Errors
    /// Everything that is wrong.
    pub(crate) fn read(json: Vec<u8>, pack: &str) -> Result<Self, Vec<String>> {
        let written: Written =
            serde_json::from_slice(&json).map_err(|error| vec![error.to_string()])?;
        // A directory may be most of the memory that there is.
        drop(json);
        let mut wrong = Vec::new();
        if written.routes.is_empty() {
            wrong.push("`routes`: there is none, so that everything would be denied".to_owned());
        }
        let templates = Templates::of(&written.routes);
        for (number, route) in (1..).zip(&written.routes) {
            wrong.extend(unfit(number, route, pack));
        }
        wrong.extend(templates.unfit(&written));
        let evidence = OwnEvidence::read(written.evidence).map_err(|error| {
            wrong.push(format!("`evidence`: {error}"));
        });
        let text = |json: Option<Box<RawValue>>| json.map(|json| json.get().to_owned());
        let claims = written
            .jwt_payload_in_metadata
            .map(|key| Claims::new(key, templates.claims()));
        let routes = Routes::new(written.routes).map_err(|errors| {
            wrong.extend(errors.iter().map(|e| format!("{e}; {}", e.help)));
        });
        match (routes, evidence) {
            (Ok(routes), Ok(evidence)) if wrong.is_empty() => Ok(Settings {
                routes,
                evidence,
                entities: text(written.entities),
                context: text(written.context),
                claims,
                believe_client_certificates: written.believe_client_certificates,
                max_body_bytes: written.max_body_bytes,
                respond_with_verdict: written.respond_with_verdict,
            }),
            _ => Err(wrong),
        }
    }
}

/// What a route may say elsewhere, and cannot in a plugin.
fn unfit(number: usize, route: &Route, pack: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(Evidence::Directory { .. } | Evidence::Url(_)) = route.evidence {
        wrong.push(format!(
            "route {number}, `evidence`: a plugin reads no files and fetches nothing; write `body`, `header` or \
             `none`, and put what the operator knows into `evidence` beside `routes`"
        ));
    }
    if let Some(named) = route.pack.as_deref().filter(|named| *named != pack) {
        wrong.push(format!(
            "route {number}, `pack`: it is `{named}`, and the pack inside is `{pack}`"
        ));
    }
    wrong
}

/// Every text of the routes that may have parts in braces.
struct Templates(Vec<String>);

impl Templates {
    fn of(routes: &[Route]) -> Self {
        let of_route = |route: &Route| {
            let entities = [&route.principal, &route.action, &route.resource];
            let ids = entities
                .into_iter()
                .flatten()
                .map(|entity| entity.id.clone());
            ids.chain(route.add_headers.values().cloned())
                .collect::<Vec<_>>()
        };
        Templates(routes.iter().flat_map(of_route).collect())
    }

    fn name(&self, part: &str) -> bool {
        self.0.iter().any(|text| text.contains(part))
    }

    /// JSON pointers of the claims that they name.
    fn claims(&self) -> Vec<String> {
        let parts = self.0.iter().flat_map(|text| text.split("{jwt.").skip(1));
        let pointers = parts.filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()));
        pointers.collect()
    }

    /// Identities that this proxy was not said to make sure of.
    fn unfit(&self, written: &Written) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.name("{jwt.") && written.jwt_payload_in_metadata.is_none() {
            wrong.push(
                "`jwt_payload_in_metadata`: it is missing, and a route takes `{jwt...}`; write what \
                 `payload_in_metadata` of the filter `envoy.filters.http.jwt_authn` is"
                    .to_owned(),
            );
        }
        if self.name("{mtls.") && !written.believe_client_certificates {
            wrong.push(
                "`believe_client_certificates`: it is not `true`, and a route takes `{mtls...}`; say so if the \
                 listener refuses clients without a certificate that it has validated"
                    .to_owned(),
            );
        }
        if self.name("{mtls.common-name}") {
            wrong.push(
                "`{mtls.common-name}`: a proxy does not tell it to plugins; take `{mtls.spiffe}` or `{mtls.dns}`"
                    .to_owned(),
            );
        }
        wrong
    }
}
