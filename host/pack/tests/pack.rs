//! What is made of a valid pack.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use sod_core::cedar::Schema;
use sod_core::{Mode, Program, QuorumOf};
use sod_pack::{Findings, Pack, cases};
use tempfile::TempDir;

const RULE: &str = "@id(\"ID\")\n@reason(\"because\")\nforbid (principal, action, resource);\n";

/// A tree of files; the pack is in its folder `pack`.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

fn manifest(name: &str, rest: &str) -> String {
    format!("name = \"{name}\"\nversion = \"0.1.0\"\n{rest}")
}

fn open(root: &TempDir) -> Result<Pack, Findings> {
    Pack::open(root.path().join("pack"))
}

fn valid(root: &TempDir) -> Pack {
    open(root)
        .map_err(|findings| findings.render(false))
        .unwrap()
}

fn rule(id: &str) -> String {
    RULE.replace("ID", id)
}

#[test]
fn a_pack_reached_in_two_ways_is_merged_once() {
    let root = tree(&[
        (
            "pack/pack.toml",
            &manifest("pack", "includes = [\"../left\", \"../right\"]\n"),
        ),
        ("pack/rules/a.cedar", &rule("own")),
        (
            "left/pack.toml",
            &manifest("left", "includes = [\"../base\"]\n"),
        ),
        ("left/rules/a.cedar", &rule("of-left")),
        (
            "right/pack.toml",
            &manifest("right", "includes = [\"../left/../base\"]\n"),
        ),
        ("right/rules/a.cedar", &rule("of-right")),
        (
            "base/pack.toml",
            &manifest(
                "base",
                "[quorum.two]\nof = \"change\"\nneed = { reviewer = 2 }\n",
            ),
        ),
        ("base/rules/a.cedar", &rule("of-base")),
    ]);
    let pack = valid(&root);
    let rules: Vec<(&str, &str)> = pack
        .rules()
        .iter()
        .map(|rule| (rule.id.as_str(), rule.pack.as_str()))
        .collect();
    let expected = [
        ("of-base", "base"),
        ("of-left", "left"),
        ("of-right", "right"),
        ("own", "pack"),
    ];
    assert_eq!(rules, expected);
    assert_eq!(pack.own_rules().count(), 1);
    assert_eq!(pack.quorums().len(), 1);
}

#[test]
fn every_rule_reads_back_from_the_bundle_as_it_was_written() {
    for name in ["core-lanes", "two-person-change", "protected-deploy"] {
        let pack = Pack::open(Path::new("../../policies").join(name))
            .map_err(|findings| findings.render(false))
            .unwrap();
        let bundle = pack.bundle();
        assert!(bundle.policies.is_sorted_by(|a, b| a.id < b.id));
        assert!(bundle.quorums.is_sorted_by(|a, b| a.name < b.name));
        for (source, rule) in bundle.policies.iter().zip(pack.rules()) {
            assert!(
                source.text.contains(&format!("@id(\"{}\")", rule.id)),
                "{}",
                source.text
            );
            assert!(
                !source.text.contains("//"),
                "a comment is left in {}",
                source.text
            );
            assert!(rule.annotations.contains_key("reason"));
        }
        Program::load(bundle).unwrap();
    }
}

#[test]
fn comments_and_layout_do_not_change_the_digest_and_annotations_do() {
    let digest = |rule: &str, schema: &str| {
        let root = tree(&[
            ("pack/pack.toml", &manifest("pack", "")),
            ("pack/rules/a.cedar", rule),
            ("pack/schema.cedarschema", schema),
        ]);
        valid(&root).bundle().digest()
    };
    let schema = "entity Freeze = { until: datetime, };";
    let plain = digest(&rule("one"), schema);
    let laid_out = rule("one").replace("forbid (", "// why\nforbid(\n\n  ");
    assert_eq!(
        digest(
            &laid_out,
            "// when\nentity Freeze = {\n  until: datetime\n};\n"
        ),
        plain
    );
    assert_ne!(
        digest(&rule("one").replace("because", "just so"), schema),
        plain
    );
    assert_ne!(
        digest(&rule("one"), "entity Freeze = { since: datetime };"),
        plain
    );
}

#[test]
fn quorums_become_facts_of_those_who_can_have_them() {
    let quorums = "[quorum.two]\nof = \"change\"\nneed = { reviewer = 2 }\n\
                   [quorum.ops]\nof = \"deployment\"\nneed = { operations = 1 }\n";
    let permit = |action: &str, resource: &str, quorum: &str| {
        let rule = format!(
            "@id(\"one\") @reason(\"because\") permit (principal is Person, action == Action::\"{action}\", \
             resource is {resource}) when {{ context.quorum.{quorum} }};"
        );
        open(&tree(&[
            ("pack/pack.toml", &manifest("pack", quorums)),
            ("pack/rules/a.cedar", &rule),
        ]))
    };
    assert!(permit("merge", "Change", "two").is_ok());
    assert!(permit("deploy", "Deployment", "two").is_ok());
    assert!(permit("deploy", "Deployment", "ops").is_ok());
    assert!(permit("merge", "Change", "ops").is_err());
    assert!(permit("approve", "Change", "two").is_err());
}

#[test]
fn a_plain_cedar_pack_brings_its_own_schema() {
    let root = tree(&[
        ("pack/pack.toml", &manifest("pack", "mode = \"cedar\"\n")),
        (
            "pack/schema.cedarschema",
            "entity User, Photo; action view appliesTo { principal: User, resource: Photo };",
        ),
        (
            "pack/rules/a.cedar",
            "@id(\"view\") @reason(\"r\") permit (principal is User, action == Action::\"view\", resource);",
        ),
    ]);
    let bundle = valid(&root).bundle();
    assert_eq!(bundle.mode, Mode::Cedar);
    let (schema, _) = Schema::from_cedarschema_str(&bundle.schema).unwrap();
    assert_eq!(
        schema.entity_types().count(),
        2,
        "the base schema is no part of it"
    );
}

