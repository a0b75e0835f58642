//! What is not to be read in the log: values are replaced or taken out before a line is written.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sod_host::{Digest, RawValue};

use super::settings::contradiction;
use crate::config::ConfigError;

/// `[[log.mask]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rule {
    /// A JSON pointer (RFC 6901) into a record; a part `*` is any key and any index.
    pub path: String,
    /// What stands there instead.
    pub with: With,
}

/// What stands in a masked place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum With {
    /// `sha256:...` of the value. Whoever can guess the value can check the guess.
    Digest,
    /// `hmac-sha256:...` of the value under `log.mask_key`.
    Keyed,
    /// Nothing: the key is taken out, an element of a list becomes null.
    Remove,
}

/// What was masked in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Masked {
    /// The rule's path.
    pub(crate) path: String,
    /// What stands there instead.
    pub(crate) with: With,
    /// In how many places.
    pub(crate) places: u64,
}

/// Where a path may begin.
const ROOTS: [&str; 8] = [
    "principal",
    "resource",
    "evidence",
    "entities",
    "context",
    "verdict",
    "client",
    "request_id",
];

#[derive(Debug)]
struct Compiled {
    path: String,
    root: String,
    steps: Vec<Step>,
    with: With,
}

#[derive(Debug, PartialEq)]
enum Step {
    Any,
    Key(String),
}

/// All rules, in order.
#[derive(Debug)]
pub(super) struct Masks {
    rules: Vec<Compiled>,
    key: Vec<u8>,
}

impl Masks {
    pub(super) fn new(rules: &[Rule], key: Option<Vec<u8>>) -> Result<Self, ConfigError> {
        let keyed = rules.iter().position(|rule| rule.with == With::Keyed);
        if let (Some(index), None) = (keyed, &key) {
            return Err(contradiction(
                &format!("log.mask[{index}].with"),
                "`keyed` needs a key, and there is none",
                "name a file with the key in `log.mask_key`",
            ));
        }
        let rules = rules.iter().enumerate().map(|(index, rule)| {
            compile(rule).map_err(|problem| {
                contradiction(
                    &format!("log.mask[{index}].path"),
                    &problem,
                    "write a path as `/evidence/people/*/email`; docs/decision-log.md says where it may begin",
                )
            })
        });
        Ok(Masks {
            rules: rules.collect::<Result<_, _>>()?,
            key: key.unwrap_or_default(),
        })
    }

    /// Whether any rule begins there.
    pub(super) fn concern(&self, root: &str) -> bool {
        self.rules.iter().any(|rule| rule.root == root)
    }

    /// The value with everything masked that a rule for this root names, or nothing if there is nothing to mask.
    pub(super) fn apply(
        &self,
        root: &str,
        json: impl FnOnce() -> serde_json::Result<Value>,
        masked: &mut Vec<Masked>,
    ) -> serde_json::Result<Option<Value>> {
        if !self.concern(root) {
            return Ok(None);
        }
        let mut value = json()?;
        let before = masked.len();
        for rule in self.rules.iter().filter(|rule| rule.root == root) {
            let places = self.walk(&mut value, &rule.steps, rule.with);
            if places > 0 {
                masked.push(Masked {
                    path: rule.path.clone(),
                    with: rule.with,
                    places,
                });
            }
        }
        Ok((masked.len() > before).then_some(value))
    }

    /// As [`apply`](Self::apply), for a document.
    pub(super) fn document(
        &self,
        root: &str,
        json: &RawValue,
        masked: &mut Vec<Masked>,
    ) -> serde_json::Result<Option<Box<RawValue>>> {
        let value = self.apply(root, || serde_json::from_str(json.get()), masked)?;
        value
            .map(|value| serde_json::value::to_raw_value(&value))
            .transpose()
    }

