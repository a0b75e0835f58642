//! What git does not know: approvals, pushes, people.

use sod_evidence::evidence::ApprovalState;
use sod_evidence::git::{Directory, GitOptions};

use crate::sandbox::{Draft, Sandbox, collect, refuse};

struct Setup {
    sandbox: Sandbox,
    head: String,
    options: GitOptions,
}

fn setup() -> Setup {
    let sandbox = Sandbox::new();
    let base = sandbox.commit("ana", &[]);
    let head = sandbox.commit("bob", &[&base]);
    let options = sandbox.options(&base, &head);
    Setup {
        sandbox,
        head,
        options,
    }
}

fn approval(head: &str) -> String {
    format!(
        r#"{{"account": "github:ana", "state": "approved", "repository": "bank/payments", "target": "main", "head": "{head}"}}"#
    )
}

#[test]
fn without_files_nobody_approved_and_nobody_observed_pushes() {
    let Setup {
        sandbox: _sandbox,
        options,
        head,
    } = setup();
    let evidence = collect(&options);
    let change = &evidence.changes[0];
    assert!(change.approvals.complete && change.approvals.items.is_empty());
    assert_eq!(change.pushes, None);
    assert_eq!(change.target, "main");
    assert_eq!(change.merge_commit, None);
    assert_eq!(change.head, head);
    assert!(evidence.people.is_empty() && evidence.accounts.is_empty());
}

#[test]
fn names_are_the_callers() {
    let Setup {
        sandbox: _sandbox,
        mut options,
        head,
    } = setup();
    options.change = Some("bank/payments#42".to_owned());
    options.repository = Some("bank/payments".to_owned());
    options.target = Some("release".to_owned());
    options.merge_commit = Some(head.clone());
    let change = collect(&options).changes.remove(0);
    assert_eq!(
        (change.id.as_str(), change.repository.as_str()),
        ("bank/payments#42", "bank/payments")
    );
    assert_eq!(
        (change.target.as_str(), change.merge_commit),
        ("release", Some(head))
    );
}

