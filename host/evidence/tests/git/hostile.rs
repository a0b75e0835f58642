//! Repositories that lie, or that have only part of the truth.

use std::fs;

use sod_evidence::git::GitOptions;

use crate::sandbox::{Draft, Sandbox, collect, ids, refuse, run, sorted};

/// A merge whose second parent is Eve's, and the base before it.
fn merge_with_eve(s: &Sandbox) -> (String, String, String) {
    let base = s.commit("ana", &[]);
    let side = s.commit("eve", &[&base]);
    let mine = s.commit("bob", &[&base]);
    let head = s.commit("bob", &[&mine, &side]);
    s.branch("main", &head);
    (base, side, head)
}

#[test]
fn a_replacement_does_not_hide_a_parent() {
    let s = Sandbox::new();
    let (base, side, head) = merge_with_eve(&s);
    let before = s.collect(&base, &head);
    s.git(&["replace", "--graft", &head, &base]);
    let (seen_by_git, _) = s.rev_list(&base, &head);
    assert!(!seen_by_git.contains(&side), "git itself is fooled");
    assert_eq!(s.collect(&base, &head), before);
    assert!(ids(&before.commits.items).contains(&side));
}

#[test]
fn a_graft_does_not_hide_a_parent() {
    let s = Sandbox::new();
    let (base, side, head) = merge_with_eve(&s);
    fs::create_dir_all(s.repo().join(".git/info")).unwrap();
    fs::write(
        s.repo().join(".git/info/grafts"),
        format!("{head} {base}\n"),
    )
    .unwrap();
    let (seen_by_git, _) = s.rev_list(&base, &head);
    assert!(!seen_by_git.contains(&side), "git itself is fooled");
    assert!(ids(&s.collect(&base, &head).commits.items).contains(&side));
}

/// The file says where history ends, but the objects behind it are there.
#[test]
fn a_shallow_file_does_not_hide_a_parent() {
    let s = Sandbox::new();
    let (base, side, head) = merge_with_eve(&s);
    fs::write(s.repo().join(".git/shallow"), format!("{head}\n")).unwrap();
    let (seen_by_git, _) = s.rev_list(&base, &head);
    assert!(!seen_by_git.contains(&side), "git itself is fooled");
    assert!(ids(&s.collect(&base, &head).commits.items).contains(&side));
}

#[test]
fn an_object_with_the_content_of_another_is_corrupt() {
    let s = Sandbox::new();
    let (base, side, head) = merge_with_eve(&s);
    let innocent = s.commit("bob", &[&side]);
    let path = |id: &str| s.repo().join(".git/objects").join(&id[..2]).join(&id[2..]);
    fs::remove_file(path(&head)).unwrap();
    fs::copy(path(&innocent), path(&head)).unwrap();
    s.refuse(&base, &head)
        .is("git-object-corrupt", &[&head, "another id"]);
    fs::remove_file(path(&head)).unwrap();
    fs::write(path(&head), b"not zlib").unwrap();
    s.refuse(&base, &head).is("git-object-corrupt", &[&head]);
}

/// Nothing in the configuration has a say, and nothing in it is run.
#[test]
fn the_repositorys_configuration_is_not_followed() {
    let s = Sandbox::new();
    let (base, _, _) = merge_with_eve(&s);
    let before = s.collect(&base, "main");
    let marker = s.folder.path().join("ran");
    let touch = format!("touch {}", marker.display());
    for (key, value) in [
        ("core.fsmonitor", touch.as_str()),
        ("core.sshCommand", &touch),
        ("core.hooksPath", "."),
        ("core.worktree", "/nonexistent"),
        ("core.useReplaceRefs", "true"),
        ("core.abbrev", "nonsense"),
        ("core.commitGraph", "true"),
        ("gitoxide.core.refsNamespace", "evil"),
        ("gitoxide.objects.replaceRefBase", "refs/heads/"),
        ("gitoxide.objects.allocLimit", "1"),
        ("log.mailmap", "true"),
        ("mailmap.file", "/dev/zero"),
        ("trailer.separators", "#"),
        ("i18n.commitEncoding", "utf-16"),
        // Last, since git itself falls over it.
        ("include.path", "/dev/zero"),
    ] {
        let config = s.repo().join(".git/config");
        run(
            &s.repo(),
            &["config", "-f", config.to_str().unwrap(), key, value],
            b"",
        );
    }
    assert_eq!(s.collect(&base, "main"), before);
    assert!(!marker.exists());
}

#[test]
fn a_mailmap_in_the_tree_renames_nobody() {
    let s = Sandbox::new();
    let base = s.commit("ana", &[]);
    let map = s.blob("Bob <bob@bank.example> <eve@bank.example>\n");
    let tree = s.tree(&[("100644", b".mailmap", &map)]);
    let eve = b"Eve <eve@bank.example> 1 +0000";
    let head = s.draft(&Draft {
        tree: &tree,
        parents: &[&base],
        author: eve,
        ..Draft::default()
    });
    assert_eq!(
        s.collect(&base, &head).commits.items[0].author,
        "email:eve@bank.example"
    );
}

fn clone(s: &Sandbox, args: &[&str]) -> std::path::PathBuf {
    let url = format!("file://{}", s.repo().display());
    let args = [
        &["clone", "-q", "--no-checkout"],
        args,
        &[url.as_str(), "clone"],
    ]
    .concat();
    run(s.folder.path(), &args, b"");
    s.folder.path().join("clone")
}

