//! Which files a change touches.

use sod_evidence::evidence::FileStatus::{Added, Deleted, Modified};
use sod_evidence::evidence::{File, FileStatus};

use crate::sandbox::{Draft, EMPTY_TREE, Refusal, Sandbox};

type Row<'a> = (&'a str, FileStatus, &'a str, Option<&'a str>);

struct Ends {
    base: String,
    head: String,
}

fn ends(s: &Sandbox, before: &str, after: &str) -> Ends {
    let base = s.draft(&Draft {
        tree: before,
        ..Draft::default()
    });
    let head = s.draft(&Draft {
        tree: after,
        parents: &[&base],
        ..Draft::default()
    });
    Ends { base, head }
}

fn files(s: &Sandbox, before: &str, after: &str) -> Vec<File> {
    let Ends { base, head } = ends(s, before, after);
    let evidence = s.collect(&base, &head);
    assert!(evidence.changes[0].files.complete);
    evidence.changes[0].files.items.clone()
}

fn refusal(s: &Sandbox, before: &str, after: &str) -> Refusal {
    let Ends { base, head } = ends(s, before, after);
    s.refuse(&base, &head)
}

#[track_caller]
fn check(files: &[File], expected: &[Row<'_>]) {
    let rows: Vec<Row<'_>> = files
        .iter()
        .map(|file| (file.path.as_str(), file.status, file.mode, file.old_mode))
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn every_kind_of_entry_and_of_difference() {
    let s = Sandbox::new();
    let (one, two) = (s.blob("one"), s.blob("two"));
    let commit = s.commit("ana", &[]);
    let other = s.commit("bob", &[]);
    let inner = s.tree(&[("100644", b"x", &one), ("100644", b"y", &one)]);
    let changed_inner = s.tree(&[("100644", b"x", &two), ("100644", b"y", &one)]);
    let before = s.tree(&[
        ("100644", b"content", &one),
        ("100644", b"deleted", &one),
        ("40000", b"folder", &inner),
        ("40000", b"folder-to-file", &inner),
        ("100644", b"mode", &one),
        ("100644", b"old-name", &one),
        ("40000", b"same", &inner),
        ("160000", b"submodule", &commit),
        ("120000", b"target", &one),
        ("100644", b"to-link", &one),
        ("100644", b"to-submodule", &one),
    ]);
    let after = s.tree(&[
        ("100644", b"added", &one),
        ("100644", b"content", &two),
        ("40000", b"folder", &changed_inner),
        ("100644", b"folder-to-file", &one),
        ("100755", b"mode", &one),
        ("100644", b"new-name", &one),
        ("40000", b"same", &inner),
        ("160000", b"submodule", &other),
        ("120000", b"target", &two),
        ("120000", b"to-link", &one),
        ("160000", b"to-submodule", &commit),
    ]);
    check(
        &files(&s, &before, &after),
        &[
            ("added", Added, "100644", None),
            ("content", Modified, "100644", None),
            ("deleted", Deleted, "100644", None),
            ("folder-to-file", Added, "100644", None),
            ("folder-to-file/x", Deleted, "100644", None),
            ("folder-to-file/y", Deleted, "100644", None),
            ("folder/x", Modified, "100644", None),
            ("mode", Modified, "100755", Some("100644")),
            // A rename is both.
            ("new-name", Added, "100644", None),
            ("old-name", Deleted, "100644", None),
            ("submodule", Modified, "160000", None),
            ("target", Modified, "120000", None),
            ("to-link", Modified, "120000", Some("100644")),
            ("to-submodule", Modified, "160000", Some("100644")),
        ],
    );
    check(&files(&s, &before, &before), &[]);
    check(
        &files(&s, &inner, EMPTY_TREE),
        &[
            ("x", Deleted, "100644", None),
            ("y", Deleted, "100644", None),
        ],
    );
}

/// Git reads a mode by its kind and one bit of it, and so must we.
#[test]
fn modes_that_git_does_not_write_are_read_as_git_reads_them() {
    let s = Sandbox::new();
    let one = s.blob("one");
    let before = s.tree(&[
        ("100664", b"a", &one),
        ("100644", b"b", &one),
        ("100600", b"c", &one),
    ]);
    let after = s.tree(&[
        ("100644", b"a", &one),
        ("100777", b"b", &one),
        ("100700", b"c", &one),
    ]);
    check(
        &files(&s, &before, &after),
        &[
            ("b", Modified, "100755", Some("100644")),
            ("c", Modified, "100755", Some("100644")),
        ],
    );
    let Ends { base, head } = ends(&s, &before, &after);
    let git = s.git(&["diff-tree", "-r", "--name-only", &base, &head]);
    assert_eq!(git, "b\nc");
}

#[test]
fn a_path_of_any_bytes_is_kept_and_stays_its_own() {
    let s = Sandbox::new();
    let one = s.blob("one");
    let inner = s.tree(&[("100644", b"\xff.yml", &one)]);
    let after = s.tree(&[
        ("40000", b".github", &inner),
        ("100644", b"a\nb\"c", &one),
        ("100644", br"caf\xe9", &one),
        ("100644", b"caf\xe9", &one),
        ("100644", "caf\u{e9}".as_bytes(), &one),
        ("100644", "cafe\u{301}".as_bytes(), &one),
    ]);
    check(
        &files(&s, EMPTY_TREE, &after),
        &[
            (r".github/\xff.yml", Added, "100644", None),
            ("a\nb\"c", Added, "100644", None),
            (r"caf\\xe9", Added, "100644", None),
            ("cafe\u{301}", Added, "100644", None),
            ("caf\u{e9}", Added, "100644", None),
            (r"caf\xe9", Added, "100644", None),
        ],
    );
}

/// A checkout takes one of two entries of a name; a reviewer may be shown the other.
#[test]
fn a_tree_that_can_be_read_in_two_ways_is_refused() {
    let s = Sandbox::new();
    let (one, two) = (s.blob("one"), s.blob("two"));
    let inner = s.tree(&[("100644", b"x", &one)]);
    for entries in [
        &[("100644", &b"a"[..], one.as_str()), ("100644", b"a", &two)][..],
        &[("100644", b"a", &one), ("40000", b"a", &inner)],
        &[("100644", b"a/b", &one)],
        &[("100644", b"", &one)],
        &[("40000", b"..", &inner)],
        &[("40000", b".", &inner)],
    ] {
        let tree = s.tree(entries);
        refusal(&s, EMPTY_TREE, &tree).is(
            "git-object-corrupt",
            &["tree", &tree, "not allowed or stands in it twice"],
        );
        // It does not matter on which side.
        refusal(&s, &tree, EMPTY_TREE).is("git-object-corrupt", &[&tree]);
    }
    let cut = s.object("tree", b"100644 a\0too short");
    refusal(&s, EMPTY_TREE, &cut).is("git-object-corrupt", &[&cut]);
    // Entries out of order are found all the same.
    let unsorted = s.tree(&[("100644", b"b", &one), ("100644", b"a", &one)]);
    let sorted = s.tree(&[("100644", b"a", &one), ("100644", b"b", &two)]);
    check(
        &files(&s, &unsorted, &sorted),
        &[("b", Modified, "100644", None)],
    );
}

/// Ten folders of ten folders of ten folders: ten small objects, ten billion files.
#[test]
fn a_tree_that_unfolds_without_end_is_refused() {
    let s = Sandbox::new();
    let names: Vec<String> = (0..10).map(|nth| nth.to_string()).collect();
    let mut id = s.blob("x");
    for level in 0..10 {
        let mode = if level == 0 { "100644" } else { "40000" };
        let entries: Vec<(&str, &[u8], &str)> = names
            .iter()
            .map(|name| (mode, name.as_bytes(), id.as_str()))
            .collect();
        id = s.tree(&entries);
    }
    refusal(&s, EMPTY_TREE, &id).is("git-too-large", &["2000000 entries"]);
}

/// A thousand folders deep, with long names: no recursion, and a bound on paths.
#[test]
fn a_deep_tree_is_walked_without_recursion() {
    let s = Sandbox::new();
    let mut id = s.tree(&[("100644", b"x", &s.blob("x"))]);
    let mut stream = String::from("commit refs/heads/deep\ncommitter a <b> 1 +0000\ndata 0\n");
    let path = "d/".repeat(2_000);
    stream.push_str(&format!("M 040000 {id} {path}e\n"));
    crate::sandbox::run(&s.repo(), &["fast-import", "--quiet"], stream.as_bytes());
    id = s.git(&["rev-parse", "deep^{tree}"]);
    let files = files(&s, EMPTY_TREE, &id);
    check(&files, &[(&format!("{path}e/x"), Added, "100644", None)]);
}
