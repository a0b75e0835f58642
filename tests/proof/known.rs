//! A decision on a directory that was read before is the decision on the whole text, byte for byte, or is not taken.

use serde_json::{Map, Value};
use sod_core::evidence::{Known, join};
use sod_core::{Effect, Mode, Program, Request};
use sod_pack::{Target, cases};
use sod_tests::core_request;

use crate::engines::{open, tested_packs};
use crate::modules;
use crate::modules::proxy::Proxy;

/// Which members of the evidence the operator has: the whole directory,
const DIRECTORIES: [&[&str]; 3] = [
    &["people", "machines", "accounts"],
    &["people", "machines", "accounts", "environments"],
    &[
        "people",
        "machines",
        "accounts",
        "grants",
        "incidents",
        "on_call",
        "past_reviews",
    ],
];

/// or not.
const OTHERS: [&[&str]; 3] = [
    &["people"],
    &["machines", "accounts"],
    &["environments", "session"],
];

/// What a request may bring that is not as it should be.
const STRANGE: [(&str, &str); 12] = [
    ("{", "{\"people\": [],"),
    ("{", "{\"acc\\u006funts\": [],"),
    (
        "{",
        "{\"accounts\": [{\"account\": \"github:eve\", \"person\": \"ana\"}],",
    ),
    ("{", "{\"people\": [{\"id\": \"eve\", \"active\": true}],"),
    ("{", "{\"unknown\": 1,"),
    ("{", "{\"commits\": {\"complete\": true, \"items\": []},"),
    ("{", "{\"changes\": {\"unknown\": 1},"),
    ("{", "["),
    ("{", "{}{"),
    ("{", "{},\"changes\":[],"),
    ("{", ""),
    ("\"", "\"\\u0001"),
];

struct Parts {
    own: String,
    rest: String,
}

fn part(evidence: &Map<String, Value>, own: &[&str]) -> Parts {
    let is_own = |key: &String| own.contains(&key.as_str());
    let (own, rest): (Map<_, _>, Map<_, _>) = evidence
        .clone()
        .into_iter()
        .partition(|(key, _)| is_own(key));
    Parts {
        own: serde_json::to_string_pretty(&own).unwrap(),
        rest: format!(" {}\n", Value::Object(rest)),
    }
}

/// Whether the decision is taken; then it is the right one.
fn is_taken(program: &Program, known: &Known, parts: &Parts, request: &Request) -> bool {
    let Some(said) = program.decide_knowing(known, &parts.rest, request) else {
        return false;
    };
    let whole = Request {
        evidence: join(&parts.own, &parts.rest),
        ..request.clone()
    };
    assert!(whole.evidence.is_some(), "{}", parts.rest);
    assert_eq!(
        said,
        program.decide(&whole),
        "{}\n{}",
        parts.own,
        parts.rest
    );
    true
}

/// What became of the decisions.
#[derive(Debug, Default)]
struct Seen {
    taken: u32,
    left: u32,
    damaged: u32,
}

fn look(
    program: &Program,
    n: usize,
    request: &Request,
    random: &mut fastrand::Rng,
    seen: &mut Seen,
) {
    let mut request = request.clone();
    let evidence = request.evidence.take().unwrap_or_default();
    let Ok(Value::Object(evidence)) = serde_json::from_str(&evidence) else {
        return;
    };
    for (own, is_directory) in [(DIRECTORIES[n % 3], true), (OTHERS[n % 3], false)] {
        let mut parts = part(&evidence, own);
        let Ok(known) = Known::read(parts.own.as_str().into()) else {
            continue;
        };
        let taken = is_taken(program, &known, &parts, &request);
        seen.taken += u32::from(taken);
        seen.left += u32::from(is_directory && !taken);
        let rest = std::mem::take(&mut parts.rest);
        for _ in 0..2 {
            parts.rest = damage(&rest, random);
            seen.damaged += u32::from(is_taken(program, &known, &parts, &request));
        }
        if n.is_multiple_of(10) {
            for (from, to) in STRANGE {
                parts.rest = rest.replacen(from, to, 1);
                is_taken(program, &known, &parts, &request);
            }
        }
    }
}

#[test]
fn a_directory_read_before_changes_no_decision() {
    let mut random = fastrand::Rng::with_seed(24);
    let mut seen = Seen::default();
    for folder in tested_packs() {
        let pack = open(&folder);
        if pack.mode() == Mode::Cedar {
            continue;
        }
        let all = cases::read(&pack).unwrap();
        for (chosen, cases) in cases::by_choice(&pack, &all) {
            let program = Program::load(chosen.bundle()).unwrap();
            for (n, case) in cases.iter().enumerate() {
                let json = serde_json::to_vec(&case.request).unwrap();
                if let Ok(request) = sod_host::Request::from_json(&json) {
                    look(&program, n, &core_request(&request), &mut random, &mut seen);
                }
            }
        }
    }
    // Left are cases whose evidence is wrong on purpose.
    assert!(seen.taken > 800 && seen.damaged > 500, "{seen:?}");
    assert!(seen.left < seen.taken / 4, "{seen:?}");
}

