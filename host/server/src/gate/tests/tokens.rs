//! Tokens: one good one, and every way to be bad.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use serde_json::{Value, json};
use sod_route::{HttpRequest, NoClaims};
use tempfile::TempDir;

use super::super::Arrived;
use super::super::answer::Answer;
use super::super::identity::Identities;
use super::world::*;
use crate::record::Api;

/// An issuer: its key, and what it signs with.
struct Issuer {
    pair: KeyPair,
    key: EncodingKey,
    algorithm: Algorithm,
}

impl Issuer {
    fn new(algorithm: Algorithm) -> Self {
        let kind = match algorithm {
            Algorithm::ES384 => &PKCS_ECDSA_P384_SHA384,
            Algorithm::EdDSA => &PKCS_ED25519,
            _ => &PKCS_ECDSA_P256_SHA256,
        };
        let pair = KeyPair::generate_for(kind).unwrap();
        let pem = pair.serialize_pem();
        let key = match algorithm {
            Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
            _ => EncodingKey::from_ec_pem(pem.as_bytes()),
        };
        Issuer {
            key: key.unwrap(),
            pair,
            algorithm,
        }
    }

    fn jwk(&self, id: &str) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(id.to_owned());
        jwk
    }

    fn sign(&self, id: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = id.map(str::to_owned);
        encode(&header, claims, &self.key).unwrap()
    }
}

const SETTINGS: &str = r#"
    issuer = "https://sso.bank.example"
    audience = ["deploys", "spare"]
    leeway_seconds = 30
"#;

fn good() -> Value {
    let now = NOW / 1000;
    json!({"iss": "https://sso.bank.example", "aud": "deploys", "login": "finn-berg", "nbf": now - 60, "exp": now + 60})
}

/// The good claims with this one changed, or left out.
fn but(name: &str, value: Value) -> Value {
    let mut claims = good();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

fn open(keys: &str, settings: &str) -> Result<Identities, String> {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("keys"), keys).unwrap();
    let text = format!("[identity.jwt]\nkeys = \"keys\"\n{settings}");
    Identities::open(&config(&folder, &text)).map_err(|error| error.to_string())
}

