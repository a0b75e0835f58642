//! Which slips are tried, and which of them the cases of a pack notice.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use sod_pack::cases::{self, Case};
use sod_pack::mutants::{self, EntityUid, Exemptions, Hunted, Question, Request};
use sod_pack::{Findings, Pack};
use tempfile::TempDir;

const SCHEMA: &str = "
entity Group;
entity User in [Group] = { level: Long };
entity Robot in [Group] = { level: Long };
entity Page = { secret: Bool, kind: String };
action read, write appliesTo { principal: [User, Robot], resource: [Page] };
action erase appliesTo { principal: [User], resource: [Page] };
";

/// A pack of plain Cedar with this rule.
fn pack(rule: &str) -> (TempDir, Pack) {
    let root = tempfile::tempdir().unwrap();
    let manifest = "name = \"small\"\nversion = \"0.1.0\"\nmode = \"cedar\"\n";
    write(&root, "pack.toml", manifest);
    write(&root, "schema.cedarschema", SCHEMA);
    write(
        &root,
        "rules/rule.cedar",
        &format!("@id(\"it\")\n@reason(\"because\")\n{rule}"),
    );
    let pack = open(root.path());
    (root, pack)
}

fn write(root: &TempDir, path: &str, text: &str) {
    let path = root.path().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn open(folder: &Path) -> Pack {
    let pack = Pack::open(folder).map_err(|findings| findings.render(false));
    pack.unwrap_or_else(|findings| panic!("{findings}"))
}

/// What every mutant of the rule is, by operator.
fn slips(rule: &str) -> BTreeSet<String> {
    let (_root, pack) = pack(rule);
    let mutants = mutants::mutants(&pack);
    let named = mutants.iter().map(|mutant| {
        let operator = mutant.id.strip_prefix("it/").unwrap();
        let operator = match operator.rsplit_once('-') {
            Some((operator, digest)) if digest.len() == 8 => operator,
            _ => operator,
        };
        format!("{operator}: {}", mutant.what)
    });
    let slips: BTreeSet<String> = named.collect();
    assert_eq!(
        slips.len(),
        mutants.len(),
        "two mutants are alike: {slips:?}"
    );
    slips
}

fn set(slips: &[&str]) -> BTreeSet<String> {
    slips.iter().map(|slip| (*slip).to_owned()).collect()
}

const ALWAYS: [&str; 2] = [
    "whole: the rule is left out",
    "effect: `permit` became `forbid`",
];

#[test]
fn a_scope_is_widened_and_its_actions_are_left_out_one_by_one() {
    let found = slips(
        r#"permit (principal is User in Group::"g", action in [Action::"read", Action::"write"], resource is Page);"#,
    );
    let user = r#"scope: `principal is User in Group::"g"` became"#;
    let actions = r#"scope: `action in [Action::"read", Action::"write"]` became"#;
    // Only pages are read and written: to leave out `is Page` says the same.
    let expected = [
        format!("{user} `principal is User`"),
        format!(r#"{user} `principal in Group::"g"`"#),
        format!(r#"{actions} `action in [Action::"read"]`"#),
        format!(r#"{actions} `action in [Action::"write"]`"#),
        format!("{actions} `action`"),
    ];
    let expected: BTreeSet<String> = expected.into_iter().chain(set(&ALWAYS)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_type_that_the_action_takes_anyway_is_no_mutant() {
    let found = slips(r#"permit (principal is User, action == Action::"erase", resource);"#);
    // `read` and `write` are for robots too; `erase` is not.
    let wider = r#"scope: `action == Action::"erase"` became `action`"#;
    assert_eq!(found, &set(&ALWAYS) | &set(&[wider]));
}

#[test]
fn a_type_for_which_the_rule_could_never_hold_is_no_mutant() {
    let found = slips(
        r#"permit (principal is User, action == Action::"read", resource) when { principal is User };"#,
    );
    assert!(
        !found.contains("scope: `principal is User` became `principal`"),
        "{found:#?}"
    );
    let found = slips(
        r#"permit (principal is User, action == Action::"read", resource) when { principal.level > 1 };"#,
    );
    assert!(
        found.contains("scope: `principal is User` became `principal`"),
        "{found:#?}"
    );
}

#[test]
fn conditions_are_left_out_and_turned_round_at_any_depth() {
    let found = slips(
        r#"permit (principal is User, action == Action::"erase", resource)
           when { resource.secret && (resource.kind == "a" || resource.kind == "b") };"#,
    );
    assert!(
        found
            .iter()
            .any(|slip| slip.contains("`resource.secret` is left out")),
        "{found:#?}"
    );
    assert!(
        found
            .iter()
            .any(|slip| slip.contains("`resource.secret` is turned round")),
        "{found:#?}"
    );
    let of = |operator: &str| {
        found
            .iter()
            .filter(|slip| slip.starts_with(operator))
            .count()
    };
    // `secret`, the two kinds together, and each of the two.
    assert_eq!((of("left-out"), of("turned-round")), (4, 4), "{found:#?}");
}

#[test]
fn comparisons_are_tried_on_both_sides_of_their_boundary() {
    let found = slips(
        r#"permit (principal is User, action == Action::"erase", resource)
           when { principal.level >= 15 };"#,
    );
    let level = "`principal.level >= 15` became";
    for slip in [
        format!("comparison: {level} `principal.level > 15`"),
        format!("number: {level} `principal.level >= 14`"),
    ] {
        assert!(found.contains(&slip), "{slip}: {found:#?}");
    }
}

#[test]
fn elements_of_a_set_are_left_out() {
    let found = slips(
        r#"permit (principal is User, action == Action::"erase", resource)
           when { ["a", "b"].contains(resource.kind) };"#,
    );
    for slip in [
        r#"element: `["a", "b"]` became `["b"]`"#,
        r#"element: `["a", "b"]` became `["a"]`"#,
        r#"left-out: `["a", "b"].contains(resource.kind)` is left out"#,
    ] {
        assert!(found.contains(slip), "{slip}: {found:#?}");
    }
}

#[test]
fn what_does_not_validate_is_no_mutant() {
    let found = slips(
        r#"permit (principal, action == Action::"read", resource)
           when { principal is User && principal.level > 1 };"#,
    );
    // Both types have a level, so nothing guards it here.
    assert!(
        found.contains("left-out: `principal is User` is left out"),
        "{found:#?}"
    );
    let (_root, pack) = guarded();
    let left_out: Vec<_> = mutants::mutants(&pack)
        .into_iter()
        .filter(|mutant| mutant.what.contains("has") && mutant.id.contains("left-out"))
        .collect();
    assert!(left_out.is_empty(), "{left_out:?}");
}

/// A pack whose rule asks whether an attribute is there before it reads it.
fn guarded() -> (TempDir, Pack) {
    let root = tempfile::tempdir().unwrap();
    write(
        &root,
        "pack.toml",
        "name = \"guarded\"\nversion = \"0.1.0\"\nmode = \"cedar\"\n",
    );
    write(
        &root,
        "schema.cedarschema",
        "entity User = { level?: Long }; entity Page; action read appliesTo { principal: User, resource: Page };",
    );
    write(
        &root,
        "rules/rule.cedar",
        "@id(\"it\")\n@reason(\"because\")\npermit (principal, action, resource) when { principal has level && principal.level > 1 };",
    );
    let pack = open(root.path());
    (root, pack)
}

/// A pack in which whoever is above level 1 may erase, with cases of these levels.
fn levels(levels: &[i64]) -> (TempDir, Pack) {
    let (root, _) = pack(
        r#"permit (principal is User, action == Action::"erase", resource) when { principal.level > 1 };"#,
    );
    for level in levels {
        let (folder, reason) = match *level > 1 {
            true => ("allow", "permit:it"),
            false => ("deny", "no-permit"),
        };
        let text = case(*level, "erase", reason);
        write(&root, &format!("cases/{folder}/level-{level}.yaml"), &text);
    }
    write(
        &root,
        "cases/deny/reads.yaml",
        &case(2, "read", "no-permit"),
    );
    let pack = open(root.path());
    (root, pack)
}

fn case(level: i64, action: &str, reason: &str) -> String {
    format!(
        r#"
description: level {level}
request:
  principal: User::"u"
  action: {action}
  resource: Page::"p"
  entities:
    - {{uid: {{type: User, id: u}}, attrs: {{level: {level}}}, parents: []}}
    - {{uid: {{type: Page, id: p}}, attrs: {{secret: false, kind: a}}, parents: []}}
  context: {{}}
expect:
  reasons: ["{reason}"]
"#
    )
}

fn hunt(pack: &Pack) -> Result<Hunted, Findings> {
    let cases = cases::read(pack)?;
    let questions: Vec<Question<'_>> = cases.iter().map(question).collect();
    let mutants = mutants::mutants(pack);
    let done = AtomicUsize::new(0);
    let progress = || {
        done.fetch_add(1, Ordering::Relaxed);
    };
    let hunted = mutants::hunt(
        pack,
        &mutants,
        &questions,
        &Exemptions::read(pack)?,
        &progress,
    );
    assert_eq!(done.into_inner(), hunted.mutants);
    Ok(hunted)
}

fn question(case: &Case) -> Question<'_> {
    let text = |key: &str| case.request.get(key).and_then(Value::as_str).unwrap();
    let json = |key: &str| case.request.get(key).map(Value::to_string);
    let uid = |text: &str| {
        let (ty, id) = text.split_once("::").unwrap();
        EntityUid::new(ty, id.trim_matches('"'))
    };
    let request = Request {
        principal: uid(text("principal")),
        action: EntityUid::new("Action", text("action")),
        resource: uid(text("resource")),
        now: None,
        evidence: None,
        entities: json("entities"),
        context: json("context"),
    };
    Question { case, request }
}

#[test]
fn cases_at_both_sides_of_a_boundary_notice_every_slip() {
    let (_root, pack) = levels(&[1, 2]);
    let hunted = hunt(&pack).unwrap();
    assert!(
        hunted.findings.is_empty(),
        "{}",
        hunted.findings.render(false)
    );
    assert_eq!((hunted.noticed, hunted.exempt), (hunted.mutants, 0));
    assert!(hunted.mutants >= 6, "{}", hunted.mutants);
}

#[test]
fn a_slip_that_no_case_notices_is_a_finding_at_the_rule() {
    // 0 is beyond the boundary, 1 would be at it.
    let (_root, pack) = levels(&[0, 2]);
    let hunted = hunt(&pack).unwrap();
    let findings: Vec<_> = hunted.findings.iter().collect();
    let [finding] = findings.as_slice() else {
        panic!("{}", hunted.findings.render(false));
    };
    assert_eq!(finding.code.as_str(), "mutant-survives");
    let message = &finding.message;
    assert!(
        message.contains("`principal.level > 1` became `principal.level >= 1`"),
        "{message}"
    );
    assert_eq!(finding.line, Some(1));
    assert_eq!(hunted.noticed, hunted.mutants - 1);
}

#[test]
fn an_exemption_is_for_a_survivor_and_for_nothing_else() {
    let (root, pack) = levels(&[0, 2]);
    let message = hunt(&pack)
        .unwrap()
        .findings
        .iter()
        .next()
        .unwrap()
        .message
        .clone();
    let id = message.split('`').nth(1).unwrap().to_owned();
    let exempt = |mutant: &str, reason: &str| {
        let text = format!("[[exempt]]\nmutant = \"{mutant}\"\nreason = \"{reason}\"\n");
        write(&root, "cases/mutants.toml", &text);
        hunt(&pack)
    };
    let hunted = exempt(&id, "level 1 is given to nobody").unwrap();
    assert!(
        hunted.findings.is_empty(),
        "{}",
        hunted.findings.render(false)
    );
    assert_eq!(hunted.exempt, 1);
    let refused = exempt(&id, " ").unwrap_err().render(false);
    assert!(refused.contains("is exempt for no reason"), "{refused}");
    let unneeded = exempt("it/whole", "because")
        .unwrap()
        .findings
        .render(false);
    assert!(
        unneeded.contains("the exemption of `it/whole` is not needed"),
        "{unneeded}"
    );
    assert!(unneeded.contains("mutant-survives"), "{unneeded}");
}

#[test]
fn the_words_of_a_rule_are_no_part_of_what_a_mutant_is_called() {
    let rule = "permit (principal is User, action == Action::\"erase\", resource);";
    let ids = |rule: &str| {
        let (_root, pack) = pack(rule);
        let mutants = mutants::mutants(&pack);
        mutants
            .into_iter()
            .map(|mutant| mutant.id)
            .collect::<Vec<_>>()
    };
    let remedied = format!("@remedy(\"ask\nsomebody\") {rule}");
    assert_eq!(ids(rule), ids(&remedied));
}

#[test]
fn settings_of_a_pack_have_mutants() {
    let root = tempfile::tempdir().unwrap();
    let manifest = r#"
name = "settings"
version = "0.1.0"
[quorum.two]
of = "change"
need = { reviewer = 2, security = 1 }
[paths.docs]
include = ["docs/**", "*.md"]
exclude = ["docs/conf.py"]
[window.day]
zone = "UTC"
days = ["mon", "tue"]
from = "00:00"
until = "18:00"
closed = [{ from = "2026-12-24", until = "2026-12-27" }]
[conflict.both]
roles = ["a", "b"]
[option.limit]
stricter = "lower"
default = 7
[option.who]
one_of = ["few", "many"]
default = "few"
[approval]
stands_for = "tree"
"#;
    write(&root, "pack.toml", manifest);
    write(
        &root,
        "rules/rule.cedar",
        "@id(\"it\")\n@reason(\"because\")\nforbid (principal, action, resource);",
    );
    let pack = open(root.path());
    let mutants = mutants::mutants(&pack);
    let of = |table: &str| {
        let prefix = format!("{table}/");
        let of_table = mutants
            .iter()
            .filter(|mutant| mutant.id.starts_with(&prefix));
        of_table
            .map(|mutant| mutant.what.as_str())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        of("quorum.two"),
        BTreeSet::from([
            "1 `reviewer` are enough, not 2",
            "`reviewer` is not needed",
            "`security` is not needed",
            "`one_person_may_fill_several` became `true`",
        ])
    );
    assert_eq!(
        of("paths.docs"),
        BTreeSet::from([
            "`include` lacks `docs/**`",
            "`include` lacks `*.md`",
            "`exclude` lacks `docs/conf.py`",
        ])
    );
    assert_eq!(
        of("window.day"),
        BTreeSet::from([
            "`from` became `00:01`",
            "`until` became `17:59`",
            "`until` became `18:01`",
            "`days` lacks day 1 of the week",
            "`days` lacks day 2 of the week",
            "`closed` lacks number 1",
        ])
    );
    assert_eq!(
        of("conflict.both"),
        BTreeSet::from([
            "`at` became 1",
            "`at` became 3",
            "`roles` lacks `a`",
            "`roles` lacks `b`"
        ])
    );
    assert_eq!(
        of("option.limit"),
        BTreeSet::from([
            "it is `6`, where nobody chooses",
            "it is `8`, where nobody chooses"
        ])
    );
    assert_eq!(
        of("option.who"),
        BTreeSet::from(["it is `many`, where nobody chooses"])
    );
    assert_eq!(
        of("approval.stands_for"),
        BTreeSet::from(["`stands_for` became `head`", "`stands_for` became `patch`"])
    );
}