/// What damage puts into a text.
const OTHER: [char; 12] = ['{', '}', '[', ']', ',', ':', '"', '0', 'a', 'é', '\\', ' '];

/// A character less, another, or one more.
fn damage(text: &str, random: &mut fastrand::Rng) -> String {
    let mut text: Vec<char> = text.chars().collect();
    let at = random.usize(..text.len());
    let other = random.choice(OTHER).unwrap();
    match random.u8(..3) {
        0 => drop(text.remove(at)),
        1 => text[at] = other,
        _ => text.insert(at, other),
    }
    text.into_iter().collect()
}

#[test]
fn what_is_out_of_the_ordinary_is_not_taken() {
    let folder = sod_tests::root().join("policies/protected-deploy");
    let program = Program::load(open(&folder).bundle()).unwrap();
    let example = std::fs::read(folder.join("example.json")).unwrap();
    let request = sod_host::Request::from_json(&example).unwrap();
    let mut request = core_request(&request);
    let evidence: Value = serde_json::from_str(&request.evidence.take().unwrap()).unwrap();
    let mut parts = part(evidence.as_object().unwrap(), DIRECTORIES[0]);
    let known = Known::read(parts.own.as_str().into()).unwrap();
    assert!(is_taken(&program, &known, &parts, &request));
    let rest = std::mem::take(&mut parts.rest);
    for (from, to) in STRANGE {
        parts.rest = rest.replacen(from, to, 1);
        let said = program.decide_knowing(&known, &parts.rest, &request);
        // An escape in a key makes it another key, or none.
        assert!(said.is_none(), "{from} -> {to}: {said:?}");
    }
    let with_evidence = Request {
        evidence: Some("{}".to_owned()),
        ..request.clone()
    };
    assert!(
        program
            .decide_knowing(&known, &rest, &with_evidence)
            .is_none()
    );
    for own in [
        "{}",
        "[]",
        "{\"people\": [], \"people\": []}",
        "{\"people\": [], \"unknown\": []}",
        "{\"people\": [{\"id\": \"ana\", \"active\": true, \"age\": 30}]}",
        "{\"accounts\": [{\"account\": \"github:ana\", \"person\": \"ana\"}]}",
        "{\"people\": [",
    ] {
        assert_eq!(Known::read(own.into()).unwrap_err().as_ref(), own);
    }
}

#[test]
fn objects_are_joined_as_they_are_written() {
    for (one, other, both) in [
        (
            "{\"a\": 1}",
            " { \"b\" : 2 }\n",
            Some("{\"a\": 1,\"b\" : 2}"),
        ),
        ("{ }", "{\"b\":2}", Some("{\"b\":2}")),
        ("{\"a\":1}", "{\t}", Some("{\"a\":1}")),
        ("{}", "{}", Some("{}")),
        ("{\"a\":1}", "[]", None),
        ("{\"a\":1}", "", None),
        ("{", "{}", None),
    ] {
        assert_eq!(join(one, other).as_deref(), both, "{one} {other}");
    }
}

#[test]
fn a_plugin_says_of_the_operator_s_directory_and_the_rest_what_the_core_says_of_both() {
    let pack = open(&sod_tests::root().join("policies/protected-deploy"));
    let wasm = modules::engine(wasmtime::OptLevel::None);
    let (mut allowed, mut denied) = (0, 0);
    for (chosen, cases) in cases::by_choice(&pack, &cases::read(&pack).unwrap()) {
        let program = Program::load(chosen.bundle()).unwrap();
        let proxy = Proxy::new(&wasm, &modules::compile(&chosen, Target::ProxyWasm));
        for (n, case) in cases.iter().enumerate() {
            let json = serde_json::to_vec(&case.request).unwrap();
            let request = sod_host::Request::from_json(&json).unwrap();
            let whole = core_request(&request);
            let evidence = whole.evidence.as_deref().unwrap_or_default();
            let Ok(Value::Object(evidence)) = serde_json::from_str(evidence) else {
                continue;
            };
            let parts = part(&evidence, DIRECTORIES[n % 3]);
            let own: Value = serde_json::from_str(&parts.own).unwrap();
            let both = Request {
                evidence: join(&own.to_string(), &parts.rest),
                ..whole
            };
            let said = proxy.ask(&request, own, &parts.rest);
            match program.decide(&both) {
                Ok(verdict) => {
                    assert_eq!(said, Ok(serde_json::to_string(&verdict).unwrap()));
                    match verdict.effect {
                        Effect::Allow => allowed += 1,
                        Effect::Deny => denied += 1,
                    }
                }
                Err(fault) => assert_eq!(said, Err(fault.message)),
            }
        }
    }
    assert!(
        allowed > 20 && denied > 50,
        "{allowed} allowed, {denied} denied"
    );
}
