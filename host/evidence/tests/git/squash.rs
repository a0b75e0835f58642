//! A squash: what its change gives on its parent, whatever it holds itself.

use sod_evidence::evidence::{Change, Evidence};
use sod_evidence::git::{DeploymentOptions, GitOptions};

use crate::merges::by_git;
use crate::sandbox::{Sandbox, collect, ids, refuse, sorted};

const ARTIFACT: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const BASE: (&str, &str) = ("src/lib", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
const REVIEWED: (&str, &str) = ("src/lib", "1\n2\n3\n4\n5\n6\n7\n8\nnine\n");
const MOVED_ON: (&str, &str) = ("src/lib", "one\n2\n3\n4\n5\n6\n7\n8\n9\n");
const BOTH: (&str, &str) = ("src/lib", "one\n2\n3\n4\n5\n6\n7\n8\nnine\n");

/// A reviewed change of two commits, and a target branch that has moved on by one.
struct Reviewed {
    s: Sandbox,
    base: String,
    head: String,
    newer: String,
}

fn reviewed() -> Reviewed {
    let s = Sandbox::new();
    let base = s.snapshot("ana", &s.files(&[BASE]), &[]);
    let first = s.snapshot("ana", &s.files(&[BASE, ("new", "1")]), &[&base]);
    let head = s.snapshot("bob", &s.files(&[REVIEWED, ("new", "1")]), &[&first]);
    let newer = s.snapshot("eve", &s.files(&[MOVED_ON]), &[&base]);
    Reviewed {
        s,
        base,
        head,
        newer,
    }
}

impl Reviewed {
    fn options(&self, merge_commit: &str) -> GitOptions {
        let mut options = self.s.options(&self.base, &self.head);
        options.merge_commit = Some(merge_commit.to_owned());
        options
    }

    fn change(&self, merge_commit: &str) -> Change {
        collect(&self.options(merge_commit)).changes.remove(0)
    }

    /// One commit by the forge with these files.
    fn squash(&self, files: &[(&str, &str)], parent: &str) -> String {
        self.s.snapshot("noreply", &self.s.files(files), &[parent])
    }

    /// With the deployment of `revision` where `live` is.
    fn deployed(&self, live: &str, revision: &str) -> Evidence {
        let mut options = self.options(revision);
        let mut deployment = DeploymentOptions::new(ARTIFACT, revision, "eu", "production");
        deployment.live = Some(live.to_owned());
        options.deployment = Some(deployment);
        collect(&options)
    }
}

/// The tree of a commit in the evidence.
fn tree(evidence: &Evidence, id: &str) -> String {
    let mut commits = evidence.commits.items.iter();
    commits.find(|commit| commit.id == id).unwrap().tree.clone()
}

#[test]
fn onto_the_reviewed_base_it_has_the_reviewed_tree() {
    let r = reviewed();
    let squash = r.squash(&[REVIEWED, ("new", "1")], &r.base);
    let evidence = r.deployed(&r.base, &squash);
    let change = &evidence.changes[0];
    assert_eq!(change.merge_commit, Some(squash.clone()));
    assert_eq!(change.merged_tree, Some(change.tree.clone()));
    assert_eq!(tree(&evidence, &squash), change.tree);
    assert_eq!(evidence.deployments[0].boundary, [r.base]);
    // Both commits of the change, and the squash.
    assert_eq!(evidence.commits.items.len(), 3);
}

#[test]
fn onto_a_newer_base_it_has_the_tree_that_git_makes() {
    let r = reviewed();
    let squash = r.squash(&[BOTH, ("new", "1")], &r.newer);
    let evidence = r.deployed(&r.newer, &squash);
    let change = &evidence.changes[0];
    assert_eq!(change.merged_tree, by_git(&r.s, &r.newer, &r.head));
    assert_eq!(change.merged_tree, Some(tree(&evidence, &squash)));
    assert_ne!(change.merged_tree, Some(change.tree.clone()));
    // What the branch had moved on by is live already, so it is neither shipped nor listed.
    let listed = ids(&evidence.commits.items);
    assert!(listed.contains(&squash) && !listed.contains(&r.newer));
    // A commit between what is live and the squash is shipped, and it is no squash of this change.
    let evidence = r.deployed(&r.base, &squash);
    assert_ne!(
        evidence.changes[0].merged_tree,
        Some(tree(&evidence, &r.newer))
    );
}

#[test]
fn with_anything_more_or_less_in_it_it_has_another_tree() {
    let r = reviewed();
    for files in [
        &[BOTH, ("new", "1"), ("door", "open")][..],
        &[BOTH, ("new", "2")],
        &[BOTH],
        // The reviewed tree, which takes back what the branch had moved on by.
        &[REVIEWED, ("new", "1")],
    ] {
        let squash = r.squash(files, &r.newer);
        let evidence = r.deployed(&r.newer, &squash);
        let merged = evidence.changes[0].merged_tree.clone();
        assert_eq!(merged, by_git(&r.s, &r.newer, &r.head));
        assert_ne!(merged, Some(tree(&evidence, &squash)), "{files:?}");
    }
}

#[test]
fn there_is_no_tree_where_there_is_no_squash_or_no_clean_merge() {
    let r = reviewed();
    let files = [BOTH, ("new", "1")];
    let tree = r.s.files(&files);
    let merge = r.s.snapshot("ana", &tree, &[&r.newer, &r.head]);
    let root = r.s.snapshot("ana", &tree, &[]);
    let unrelated = r.squash(&files, &root);
    let conflict =
        r.s.snapshot("eve", &r.s.files(&[("src/lib", "else")]), &[&r.base]);
    let squash = r.squash(&files, &conflict);
    for merge_commit in [merge, root, unrelated, squash] {
        assert_eq!(r.change(&merge_commit).merged_tree, None);
    }
    assert_eq!(r.s.collect(&r.base, &r.head).changes[0].merged_tree, None);

    let mut options = r.options(&r.squash(&files, &r.newer));
    assert!(collect(&options).changes[0].merged_tree.is_some());
    options.without_blobs = true;
    assert_eq!(collect(&options).changes[0].merged_tree, None);
}

/// The base that reviewers saw had a commit that is not behind the squash: it
/// was taken off the branch again. By the squash it would come back, in no change.
#[test]
fn it_brings_nothing_but_commits_of_the_change() {
    let s = Sandbox::new();
    let live = s.snapshot("ana", &s.files(&[BASE]), &[]);
    let dropped = s.snapshot("eve", &s.files(&[BASE, ("door", "open")]), &[&live]);
    let all = s.files(&[REVIEWED, ("door", "open")]);
    let head = s.snapshot("bob", &all, &[&dropped]);
    let squash = s.snapshot("noreply", &all, &[&live]);
    assert_eq!(by_git(&s, &live, &head), Some(all));
    let merged_tree = |base: &str| {
        let mut options = s.options(base, &head);
        options.merge_commit = Some(squash.clone());
        collect(&options).changes.remove(0).merged_tree
    };
    assert_eq!(merged_tree(&dropped), None);
    // Nor what the base has got by now, of which nothing would be left to review.
    assert_eq!(merged_tree(&head), None);
    // Where eve's commit is one of the change, it was reviewed with it.
    assert!(merged_tree(&live).is_some());
}

#[test]
fn the_base_may_be_newer_than_the_squash() {
    let r = reviewed();
    let squash = r.squash(&[BOTH, ("new", "1")], &r.newer);
    let mut options = r.options(&squash);
    options.base = r.s.commit("ana", &[&squash]);
    let evidence = collect(&options);
    assert_eq!(
        evidence.changes[0].merged_tree,
        by_git(&r.s, &r.newer, &r.head)
    );
    assert_eq!(
        ids(&evidence.commits.items),
        sorted(r.s.rev_list(&r.base, &r.head).0)
    );
}

#[test]
fn its_parent_has_to_be_there() {
    let r = reviewed();
    let absent = "1".repeat(40);
    let squash = r.squash(&[BOTH], &absent);
    refuse(&r.options(&squash)).is("git-object-absent", &[&absent]);
}
