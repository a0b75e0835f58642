//! Evidence as large as that of a big company's big release.

use serde_json::{Value, json};
use sod_core::{EntityUid, Request};

/// How large: this many eighths of 5,000 commits, 3,000 files, 500 approvals and 10,000 people.
pub type Eighths = usize;

/// 2026-03-02T10:00:00Z, a Monday.
const NOW: i64 = 1_772_445_600_000;
const ROOT: usize = 0;
/// Of one change, its merge commit among them.
const COMMITS: usize = 20;
const FILES: usize = 12;
const DIGEST: &str = "sha256:5e1f";

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Somebody of operations deploys a release of many changes.
    Deploy,
    /// One who wrote a line of it does.
    DeployOwnWork,
    /// Somebody merges one change with all of these commits, files and approvals.
    Merge,
}

/// A request with evidence of that size.
pub fn request(question: Question, size: Eighths) -> Request {
    let uid = EntityUid::new;
    let (principal, action, resource) = match question {
        Question::Deploy => (uid("Person", "p3"), "deploy", uid("Deployment", "release")),
        Question::DeployOwnWork => (uid("Person", "p7"), "deploy", uid("Deployment", "release")),
        Question::Merge => (uid("Person", "p16"), "merge", uid("Change", "bank/all#1")),
    };
    let evidence = match question {
        Question::Deploy | Question::DeployOwnWork => release(size),
        Question::Merge => one_change(size),
    };
    Request {
        principal,
        action: uid("Action", action),
        resource,
        now: Some(NOW),
        evidence: Some(evidence.to_string()),
        entities: None,
        context: None,
    }
}

/// People by number: those below 8 have a part of their own, of the others three in four write code.
fn directory(size: Eighths) -> (Vec<Value>, Vec<Value>) {
    let count = size * 10_000 / 8;
    let people = (0..count).map(|n| {
        let roles = match n {
            0..4 => json!(["operations"]),
            4..7 => json!(["security"]),
            7 => json!(["developer", "operations"]),
            _ if n % 4 == 0 => json!(["developer", "reviewer"]),
            _ => json!(["developer"]),
        };
        json!({ "id": format!("p{n}"), "active": true, "roles": roles, "teams": [format!("team-{}", n % 50)] })
    });
    let accounts = (0..count).flat_map(|n| {
        let person = format!("p{n}");
        [
            json!({ "account": pushes_as(n), "person": person }),
            json!({ "account": writes_as(n), "person": person }),
        ]
    });
    (people.collect(), accounts.collect())
}

fn writes_as(person: usize) -> String {
    format!("email:p{person}@bank.example")
}

fn pushes_as(person: usize) -> String {
    format!("github:person-{person}")
}

fn id(commit: usize) -> String {
    format!("{commit:040x}")
}

fn commit(n: usize, parents: &[usize], author: usize) -> Value {
    json!({
        "id": id(n), "parents": parents.iter().map(|n| id(*n)).collect::<Vec<_>>(),
        "author": writes_as(author), "committer": writes_as(author), "co_authors": [],
        "signature": { "format": "ssh", "verified": true, "signer": pushes_as(author) },
    })
}

/// A branch of `count` commits from `base`: every eighth is a merge of a commit that went beside it. Its head last.
fn branch(first: usize, count: usize, base: usize, authors: &[usize]) -> Vec<Value> {
    let author = |n: usize| authors.get(n % authors.len()).copied().unwrap_or_default();
    let parents = |n: usize| match n {
        0 => vec![base],
        _ if n % 8 == 6 => vec![first + n - 2],
        _ if n % 8 == 7 => vec![first + n - 2, first + n - 1],
        _ => vec![first + n - 1],
    };
    let commit = |n| commit(first + n, &parents(n), author(n));
    (0..count).map(commit).collect()
}

fn files(change: usize, count: usize) -> (Vec<Value>, Vec<Value>) {
    let path = |n| {
        format!(
            "services/area-{}/part-{change}/src/file_{n}.rs",
            change % 20
        )
    };
    let file = |n| json!({ "path": path(n), "status": "modified", "mode": "100644" });
    let owner = |n| json!({ "path": path(n), "accounts": [], "teams": ["team-0", format!("team-{}", change % 50)] });
    (
        (0..count).map(file).collect(),
        (0..count).map(owner).collect(),
    )
}

fn listing(items: Vec<Value>) -> Value {
    json!({ "complete": true, "items": items })
}

fn approval(reviewer: usize, repository: &str, head: usize) -> Value {
    json!({
        "account": pushes_as(reviewer), "state": "approved", "repository": repository, "target": "main",
        "head": id(head), "after_seconds": 1800,
    })
}

fn push(person: usize, head: usize) -> Value {
    json!({ "account": pushes_as(person), "head": id(head) })
}

