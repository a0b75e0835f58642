//! What merging the parents of a merge afresh gives. Git's own merge is the
//! oracle wherever it sees no rename.

use std::fs;
use std::process::Command;

use sod_evidence::evidence::Commit;

use crate::sandbox::{Sandbox, collect};

const BASE: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";

/// Two commits on a base.
struct Fork {
    base: String,
    ours: String,
    theirs: String,
}

type Files<'a> = &'a [(&'a str, &'a str)];

fn fork(s: &Sandbox, base: Files<'_>, ours: Files<'_>, theirs: Files<'_>) -> Fork {
    let base = s.snapshot("ana", &s.files(base), &[]);
    Fork {
        ours: s.snapshot("bob", &s.files(ours), &[&base]),
        theirs: s.snapshot("eve", &s.files(theirs), &[&base]),
        base,
    }
}

/// The merge of the two with this tree, as it is collected.
fn merge(s: &Sandbox, fork: &Fork, tree: &str) -> Commit {
    let head = s.snapshot("mia", tree, &[&fork.ours, &fork.theirs]);
    commit(s, &fork.base, &head)
}

fn commit(s: &Sandbox, base: &str, head: &str) -> Commit {
    let commits = s.collect(base, head).commits.items;
    commits.into_iter().find(|c| c.id == head).unwrap()
}