    /// As [`apply`](Self::apply), for a text. Taken out it is empty.
    pub(super) fn text(&self, root: &str, text: &str, masked: &mut Vec<Masked>) -> Option<String> {
        let rule = self.rules.iter().find(|rule| rule.root == root)?;
        match masked.iter_mut().find(|masked| masked.path == rule.path) {
            Some(masked) => masked.places += 1,
            None => masked.push(Masked {
                path: rule.path.clone(),
                with: rule.with,
                places: 1,
            }),
        }
        let instead = self.instead(&Value::String(text.to_owned()), rule.with);
        Some(instead.as_str().unwrap_or_default().to_owned())
    }

    fn walk(&self, value: &mut Value, steps: &[Step], with: With) -> u64 {
        let Some((step, rest)) = steps.split_first() else {
            *value = self.instead(value, with);
            return 1;
        };
        if rest.is_empty() && with == With::Remove {
            return remove(value, step);
        }
        let each = |value: &mut Value| self.walk(value, rest, with);
        match (value, step) {
            (Value::Object(members), Step::Key(key)) => members.get_mut(key).map_or(0, each),
            (Value::Object(members), Step::Any) => members.values_mut().map(each).sum(),
            (Value::Array(items), Step::Any) => items.iter_mut().map(each).sum(),
            (Value::Array(items), Step::Key(key)) => {
                let item = key
                    .parse()
                    .ok()
                    .and_then(|index: usize| items.get_mut(index));
                item.map_or(0, each)
            }
            _ => 0,
        }
    }

    /// Strings by their own bytes, so that a digest can be made with any tool; everything else as compact JSON.
    fn instead(&self, value: &Value, with: With) -> Value {
        let json = value.to_string();
        let bytes = value.as_str().unwrap_or(&json).as_bytes();
        match with {
            With::Digest => Value::String(Digest::of(bytes).to_string()),
            With::Keyed => Value::String(format!("hmac-{}", hmac(&self.key, bytes))),
            With::Remove => Value::Null,
        }
    }
}

fn remove(value: &mut Value, step: &Step) -> u64 {
    match (value, step) {
        (Value::Object(members), Step::Key(key)) => u64::from(members.remove(key).is_some()),
        (Value::Object(members), Step::Any) => std::mem::take(members).len() as u64,
        (Value::Array(items), Step::Any) => {
            items.fill(Value::Null);
            items.len() as u64
        }
        (Value::Array(items), Step::Key(key)) => {
            let item = key
                .parse()
                .ok()
                .and_then(|index: usize| items.get_mut(index));
            item.map_or(0, |item| {
                *item = Value::Null;
                1
            })
        }
        _ => 0,
    }
}

fn compile(rule: &Rule) -> Result<Compiled, String> {
    let path = &rule.path;
    let Some(parts) = path.strip_prefix('/') else {
        return Err(format!("`{path}` does not begin with `/`"));
    };
    let mut steps = parts.split('/').map(|part| match part {
        "*" => Ok(Step::Any),
        part => unescape(part).map(Step::Key),
    });
    let root = match steps.next() {
        Some(Ok(Step::Key(root))) if ROOTS.contains(&root.as_str()) => root,
        _ => {
            return Err(format!(
                "`{path}` begins with none of `{}`",
                ROOTS.join("`, `")
            ));
        }
    };
    let steps = steps.collect::<Result<Vec<_>, _>>()?;
    // What these are is known, so a path that can never mean anything is a mistake.
    let possible = match root.as_str() {
        "principal" | "resource" => steps == [Step::Key("id".to_owned())],
        "client" | "request_id" => steps.is_empty(),
        "verdict" => !steps.is_empty(),
        _ => true,
    };
    if !possible {
        return Err(format!("`{path}` is nothing that could be masked"));
    }
    Ok(Compiled {
        path: path.clone(),
        root,
        steps,
        with: rule.with,
    })
}

/// `~1` is a slash and `~0` a tilde (RFC 6901).
fn unescape(part: &str) -> Result<String, String> {
    let mut rest = part.replace("~0", "").replace("~1", "");
    rest.retain(|c| c == '~');
    match rest.is_empty() {
        true => Ok(part.replace("~1", "/").replace("~0", "~")),
        false => Err(format!("`{part}` has a `~` that is neither `~0` nor `~1`")),
    }
}

