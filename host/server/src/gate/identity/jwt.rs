//! Tokens (RFC 7519): signed by a key that the operator has named, for this audience, and valid now.

use std::path::{Path, PathBuf};

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;
use sod_route::{HttpRequest, NoClaims};

use crate::config::{Config, ConfigError};
use crate::gate::settings::contradiction;

/// More than any token has.
const LONGEST: usize = 16 << 10;

/// `[identity.jwt]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// A JWK set, or one public key in PEM.
    pub keys: PathBuf,
    /// Algorithms that are taken, none of them symmetric: `RS256`, `ES256`, `EdDSA`.
    pub algorithms: Vec<String>,
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must have one of.
    pub audience: Vec<String>,
    /// How far clocks may be apart, in seconds.
    pub leeway_seconds: u32,
    /// The header with the token; `authorization` if there is none.
    pub header: Option<String>,
    /// Some issuers leave `nbf` out.
    pub accept_tokens_without_nbf: bool,
}

/// Checks tokens.
pub(super) struct Tokens {
    keys: Vec<Key>,
    validation: Validation,
    header: String,
    leeway_seconds: f64,
}

struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids = self.keys.iter().map(|key| &key.id);
        f.debug_list().entries(ids).finish()
    }
}

impl Tokens {
    pub(super) fn open(settings: &Settings, config: &Config) -> Result<Self, ConfigError> {
        let algorithms = algorithms(&settings.algorithms)?;
        let missing = [
            ("issuer", settings.issuer.is_empty()),
            (
                "audience",
                settings.audience.is_empty() || settings.audience.iter().any(String::is_empty),
            ),
            ("keys", settings.keys.as_os_str().is_empty()),
        ];
        if let Some((key, _)) = missing.into_iter().find(|(_, missing)| *missing) {
            let key = format!("identity.jwt.{key}");
            return Err(contradiction(
                key,
                "it is missing or empty",
                "docs/proxies.md has what a token must say",
            ));
        }
        let header = settings.header.as_deref().unwrap_or("authorization");
        Ok(Tokens {
            keys: keys(&config.path(&settings.keys), &algorithms)?,
            validation: validation(settings),
            header: header.to_ascii_lowercase(),
            leeway_seconds: f64::from(settings.leeway_seconds),
        })
    }

    /// What the token says, if it is to be believed at `now`, in milliseconds.
    pub(super) fn claims(&self, request: &HttpRequest, now: i64) -> Result<Value, NoClaims> {
        let Some(token) = self.token(request)? else {
            return Err(NoClaims::Absent);
        };
        self.check(token, now).map_err(NoClaims::Refused)
    }

    fn token<'a>(&self, request: &'a HttpRequest) -> Result<Option<&'a str>, NoClaims> {
        let refused = |problem: &str| NoClaims::Refused(problem.to_owned());
        let spelled = |name: &str| name.to_ascii_lowercase().replace('_', "-") == self.header;
        let mut values = request.headers.iter().filter(|(name, _)| spelled(name));
        let Some((_, value)) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(refused("there are two"));
        }
        if value.len() > LONGEST {
            return Err(refused("it is too long"));
        }
        let bearer = value
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        match bearer {
            Some((_, token)) => Ok(Some(token)),
            None if self.header == "authorization" => {
                Err(refused("the header `authorization` has no bearer token"))
            }
            None => Ok(Some(value)),
        }
    }

    fn check(&self, token: &str, now: i64) -> Result<Value, String> {
        let header = decode_header(token).map_err(|error| error.to_string())?;
        if header.crit.is_some() {
            return Err("it has `crit`, which is not understood here".to_owned());
        }
        let key = self.key(header.kid.as_deref())?;
        if !key.algorithms.contains(&header.alg) {
            return Err(format!("its key does not sign with {:?}", header.alg));
        }
        let validation = Validation {
            algorithms: vec![header.alg],
            ..self.validation.clone()
        };
        let token = decode::<Value>(token, &key.key, &validation);
        let claims = token.map_err(|error| error.to_string())?.claims;
        self.valid_at(now, &claims)?;
        Ok(claims)
    }

    /// The key of that id. Without an id it is the only key there is, if that has none either.
    fn key(&self, id: Option<&str>) -> Result<&Key, String> {
        if let [only] = self.keys.as_slice()
            && only.id.is_none()
        {
            return Ok(only);
        }
        let id = id.ok_or("it does not say which key has signed it (`kid`)")?;
        let mut keys = self.keys.iter();
        keys.find(|key| key.id.as_deref() == Some(id))
            .ok_or_else(|| "its key (`kid`) is not known".to_owned())
    }

    /// By this server's clock, in which the library does not believe.
    fn valid_at(&self, now: i64, claims: &Value) -> Result<(), String> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds are exact for 285,000 years"
        )]
        let now = now as f64 / 1_000.0;
        let time = |name: &str| claims.get(name).and_then(Value::as_f64);
        let expires = time("exp").ok_or("its `exp` is no time")?;
        if now >= expires + self.leeway_seconds {
            return Err("it has expired".to_owned());
        }
        match (time("nbf"), claims.get("nbf")) {
            (Some(begins), _) if now + self.leeway_seconds < begins => {
                Err("it is not valid yet".to_owned())
            }
            (None, Some(_)) => Err("its `nbf` is no time".to_owned()),
            _ => Ok(()),
        }
    }
}