fn request(headers: &[(&str, &str)]) -> HttpRequest {
    HttpRequest {
        method: "POST".to_owned(),
        target: "/".to_owned(),
        host: None,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

fn claims(identities: &Identities, token: &str) -> Result<Value, NoClaims> {
    let value = format!("Bearer {token}");
    identities
        .of(&request(&[("authorization", &value)]), None, NOW)
        .claims
}

#[track_caller]
fn refused(identities: &Identities, token: &str) -> String {
    match claims(identities, token) {
        Err(NoClaims::Refused(problem)) => problem,
        other => panic!("{token}: {other:?}"),
    }
}

fn with_pem(issuer: &Issuer) -> Identities {
    let settings = format!("algorithms = [\"{:?}\"]\n{SETTINGS}", issuer.algorithm);
    open(&issuer.pair.public_key_pem(), &settings).unwrap()
}

#[test]
fn a_good_token_is_believed() {
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
        let issuer = Issuer::new(algorithm);
        let identities = with_pem(&issuer);
        assert_eq!(
            claims(&identities, &issuer.sign(None, &good())),
            Ok(good()),
            "{algorithm:?}"
        );
        let audience = but("aud", json!(["other", "spare"]));
        assert_eq!(
            claims(&identities, &issuer.sign(Some("any"), &audience)),
            Ok(audience)
        );
    }
}

#[test]
fn a_claim_that_is_missing_or_wrong_is_refused() {
    let issuer = Issuer::new(Algorithm::ES256);
    let identities = with_pem(&issuer);
    let now = NOW / 1000;
    for claims in [
        but("exp", Value::Null),
        but("nbf", Value::Null),
        but("iss", Value::Null),
        but("aud", Value::Null),
        but("iss", json!("https://sso.evil.example")),
        but("iss", json!("https://sso.bank.example/")),
        but("aud", json!("other")),
        but("aud", json!([])),
        but("exp", json!(now - 30)),
        but("exp", json!("never")),
        but("exp", json!({})),
        but("nbf", json!(now + 31)),
        but("nbf", json!("now")),
        json!({}),
        json!([]),
        json!("finn-berg"),
    ] {
        refused(&identities, &issuer.sign(None, &claims));
    }
    // The leeway, to the second, by the server's clock and not the machine's.
    for claims in [but("exp", json!(now - 29)), but("nbf", json!(now + 30))] {
        assert_eq!(
            super::tokens::claims(&identities, &issuer.sign(None, &claims)),
            Ok(claims)
        );
    }
}

#[test]
fn a_token_without_a_beginning_is_believed_where_the_operator_says_so() {
    let issuer = Issuer::new(Algorithm::ES256);
    let settings =
        format!("algorithms = [\"ES256\"]\naccept_tokens_without_nbf = true\n{SETTINGS}");
    let identities = open(&issuer.pair.public_key_pem(), &settings).unwrap();
    let without = but("nbf", Value::Null);
    assert_eq!(
        claims(&identities, &issuer.sign(None, &without)),
        Ok(without)
    );
    refused(
        &identities,
        &issuer.sign(None, &but("nbf", json!(NOW / 1000 + 31))),
    );
    refused(&identities, &issuer.sign(None, &but("nbf", json!("now"))));
}

#[test]
fn a_signature_of_anybody_else_is_refused() {
    let issuer = Issuer::new(Algorithm::ES256);
    let identities = with_pem(&issuer);
    let token = issuer.sign(None, &good());
    let [header, body, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("{token}")
    };
    let other = Issuer::new(Algorithm::ES256);
    // {"alg":"none"}, {"alg":"None"}, {"typ":"JWT"}
    let none = [
        "eyJhbGciOiJub25lIn0",
        "eyJhbGciOiJOb25lIn0",
        "eyJ0eXAiOiJKV1QifQ",
    ];
    for header in none {
        refused(&identities, &format!("{header}.{body}."));
        refused(&identities, &format!("{header}.{body}.{signature}"));
    }
    // The public key as a shared secret.
    for secret in [
        issuer.pair.public_key_pem().into_bytes(),
        issuer.pair.public_key_raw().to_vec(),
    ] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let key = EncodingKey::from_secret(&secret);
            refused(
                &identities,
                &encode(&Header::new(algorithm), &good(), &key).unwrap(),
            );
        }
    }
    // Somebody else's key, also where the token brings it along.
    refused(&identities, &other.sign(None, &good()));
    let mut brought = Header::new(Algorithm::ES256);
    brought.jwk = Some(other.jwk("other"));
    brought.jku = Some("http://127.0.0.1/keys".to_owned());
    refused(&identities, &encode(&brought, &good(), &other.key).unwrap());
    // Something that is not understood, and must be.
    let mut critical = Header::new(Algorithm::ES256);
    critical.crit = Some(vec!["b64".to_owned()]);
    refused(
        &identities,
        &encode(&critical, &good(), &issuer.key).unwrap(),
    );
    // Parts of two tokens, and of none.
    let ines = issuer.sign(None, &but("login", json!("ines-costa")));
    let of_ines = ines.split('.').nth(1).unwrap();
    for token in [
        format!("{header}.{of_ines}.{signature}"),
        format!("{header}.{body}"),
        format!("{header}.{body}."),
        format!("{header}.{body}.{signature}."),
        format!("{header}.{body}.{signature}x"),
        format!(" {token}"),
        format!("{token} "),
        format!("{token},{token}"),
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "x".repeat(20_000),
    ] {
        refused(&identities, &token);
    }
}

