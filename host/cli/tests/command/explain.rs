//! Why, and what the rules say of facts.

use serde_json::{Value, json};

use crate::run::{Folder, allowed, component, denied, run, small_request};

const PACK: &str = "policies/protected-deploy";

/// What `sod explain --format json` says of a request.
fn explained(folder: &Folder, request: &Value) -> Value {
    let file = folder.json("explained.json", request);
    let arguments = ["explain", PACK, "--request", &file, "--format", "json"];
    run(&arguments).expect(0).json()
}

fn rule<'e>(explained: &'e Value, id: &str) -> &'e Value {
    let rules = explained["rules"].as_array().unwrap();
    rules.iter().find(|rule| rule["id"] == id).unwrap()
}

#[test]
fn a_denial_is_explained_and_the_exit_code_is_no_verdict() {
    let folder = Folder::new();
    let file = folder.json("deny.json", &denied());
    let page = run(&["explain", PACK, "--request", &file]).expect(0).stdout;
    for line in [
        "DENY  Person::\"finn\" may not deploy Deployment::\"payments-7-production\"",
        "  forbid production-needs-both-sign-offs: applies",
        "    held          unless [\"development\", \"test\", \"staging\"].contains(resource.environment.tier) || context.quorum.production: it is not so",
        "                  false        [\"development\", \"test\", \"staging\"].contains(resource.environment.tier)",
        "                               resource.environment.tier = \"production\"",
        "                  false        or context.quorum.production",
        "    held          principal is Person in Role::\"operations\"",
        "                  principal is in {operations}",
        // By the fixture gita of operations signed, and ines, who is a contributor.
        "  production of Deployment::\"payments-7-production\": `operations` 1 of 1: gita",
        "  production of Deployment::\"payments-7-production\": `security` 0 of 1: nobody",
        "    forbid contributors-never-approve: applies",
        "      held          when resource.contributors.contains(principal)",
        "                    resource.contributors = {ana, bob, carol, ines, lena, milo, nora, omar}",
        "  - if `hugo` approved `Deployment::\"payments-7-production\"`",
        "  - if `resource.environment.tier` were `\"test\"`  (a fact, not something to ask for)",
        "This explains and permits nothing: only exit code 0 of `sod decide` is permission.",
    ] {
        assert!(
            page.lines().any(|printed| printed == line),
            "{line}\n{page}"
        );
    }
    assert!(!page.contains("forbid machines-never-approve"), "{page}");
    let all = run(&["explain", PACK, "--request", &file, "--all"])
        .expect(0)
        .stdout;
    assert!(
        all.contains("forbid machines-never-approve: does not apply"),
        "{all}"
    );
}

#[test]
fn the_json_has_the_verdict_and_each_demand_with_its_facts() {
    let folder = Folder::new();
    let explained = explained(&folder, &denied());
    let file = folder.json("deny.json", &denied());
    let verdict = run(&["decide", PACK, "--request", &file, "--format", "json"]);
    assert_eq!(explained["verdict"], verdict.expect(2).json());
    assert_eq!(explained.get("decided_on"), None);
    assert_eq!(explained["rules"][0]["decides"], true);
    let rule = rule(&explained, "contributors-never-deploy");
    assert_eq!(rule["applied"], "does-not-apply");
    let demand = &rule["conjuncts"][3];
    assert_eq!(demand["clause"], "when");
    assert_eq!(demand["outcome"], "did-not-hold");
    let contributors = json!({
        "of": "resource.contributors", "relation": "is",
        "value": "{ana, bob, carol, ines, lena, milo, nora, omar}",
    });
    assert_eq!(demand["part"]["facts"], json!([contributors]));
    let signed = json!([{
        "kind": "signature",
        "words": "`hugo` approved `Deployment::\"payments-7-production\"`",
    }]);
    let sets = explained["turning"]["sets"].as_array().unwrap();
    assert!(sets.contains(&signed), "{sets:?}");
}

#[test]
fn what_is_allowed_has_nothing_that_would_turn_it() {
    let folder = Folder::new();
    let explained = explained(&folder, &allowed());
    assert_eq!(explained["verdict"]["effect"], "allow");
    assert_eq!(explained["turning"], Value::Null);
    assert_eq!(rule(&explained, "operations-deploys")["decides"], true);
}

