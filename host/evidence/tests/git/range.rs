//! Which commits belong to a change, and where it stands.

use sod_evidence::git;

use crate::sandbox::{Sandbox, ids, run, sorted};

/// The range must be these commits and this boundary, and git must agree.
#[track_caller]
fn check(sandbox: &Sandbox, base: &str, head: &str, commits: &[&str], boundary: &[&str]) {
    let owned = |list: &[&str]| sorted(list.iter().map(|id| (*id).to_owned()).collect());
    let evidence = sandbox.collect(base, head);
    assert!(evidence.commits.complete);
    assert_eq!(ids(&evidence.commits.items), owned(commits));
    assert_eq!(evidence.changes[0].boundary, owned(boundary));
    assert_eq!(evidence.changes[0].base, base);
    assert_eq!(evidence.changes[0].head, head);
    assert_eq!(
        sandbox.rev_list(base, head),
        (owned(commits), owned(boundary))
    );
}

#[test]
fn a_contributor_through_the_second_parent_is_in_the_change() {
    let s = Sandbox::new();
    let root = s.commit("ana", &[]);
    let base = s.commit("ana", &[&root]);
    let side = s.commit("eve", &[&root]);
    let mine = s.commit("bob", &[&base]);
    let head = s.commit("bob", &[&mine, &side]);
    check(&s, &base, &head, &[&mine, &side, &head], &[&base, &root]);

    let evidence = s.collect(&base, &head);
    let merge = &evidence.commits.items[0];
    assert_eq!(
        (&merge.id, &merge.parents),
        (&head, &vec![mine, side.clone()])
    );
    let by_eve = evidence
        .commits
        .items
        .iter()
        .find(|c| c.author == "email:eve@bank.example");
    assert_eq!(by_eve.unwrap().id, side);
}

#[test]
fn every_arm_of_an_octopus_is_in_the_change() {
    let s = Sandbox::new();
    let base = s.commit("ana", &[]);
    let arms: Vec<String> = ["bob", "cy", "dan", "eve"]
        .iter()
        .map(|who| s.commit(who, &[&base]))
        .collect();
    let arms: Vec<&str> = arms.iter().map(String::as_str).collect();
    let head = s.commit("ana", &arms);
    check(
        &s,
        &base,
        &head,
        &[arms[0], arms[1], arms[2], arms[3], &head],
        &[&base],
    );
}

#[test]
fn criss_cross_merges_have_more_than_one_merge_base() {
    let s = Sandbox::new();
    let root = s.commit("ana", &[]);
    let (a, b) = (s.commit("ana", &[&root]), s.commit("bob", &[&root]));
    let base = s.commit("ana", &[&a, &b]);
    let other = s.commit("bob", &[&b, &a]);
    let head = s.commit("eve", &[&other]);
    check(&s, &base, &head, &[&other, &head], &[&a, &b]);
}

#[test]
fn an_unrelated_history_is_in_the_change_down_to_its_root() {
    let s = Sandbox::new();
    let base = s.commit("ana", &[]);
    let root = s.commit("eve", &[]);
    let tip = s.commit("eve", &[&root]);
    check(&s, &base, &tip, &[&root, &tip], &[]);
    let head = s.commit("bob", &[&base, &tip]);
    check(&s, &base, &head, &[&root, &tip, &head], &[&base]);
    let evidence = s.collect(&base, &head);
    let listed = evidence
        .commits
        .items
        .iter()
        .find(|c| c.id == root)
        .unwrap();
    assert!(listed.parents.is_empty());
}

#[test]
fn nothing_new_is_an_empty_change() {
    let s = Sandbox::new();
    let root = s.commit("ana", &[]);
    let tip = s.commit("bob", &[&root]);
    // Git prints a boundary only beside commits, and so does the collector.
    check(&s, &tip, &tip, &[], &[]);
    check(&s, &tip, &root, &[], &[]);
}

#[test]
fn a_base_that_has_moved_on_is_taken_as_it_is() {
    let s = Sandbox::new();
    let root = s.commit("ana", &[]);
    let head = s.commit("eve", &[&root]);
    let base = s.commit("bob", &[&root]);
    check(&s, &base, &head, &[&head], &[&root]);
}