#[test]
fn a_key_of_a_set_is_found_by_its_id_only() {
    let (a, b) = (Issuer::new(Algorithm::ES256), Issuer::new(Algorithm::ES384));
    let settings = format!("algorithms = [\"ES256\", \"ES384\"]\n{SETTINGS}");
    let set = json!({"keys": [a.jwk("a"), b.jwk("b")]}).to_string();
    let identities = open(&set, &settings).unwrap();
    assert_eq!(claims(&identities, &a.sign(Some("a"), &good())), Ok(good()));
    assert_eq!(claims(&identities, &b.sign(Some("b"), &good())), Ok(good()));
    for token in [
        a.sign(None, &good()),
        a.sign(Some("b"), &good()),
        a.sign(Some("c"), &good()),
        a.sign(Some("A"), &good()),
        b.sign(Some("a"), &good()),
        b.sign(Some(""), &good()),
    ] {
        refused(&identities, &token);
    }
    // One key with an id is still a key with an id.
    let one = open(&json!({"keys": [a.jwk("a")]}).to_string(), &settings).unwrap();
    refused(&one, &a.sign(None, &good()));
    // What an algorithm is not listed for, a key does not sign.
    let only = open(&set, &format!("algorithms = [\"ES256\"]\n{SETTINGS}")).unwrap();
    assert_eq!(claims(&only, &a.sign(Some("a"), &good())), Ok(good()));
    refused(&only, &b.sign(Some("b"), &good()));
}

#[test]
fn a_token_is_there_once_in_the_header_that_is_configured() {
    let issuer = Issuer::new(Algorithm::ES256);
    let identities = with_pem(&issuer);
    let token = issuer.sign(None, &good());
    let bearer = format!("Bearer {token}");
    let of = |identities: &Identities, headers: &[(&str, &str)]| {
        identities.of(&request(headers), None, NOW).claims
    };
    assert_eq!(of(&identities, &[]), Err(NoClaims::Absent));
    assert_eq!(
        of(&identities, &[("x-token", &token)]),
        Err(NoClaims::Absent)
    );
    assert_eq!(
        of(
            &identities,
            &[("Authorization", &format!("bearer {token}"))]
        ),
        Ok(good())
    );
    for headers in [
        &[("authorization", "Basic eDp5")][..],
        &[("authorization", token.as_str())],
        &[("authorization", "")],
        &[("authorization", &bearer), ("Authorization", &bearer)],
    ] {
        assert!(
            matches!(of(&identities, headers), Err(NoClaims::Refused(_))),
            "{headers:?}"
        );
    }
    let settings = format!("algorithms = [\"ES256\"]\nheader = \"x-token\"\n{SETTINGS}");
    let other = open(&issuer.pair.public_key_pem(), &settings).unwrap();
    assert_eq!(of(&other, &[("x-token", &token)]), Ok(good()));
    assert_eq!(
        of(&other, &[("authorization", &bearer)]),
        Err(NoClaims::Absent)
    );
    assert!(matches!(
        of(&other, &[("x-token", &token), ("x_token", &token)]),
        Err(NoClaims::Refused(_))
    ));
}

