//! Patch ids and trees of a change, with git as the oracle.

use crate::sandbox::{EMPTY_TREE, Random, Sandbox, run};

/// Both ends of a change between two trees.
fn ends(s: &Sandbox, before: &str, after: &str) -> (String, String) {
    let base = s.snapshot("ana", before, &[]);
    let head = s.snapshot("bob", after, &[&base]);
    (base, head)
}

fn patch_id(s: &Sandbox, before: &str, after: &str) -> Option<String> {
    let (base, head) = ends(s, before, after);
    let change = s.collect(&base, &head).changes.remove(0);
    assert_eq!(change.tree, after);
    change.patch_id
}

fn by_git(s: &Sandbox, before: &str, after: &str) -> Option<String> {
    let args = [
        "diff-tree",
        "-p",
        "--full-index",
        "--no-renames",
        before,
        after,
    ];
    let patch = run(&s.repo(), &args, b"") + "\n";
    let id = run(&s.repo(), &["patch-id", "--verbatim"], patch.as_bytes());
    id.split(' ')
        .next()
        .map(str::to_owned)
        .filter(|id| !id.is_empty())
}

#[track_caller]
fn check(s: &Sandbox, before: &str, after: &str) {
    for (before, after) in [(before, after), (after, before)] {
        let id = patch_id(s, before, after);
        assert!(id.is_some());
        assert_eq!(id, by_git(s, before, after));
    }
}

#[test]
fn every_kind_of_difference_as_git_has_it() {
    let s = Sandbox::new();
    let (one, two) = (s.blob("one\ntwo\n"), s.blob("one\n  two"));
    let empty = s.blob("");
    let commit = s.commit("ana", &[]);
    let before = s.tree(&[
        ("100644", b"content", &one),
        ("100644", b"deleted", &one),
        ("100644", b"mode", &one),
        ("100644", b"mode-and-content", &one),
        ("160000", b"submodule", &commit),
        ("120000", b"target", &one),
        ("100644", b"to-empty", &one),
        ("100644", b"to-link", &one),
        ("100644", b"to-submodule", &one),
    ]);
    let after = s.tree(&[
        ("100644", b"added", &two),
        ("100644", b"content", &two),
        ("100644", b"empty", &empty),
        ("100644", b"empty-too", &empty),
        ("100755", b"mode", &one),
        ("100755", b"mode-and-content", &two),
        ("160000", b"submodule", &s.commit("bob", &[])),
        ("120000", b"target", &two),
        ("100644", b"to-empty", &empty),
        ("120000", b"to-link", &one),
        ("160000", b"to-submodule", &commit),
    ]);
    check(&s, &before, &after);
    check(&s, EMPTY_TREE, &after);
    assert_eq!(patch_id(&s, &before, &before), None);
}

#[test]
fn paths_as_git_quotes_them() {
    let s = Sandbox::new();
    let (one, two) = (s.blob("one\n"), s.blob("two\n"));
    for name in [
        "with space",
        "tab\there",
        "line\nend",
        "quo\"te",
        "back\\slash",
        "größe",
        "\u{7}\u{b}\u{c}\r",
        "\u{7f}",
    ] {
        let tree = |id| s.tree(&[("100644", name.as_bytes(), id)]);
        check(&s, &tree(&one), &tree(&two));
    }
    let tree = |id| s.tree(&[("100644", b"\xff\x01", id)]);
    check(&s, &tree(&one), &tree(&two));
}

/// Lines added, deleted and changed in many places, near and far from each other.
#[test]
fn differing_lines_as_git_finds_them() {
    let s = Sandbox::new();
    let mut random = Random(7);
    for _ in 0..60 {
        let mut line = |kinds| {
            let n = random.below(kinds);
            format!("{}line {n}\n", " ".repeat(n % 4))
        };
        let before: Vec<String> = (0..80).map(|_| line(12)).collect();
        let new: Vec<String> = (0..8).map(|_| line(40)).collect();
        let mut after = before.clone();
        for line in new {
            let at = random.below(after.len());
            match random.below(3) {
                0 => after.insert(at, line),
                1 => drop(after.remove(at)),
                _ => after[at] = line,
            }
        }
        let tree = |lines: &[String]| s.files(&[("f", &lines.concat())]);
        let (before, after) = (tree(&before), tree(&after));
        assert_eq!(patch_id(&s, &before, &after), by_git(&s, &before, &after));
    }
}

/// A rebase keeps it, and other content does not.
#[test]
fn the_same_difference_elsewhere_has_the_same_patch_id() {
    let s = Sandbox::new();
    let tree = |above: &str, line: &str| {
        let text = format!("{above}a\nb\nc\nd\n{line}\ne\n");
        s.files(&[("f", &text), ("g", above)])
    };
    let id = |above: &str, line: &str| patch_id(&s, &tree(above, "x"), &tree(above, line));
    assert_eq!(id("", "y"), id("1\n2\n3\n4\n", "y"));
    assert_ne!(id("", "y"), id("", "z"));
}

/// Git's algorithm leaves out the path of the second binary file here, and
/// what follows NUL on a line. An id that does not say all is not given.
#[test]
fn what_the_algorithm_passes_over_has_no_patch_id() {
    let s = Sandbox::new();
    let binary = |second: &str| s.files(&[("a", "1\0\n"), (second, "2\0\n")]);
    assert_eq!(
        by_git(&s, EMPTY_TREE, &binary("b")),
        by_git(&s, EMPTY_TREE, &binary("c"))
    );
    assert_eq!(patch_id(&s, EMPTY_TREE, &binary("b")), None);
    let late = |hidden: &str| {
        let text = format!("{}x\0{hidden}\n", "line\n".repeat(2000));
        s.files(&[("a", &text)])
    };
    assert_eq!(
        by_git(&s, EMPTY_TREE, &late("good")),
        by_git(&s, EMPTY_TREE, &late("evil"))
    );
    assert_eq!(patch_id(&s, EMPTY_TREE, &late("good")), None);
}

#[test]
fn a_repository_of_the_other_hash_has_its_patch_ids() {
    let s = Sandbox::with(&["--object-format=sha256"]);
    let (before, after) = (s.files(&[("a", "1\n")]), s.files(&[("a", "2\n")]));
    check(&s, &before, &after);
}
