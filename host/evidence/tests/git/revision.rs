//! What a REV means, and when it means nothing or too much.

use sod_evidence::git::GitOptions;

use crate::sandbox::{Sandbox, collect, refuse};

/// The commit that `rev` is taken for.
#[track_caller]
fn resolved(s: &Sandbox, rev: &str) -> String {
    s.collect(rev, rev).changes[0].head.clone()
}

#[test]
fn names_tags_abbreviations_and_steps() {
    let s = Sandbox::new();
    let root = s.commit("ana", &[]);
    let side = s.commit("eve", &[&root]);
    let mine = s.commit("bob", &[&root]);
    let head = s.commit("bob", &[&mine, &side]);
    s.branch("main", &head);
    s.branch("feature/x", &side);
    s.git(&["update-ref", "refs/remotes/origin/main", &mine]);
    s.git(&[
        "symbolic-ref",
        "refs/remotes/origin/HEAD",
        "refs/remotes/origin/main",
    ]);
    s.git(&["tag", "light", &side]);
    s.git(&["tag", "-a", "-m", "release", "v1", &mine]);
    s.git(&["tag", "-a", "-m", "tag of a tag", "v2", "v1"]);
    let fetched = format!("{side}\t\tbranch 'x' of somewhere\n");
    std::fs::write(s.repo().join(".git/FETCH_HEAD"), fetched).unwrap();
    for packed in [false, true] {
        if packed {
            s.git(&["pack-refs", "--all"]);
        }
        let upper = head.to_ascii_uppercase();
        for (rev, id) in [
            ("main", &head),
            ("heads/main", &head),
            ("refs/heads/main", &head),
            ("HEAD", &head),
            ("@", &head),
            ("FETCH_HEAD", &side),
            ("feature/x", &side),
            ("origin/main", &mine),
            ("origin", &mine),
            ("light", &side),
            ("v1", &mine),
            ("v2", &mine),
            ("v2^{commit}", &mine),
            ("v2^{}", &mine),
            (&head, &head),
            (&upper, &head),
            (&head[..12], &head),
            ("main~1", &mine),
            ("main~", &mine),
            ("main^", &mine),
            ("main^2", &side),
            ("main^2~1", &root),
            ("main^^", &root),
            ("main~2", &root),
            ("main^0~0", &head),
        ] {
            assert_eq!(&resolved(&s, rev), id, "{rev}");
            assert_eq!(
                s.git(&["rev-parse", &format!("{rev}^{{commit}}")]),
                *id,
                "{rev}"
            );
        }
    }
}

/// Git warns and takes the tag. Whoever may push a tag would choose the base.
#[test]
fn a_name_with_two_meanings_is_refused() {
    let s = Sandbox::new();
    let root = s.commit("ana", &[]);
    let head = s.commit("eve", &[&root]);
    s.branch("main", &root);
    s.git(&["tag", "main", &head]);
    let refusal = s.refuse("main", &head);
    refusal.is(
        "git-revision-ambiguous",
        &["base `main`", "`refs/heads/main`", "`refs/tags/main`"],
    );
    assert!(refusal.help.contains("refs/heads/main"), "{refusal:?}");
    assert_eq!(resolved(&s, "refs/heads/main"), root);
    assert_eq!(resolved(&s, "tags/main"), head);

    // Nothing can get in the way of a full name.
    s.branch("refs/heads/main", &head);
    s.branch(&head, &root);
    s.git(&["tag", "HEAD", &head]);
    assert_eq!(resolved(&s, "refs/heads/main"), root);
    assert_eq!(resolved(&s, "HEAD"), root);
    assert_eq!(resolved(&s, &head), head);

    // A branch that looks like the beginning of a commit.
    s.branch(&head[..8], &root);
    s.refuse(&head[..8], &root)
        .is("git-revision-ambiguous", &[&head]);
    // Two names of one commit are no matter.
    s.git(&["tag", "same", &root]);
    s.branch("same", &root);
    assert_eq!(resolved(&s, "same"), root);
}

#[test]
fn an_abbreviation_of_two_commits_is_refused_and_of_other_objects_is_not() {
    let s = Sandbox::new();
    let mut ids: Vec<String> = Vec::new();
    let prefix = loop {
        // 1,000 commits share four digits with near certainty; 65,536 would with all.
        let id = s.commit(&format!("p{}", ids.len()), &[]);
        let prefix = id[..4].to_owned();
        let shared = ids.iter().any(|other| other.starts_with(&prefix));
        ids.push(id);
        if shared {
            break prefix;
        }
    };
    s.refuse(&prefix, &prefix)
        .is("git-revision-ambiguous", &[ids.last().unwrap(), &prefix]);
    let blob = s.blob("x");
    s.refuse(&blob[..10], "HEAD")
        .is("git-revision-absent", &[&blob[..10]]);
}

