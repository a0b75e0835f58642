//! A squash on its way to production, from a repository that git itself squashed in.

use serde_json::{Value, json};

use crate::evidence::git;
use crate::run::{Folder, run};

const ARTIFACT: &str = "sha256:122d1fd4cc562fdacd409062a8bd35c1255eae78c907b53288b8a834763b6f73";
const LINES: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";

const PEOPLE: [(&str, &str); 8] = [
    ("ana", "developer"),
    ("bob", "developer"),
    ("omar", "developer"),
    ("dana", "reviewer"),
    ("emil", "reviewer"),
    ("finn", "operations"),
    ("gita", "operations"),
    ("hugo", "security"),
];

/// A change by ana and bob that was reviewed on `base`, since when omar's `newer` came to main.
struct Release {
    folder: Folder,
    repository: String,
    base: String,
    head: String,
    newer: String,
}

impl Release {
    fn new() -> Self {
        let folder = Folder::new();
        let mut release = Release {
            repository: folder.path("repository"),
            folder,
            base: String::new(),
            head: String::new(),
            newer: String::new(),
        };
        release.write("limits", LINES);
        release.git(&["init", "--quiet", "--initial-branch=main"]);
        release.base = release.commit("ana");
        release.git(&["switch", "--quiet", "--create=feature"]);
        release.write("receipt", "by ana");
        release.commit("ana");
        release.write("limits", &LINES.replace('9', "nine"));
        release.head = release.commit("bob");
        release.git(&["switch", "--quiet", "main"]);
        release.write("limits", &LINES.replace('1', "one"));
        release.newer = release.commit("omar");
        release
    }

    fn write(&self, name: &str, contents: &str) {
        self.folder.write(&format!("repository/{name}"), contents);
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.repository, "ana", arguments)
    }

    /// Everything that is in the folder.
    fn commit(&self, author: &str) -> String {
        self.git(&["add", "."]);
        git(
            &self.repository,
            author,
            &["commit", "--quiet", "--message=work"],
        );
        self.git(&["rev-parse", "HEAD"])
    }

    /// The change as one commit on `parent`, with another file in it if it is doctored.
    fn squash(&self, parent: &str, doctored: bool) -> String {
        self.git(&["checkout", "--quiet", "--detach", parent]);
        self.git(&["merge", "--quiet", "--squash", "feature"]);
        if doctored {
            self.write("door", "open");
        }
        self.commit("ana")
    }

    /// Collected as all of `live..revision`, with whatever else production asks for.
    fn evidence(&self, live: &str, revision: &str) -> String {
        let write = |name: &str, value: Value| self.folder.write(name, value.to_string());
        let account = |name: &str| format!("email:{name}@bank.example");
        let review = |name| {
            json!({"account": account(name), "state": "approved", "repository": "bank/payments",
                "target": "main", "head": self.head})
        };
        let sign_off = |name| {
            json!({"account": account(name), "state": "approved", "artifact": ARTIFACT,
                "environment": "production"})
        };
        let approvals = write("approvals.json", json!([review("dana"), review("emil")]));
        let sign_offs = write(
            "sign-offs.json",
            json!([sign_off("gita"), sign_off("hugo")]),
        );
        let push = json!([{"account": account("ana"), "head": self.head}]);
        let pushes = write("pushes.json", push);
        let people = PEOPLE.map(|(id, role)| json!({"id": id, "active": true, "roles": [role]}));
        let accounts = PEOPLE.map(|(id, _)| json!({"account": account(id), "person": id}));
        let ci = json!({"account": "machine:ci", "machine": "ci"});
        let accounts: Vec<Value> = accounts.into_iter().chain([ci]).collect();
        let machines = json!([{"id": "ci", "kind": "ci", "owners": ["gita"]}]);
        let directory = json!({"people": people, "machines": machines, "accounts": accounts});
        let directory = write("directory.json", directory);
        let file = self.folder.path("evidence.json");
        let requester = account("finn");
        let flags = [
            ("--repo", &*self.repository),
            ("--repository", "bank/payments"),
            ("--base", &self.base),
            ("--head", &self.head),
            ("--merge-commit", revision),
            ("--approvals", &approvals),
            ("--pushes", &pushes),
            ("--directory", &directory),
            ("--artifact", ARTIFACT),
            ("--revision", revision),
            ("--environment", "production"),
            ("--tier", "production"),
            ("--live", live),
            ("--deployment", "payments-7"),
            ("--requester", &requester),
            ("--builder", "machine:ci"),
            ("--branch", "main"),
            ("--sign-offs", &sign_offs),
            ("--output", &file),
        ];
        let flags = flags.iter().flat_map(|(flag, value)| [*flag, *value]);
        run(&["evidence", "git"]
            .into_iter()
            .chain(flags)
            .collect::<Vec<_>>())
        .expect(0);
        file
    }

    /// Policies that deny finn the deployment; `None` if he may deploy.
    fn denied_by(&self, live: &str, revision: &str) -> Option<Vec<String>> {
        let verdict = run(&[
            "decide",
            "policies/protected-deploy",
            "--principal",
            "Person::\"finn\"",
            "--action",
            "deploy",
            "--resource",
            "Deployment::\"payments-7\"",
            "--evidence",
            &self.evidence(live, revision),
            "--format",
            "json",
        ]);
        if verdict.code == 0 {
            return None;
        }
        let verdict = verdict.expect(2).json();
        let reasons = verdict["reasons"].as_array().unwrap();
        let policy = |reason: &Value| reason["policy"].as_str().unwrap().to_owned();
        Some(reasons.iter().map(policy).collect())
    }
}

#[test]
fn an_honest_one_reaches_production_from_either_base() {
    let release = Release::new();
    for parent in [&release.base, &release.newer] {
        let squash = release.squash(parent, false);
        assert_eq!(release.denied_by(parent, &squash), None);
    }
}

#[test]
fn a_doctored_one_does_not() {
    let release = Release::new();
    for parent in [&release.base, &release.newer] {
        let squash = release.squash(parent, true);
        let denied = [
            "production-is-built-from-a-reviewed-head",
            "production-ships-no-stray-commits",
        ];
        assert_eq!(release.denied_by(parent, &squash).unwrap(), denied);
    }
}

#[test]
fn what_the_branch_had_moved_on_by_needs_a_review_of_its_own() {
    let release = Release::new();
    let squash = release.squash(&release.newer, false);
    assert_eq!(
        release.denied_by(&release.base, &squash).unwrap(),
        ["production-ships-no-stray-commits"]
    );
}

/// The last of the new commits has the tree of a squash, which says nothing of those before it.
#[test]
fn commits_that_were_rebased_on_merging_are_in_no_change() {
    let release = Release::new();
    release.git(&["checkout", "--quiet", "--detach", &release.head]);
    release.git(&["rebase", "--quiet", &release.newer]);
    let last = release.git(&["rev-parse", "HEAD"]);
    assert_eq!(
        release.denied_by(&release.newer, &last).unwrap(),
        ["production-ships-no-stray-commits"]
    );
}