/// What git makes of two commits; None is a conflict.
pub(crate) fn by_git(s: &Sandbox, ours: &str, theirs: &str) -> Option<String> {
    let args = ["merge-tree", "--write-tree", ours, theirs];
    let mut git = Command::new("git");
    git.args(args).current_dir(s.repo());
    let output = git.env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let tree = printed.lines().next().unwrap_or_default().to_owned();
    match output.status.code() {
        Some(0) => Some(tree),
        Some(1) => None,
        _ => panic!("{}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// Collects the merge of two sides, and holds it against git's.
#[track_caller]
fn check(base: Files<'_>, ours: Files<'_>, theirs: Files<'_>, is_clean: bool) {
    let s = Sandbox::new();
    let fork = fork(&s, base, ours, theirs);
    let expected = by_git(&s, &fork.ours, &fork.theirs);
    assert_eq!(expected.is_some(), is_clean, "{base:?} {ours:?} {theirs:?}");
    let tree = s.files(&[("whatever", "")]);
    assert_eq!(merge(&s, &fork, &tree).merged_tree, expected);
}

#[test]
fn files_that_one_side_changed_are_as_that_side_has_them() {
    check(
        &[
            ("a", "1"),
            ("b", "1"),
            ("c/d/e", "1"),
            ("gone", "1"),
            ("x", "1"),
        ],
        &[
            ("a", "2"),
            ("b", "1"),
            ("c/d/e", "1"),
            ("c/new", "1"),
            ("gone", "1"),
            ("x", "2"),
        ],
        &[
            ("a", "1"),
            ("b", "2"),
            ("c/d/e", "2"),
            ("c.x", "1"),
            ("x", "2"),
        ],
        true,
    );
}

#[test]
fn lines_apart_are_merged_and_lines_that_touch_are_a_conflict() {
    let one = |text: &str| [("f", BASE), ("f", text)][1].1.to_owned();
    for (ours, theirs, is_clean) in [
        (
            "one\n2\n3\n4\n5\n6\n7\n8\n9\n",
            "1\n2\n3\n4\n5\n6\n7\n8\nnine\n",
            true,
        ),
        (
            "1\ntwo\n3\n4\n5\n6\n7\n8\n9\n",
            "1\n2\n3\nfour\n5\n6\n7\n8\n9\n",
            true,
        ),
        (
            "1\ntwo\n3\n4\n5\n6\n7\n8\n9\n",
            "1\n2\nthree\n4\n5\n6\n7\n8\n9\n",
            false,
        ),
        (
            "1\ntwo\n3\n4\n5\n6\n7\n8\n9\n",
            "1\nzwei\n3\n4\n5\n6\n7\n8\n9\n",
            false,
        ),
        // The same on both sides, and something else on one.
        (
            "1\ntwo\n3\n4\n5\n6\n7\n8\n9\n",
            "1\ntwo\n3\n4\n5\n6\n7\neight\n9\n",
            true,
        ),
        // Inserted in one place, in different places, and deleted.
        (
            "1\na\n2\n3\n4\n5\n6\n7\n8\n9\n",
            "1\nb\n2\n3\n4\n5\n6\n7\n8\n9\n",
            false,
        ),
        (
            "1\na\n2\n3\n4\n5\n6\n7\n8\n9\n",
            "1\n2\n3\nb\n4\n5\n6\n7\n8\n9\n",
            true,
        ),
        ("2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n9\n", true),
        ("1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\n6\n7\n8\n9", false),
        // The end of the line at the end of the file.
        (
            "one\n2\n3\n4\n5\n6\n7\n8\n9\n",
            "1\n2\n3\n4\n5\n6\n7\n8\n9",
            true,
        ),
        ("", "1\n2\n3\n4\n5\n6\n7\n8\nnine\n", false),
    ] {
        let (ours, theirs) = (one(ours), one(theirs));
        check(&[("f", BASE)], &[("f", &ours)], &[("f", &theirs)], is_clean);
        check(&[("f", BASE)], &[("f", &theirs)], &[("f", &ours)], is_clean);
    }
}

#[test]
fn what_cannot_be_merged_line_by_line_is_a_conflict() {
    let base: Files<'_> = &[("f", "1\n"), ("d/x", "1"), ("k", "k")];
    for (ours, theirs, is_clean) in [
        // Deleted and changed.
        (
            &[("d/x", "1"), ("k", "k")][..],
            &[("f", "2\n"), ("d/x", "1"), ("k", "k")][..],
            false,
        ),
        // Two new files of one name.
        (
            &[("f", "1\n"), ("d/x", "1"), ("k", "k"), ("n", "a\n")],
            &[("f", "1\n"), ("d/x", "1"), ("k", "k"), ("n", "b\n")],
            false,
        ),
        // A folder deleted on one side and added to on the other.
        (
            &[("f", "1\n"), ("k", "k")],
            &[("f", "1\n"), ("d/x", "1"), ("d/y", "1"), ("k", "k")],
            true,
        ),
        // A folder in place of a file that the other side changed.
        (
            &[("f/g", "new\n"), ("d/x", "1"), ("k", "k")],
            &[("f", "2\n"), ("d/x", "1"), ("k", "k")],
            false,
        ),
        // A folder in place of a file that the other side deleted.
        (
            &[("d/x", "1"), ("k", "k")],
            &[("f/g", "new\n"), ("d/x", "1"), ("k", "k")],
            true,
        ),
        // A folder deleted on both sides, and another file changed.
        (
            &[("f", "1\n"), ("k", "k")],
            &[("f", "2\n"), ("k", "k")],
            true,
        ),
    ] {
        check(base, ours, theirs, is_clean);
        check(base, theirs, ours, is_clean);
    }
    // NUL makes a file binary.
    let binary = |first: &str, last: &str| format!("{first}\n2\0\n3\n4\n{last}\n");
    check(
        &[("f", &binary("1", "5"))],
        &[("f", &binary("one", "5"))],
        &[("f", &binary("1", "five"))],
        false,
    );
}

#[test]
fn executable_bits_links_and_submodules() {
    let s = Sandbox::new();
    let blobs = [s.blob(BASE), s.blob("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n")];
    let other = s.commit("ana", &[]);
    let base = s.snapshot("ana", &s.tree(&[("100644", b"f", &blobs[0])]), &[]);
    let on_base = |mode: &str, id: &str| s.snapshot("bob", &s.tree(&[(mode, b"f", id)]), &[&base]);
    let changed = on_base("100644", &blobs[1]);
    for (side, is_clean) in [
        (on_base("100755", &blobs[0]), true),
        (on_base("120000", &blobs[0]), false),
        (on_base("160000", &other), false),
    ] {
        let expected = by_git(&s, &changed, &side);
        assert_eq!(expected.is_some(), is_clean);
        let head = s.commit("mia", &[&changed, &side]);
        assert_eq!(commit(&s, &base, &head).merged_tree, expected);
    }
}

#[test]
fn an_honest_merge_is_what_merging_afresh_gives() {
    let s = Sandbox::new();
    let fork = fork(
        &s,
        &[("f", BASE)],
        &[("f", BASE), ("o", "")],
        &[("f", BASE), ("t", "")],
    );
    let honest = by_git(&s, &fork.ours, &fork.theirs).unwrap();
    let merge = merge(&s, &fork, &honest);
    assert_eq!(merge.tree, honest);
    assert_eq!(merge.merged_tree, Some(honest));
}

#[test]
fn an_evil_merge_is_not() {
    let s = Sandbox::new();
    let fork = fork(
        &s,
        &[("f", BASE)],
        &[("f", BASE), ("o", "")],
        &[("f", BASE), ("t", "")],
    );
    let evil = s.files(&[("f", BASE), ("o", ""), ("t", ""), ("backdoor", "")]);
    let merge = merge(&s, &fork, &evil);
    assert_eq!(merge.tree, evil);
    assert_eq!(merge.merged_tree, by_git(&s, &fork.ours, &fork.theirs));
    assert_ne!(merge.merged_tree, Some(evil));
}

/// `git merge -s ours` drops what the other side did; so does the opposite.
#[test]
fn a_merge_that_drops_a_side_is_not() {
    let s = Sandbox::new();
    let fork = fork(&s, &[("f", "1")], &[("f", "1"), ("o", "")], &[("f", "2")]);
    for side in [&fork.ours, &fork.theirs] {
        let tree = s.git(&["rev-parse", &format!("{side}^{{tree}}")]);
        let merge = merge(&s, &fork, &tree);
        assert!(merge.merged_tree.is_some());
        assert_ne!(merge.merged_tree, Some(tree));
    }
}

#[test]
fn a_conflict_has_no_fresh_merge_however_it_was_resolved() {
    let s = Sandbox::new();
    let fork = fork(&s, &[("f", "1\n")], &[("f", "2\n")], &[("f", "3\n")]);
    for content in ["2\n", "3\n", "2\n3\n", "4\n"] {
        let tree = s.files(&[("f", content)]);
        assert_eq!(merge(&s, &fork, &tree).merged_tree, None);
    }
}

/// Each side has merged the other one: there are two merge bases.
#[test]
fn a_criss_cross_merge_stands_on_a_merge_of_its_bases() {
    let s = Sandbox::new();
    let with = |first: &str, last: &str| format!("{first}\n2\n3\n4\n5\n6\n7\n8\n{last}\n");
    let tree = |first, last| s.files(&[("f", &with(first, last))]);
    let root = s.snapshot("ana", &tree("1", "9"), &[]);
    let left = s.snapshot("bob", &tree("one", "9"), &[&root]);
    let right = s.snapshot("eve", &tree("1", "nine"), &[&root]);
    let both = tree("one", "nine");
    let left = (s.snapshot("bob", &both, &[&left, &right]), left);
    let right = (s.snapshot("eve", &both, &[&right, &left.1]), right);
    let left = s.snapshot("bob", &tree("eins", "nine"), &[&left.0]);
    let right = s.snapshot("eve", &tree("one", "neun"), &[&right.0]);
    let bases = s.git(&["merge-base", "--all", &left, &right]);
    assert_eq!(bases.lines().count(), 2);
    let expected = by_git(&s, &left, &right);
    assert_eq!(expected, Some(tree("eins", "neun")));
    let head = s.commit("mia", &[&left, &right]);
    assert_eq!(commit(&s, &root, &head).merged_tree, expected);
}

/// How alike two files are is for their authors to choose.
#[test]
fn renames_are_not_guessed() {
    let s = Sandbox::new();
    let changed = BASE.replace('5', "five");
    let moved = fork(&s, &[("f", BASE)], &[("g", BASE)], &[("f", &changed)]);
    let followed = by_git(&s, &moved.ours, &moved.theirs).unwrap();
    assert_eq!(followed, s.files(&[("g", &changed)]));
    assert_eq!(merge(&s, &moved, &followed).merged_tree, None);
}

/// The merge bases contradict each other. Git goes on with a base full of
/// conflict marks; what follows from that is not claimed here.
#[test]
fn a_criss_cross_merge_on_contradicting_bases_is_a_contribution() {
    let s = Sandbox::new();
    let tree = |content: &str| s.files(&[("f", content), ("g", "")]);
    let root = s.snapshot("ana", &tree("1\n"), &[]);
    let left = s.snapshot("bob", &tree("2\n"), &[&root]);
    let right = s.snapshot("eve", &tree("3\n"), &[&root]);
    let first = s.snapshot("bob", &tree("4\n"), &[&left, &right]);
    let second = s.snapshot("eve", &tree("4\n"), &[&right, &left]);
    let head = s.snapshot("mia", &tree("4\n"), &[&first, &second]);
    assert_eq!(commit(&s, &root, &head).merged_tree, None);
}

#[test]
fn octopus_unrelated_and_single_parents_have_none() {
    let s = Sandbox::new();
    let base = s.snapshot("ana", &s.files(&[("a", "")]), &[]);
    let sides =
        ["x", "y", "z"].map(|name| s.snapshot("bob", &s.files(&[("a", ""), (name, "")]), &[&base]));
    let sides: Vec<&str> = sides.iter().map(String::as_str).collect();
    let octopus = s.commit("mia", &sides);
    assert_eq!(commit(&s, &base, &octopus).merged_tree, None);
    let stranger = s.snapshot("eve", &s.files(&[("e", "")]), &[]);
    let unrelated = s.commit("mia", &[&base, &stranger]);
    assert_eq!(commit(&s, &base, &unrelated).merged_tree, None);
    let single = commit(&s, &base, sides[0]);
    assert_eq!(single.merged_tree, None);
    assert_eq!(
        single.tree,
        s.git(&["rev-parse", &format!("{}^{{tree}}", sides[0])])
    );
    // The same parent twice, and a parent that the other one builds on.
    for parents in [[sides[0], sides[0]], [&base, sides[0]], [sides[0], &base]] {
        let head = s.snapshot("mia", &s.files(&[("b", "")]), &parents);
        assert_eq!(
            commit(&s, &base, &head).merged_tree,
            Some(single.tree.clone())
        );
    }
}

/// Histories that look random, with several merge bases now and then. What is
/// claimed is what git gives, and what git finds in conflict is not claimed.
#[test]
fn random_histories_as_git_merges_them() {
    let s = Sandbox::new();
    let mut random = crate::sandbox::Random(3);
    let (mut claimed, mut conflicts, mut criss_crosses) = (0, 0, 0);
    for _ in 0..6 {
        let lines: Vec<String> = (0..20).map(|n| format!("{n}\n")).collect();
        let root = s.snapshot("ana", &s.files(&[("f", &lines.concat())]), &[]);
        let mut commits = vec![(root.clone(), lines)];
        let mut merges = Vec::new();
        for nth in 0..24 {
            let recent = |random: &mut crate::sandbox::Random| {
                commits.len() - 1 - random.below(commits.len().min(4))
            };
            let (one, two) = (recent(&mut random), recent(&mut random));
            let (parent, mut lines) = commits[one].clone();
            let (other, other_lines) = commits[two].clone();
            if one != two && nth % 3 == 0 {
                let bases = s.git(&["merge-base", "--all", &parent, &other]);
                criss_crosses += usize::from(bases.lines().count() > 1);
                // Each side merges the other one and keeps its own content.
                for (ours, theirs, lines) in
                    [(&parent, &other, lines), (&other, &parent, other_lines)]
                {
                    let tree = s.files(&[("f", &lines.concat())]);
                    let id = s.snapshot("mia", &tree, &[ours, theirs]);
                    merges.push((id.clone(), ours.clone(), theirs.clone()));
                    commits.push((id, lines));
                }
            } else {
                let at = random.below(lines.len());
                lines[at] = format!("changed {nth}\n");
                let text = lines.concat();
                let id = s.snapshot("bob", &s.files(&[("f", &text)]), &[&parent]);
                commits.push((id, lines));
            }
        }
        for (id, ours, theirs) in merges {
            match (
                commit(&s, &root, &id).merged_tree,
                by_git(&s, &ours, &theirs),
            ) {
                (Some(tree), by_git) => {
                    assert_eq!(Some(tree), by_git);
                    claimed += 1;
                }
                (None, None) => conflicts += 1,
                // Git goes on where merge bases contradict each other.
                (None, Some(_)) => {
                    let bases = s.git(&["merge-base", "--all", &ours, &theirs]);
                    assert!(bases.lines().count() > 1);
                }
            }
        }
    }
    assert!(
        claimed > 15 && conflicts > 0 && criss_crosses > 0,
        "{claimed} {conflicts} {criss_crosses}"
    );
}

/// Each of these changes what git itself makes of the same two commits.
#[test]
fn attributes_and_configuration_have_no_say() {
    let s = Sandbox::new();
    let attributes = ".gitattributes";
    let marker = s.folder.path().join("ran");
    let conflicting = fork(
        &s,
        &[("f", "1\n"), (attributes, "* merge=union\n")],
        &[("f", "2\n"), (attributes, "* merge=union\n")],
        &[("f", "3\n"), (attributes, "* merge=union\n")],
    );
    let clean = fork(
        &s,
        &[("f", BASE)],
        &[("f", BASE), ("o", "")],
        &[("f", BASE), ("t", "")],
    );
    let expected = by_git(&s, &clean.ours, &clean.theirs);
    for (key, value) in [
        ("merge.renames", "true"),
        ("merge.default", "union"),
        (
            "merge.union.driver",
            &format!("touch {}; true", marker.display()),
        ),
        (
            "merge.evil.driver",
            &format!("touch {}; true", marker.display()),
        ),
        ("diff.algorithm", "patience"),
        ("core.attributesFile", "attributes"),
    ] {
        s.git(&["config", key, value]);
    }
    let info = s.repo().join(".git/info");
    fs::create_dir_all(&info).unwrap();
    fs::write(info.join("attributes"), "* merge=union\n").unwrap();
    fs::write(s.repo().join(attributes), "* merge=union\n").unwrap();
    assert!(
        by_git(&s, &conflicting.ours, &conflicting.theirs).is_some(),
        "git itself is told to merge a conflict"
    );
    fs::remove_file(&marker).unwrap();
    for tree in [&s.files(&[("f", "2\n")]), &s.files(&[("f", "2\n3\n")])] {
        assert_eq!(merge(&s, &conflicting, tree).merged_tree, None);
    }
    let tree = s.files(&[]);
    assert_eq!(merge(&s, &clean, &tree).merged_tree, expected);
    assert!(!marker.exists());
}

/// A replacement of a parent, and a graft, would give another merge base.
#[test]
fn replacements_and_grafts_have_no_say() {
    let s = Sandbox::new();
    let fork = fork(
        &s,
        &[("f", "1\n")],
        &[("f", "2\n")],
        &[("f", "1\n"), ("t", "")],
    );
    let expected = by_git(&s, &fork.ours, &fork.theirs);
    let evil = s.snapshot("eve", &s.files(&[("evil", "")]), &[&fork.base]);
    s.git(&["replace", &fork.theirs, &evil]);
    assert_ne!(by_git(&s, &fork.ours, &fork.theirs), expected);
    let info = s.repo().join(".git/info");
    fs::create_dir_all(&info).unwrap();
    let roots = format!("{}\n{}\n", fork.ours, fork.theirs);
    fs::write(info.join("grafts"), roots).unwrap();
    assert_eq!(merge(&s, &fork, &s.files(&[])).merged_tree, expected);
}

#[test]
fn nothing_is_written_to_the_repository() {
    let s = Sandbox::new();
    let fork = fork(
        &s,
        &[("d/f", BASE)],
        &[("d/f", "one\n2\n3\n4\n5\n6\n7\n8\n9\n")],
        &[("d/f", "1\n2\n3\n4\n5\n6\n7\n8\nnine\n")],
    );
    let head = s.snapshot("mia", &s.files(&[]), &[&fork.ours, &fork.theirs]);
    let objects = || s.git(&["cat-file", "--batch-all-objects", "--batch-check"]);
    let before = objects();
    let merged = commit(&s, &fork.base, &head).merged_tree.unwrap();
    assert_eq!(objects(), before);
    assert!(!before.contains(&merged));
    let mut options = s.options(&fork.base, &head);
    options.without_blobs = true;
    assert!(
        collect(&options)
            .commits
            .items
            .iter()
            .all(|c| c.merged_tree.is_none())
    );
    // What cannot be read, or is not what its id says, is an error and no conflict.
    let blob = s.git(&["rev-parse", &format!("{}:d/f", fork.base)]);
    let file = |id: &str| s.repo().join(".git/objects").join(&id[..2]).join(&id[2..]);
    fs::remove_file(file(&blob)).unwrap();
    s.refuse(&fork.base, &head)
        .is("git-object-absent", &["blob", &blob]);
    fs::copy(file(&s.blob("another\n")), file(&blob)).unwrap();
    s.refuse(&fork.base, &head)
        .is("git-object-corrupt", &["blob", &blob]);
}
