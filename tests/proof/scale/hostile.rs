//! Evidence made to be dear: what it costs for each byte must not depend on how much of it there is.

use serde_json::{Value, json};
use sod_core::Request;
use sod_tests::large::{Eighths, Question, request};

use super::{decide, metered};

/// A change of a sixteenth of the largest size, and what an engineer or a collector made of it.
fn change(spoil: impl FnOnce(&mut Value)) -> Request {
    of(Question::Merge, 1, spoil)
}

fn of(question: Question, size: Eighths, spoil: impl FnOnce(&mut Value)) -> Request {
    let mut request = request(question, size);
    let mut evidence = serde_json::from_str(request.evidence.as_ref().unwrap()).unwrap();
    spoil(&mut evidence);
    request.evidence = Some(evidence.to_string());
    request
}

fn listing(items: impl Iterator<Item = Value>) -> Value {
    json!({ "complete": true, "items": items.collect::<Vec<_>>() })
}

/// The same approval again and again, on one head after the other.
fn approvals_of_one(count: usize) -> Request {
    change(|evidence| {
        let commits = evidence["commits"]["items"].as_array().unwrap();
        let heads: Vec<Value> = commits.iter().map(|commit| commit["id"].clone()).collect();
        let one = evidence["changes"][0]["approvals"]["items"][0].clone();
        let approvals = (0..count).map(|n| {
            let mut approval = one.clone();
            approval["head"] = heads[n % heads.len()].clone();
            approval
        });
        evidence["changes"][0]["approvals"] = listing(approvals);
    })
}

/// Every commit has the three before it as parents.
fn ladder(count: usize) -> Request {
    change(|evidence| {
        let template = evidence["commits"]["items"][0].clone();
        let commits = (1..=count).map(|n| {
            let mut commit = template.clone();
            let parents = (n.saturating_sub(3)..n).map(|n| format!("{n:040x}"));
            commit["id"] = json!(format!("{n:040x}"));
            commit["parents"] = parents.collect();
            commit
        });
        evidence["commits"] = listing(commits);
        let change = &mut evidence["changes"][0];
        let head = json!(format!("{count:040x}"));
        change["head"] = head.clone();
        change["pushes"]["items"] = json!([{ "account": "github:person-9", "head": head }]);
    })
}

/// Commits by a machine with ever more owners and accounts.
fn owners(count: usize) -> Request {
    change(|evidence| {
        let owners: Vec<Value> = (0..count / 10)
            .map(|n| json!(format!("p{}", 100 + n)))
            .collect();
        evidence["machines"] = json!([{ "id": "many", "kind": "bot", "owners": owners }]);
        let accounts = evidence["accounts"].as_array_mut().unwrap();
        accounts.extend(
            (0..count).map(|n| json!({ "account": format!("bot:{n}"), "machine": "many" })),
        );
        for (n, commit) in evidence["commits"]["items"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .enumerate()
        {
            commit["author"] = json!(format!("bot:{}", n % count));
        }
    })
}

/// Paths of ever more parts, which look like what globs are about.
fn deep_paths(count: usize) -> Request {
    change(|evidence| {
        let files = (0..50).map(|n| {
            let path = format!("{}{n}.md", "docs/".repeat(count / 50));
            json!({ "path": path, "status": "modified", "mode": "100644" })
        });
        evidence["changes"][0]["files"] = listing(files);
    })
}

/// A release of changes that nobody approved: each lacks people whom the whole directory could be.
fn unreviewed(size: usize) -> Request {
    of(Question::Deploy, size, |evidence| {
        for change in evidence["changes"].as_array_mut().unwrap() {
            change["approvals"]["items"] = json!([]);
        }
    })
}

/// Heads of the change again and again, each with all that was before.
fn iterations(count: usize) -> Request {
    change(|evidence| {
        let (base, head) = (
            &evidence["changes"][0]["base"],
            &evidence["changes"][0]["head"],
        );
        let one = json!({ "base": base, "head": head });
        evidence["changes"][0]["iterations"] = listing((0..count).map(|_| one.clone()));
    })
}

/// Twice as much of it adds at most twice as much, and a little: the steps from `count` to twice and to four times.
fn bounded(pack: &str, evidence: impl Fn(usize) -> Request, count: usize) {
    let pack = metered(pack);
    let [few, more, most] = [1, 2, 4].map(|times| decide(&pack, &evidence(count * times)).fuel);
    let (first, second) = (more - few, most - more);
    assert!(
        second * 10 <= first * 24,
        "{few}, {more}, {most} fuel: it grows faster than the evidence"
    );
}

#[test]
fn approvals_again_and_again() {
    bounded("two-person-change", approvals_of_one, 1_250);
}

#[test]
fn merges_of_merges() {
    bounded("two-person-change", ladder, 750);
}

#[test]
fn a_machine_of_many() {
    bounded("two-person-change", owners, 2_500);
}

#[test]
fn paths_without_end() {
    bounded("low-risk", deep_paths, 5_000);
}

#[test]
fn nothing_approved() {
    bounded("protected-deploy", unreviewed, 1);
}

#[test]
fn iterations_without_end() {
    bounded("two-person-change", iterations, 750);
}