/// Git stops looking once the dates say so. A commit's author sets its date.
#[test]
fn dates_do_not_cut_the_range() {
    let s = Sandbox::new();
    let dated = |date: &str, parents: &[&str]| {
        let line = format!("Eve <eve@bank.example> {date} +0000");
        s.draft(&crate::sandbox::Draft {
            parents,
            author: line.as_bytes(),
            committer: line.as_bytes(),
            message: format!("{date} {parents:?}").as_bytes(),
            ..Default::default()
        })
    };
    let root = dated("4000000000", &[]);
    let mut old = root.clone();
    for _ in 0..20 {
        old = dated("1", &[&old]);
    }
    let base = dated("1700000000", &[&old]);
    let head = dated("1800000000", &[&base, &root]);
    let evidence = s.collect(&base, &head);
    assert_eq!(ids(&evidence.commits.items), [head]);
    assert_eq!(evidence.changes[0].boundary, sorted(vec![base, root]));
}

/// Sixty commits with up to four parents each, picked by a fixed sequence.
#[test]
fn git_agrees_on_any_graph() {
    let s = Sandbox::new();
    let mut seed = 20_260_101_u64;
    let mut pick = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut all: Vec<String> = Vec::new();
    for nth in 0..60 {
        let mut parents: Vec<&str> = Vec::new();
        for _ in 0..pick(5).min(nth) {
            let near = nth - 1 - pick(nth.min(8));
            if !parents.contains(&all[near].as_str()) {
                parents.push(&all[near]);
            }
        }
        let commit = s.commit(&format!("p{nth}"), &parents);
        all.push(commit);
    }
    let (mut listed, mut bounded) = (0, 0);
    for _ in 0..80 {
        let (base, head) = (&all[pick(60)], &all[pick(60)]);
        let evidence = s.collect(base, head);
        let (commits, boundary) = s.rev_list(base, head);
        assert_eq!(ids(&evidence.commits.items), commits, "{base}..{head}");
        assert_eq!(evidence.changes[0].boundary, boundary, "{base}..{head}");
        listed += commits.len();
        bounded += boundary.len();
    }
    assert!(
        listed > 500 && bounded > 100,
        "{listed} {bounded}: too small to mean anything"
    );
}

#[test]
fn a_long_history_is_walked_without_recursion() {
    let s = Sandbox::new();
    let mut stream = String::from("reset refs/heads/main\n");
    for nth in 1..=20_000 {
        stream.push_str(&format!(
            "commit refs/heads/main\nmark :{nth}\ncommitter Bob <bob@bank.example> {nth} +0000\ndata 1\nx\n"
        ));
    }
    run(&s.repo(), &["fast-import", "--quiet"], stream.as_bytes());
    let evidence = s.collect("main~15000", "main");
    assert_eq!(evidence.commits.items.len(), 15_000);
    assert_eq!(s.collect("main", "main~15000").commits.items.len(), 0);
}

#[test]
fn the_same_repository_gives_the_same_bytes_loose_or_packed() {
    let s = Sandbox::new();
    let base = s.commit("ana", &[]);
    let (a, b) = (s.commit("bob", &[&base]), s.commit("eve", &[&base]));
    let file = s.blob("x");
    let tree = s.tree(&[("100644", b"b", &file), ("100644", b"c", &file)]);
    let head = s.draft(&crate::sandbox::Draft {
        tree: &tree,
        parents: &[&a, &b],
        ..Default::default()
    });
    s.branch("main", &head);
    let bytes = || serde_json::to_string(&s.collect(&base, "main")).unwrap();
    let loose = bytes();
    assert_eq!(bytes(), loose);
    s.git(&["gc", "-q", "--prune=now"]);
    s.git(&["commit-graph", "write", "--reachable"]);
    assert!(!s.repo().join(".git/refs/heads/main").exists(), "packed");
    assert_eq!(bytes(), loose);
}

#[test]
fn the_head_of_a_build_is_found_from_below() {
    let s = Sandbox::new();
    assert_eq!(git::head_revision(&s.repo()), None, "no commit yet");
    let head = s.commit("ana", &[]);
    s.branch("main", &head);
    let below = s.repo().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    assert_eq!(git::head_revision(&below), Some(head.clone()));
    s.git(&["checkout", "-q", "--detach", &head]);
    s.git(&["pack-refs", "--all"]);
    assert_eq!(git::head_revision(&s.repo()), Some(head));
    assert_eq!(git::head_revision(s.folder.path()), None);
    assert_eq!(git::head_revision(&s.folder.path().join("absent")), None);
}