/// Many changes, each merged in its turn, shipped by one deployment.
fn release(size: Eighths) -> Value {
    let count = size * 5_000 / COMMITS / 8;
    let (people, accounts) = directory(size);
    let everybody = people.len();
    let merge_commit = |change: usize| change * COMMITS + COMMITS;
    let (mut commits, mut changes) = (Vec::new(), Vec::new());
    for change in 0..count {
        // Nobody's branch is quite up to date.
        let base = if change < 3 {
            ROOT
        } else {
            merge_commit(change - 3)
        };
        let onto = if change == 0 {
            ROOT
        } else {
            merge_commit(change - 1)
        };
        let first = change * COMMITS + 1;
        let head = first + COMMITS - 2;
        let authors = match change {
            0 => vec![7],
            _ => (0..3)
                .map(|n| (change * 31 + n * 4 + 1) * 2 % (everybody - 100) + 51)
                .collect(),
        };
        let author = authors.first().copied().unwrap_or_default();
        commits.extend(branch(first, COMMITS - 1, base, &authors));
        commits.push(commit(merge_commit(change), &[onto, head], author));
        let (files, owners) = files(change, FILES);
        let reviewers = [16 + change % 10 * 4, 56 + change % 10 * 4];
        changes.push(json!({
            "id": format!("bank/all#{change}"), "repository": "bank/all", "target": "main",
            "base": id(base), "head": id(head), "merge_commit": id(merge_commit(change)),
            "boundary": [id(ROOT)],
            "pushes": listing(vec![push(author, head - 1), push(author, head)]),
            "iterations": listing(vec![
                json!({ "base": id(base), "head": id(head - 1), "boundary": [id(ROOT)] }),
                json!({ "base": id(base), "head": id(head), "boundary": [id(ROOT)] }),
            ]),
            "approvals": listing(reviewers.map(|r| approval(r, "bank/all", head)).into()),
            "files": listing(files), "owners": listing(owners),
        }));
    }
    let names: Vec<Value> = changes.iter().map(|change| change["id"].clone()).collect();
    let sign = |person: usize| json!({ "account": pushes_as(person), "state": "approved", "artifact": DIGEST, "environment": "production" });
    let history = (0..size * 50)
        .map(|n| json!({ "artifact": format!("sha256:{n:x}"), "account": pushes_as(n % 4) }));
    let mut evidence = around(people, accounts, commits, changes);
    let parts = json!({
        "artifacts": [{ "digest": DIGEST, "repository": "bank/all", "revision": id(merge_commit(count - 1)), "builder": "machine:ci", "branch": "main" }],
        "environments": [{ "id": "production", "tier": "production", "history": listing(history.collect()) }],
        "deployments": [{
            "id": "release", "environment": "production", "artifact": DIGEST, "requester": pushes_as(9),
            "live": id(ROOT), "changes": listing(names), "approvals": listing(vec![sign(0), sign(4)]),
        }],
    });
    if let (Some(evidence), Value::Object(parts)) = (evidence.as_object_mut(), parts) {
        evidence.extend(parts);
    }
    evidence
}

/// One change with everything in it, approved again and again while it grew.
fn one_change(size: Eighths) -> Value {
    let (people, accounts) = directory(size);
    let (count, approvals) = (size * 5_000 / 8, size * 500 / 8);
    let commits = branch(1, count, ROOT, &[9, 10, 11, 13, 14, 15]);
    let (files, owners) = files(0, size * 3_000 / 8);
    // Reviewers are every fourth person; each signs once, the later the newer the head.
    let reviewed = |n: usize| approval(16 + n * 4, "bank/all", (n + 1) * count / approvals);
    let mut given: Vec<Value> = (0..approvals).map(reviewed).collect();
    given.push(approval(8, "bank/all", count));
    given.push(approval(12, "bank/all", count));
    let pushes = (1..=approvals).map(|n| push(9, n * count / approvals));
    let change = json!({
        "id": "bank/all#1", "repository": "bank/all", "target": "main",
        "base": id(ROOT), "head": id(count), "boundary": [],
        "pushes": listing(pushes.collect()), "approvals": listing(given),
        "files": listing(files), "owners": listing(owners),
    });
    around(people, accounts, commits, vec![change])
}

/// Directory, commits and changes, and what a collector adds of people besides.
fn around(
    people: Vec<Value>,
    accounts: Vec<Value>,
    commits: Vec<Value>,
    changes: Vec<Value>,
) -> Value {
    let many = people.len();
    let ci = json!({ "account": "machine:ci", "machine": "ci" });
    let accounts: Vec<Value> = accounts.into_iter().chain([ci]).collect();
    let grants = (0..many / 50).map(|n| {
        json!({
            "id": format!("g{n}"), "person": format!("p{}", 100 + n * 7 % (many - 100)), "role": "on-duty",
            "granted_by": pushes_as(4), "from": "2026-03-01T00:00:00Z", "until": "2026-03-05T00:00:00Z",
        })
    });
    let past = (0..many / 5).map(|n| {
        json!({ "reviewer": pushes_as(n * 4 % many), "contributors": [pushes_as((n * 4 + 1) % many)] })
    });
    let (grants, past): (Vec<_>, Vec<_>) = (grants.collect(), past.collect());
    json!({
        "people": people, "accounts": accounts,
        "machines": [{ "id": "ci", "kind": "ci", "owners": ["p1"] }],
        "commits": listing(commits), "changes": changes,
        "grants": listing(grants), "past_reviews": listing(past),
    })
}