#[test]
fn a_shallow_clone_is_refused_wherever_it_ends() {
    let s = Sandbox::new();
    let root = s.commit("ana", &[]);
    let base = s.commit("ana", &[&root]);
    let middle = s.commit("eve", &[&base]);
    let head = s.commit("bob", &[&middle]);
    s.branch("main", &head);
    let shallow = clone(&s, &["--depth=3"]);
    // The whole change is there, but not all of what stands behind its base.
    let refusal = refuse(&GitOptions::new(&shallow, &base, &head));
    refusal.is("git-shallow", &[&root]);
    assert!(refusal.help.contains("--unshallow"), "{refusal:?}");
    // The base itself is not there.
    refuse(&GitOptions::new(&shallow, &root, &head)).is("git-shallow", &[&root]);
    // The remedy works.
    run(&shallow, &["fetch", "-q", "--unshallow"], b"");
    assert_eq!(
        collect(&GitOptions::new(&shallow, &base, &head))
            .commits
            .items
            .len(),
        2
    );
}

#[test]
fn a_clone_without_blobs_is_enough_and_one_without_trees_is_not() {
    let s = Sandbox::new();
    s.git(&["config", "uploadpack.allowFilter", "true"]);
    let base = s.commit("ana", &[]);
    let tree = s.tree(&[("100644", b"a", &s.blob("x"))]);
    let head = s.draft(&Draft {
        tree: &tree,
        parents: &[&base],
        ..Draft::default()
    });
    s.branch("main", &head);
    let mut whole = s.options(&base, &head);
    whole.repository = Some("clone".to_owned());

    let partial = clone(&s, &["--filter=blob:none"]);
    let mut options = GitOptions::new(&partial, &base, &head);
    refuse(&options).is("git-object-absent", &["blob"]);
    options.without_blobs = true;
    let mut expected = collect(&whole);
    assert!(expected.changes[0].patch_id.take().is_some());
    assert_eq!(collect(&options), expected);
    fs::remove_dir_all(partial).unwrap();
    let partial = clone(&s, &["--filter=tree:0"]);
    refuse(&GitOptions::new(&partial, &base, &head)).is("git-object-absent", &["tree", &tree]);
}

#[test]
fn an_absent_commit_is_never_left_out() {
    let s = Sandbox::new();
    let (base, side, head) = merge_with_eve(&s);
    let path = s
        .repo()
        .join(".git/objects")
        .join(&side[..2])
        .join(&side[2..]);
    fs::remove_file(path).unwrap();
    s.refuse(&base, &head)
        .is("git-object-absent", &["commit", &side]);
}

/// Each of these is read by git in one way and could be read in another.
#[test]
fn a_commit_that_can_be_read_in_two_ways_is_refused() {
    let s = Sandbox::new();
    let base = s.commit("ana", &[]);
    let side = s.commit("eve", &[&base]);
    let second_parent = format!("parent {side}\n");
    for headers in [
        second_parent.as_str(),
        "author Eve <eve@bank.example> 1 +0000\n",
        "committer Eve <eve@bank.example> 1 +0000\n",
        "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n",
    ] {
        let head = s.draft(&Draft {
            parents: &[&base],
            headers: headers.as_bytes(),
            ..Draft::default()
        });
        s.refuse(&base, &head).is(
            "git-object-corrupt",
            &[&head, "out of place", headers.trim_end()],
        );
    }
    let whole = |content: String| s.object("commit", content.as_bytes());
    let tree = crate::sandbox::EMPTY_TREE;
    let anonymous = whole(format!("tree {tree}\nparent {base}\n\nno author\n"));
    s.refuse(&base, &anonymous)
        .is("git-object-corrupt", &[&anonymous, "no author"]);
    let cut = whole(format!("tree {tree}\nparent 1234\nauthor a <b> 1 +0000\n"));
    s.refuse(&base, &cut)
        .is("git-object-corrupt", &[&cut, "`1234` is not an object id"]);
    let empty = whole(String::new());
    s.refuse(&base, &empty)
        .is("git-object-corrupt", &[&empty, "begin with a tree"]);
    // A parent that is no commit.
    let odd = s.commit("eve", &[&s.blob("x")]);
    s.refuse(&base, &odd)
        .is("git-object-corrupt", &["it is a blob"]);
}

/// Other object folders can be borrowed from; what they hold is hashed like the rest.
#[test]
fn alternates_are_read() {
    let s = Sandbox::new();
    let (base, _, head) = merge_with_eve(&s);
    let borrowing = clone(&s, &["--shared"]);
    let evidence = collect(&GitOptions::new(borrowing, &base, &head));
    assert_eq!(
        ids(&evidence.commits.items),
        sorted(s.rev_list(&base, &head).0)
    );
}

/// Git's own variables could point somewhere else. They are set for a second
/// run of one test, which builds its repository without them.
#[test]
fn the_environment_has_no_say() {
    let test = "range::a_contributor_through_the_second_parent_is_in_the_change";
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", test]);
    for name in [
        "GIT_DIR",
        "GIT_COMMON_DIR",
        "GIT_OBJECT_DIRECTORY",
        "GIT_WORK_TREE",
        "GIT_SHALLOW_FILE",
    ] {
        again.env(name, "/nonexistent");
    }
    let evil = [
        ("GIT_NAMESPACE", "evil"),
        ("GIT_ALLOC_LIMIT", "1"),
        ("GIT_REPLACE_REF_BASE", "refs/heads/"),
    ];
    let config = [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "gitoxide.objects.allocLimit"),
        ("GIT_CONFIG_VALUE_0", "1"),
    ];
    let output = again.envs(evil).envs(config).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}"
    );
}