#[test]
fn a_finding_is_json_with_its_place() {
    let root = tree(&[
        ("pack/pack.toml", &manifest("pack", "")),
        (
            "pack/rules/a.cedar",
            "@id(\"o\") @reason(\"é\")\npermit (principal is Person, action, resource) when { principal.x };",
        ),
    ]);
    let findings = open(&root).unwrap_err();
    let json = serde_json::to_value(&findings).unwrap();
    assert_eq!(json.as_array().map(Vec::len), Some(1), "{json}");
    assert_eq!(json[0]["code"], "unknown-attribute");
    assert_eq!(json[0]["severity"], "error");
    assert_eq!(
        (&json[0]["line"], &json[0]["column"]),
        (&2.into(), &55.into())
    );
    assert_eq!(
        json[0]["span"],
        serde_json::json!({"offset": 77, "length": 11})
    );
    assert!(
        json[0]["file"]
            .as_str()
            .unwrap()
            .ends_with("pack/rules/a.cedar")
    );
}

#[test]
fn a_case_is_its_fixture_with_the_patch_applied() {
    let case = r#"{
        "description": "d",
        "request": {"principal": "Person::\"ana\"", "action": "merge", "resource": "Change::\"a#1\"", "context": {"x": 1}},
        "fixture": "../../../other/cases/fixtures/f.json",
        "patch": [{"op": "add", "path": "/people/-", "value": {"id": "bo"}}],
        "expect": {"reasons": ["no-permit", "forbid:one"], "approvals": [{"index": 0, "code": "not-permitted", "policies": ["two"]}]}
    }"#;
    let root = tree(&[
        ("pack/pack.toml", &manifest("pack", "")),
        (
            "pack/rules/a.cedar",
            &(rule("one") + &rule("two") + &rule("three")),
        ),
        ("pack/cases/deny/case.json", case),
        (
            "other/cases/fixtures/f.json",
            r#"{"people": [{"id": "ana"}]}"#,
        ),
        ("other/pack.toml", &manifest("other", "")),
    ]);
    let pack = valid(&root);
    let cases = cases::read(&pack)
        .map_err(|findings| findings.render(false))
        .unwrap();
    assert_eq!(cases[0].name, "deny/case");
    let expected = serde_json::json!({
        "principal": "Person::\"ana\"", "action": "merge", "resource": "Change::\"a#1\"", "context": {"x": 1},
        "evidence": {"people": [{"id": "ana"}, {"id": "bo"}]},
    });
    assert_eq!(cases[0].request, expected);
    let undecided = cases::undecided(&pack, &cases);
    let messages: Vec<String> = undecided.iter().map(ToString::to_string).collect();
    assert_eq!(messages, ["rule `three` decides no case that passes"]);
    assert_eq!(cases::undecided(&pack, []).errors(), 3);
}

/// A case is data of others: it must not have `sod` read what is no case's.
#[cfg(unix)]
#[test]
fn nothing_is_a_fixture_but_what_lies_among_those_of_a_pack() {
    let secret = r#"{"people": []}"#;
    let root = tree(&[
        ("pack/pack.toml", &manifest("pack", "")),
        ("pack/rules/a.cedar", &rule("one")),
        ("pack/cases/fixtures/own.json", secret),
        ("pack/cases/other.json", secret),
        ("no-pack/cases/fixtures/f.json", secret),
        ("secret.json", secret),
    ]);
    let link = root.path().join("pack/cases/fixtures/link.json");
    std::os::unix::fs::symlink(root.path().join("secret.json"), link).unwrap();
    let absolute = root.path().join("pack/cases/fixtures/own.json");
    let read = |fixture: &str| {
        let case = serde_json::json!({
            "description": "d", "fixture": fixture, "expect": {},
            "request": {"principal": "Person::\"ana\"", "action": "merge", "resource": "Change::\"a#1\""},
        });
        let file = root.path().join("pack/cases/allow/case.json");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, case.to_string()).unwrap();
        cases::read(&valid(&root)).map_err(|findings| findings.render(false))
    };
    assert!(read("own.json").is_ok());
    assert!(read("../../../pack/cases/fixtures/own.json").is_ok());
    for fixture in [
        "../other.json",
        "../../../secret.json",
        "../../../no-pack/cases/fixtures/f.json",
        "link.json",
        absolute.to_str().unwrap(),
    ] {
        let refused = read(fixture).unwrap_err();
        assert!(
            refused.contains("case-fixture") && refused.contains("of a pack"),
            "{fixture}: {refused}"
        );
    }
}

#[test]
fn the_quorum_of_a_bundle_is_the_one_that_was_written() {
    let root = tree(&[
        (
            "pack/pack.toml",
            &manifest(
                "pack",
                "[quorum.ops]\nof = \"deployment\"\nneed = { operations = 1, security = 2 }\n",
            ),
        ),
        ("pack/rules/a.cedar", &rule("one")),
    ]);
    let quorum = &valid(&root).bundle().quorums[0];
    assert_eq!(
        (quorum.name.as_str(), quorum.of),
        ("ops", QuorumOf::Deployment)
    );
    assert_eq!(
        quorum.need.clone().into_iter().collect::<Vec<_>>(),
        [("operations".to_owned(), 1), ("security".to_owned(), 2)]
    );
}