/// HMAC-SHA256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> Digest {
    const BLOCK: usize = 64;
    let mut block = [0; BLOCK];
    let hashed = Sha256::digest(key);
    let key = if key.len() > BLOCK {
        hashed.as_slice()
    } else {
        key
    };
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    let inner = Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x36))
        .chain_update(message)
        .finalize();
    let outer = Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x5c))
        .chain_update(inner);
    Digest::from_bytes(outer.finalize().into())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    //! What a path means.

    use serde_json::json;

    use super::*;

    fn masks(rules: &[(&str, With)]) -> Result<Masks, ConfigError> {
        let rules: Vec<Rule> = rules
            .iter()
            .map(|&(path, with)| Rule {
                path: path.to_owned(),
                with,
            })
            .collect();
        Masks::new(&rules, Some(b"Jefe".to_vec()))
    }

    fn mask(path: &str, with: With, value: Value) -> (Value, u64) {
        let mut masked = Vec::new();
        let masks = masks(&[(path, with)]).unwrap();
        let after = masks
            .apply("evidence", || Ok(value.clone()), &mut masked)
            .unwrap();
        (
            after.unwrap_or(value),
            masked.first().map_or(0, |masked| masked.places),
        )
    }

    /// RFC 4231, test cases 2 and 6: a short key, and one longer than a block.
    #[test]
    fn the_key_makes_the_digest() {
        assert_eq!(
            hmac(b"Jefe", b"what do ya want for nothing?").to_string(),
            "sha256:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hmac(
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            )
            .to_string(),
            "sha256:60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn a_star_is_every_key_and_every_index() {
        let people = json!({"people": [{"email": "a", "id": "x"}, {"id": "y"}, {"email": "b"}]});
        let (after, places) = mask("/evidence/people/*/email", With::Remove, people.clone());
        assert_eq!(after, json!({"people": [{"id": "x"}, {"id": "y"}, {}]}));
        assert_eq!(places, 2);
        let (after, places) = mask("/evidence/people/2/*", With::Digest, people);
        // FIPS 180-4 has no digest of `b`; `printf b | sha256sum` says this.
        let digest = "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";
        assert_eq!(after.pointer("/people/2/email").unwrap(), digest);
        assert_eq!(places, 1);
    }

    #[test]
    fn lists_keep_their_length() {
        let (after, places) = mask("/evidence/a/1", With::Remove, json!({"a": [1, 2, 3]}));
        assert_eq!((after, places), (json!({"a": [1, null, 3]}), 1));
        let (after, places) = mask("/evidence/a/*", With::Remove, json!({"a": [1, 2]}));
        assert_eq!((after, places), (json!({"a": [null, null]}), 2));
    }

    #[test]
    fn a_key_with_a_slash_or_tilde_is_escaped() {
        let (after, places) = mask("/evidence/a~1b~0", With::Remove, json!({"a/b~": 1, "a": 2}));
        assert_eq!((after, places), (json!({"a": 2}), 1));
    }

    #[test]
    fn what_is_not_there_is_not_masked() {
        for path in [
            "/evidence/b",
            "/evidence/a/b",
            "/evidence/a/9",
            "/evidence/*/x",
        ] {
            let value = json!({"a": [1]});
            assert_eq!(
                mask(path, With::Digest, value.clone()),
                (value, 0),
                "{path}"
            );
        }
    }

    #[test]
    fn paths_that_mean_nothing_are_refused() {
        for path in [
            "",
            "evidence",
            "/",
            "/*",
            "/evidenc/a",
            "/evidence/~2",
            "/principal",
            "/principal/name",
            "/client/x",
            "/verdict",
            "/action/id",
        ] {
            assert!(masks(&[(path, With::Remove)]).is_err(), "{path}");
        }
        let keyed = Rule {
            path: "/client".to_owned(),
            with: With::Keyed,
        };
        assert!(Masks::new(&[keyed], None).is_err(), "no key");
    }
}