#[test]
fn revisions_that_lead_nowhere() {
    let s = Sandbox::new();
    let root = s.commit("ana", &[]);
    s.branch("main", &root);
    let blob = s.blob("x");
    s.git(&["tag", "a-blob", &blob]);
    s.git(&["tag", "-a", "-m", "m", "tag-of-blob", &blob]);
    s.git(&["symbolic-ref", "refs/heads/dangling", "refs/heads/gone"]);
    s.git(&["symbolic-ref", "refs/heads/round", "refs/heads/about"]);
    s.git(&["symbolic-ref", "refs/heads/about", "refs/heads/round"]);
    let absent = "1".repeat(40);
    for (rev, code) in [
        ("gone", "git-revision-absent"),
        ("refs/heads/gone", "git-revision-absent"),
        ("MERGE_HEAD", "git-revision-absent"),
        ("", "git-revision-absent"),
        ("~1", "git-revision-absent"),
        ("config", "git-revision-absent"),
        ("../config", "git-revision-absent"),
        ("--all", "git-revision-absent"),
        ("main..main", "git-revision-absent"),
        ("main:x", "git-revision-absent"),
        ("main@{1}", "git-revision-absent"),
        ("abcdef", "git-revision-absent"),
        (&"1".repeat(64), "git-revision-absent"),
        (&absent, "git-object-absent"),
        (&blob, "git-revision-not-a-commit"),
        ("a-blob", "git-revision-not-a-commit"),
        ("tag-of-blob", "git-revision-not-a-commit"),
        ("dangling", "git-revision-not-a-commit"),
        ("round", "git-revision-not-a-commit"),
        ("main~1", "git-revision-not-a-commit"),
        ("main^2", "git-revision-not-a-commit"),
        ("main~99999999999999999999", "git-revision-malformed"),
        ("main^{tree}", "git-revision-malformed"),
        ("main~\u{e9}", "git-revision-malformed"),
        ("main^-", "git-revision-malformed"),
    ] {
        let refusal = s.refuse(rev, "main");
        refusal.is(code, &[rev]);
        if rev != absent {
            refusal.is(code, &[&format!("base `{rev}`")]);
        }
        s.refuse("main", rev).is(code, &[]);
    }
}

#[test]
fn folders_that_are_no_repository() {
    let s = Sandbox::new();
    let file = s.file("file", b"x");
    let below = s.repo().join("below");
    std::fs::create_dir(&below).unwrap();
    for dir in [
        s.folder.path(),
        &s.folder.path().join("absent"),
        &file,
        &below,
    ] {
        let refusal = refuse(&GitOptions::new(dir, "a", "b"));
        refusal.is("git-not-a-repository", &[&dir.display().to_string()]);
    }
}

#[test]
fn bare_repositories_work_trees_and_the_git_folder_are_one() {
    let s = Sandbox::new();
    let root = s.commit("ana", &[]);
    s.branch("main", &root);
    run_clone(&s);
    s.git(&["worktree", "add", "-q", "--detach", "../linked", "main"]);
    for (dir, name) in [
        ("repo", "repo"),
        ("repo/.git", "repo"),
        ("bare.git", "bare"),
        ("linked", "linked"),
    ] {
        let evidence = collect(&GitOptions::new(s.folder.path().join(dir), "main", "HEAD"));
        assert_eq!(evidence.changes[0].head, root, "{dir}");
        assert_eq!(evidence.changes[0].repository, name, "{dir}");
        assert_eq!(evidence.changes[0].id, format!("{name}@{root}"), "{dir}");
    }
}

fn run_clone(s: &Sandbox) {
    let repo = s.repo();
    crate::sandbox::run(
        s.folder.path(),
        &["clone", "-q", "--bare", repo.to_str().unwrap(), "bare.git"],
        b"",
    );
}

#[test]
fn a_repository_of_sha256_ids() {
    let s = Sandbox::with(&["--object-format=sha256"]);
    let commit = |nth: &str| {
        let tree = s.git(&["mktree"]);
        s.git(&["commit-tree", "-m", nth, &tree])
    };
    let base = commit("base");
    let tree = {
        let blob = s.blob("x");
        crate::sandbox::run(
            &s.repo(),
            &["mktree"],
            format!("100644 blob {blob}\ta\n").as_bytes(),
        )
    };
    let head = s.git(&["commit-tree", "-m", "head", "-p", &base, &tree]);
    s.branch("main", &head);
    let evidence = s.collect(&base, "main");
    assert_eq!(head.len(), 64);
    assert_eq!(evidence.commits.items[0].id, head);
    assert_eq!(evidence.changes[0].boundary, [base]);
    assert_eq!(evidence.changes[0].files.items[0].path, "a");
}