#[test]
fn a_decision_that_asks_no_rule_has_none_to_explain() {
    let folder = Folder::new();
    let mut request = denied();
    *request
        .pointer_mut("/evidence/changes/0/approvals/complete")
        .unwrap() = json!(false);
    let file = folder.json("incomplete.json", &request);
    let page = run(&["explain", PACK, "--request", &file]).expect(0).stdout;
    assert!(
        page.contains("the decision ended before any rule was asked"),
        "{page}"
    );
    assert!(page.contains("(evidence-incomplete)"), "{page}");
}

#[test]
fn where_no_rule_permits_those_that_could_have_come_first() {
    let folder = Folder::new();
    let mut request = denied();
    request["principal"] = json!("Person::\"pia\"");
    let file = folder.json("pia.json", &request);
    let page = run(&["explain", PACK, "--request", &file]).expect(0).stdout;
    let at = |text: &str| page.find(text).unwrap();
    // pia is of security and not of operations, and another sign-off of security is missing besides.
    assert!(at("(no-permit)") < at("Rules that decide"));
    assert!(at("forbid production-needs-both-sign-offs") < at("permit operations-deploys"));
    at("did not hold  principal is Person in Role::\"operations\"");
    let turns = "  - if `hugo` approved `Deployment::\"payments-7-production\"` and `principal` were in `Role::\"operations\"`  (a fact, not something to ask for)\n";
    assert!(page.contains(turns), "{page}");
}

#[test]
fn an_approval_that_is_out_of_date_is_shown_with_what_it_was_given_for() {
    let folder = Folder::new();
    let mut request = denied();
    let head = request.pointer_mut("/evidence/changes/0/approvals/items/0/head");
    *head.unwrap() = json!("an-older-head");
    let explained = explained(&folder, &request);
    let uncounted = explained["uncounted"].as_array().unwrap();
    let stale = uncounted
        .iter()
        .find(|one| one["code"] == "stale-head")
        .unwrap();
    assert_eq!(stale["facts"][0]["of"], "approval.head");
    assert_eq!(stale["facts"][0]["value"], "\"an-older-head\"");
    assert_eq!(stale["facts"][1]["of"], "resource.head");
}

#[test]
fn a_pack_of_plain_cedar_is_explained_too() {
    let folder = Folder::new();
    let pack = folder.pack();
    let file = folder.json("secret.json", &small_request(true));
    let page = run(&["explain", &pack, "--request", &file])
        .expect(0)
        .stdout;
    assert!(
        page.contains("    held          when resource.secret\n"),
        "{page}"
    );
    assert!(
        page.contains("                  resource.secret = true\n"),
        "{page}"
    );
    let turns = "  - if `resource.secret` were `false`  (a fact, not something to ask for)\n";
    assert!(page.contains(turns), "{page}");
}

#[test]
fn what_cannot_be_explained_has_the_exit_code_of_its_kind() {
    let folder = Folder::new();
    let file = folder.json("deny.json", &denied());
    let usage = run(&["explain", component(), "--request", &file]).expect(64);
    assert!(
        usage.stderr.contains("only a pack can be explained"),
        "{}",
        usage.stderr
    );
    let absent = folder.path("absent.json");
    run(&["explain", PACK, "--request", &absent]).expect(1);
    let mut untimed = denied();
    untimed.as_object_mut().unwrap().remove("now");
    let untimed = folder.json("untimed.json", &untimed);
    run(&["explain", PACK, "--request", &untimed]).expect(1);
    run(&[
        "explain",
        PACK,
        "--request",
        &untimed,
        "--now",
        "2026-03-02T10:00:00Z",
    ])
    .expect(0);
    let broken = folder.write("broken/pack.toml", "name = 1");
    let broken = broken.trim_end_matches("/pack.toml");
    run(&["explain", broken, "--request", &file]).expect(3);
}

/// The facts of the denied request, as `sod explain` prints them.
fn facts(folder: &Folder) -> Value {
    explained(folder, &denied())["facts"].clone()
}