fn validation(settings: &Settings) -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[&settings.issuer]);
    validation.set_audience(&settings.audience);
    let mut required = vec!["exp", "iss", "aud"];
    if !settings.accept_tokens_without_nbf {
        required.push("nbf");
    }
    validation.set_required_spec_claims(&required);
    // By the server's own clock instead.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn algorithms(names: &[String]) -> Result<Vec<Algorithm>, ConfigError> {
    let wrong = |problem: String| {
        let help = "list what the issuer signs with, of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA";
        contradiction("identity.jwt.algorithms", problem, help)
    };
    if names.is_empty() {
        return Err(wrong("there is none".to_owned()));
    }
    let asymmetric = |name: &String| {
        let algorithm: Option<Algorithm> = name.parse().ok();
        algorithm
            .filter(|algorithm| algorithm.family() != AlgorithmFamily::Hmac)
            .ok_or_else(|| wrong(format!("`{name}` is no asymmetric algorithm")))
    };
    names.iter().map(asymmetric).collect()
}

fn keys(path: &Path, algorithms: &[Algorithm]) -> Result<Vec<Key>, ConfigError> {
    let wrong = |problem: String| {
        let problem = format!("`{}`: {problem}", path.display());
        contradiction(
            "identity.jwt.keys",
            problem,
            "name a JWK set, or a public key in PEM",
        )
    };
    let text = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let keys = if text.trim_ascii_start().starts_with(b"{") {
        from_set(&text, algorithms)
    } else {
        from_pem(&text, algorithms).map(|key| vec![key])
    };
    let keys = keys.map_err(wrong)?;
    if keys.is_empty() {
        return Err(wrong(
            "no key in it is for `identity.jwt.algorithms`".to_owned(),
        ));
    }
    Ok(keys)
}

fn from_pem(pem: &[u8], algorithms: &[Algorithm]) -> Result<Key, String> {
    let readers = [
        DecodingKey::from_rsa_pem,
        DecodingKey::from_ec_pem,
        DecodingKey::from_ed_pem,
    ];
    let key = readers.into_iter().find_map(|read| read(pem).ok());
    let key = key.ok_or("it is neither a JWK set nor a public key in PEM")?;
    let algorithms: Vec<_> = of_family(algorithms, key.family()).collect();
    if algorithms.is_empty() {
        return Err("its key is for none of `identity.jwt.algorithms`".to_owned());
    }
    Ok(Key {
        id: None,
        algorithms,
        key,
    })
}

fn of_family(algorithms: &[Algorithm], family: AlgorithmFamily) -> impl Iterator<Item = Algorithm> {
    let all = algorithms.iter().copied();
    all.filter(move |algorithm| algorithm.family() == family)
}

fn from_set(json: &[u8], algorithms: &[Algorithm]) -> Result<Vec<Key>, String> {
    let set: JwkSet = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let mut keys: Vec<Key> = Vec::new();
    for jwk in &set.keys {
        let id = jwk.common.key_id.clone();
        if keys.iter().any(|other| other.id == id) {
            let id = id.unwrap_or_default();
            return Err(format!("the key `{id}` is there twice"));
        }
        keys.extend(from_jwk(jwk, algorithms)?);
    }
    Ok(keys)
}

/// Nothing if the key is for something else: sets have keys of all kinds.
fn from_jwk(jwk: &Jwk, algorithms: &[Algorithm]) -> Result<Option<Key>, String> {
    let for_signatures = match &jwk.common.public_key_use {
        None | Some(PublicKeyUse::Signature) => true,
        Some(_) => false,
    };
    let id = jwk.common.key_id.as_deref().unwrap_or_default();
    match &jwk.algorithm {
        AlgorithmParameters::OctetKey(_) => {
            return Err(format!(
                "the key `{id}` is symmetric: who could check a token could make one"
            ));
        }
        AlgorithmParameters::Other(_) => return Ok(None),
        // 2048 bits in base64.
        AlgorithmParameters::RSA(rsa) if rsa.n.len() < 340 => {
            return Err(format!("the key `{id}` is shorter than 2048 bits"));
        }
        _ => {}
    }
    let key = DecodingKey::from_jwk(jwk).map_err(|error| format!("the key `{id}`: {error}"))?;
    let declared = jwk
        .common
        .key_algorithm
        .map(|algorithm| algorithm.to_string());
    let is_declared = |algorithm: &Algorithm| {
        let name = format!("{algorithm:?}");
        declared.as_ref().is_none_or(|declared| *declared == name)
    };
    let algorithms: Vec<_> = of_family(algorithms, key.family())
        .filter(is_declared)
        .collect();
    let usable = for_signatures && !algorithms.is_empty();
    Ok(usable.then_some(Key {
        id: jwk.common.key_id.clone(),
        algorithms,
        key,
    }))
}