#[test]
fn a_list_is_an_array_or_says_whether_it_is_complete() {
    let Setup {
        sandbox: s,
        head,
        mut options,
    } = setup();
    let item = approval(&head);
    for (text, complete, len) in [
        (format!("[{item}]"), true, 1),
        ("[]".to_owned(), true, 0),
        (
            format!(r#"{{"complete": true, "items": [{item}, {item}]}}"#),
            true,
            2,
        ),
        (
            format!(r#"{{"items": [{item}], "complete": false}}"#),
            false,
            1,
        ),
    ] {
        options.approvals = Some(s.file("approvals.json", text.as_bytes()));
        let approvals = collect(&options).changes.remove(0).approvals;
        assert_eq!(
            (approvals.complete, approvals.items.len()),
            (complete, len),
            "{text}"
        );
    }
    let push = format!(r#"[{{"account": "github:bob", "head": "{head}"}}]"#);
    options.pushes = Some(s.file("pushes.json", push.as_bytes()));
    let pushes = collect(&options).changes.remove(0).pushes.unwrap();
    assert!(pushes.complete);
    assert_eq!(
        (
            pushes.items[0].account.as_str(),
            pushes.items[0].head.as_str()
        ),
        ("github:bob", head.as_str())
    );
}

/// An approval of an older head stays one of that head.
#[test]
fn approvals_are_copied_and_not_completed() {
    let Setup {
        sandbox: s,
        mut options,
        ..
    } = setup();
    let older = "0123456789012345678901234567890123456789";
    let text = format!(
        r#"[{{"account": "github:ana", "state": "changes-requested", "repository": "other", "target": "release", "head": "{older}", "expires_at": "2026-01-01T00:00:00Z"}}]"#
    );
    options.approvals = Some(s.file("approvals.json", text.as_bytes()));
    let approval = collect(&options)
        .changes
        .remove(0)
        .approvals
        .items
        .remove(0);
    assert_eq!(approval.state, ApprovalState::ChangesRequested);
    assert_eq!(
        (approval.repository.as_str(), approval.target.as_str()),
        ("other", "release")
    );
    assert_eq!(approval.head.as_str(), older);
    assert_eq!(approval.expires_at.as_deref(), Some("2026-01-01T00:00:00Z"));
}

#[test]
fn a_mistake_in_a_file_is_shown_at_its_place() {
    let Setup {
        sandbox: s,
        head,
        options,
    } = setup();
    let item = approval(&head);
    let without = |key: &str| {
        let mut value: serde_json::Value = serde_json::from_str(&item).unwrap();
        value.as_object_mut().unwrap().remove(key).unwrap();
        format!("[\n{value}\n]")
    };
    let short = item.replace(&head, &head[..8]);
    let upper = item.replace(&head, &head.to_ascii_uppercase());
    for (text, line, words) in [
        // Nothing is filled in for the approver.
        (without("head"), 2, "missing field `head`"),
        (without("repository"), 2, "missing field `repository`"),
        (without("target"), 2, "missing field `target`"),
        (without("state"), 2, "missing field `state`"),
        (format!("[\n{short}\n]"), 2, "not a full commit id"),
        (format!("[\n{upper}\n]"), 2, "not a full commit id"),
        (
            format!("[\n{}]", item.replace("approved", "lgtm")),
            2,
            "unknown variant `lgtm`",
        ),
        (
            format!("[\n{}]", item.replace("account", "acount")),
            2,
            "unknown field `acount`",
        ),
        (
            format!("{{\"items\": [{item}]}}"),
            1,
            "missing field `complete`",
        ),
        (
            "{\"complete\": true,\n\"items\": [],\n\"x\": 1}".to_owned(),
            3,
            "unknown field `x`",
        ),
        (
            "{\"complete\": true,\n\"complete\": true}".to_owned(),
            2,
            "duplicate field `complete`",
        ),
        ("true".to_owned(), 1, "an array, or an object"),
        ("[\n1\n]".to_owned(), 2, "invalid type"),
        ("[]\n[]".to_owned(), 2, "trailing characters"),
        ("[\n".to_owned(), 2, "EOF"),
        (String::new(), 1, "EOF"),
        ("[".repeat(100_000), 1, "invalid type"),
    ] {
        let mut options = options.clone();
        options.approvals = Some(s.file("approvals.json", text.as_bytes()));
        let refusal = refuse(&options);
        refusal.is(
            "input-malformed",
            &[words, &format!("approvals.json:{line}:")],
        );
        assert!(refusal.help.contains("docs/evidence-git.md"), "{refusal:?}");
    }
    let mut options = options;
    options.pushes = Some(s.file("pushes.json", b"[\n  {\"account\": \"\xff\", \"head\": 1}]"));
    refuse(&options).is("input-malformed", &["pushes.json:2:"]);
    options.pushes = Some(s.folder.path().join("absent.json"));
    refuse(&options).is("input-unreadable", &["absent.json"]);
}

#[test]
fn the_directory_is_copied() {
    let Setup {
        sandbox: s,
        mut options,
        ..
    } = setup();
    let text = r#"{
        "people": [{"id": "ana", "active": true, "roles": ["reviewer"]}],
        "machines": [{"id": "ci", "kind": "ci", "owners": ["ana"]}],
        "accounts": [{"account": "email:ana@bank.example", "person": "ana"}, {"account": "github:ci", "machine": "ci"}]
    }"#;
    options.directory = Directory::File(s.file("directory.json", text.as_bytes()));
    let evidence = collect(&options);
    assert_eq!(evidence.people[0].roles, ["reviewer"]);
    assert_eq!(evidence.machines[0].owners, ["ana"]);
    assert_eq!(evidence.accounts[1].machine.as_deref(), Some("ci"));

    for (text, place, words) in [
        (
            "{\"people\": [],\n \"persons\": []}",
            "2:",
            "unknown field `persons`",
        ),
        (
            "{\"people\": [\n{\"id\": \"ana\"}]}",
            "2:",
            "missing field `active`",
        ),
        ("[1]", "1:", "invalid type"),
    ] {
        options.directory = Directory::File(s.file("directory.json", text.as_bytes()));
        refuse(&options).is(
            "input-malformed",
            &[words, &format!("directory.json:{place}")],
        );
    }
}

#[test]
fn a_trial_makes_people_of_well_formed_addresses_only() {
    let Setup {
        sandbox: s,
        head,
        mut options,
    } = setup();
    let head = s.draft(&Draft {
        parents: &[&head],
        author: b"Eve <EVE@bank.example> 1 +0000",
        committer: b"X <x@bank.example> <y@bank.example> 1 +0000",
        message: b"m\n\nCo-authored-by: Cy <cy@bank.example>\nCo-authored-by: Nobody <>\nCo-authored-by: Dan\n",
        ..Draft::default()
    });
    options.head = head.clone();
    let approval = approval(&head).replace("github:ana", "email:Dora@bank.example");
    options.approvals = Some(s.file("approvals.json", format!("[{approval}]").as_bytes()));
    options.directory = Directory::AssumeEmailsArePeople {
        roles: vec!["developer".to_owned()],
    };
    let evidence = collect(&options);
    let people: Vec<&str> = evidence
        .people
        .iter()
        .map(|person| person.id.as_str())
        .collect();
    // Ana wrote the base only; the malformed ones stay nobody.
    assert_eq!(
        people,
        [
            "bob@bank.example",
            "cy@bank.example",
            "dora@bank.example",
            "eve@bank.example"
        ]
    );
    assert!(
        evidence
            .people
            .iter()
            .all(|person| person.active && person.roles == ["developer"])
    );
    assert_eq!(evidence.accounts.len(), 4);
    assert_eq!(evidence.accounts[2].account, "email:dora@bank.example");
    assert_eq!(
        evidence.accounts[2].person.as_deref(),
        Some("dora@bank.example")
    );
}