#[test]
fn facts_are_decided_by_the_same_rules_and_never_look_like_evidence() {
    let folder = Folder::new();
    let mut facts = facts(&folder);
    let file = folder.json("facts.json", &facts);
    let decide = ["decide", PACK, "--facts", "--request", &file];
    let page = run(&decide).expect(2).stdout;
    assert!(page.starts_with("ON FACTS, NOT EVIDENCE: "), "{page}");
    assert!(!page.contains("What to do next"), "{page}");
    let verdict = run(&[&decide[..], &["--format", "json"]].concat())
        .expect(2)
        .json();
    assert_eq!(verdict["decided_on"], "facts, not evidence");
    assert_eq!(
        verdict["reasons"][0]["policy"],
        "production-needs-both-sign-offs"
    );
    let request = folder.json("deny.json", &denied());
    let on_evidence = run(&["decide", PACK, "--request", &request, "--format", "json"]);
    let on_evidence = on_evidence.expect(2).json();
    assert_ne!(verdict["policy_digest"], on_evidence["policy_digest"]);
    assert_eq!(on_evidence.get("decided_on"), None);

    facts["context"]["quorum"]["production"] = json!(true);
    let file = folder.json("facts.json", &facts);
    let page = run(&["decide", PACK, "--facts", "--request", &file])
        .expect(0)
        .stdout;
    assert!(page.starts_with("ON FACTS, NOT EVIDENCE: "), "{page}");
    let page = run(&["explain", PACK, "--facts", "--request", &file])
        .expect(0)
        .stdout;
    assert!(page.starts_with("ON FACTS, NOT EVIDENCE: "), "{page}");
}

#[test]
fn facts_and_evidence_do_not_mix() {
    let folder = Folder::new();
    let facts = facts(&folder);
    let file = folder.json("facts.json", &facts);
    let refused = |arguments: &[&str], says: &str| {
        let ended = run(&[&["decide"], arguments].concat()).expect(64);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    };
    let facts_of = |policy: &str| [policy.to_owned(), "--facts".to_owned()];
    let on = |policy: &str, more: &[&str], says: &str| {
        let policy = facts_of(policy);
        let policy: Vec<&str> = policy.iter().map(String::as_str).collect();
        refused(&[&policy, more].concat(), says);
    };
    on(component(), &["--request", &file], "`--facts` is for packs");
    on(&folder.pack(), &["--request", &file], "of mode `cedar`");
    on(
        PACK,
        &["--request", &file, "--now", "now"],
        "cannot be used with",
    );
    on(
        PACK,
        &["--request", &file, "--evidence", &file],
        "cannot be used with",
    );
    let digest = format!("sha256:{}", "0".repeat(64));
    on(
        PACK,
        &["--request", &file, "--expect-digest", &digest],
        "cannot be used with",
    );
    for (key, value) in [
        ("evidence", json!({})),
        ("now", json!("2026-03-02T10:00:00Z")),
    ] {
        let mut mixed = facts.clone();
        mixed[key] = value;
        let mixed = folder.json("mixed.json", &mixed);
        on(
            PACK,
            &["--request", &mixed],
            &format!("`{key}` in the request, and `--facts`"),
        );
    }
    // Facts are no evidence, whatever flag is left out.
    let undecided = run(&["decide", PACK, "--request", &file, "--now", "now"]).expect(1);
    assert!(
        undecided.stderr.contains("decides on evidence"),
        "{}",
        undecided.stderr
    );
    // What is left out of the facts is not made up.
    let mut partial = facts;
    partial["context"]
        .as_object_mut()
        .unwrap()
        .remove("objectors");
    let partial = folder.json("partial.json", &partial);
    run(&["decide", PACK, "--facts", "--request", &partial]).expect(1);
}

#[test]
fn a_case_of_facts_is_decided_on_facts_and_is_no_case_of_a_rule() {
    let folder = Folder::new();
    folder.write("pack/pack.toml", "name = \"lanes\"\nversion = \"0.1.0\"\n");
    folder.write(
        "pack/rules/machines.cedar",
        "@id(\"no-machine-signs\")\n@reason(\"no machine signs\")\nforbid (principal is Machine, action == Action::\"approve\", resource);\n",
    );
    let case = json!({
        "description": "found by sod prove",
        "facts": true,
        "request": {
            "principal": "Machine::\"ci\"", "action": "approve", "resource": "Change::\"a#1\"",
            "context": {"now": "2026-03-02T10:00:00Z", "window": {}, "option": {}, "counting": false},
            "entities": [],
        },
        "expect": {"reasons": ["forbid:no-machine-signs"]},
    });
    folder.json("pack/cases/deny/machine.json", &case);
    let report = run(&["test", &folder.path("pack"), "--format", "json"])
        .expect(4)
        .json();
    assert_eq!(report["packs"][0]["cases"][0]["mismatches"], json!([]));
    let undecided = report["packs"][0]["undecided"].as_array().unwrap();
    assert_eq!(undecided.len(), 1, "{undecided:?}");
    assert_eq!(undecided[0]["code"], "rule-undecided");
}
