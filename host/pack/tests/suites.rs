//! Cases in YAML, and suites.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use serde_json::json;
use sod_core::Effect;
use sod_pack::cases::{self, Case};
use sod_pack::{Findings, Pack};
use tempfile::TempDir;

/// The cases of a pack with these files in its folder `cases`.
fn read(files: &[(&str, &str)]) -> Result<Vec<Case>, Findings> {
    let root = tempfile::tempdir().unwrap();
    let rule = "@id(\"it\")\n@reason(\"because\")\nforbid (principal, action, resource);";
    write(
        &root,
        "pack.toml",
        "name = \"small\"\nversion = \"0.1.0\"\n",
    );
    write(&root, "rules/rule.cedar", rule);
    for (path, text) in files {
        write(&root, &format!("cases/{path}"), text);
    }
    cases::read(&Pack::open(root.path()).unwrap())
}

fn write(root: &TempDir, path: &str, text: &str) {
    let path = root.path().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

const YAML: &str = "
description: no is the name of somebody
request:
  principal: Person::\"no\"
  action: approve
  resource: Change::\"a#1\"
  now: 2026-03-02T10:00:00Z
fixture: people.json
patch:
  - {op: replace, path: /people/0/id, value: no}
expect:
  reasons: [\"forbid:it\"]
  missing: []
";
const JSON: &str = r#"{
  "description": "no is the name of somebody",
  "request": {"principal": "Person::\"no\"", "action": "approve", "resource": "Change::\"a#1\"", "now": "2026-03-02T10:00:00Z"},
  "fixture": "people.json",
  "patch": [{"op": "replace", "path": "/people/0/id", "value": "no"}],
  "expect": {"reasons": ["forbid:it"], "missing": []}
}"#;
const FIXTURE: (&str, &str) = (
    "fixtures/people.json",
    r#"{"people": [{"id": "ana", "active": true}]}"#,
);

#[test]
fn a_case_in_yaml_is_the_case_in_json() {
    let cases = read(&[("deny/json.json", JSON), ("deny/yaml.yaml", YAML), FIXTURE]).unwrap();
    let [json, yaml] = &cases[..] else {
        unreachable!("two files")
    };
    assert_eq!(json.request, yaml.request);
    assert_eq!(json.expect, yaml.expect);
    assert_eq!(
        (&json.description, json.effect),
        (&yaml.description, yaml.effect)
    );
    assert_eq!(yaml.request["now"], "2026-03-02T10:00:00Z");
    assert_eq!(yaml.request["evidence"]["people"][0]["id"], "no");
}

#[test]
fn two_files_of_one_name_are_an_error() {
    let findings = read(&[("deny/one.json", JSON), ("deny/one.yaml", YAML), FIXTURE]).unwrap_err();
    let text = findings.render(false);
    assert!(text.contains("case `deny/one` is also in"), "{text}");
}

const SUITE: &str = r#"
description: who approves
now: 2026-03-02T10:00:00Z
evidence:
  people: [{id: ana, active: true}]
tests:
  - name: first
    description: nobody is gone
    principals: [ana, 'Machine::"ci"']
    actions: [approve, merge]
    resources: ['Change::"a#1"']
    expect:
      - {principals: [ana], actions: [merge], effect: allow}
      - {principals: ['Machine::"ci"'], effect: deny, reasons: ["forbid:it"], missing: []}
    default: {effect: deny, reasons: [no-permit]}
  - name: gone
    now: 2026-03-03T10:00:00Z
    patch: [{op: replace, path: /people/0/active, value: false}]
    choose: {}
    principals: [ana]
    actions: [approve]
    resources: ['Change::"a#1"']
    expect: [{effect: deny, reasons: [no-permit]}]
"#;

#[test]
fn a_suite_is_a_case_for_every_cell() {
    let cases = read(&[("suites/who.yaml", SUITE)]).unwrap();
    let shown: Vec<_> = cases
        .iter()
        .map(|case| {
            (
                case.name.as_str(),
                case.effect,
                case.expect.reasons.clone().unwrap_or_default(),
            )
        })
        .map(|(name, effect, reasons)| {
            (
                name,
                effect,
                reasons.into_iter().collect::<Vec<_>>().join(" "),
            )
        })
        .collect();
    let deny = |name, reason: &str| (name, Effect::Deny, reason.to_owned());
    assert_eq!(
        shown,
        [
            deny("suites/who/first/ana/approve/Change::\"a#1\"", "no-permit"),
            (
                "suites/who/first/ana/merge/Change::\"a#1\"",
                Effect::Allow,
                String::new()
            ),
            deny(
                "suites/who/first/Machine::\"ci\"/approve/Change::\"a#1\"",
                "forbid:it"
            ),
            deny(
                "suites/who/first/Machine::\"ci\"/merge/Change::\"a#1\"",
                "forbid:it"
            ),
            deny("suites/who/gone/ana/approve/Change::\"a#1\"", "no-permit"),
        ]
    );
    assert_eq!(
        cases[0].request,
        json!({
            "principal": "Person::\"ana\"",
            "action": "approve",
            "resource": "Change::\"a#1\"",
            "now": "2026-03-02T10:00:00Z",
            "evidence": {"people": [{"id": "ana", "active": true}]},
        })
    );
    assert_eq!(cases[2].request["principal"], "Machine::\"ci\"");
    assert_eq!(cases[2].expect.missing, Some(Vec::new()));
    assert_eq!(cases[4].request["evidence"]["people"][0]["active"], false);
    assert_eq!(cases[4].request["now"], "2026-03-03T10:00:00Z");
    assert_eq!(cases[0].description, "who approves: nobody is gone");
}

#[test]
fn a_suite_in_json_is_the_suite_in_yaml() {
    let json = r#"{"description": "d", "evidence": {"people": []}, "tests": [{"name": "t", "principals": ["ana"],
      "actions": ["approve"], "resources": ["Change::\"\u0061\""], "default": {"effect": "allow"}}]}"#;
    let cases = read(&[("suites/who.json", json)]).unwrap();
    assert_eq!(cases[0].name, "suites/who/t/ana/approve/Change::\"a\"");
    assert_eq!(cases[0].effect, Effect::Allow);
}