#[test]
fn keys_that_prove_nothing_are_not_taken() {
    let issuer = Issuer::new(Algorithm::ES256);
    let pem = issuer.pair.public_key_pem();
    let es256 = format!("algorithms = [\"ES256\"]\n{SETTINGS}");
    let jwk = issuer.jwk("a");
    let encrypts = {
        let mut jwk = serde_json::to_value(&jwk).unwrap();
        jwk["use"] = json!("enc");
        jwk
    };
    let short = json!({"kty": "RSA", "kid": "r", "n": "x".repeat(171), "e": "AQAB"});
    let set = |keys: Value| json!({"keys": keys}).to_string();
    for (keys, settings, said) in [
        (
            pem.clone(),
            SETTINGS.to_owned(),
            "`identity.jwt.algorithms`: there is none",
        ),
        (
            pem.clone(),
            format!("algorithms = [\"HS256\"]\n{SETTINGS}"),
            "`identity.jwt.algorithms`: `HS256` is no",
        ),
        (
            pem.clone(),
            format!("algorithms = [\"none\"]\n{SETTINGS}"),
            "`identity.jwt.algorithms`: `none` is no",
        ),
        (
            pem.clone(),
            format!("algorithms = [\"RS256\"]\n{SETTINGS}"),
            "`identity.jwt.keys`: ",
        ),
        (
            pem.clone(),
            es256.replace("\"https://sso.bank.example\"", "\"\""),
            "`identity.jwt.issuer`",
        ),
        (
            pem.clone(),
            es256.replace("\"deploys\"", "\"\""),
            "`identity.jwt.audience`",
        ),
        (
            issuer.pair.serialize_pem(),
            es256.clone(),
            "`identity.jwt.keys`: ",
        ),
        (String::new(), es256.clone(), "`identity.jwt.keys`: "),
        ("{}".to_owned(), es256.clone(), "`identity.jwt.keys`: "),
        (set(json!([])), es256.clone(), "`identity.jwt.keys`: "),
        (
            set(json!([encrypts])),
            es256.clone(),
            "`identity.jwt.keys`: ",
        ),
        (
            set(json!([jwk, jwk])),
            es256.clone(),
            "`identity.jwt.keys`: ",
        ),
        (
            set(json!([{"kty": "oct", "kid": "s", "k": "c2VjcmV0"}])),
            es256.clone(),
            "`identity.jwt.keys`: ",
        ),
        (
            set(json!([short])),
            format!("algorithms = [\"RS256\"]\n{SETTINGS}"),
            "`identity.jwt.keys`: ",
        ),
    ] {
        let Err(problem) = open(&keys, &settings) else {
            panic!("taken: {keys} {settings}")
        };
        assert!(problem.starts_with(said), "{settings}: {problem}");
    }
}

/// Keys are replaced while they are used: the new one is believed, the old one is not, and nonsense changes nothing.
#[tokio::test]
async fn keys_that_change_are_believed_from_then_on() {
    let (first, second) = (Issuer::new(Algorithm::ES256), Issuer::new(Algorithm::ES256));
    let folder = TempDir::new().unwrap();
    let set = |issuer: &Issuer, id: &str| json!({"keys": [issuer.jwk(id)]}).to_string();
    std::fs::write(folder.path().join("keys"), set(&first, "a")).unwrap();
    let text = format!(
        "[identity.jwt]\nkeys = \"keys\"\nalgorithms = [\"ES256\"]\n{SETTINGS}
         [[route]]
         methods = [\"GET\"]
         path = \"/deploy\"
         pack = \"bare\"
         principal = {{ type = \"Account\", id = \"{{jwt./login}}\" }}
         action = \"deploy\"
         resource = {{ type = \"Deployment\", id = \"x\" }}
         evidence = \"none\""
    );
    let world = world_in(folder, &text).await;
    let status = async |issuer: &Issuer, id: &str| {
        let token = issuer.sign(Some(id), &good());
        let arrived = Arrived {
            request: HttpRequest {
                method: "GET".to_owned(),
                target: "/deploy".to_owned(),
                host: None,
                headers: vec![("authorization".to_owned(), format!("Bearer {token}"))],
            },
            body: Vec::new(),
            peer: None,
            client: None,
            api: Api::ExtAuthz,
        };
        match world.gate.answer(arrived).await {
            Answer::Go(_) => 200,
            Answer::Stop(stop) => stop.status,
        }
    };
    assert_eq!(
        (status(&first, "a").await, status(&second, "b").await),
        (200, 401)
    );
    std::fs::write(world.folder.path().join("keys"), "nonsense").unwrap();
    assert!(world.gate.reload().is_err());
    assert_eq!(
        (status(&first, "a").await, status(&second, "b").await),
        (200, 401)
    );
    assert_eq!(world.gate.files(), [world.folder.path().join("keys")]);
    std::fs::write(world.folder.path().join("keys"), set(&second, "b")).unwrap();
    world.gate.reload().unwrap();
    assert_eq!(
        (status(&first, "a").await, status(&second, "b").await),
        (401, 200)
    );
}
