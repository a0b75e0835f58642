//! Components that mean harm: every host refuses or denies what the Rust host refuses or denies.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use sod_host::{Digest, code};

use crate::hosts::{HOSTS, Host, lines};
use crate::{files, guests};

/// What the host makes of each component: what it is refused for, or how it is decided.
fn outcomes(host: Host, components: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Value> {
    let folder = tempfile::tempdir().unwrap();
    for (name, component) in components {
        fs::write(folder.path().join(name), component).unwrap();
    }
    let request = serde_json::to_vec(&guests::request()).unwrap();
    let mut command = match host {
        Host::Node => host.script("test/outcomes.js"),
        Host::Python => host.script("tests/outcomes.py"),
    };
    fs::write(folder.path().join("request.json"), request).unwrap();
    let output = command.arg(folder.path()).output().unwrap();
    let said = lines(&output, &[0]);
    let outcome = |line: &String| {
        let outcome: Value = serde_json::from_str(line).unwrap();
        (outcome["name"].as_str().unwrap().to_owned(), outcome)
    };
    said.iter().map(outcome).collect()
}

/// Codes that say less than the Rust host's, since the host cannot tell.
fn as_well(host: Host, expected: &str) -> &'static [&'static str] {
    match (host, expected) {
        // Memory that does not grow ends in a crash, in asking for ever, or in an answer where no memory is.
        (_, code::MEMORY) => &[code::TRAP, code::DEADLINE, code::INVALID_ANSWER],
        // An engine for the web has no bound on instructions, and reads an answer item by item.
        (Host::Node, code::OUTPUT_TOO_LARGE) => &[code::INVALID_ANSWER, code::MEMORY],
        (Host::Python, code::OUTPUT_TOO_LARGE) => &[code::INVALID_ANSWER],
        _ => &[],
    }
}

#[test]
fn what_is_no_answer_is_a_deny_everywhere() {
    let rows = guests::denied();
    let components: BTreeMap<_, _> = rows
        .iter()
        .map(|(name, guest, _)| ((*name).to_owned(), guest.component()))
        .chain([("good".to_owned(), guests::good().component())])
        .collect();
    for host in HOSTS {
        let outcomes = outcomes(host, &components);
        assert_eq!(outcomes.len(), components.len(), "{host:?}");
        assert_eq!(outcomes["good"]["effect"], "allow", "{host:?}");
        let mut wrong = Vec::new();
        for (name, _, expected) in &rows {
            let outcome = &outcomes[*name];
            let said = outcome["codes"][0].as_str().unwrap_or("none");
            // What jco makes does not look at where an allocator aligns: the memory is the component's own.
            if (host, *name) == (Host::Node, "allocates unaligned") {
                assert_eq!(outcome["effect"], "allow");
                continue;
            }
            let known = said == *expected || as_well(host, expected).contains(&said);
            if outcome["effect"] != "deny" || !known {
                wrong.push(format!("{host:?}: {name}: {expected}, {outcome}"));
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    }
}

#[test]
fn what_is_no_policy_component_is_refused_everywhere() {
    let rows = files::refused();
    let components: BTreeMap<_, _> = rows
        .iter()
        .map(|(name, component, _)| ((*name).to_owned(), component.clone()))
        .chain([("good".to_owned(), guests::good().component())])
        .collect();
    for host in HOSTS {
        let outcomes = outcomes(host, &components);
        assert_eq!(outcomes["good"]["effect"], "allow", "{host:?}");
        let allowed: Vec<_> = rows
            .iter()
            .filter(|(name, ..)| !outcomes[*name]["refused"].is_string())
            .map(|(name, ..)| format!("{host:?}: {name}: {}", outcomes[*name]))
            .collect();
        assert_eq!(allowed, Vec::<String>::new());
    }
}

/// With one byte changed anywhere, and by another one's digest, a component is not even looked at.
#[test]
fn only_the_expected_component_is_opened_anywhere() {
    let component = guests::good().component();
    let digest = Digest::of(&component).to_string();
    let folder = tempfile::tempdir().unwrap();
    let request = folder.path().join("request.json");
    fs::write(&request, serde_json::to_vec(&guests::request()).unwrap()).unwrap();
    for host in HOSTS {
        for at in [
            None,
            Some(0),
            Some(component.len() / 2),
            Some(component.len() - 1),
        ] {
            let mut bytes = component.clone();
            if let Some(at) = at {
                bytes[at] ^= 1;
            }
            let file = folder.path().join("policy.wasm");
            fs::write(&file, bytes).unwrap();
            let mut command = host.command();
            command.arg("decide").arg(&file);
            let output = command
                .args(["--expect-digest", &digest])
                .stdin(fs::File::open(&request).unwrap())
                .output()
                .unwrap();
            match at {
                None => assert!(lines(&output, &[0])[0].contains("\"effect\":\"allow\"")),
                Some(_) => assert_eq!(
                    lines(&output, &[5]),
                    Vec::<String>::new(),
                    "{host:?} {at:?}"
                ),
            }
        }
    }
}

/// What generates JavaScript from a component writes names of its core module into it, quotes and all.
#[test]
fn a_name_in_a_component_cannot_become_code() {
    let (name, code) = (b"cabi_realloc", b"a'];oops();//");
    let mut component = guests::good().component();
    let code = &code[..name.len()];
    let found: Vec<_> = (0..component.len() - name.len())
        .filter(|at| component[*at..].starts_with(name))
        .collect();
    // Where it is exported, and where it is taken from there.
    assert!(found.len() >= 2, "{found:?}");
    for at in found {
        component[at..at + name.len()].copy_from_slice(code);
    }
    let components = BTreeMap::from([("named".to_owned(), component)]);
    let outcome = &outcomes(Host::Node, &components)["named"];
    assert_eq!(outcome["refused"], "component-invalid", "{outcome}");
    let message = outcome["message"].as_str().unwrap();
    assert!(message.contains("odd names"), "{message}");
    // For the others it is a name.
    let outcome = &outcomes(Host::Python, &components)["named"];
    assert_eq!(outcome["effect"], "allow", "{outcome}");
}
