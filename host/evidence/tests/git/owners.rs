//! Who owns the files of a change, by the CODEOWNERS file of its base. The
//! tables hold what the pages of GitHub and GitLab say of their examples.

use sod_evidence::evidence::OwnedPath;
use sod_evidence::git::{Forge, GitOptions};

use crate::sandbox::{Draft, EMPTY_TREE, Refusal, Sandbox, collect, refuse};

/// A change that adds these paths to a base with this file of owners.
fn adding(s: &Sandbox, place: &str, owners: &str, paths: &[&str]) -> GitOptions {
    let base = s.snapshot("ana", &s.files(&[(place, owners)]), &[]);
    let mut files = vec![(place, owners)];
    files.extend(paths.iter().map(|path| (*path, "")));
    let head = s.snapshot("bob", &s.files(&files), &[&base]);
    s.options(&base, &head)
}

fn owned(options: &GitOptions) -> Vec<OwnedPath> {
    let owners = collect(options).changes.remove(0).owners.unwrap();
    assert!(owners.complete);
    owners.items
}

/// The owners of each path: those of one entry between `,`, entries between `;`.
fn table(forge: Forge, owners: &str, paths: &[&str]) -> Vec<(String, String)> {
    let s = Sandbox::new();
    let mut options = adding(&s, "CODEOWNERS", owners, paths);
    options.forge = forge;
    let mut table: Vec<(String, String)> = Vec::new();
    for OwnedPath {
        path,
        accounts,
        teams,
    } in owned(&options)
    {
        let entry = [accounts, teams].concat().join(",");
        match table.last_mut().filter(|(last, _)| *last == path) {
            Some((_, entries)) => *entries += &format!(";{entry}"),
            None => table.push((path, entry)),
        }
    }
    table
}

#[track_caller]
fn check(forge: Forge, owners: &str, expected: &[(&str, &str)]) {
    let paths: Vec<&str> = expected.iter().map(|(path, _)| *path).collect();
    let table = table(forge, owners, &paths);
    for (path, owners) in expected {
        let found = table.iter().find(|(found, _)| found == path);
        assert_eq!(
            found.map(|(_, owners)| owners.as_str()),
            Some(*owners),
            "{path}"
        );
    }
    assert_eq!(table.len(), expected.len());
}

fn mistake(forge: Forge, owners: &str) -> Refusal {
    let s = Sandbox::new();
    let mut options = adding(&s, "CODEOWNERS", owners, &["a"]);
    options.forge = forge;
    refuse(&options)
}

/// <https://docs.github.com/articles/about-code-owners>
#[test]
fn the_examples_of_github() {
    let owners = "\
# This is a comment.

*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/*  docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
";
    check(
        Forge::GitHub,
        owners,
        &[
            ("README", "github:global-owner1,github:global-owner2"),
            (".hidden/x", "github:global-owner1,github:global-owner2"),
            ("x.js", "github:js-owner"),
            ("deep/er/x.js", "github:js-owner"),
            ("x.jsx", "github:global-owner1,github:global-owner2"),
            ("cmd/x.go", "email:docs@example.com"),
            ("x.txt", "octo-org/octocats"),
            ("scripts/x.txt", "github:doctocat,github:octocat"),
            ("build/x/y", "github:global-owner1,github:global-owner2"),
            ("build/logs/x", "github:octocat"),
            ("deeply/nested/logs/x", "github:octocat"),
            (
                "x/build/logs-x",
                "github:global-owner1,github:global-owner2",
            ),
            ("docs/x", "github:doctocat"),
            ("x/docs/y", "github:global-owner1,github:global-owner2"),
            ("x/apps/y/z", "github:octocat"),
            ("apps/x", "github:octocat"),
            ("apps/github/x/y", ""),
            ("apps/githubber", "github:octocat"),
        ],
    );
    check(
        Forge::GitHub,
        "/apps/ @octocat\n/apps/github @doctocat\ndocs/* docs@example.com\n",
        &[
            ("apps/github/x", "github:doctocat"),
            ("apps/github2", "github:octocat"),
            // `docs/*` is no deeper.
            ("docs/getting-started.md", "email:docs@example.com"),
            ("docs/build-app/troubleshooting.md", ""),
            ("x/docs/y", ""),
        ],
    );
}

#[test]
fn patterns_of_github_are_those_of_gitignore_otherwise() {
    for (pattern, path, matches) in [
        ("foo", "foo", true),
        ("foo", "x/foo", true),
        ("foo", "x/foo/y", true),
        ("foo", "xfoo", false),
        ("foo", "Foo", false),
        ("foo/", "foo", false),
        ("foo/", "x/foo/y", true),
        ("foo/bar", "foo/bar/x", true),
        ("foo/bar", "x/foo/bar", false),
        ("/foo", "x/foo", false),
        ("f?o", "fxo", true),
        ("x/f?o", "x/f/o", false),
        ("/*", "x", true),
        ("/*", "x/y", false),
        ("*", "x/y/z", true),
        ("**/foo", "foo", true),
        ("**/foo/bar", "x/foo/bar", true),
        ("foo/**", "foo/x/y", true),
        ("foo/**/bar", "foo/bar", true),
        ("foo/**/bar", "foo/x/y/bar/z", true),
        ("foo/*.c", "foo/x/y.c", false),
        ("/foo/*/bar", "foo/x/y/bar", false),
        (r"with\ space", "with space", true),
        (r"a\ b/*.c", "a b/x.c", true),
        ("größe/", "größe/x", true),
        ("a{b,c}", "ab", false),
        ("a{b,c}", "a{b,c}", true),
    ] {
        let table = table(Forge::GitHub, &format!("{pattern}  @o\n"), &[path]);
        let owner = if matches { "github:o" } else { "" };
        assert_eq!(table, [(path.to_owned(), owner.to_owned())], "{pattern}");
    }
}

/// <https://docs.gitlab.com/user/project/codeowners/reference/>
#[test]
fn the_examples_of_gitlab() {
    check(
        Forge::GitLab,
        "* @default-owner/x\n\
         README.md @doc/team tech@lead.example\n\
         *.rb @ruby/owner\n\
         README @group/with-nested/subgroup\n\
         /docs/ @all/docs\n\
         /docs/* @root/docs\n\
         /docs/**/*.md @markdown/docs  # Match specific file types in any subdirectory\n\
         /db/**/index.md @index/docs\n\
         \\#pound @pound/owner\n\
         path\\ with\\ spaces/ @space/owner\n\
         single @user\n",
        &[
            ("x/y", "default-owner/x"),
            ("README.md", "email:tech@lead.example,doc/team"),
            ("internal/README.md", "email:tech@lead.example,doc/team"),
            ("x/README", "group/with-nested/subgroup"),
            ("docs/x", "root/docs"),
            ("docs/y/z", "all/docs"),
            ("docs/x.md", "markdown/docs"),
            ("docs/y/z.md", "markdown/docs"),
            ("x/docs/y", "default-owner/x"),
            ("db/index.md", "index/docs"),
            ("db/x/y/index.md", "index/docs"),
            ("#pound", "pound/owner"),
            ("path with spaces/x", "space/owner"),
            // A user or a group; and a folder of that name is not meant.
            ("x/single", "gitlab:user,user"),
            ("y/single/x", "default-owner/x"),
        ],
    );
    check(
        Forge::GitLab,
        "/docs/*/README.md @a/b\n/docs/*spec* @c/d\ninternal/README.md @e/f\n/end/** @g/h\n[S]\n",
        &[
            ("docs/api/README.md", "a/b"),
            ("docs/api/x/README.md", ""),
            ("docs/qa_specs.rb", "c/d"),
            ("docs/api/internal/README.md", "e/f"),
            ("end/x", "g/h"),
            ("end/y/z", ""),
        ],
    );
}

#[test]
fn each_section_of_gitlab_has_its_say() {
    check(
        Forge::GitLab,
        "* @x/admin\n\
         [README Owners]\nREADME.md @u/1 @u/2\ninternal/README.md @u/4\n\
         [README other owners]\nREADME.md @u/3\n",
        &[
            ("README.md", "x/admin;u/1,u/2;u/3"),
            ("internal/README.md", "x/admin;u/4;u/3"),
            ("other", "x/admin"),
        ],
    );
    // Default owners; sections of one name, in whatever case, are one.
    check(
        Forge::GitLab,
        "[Documentation] @docs/team\ndocs/\nREADME.md\n\
         [Database][1] @database/team @a/garcia\nmodel/db/\nconfig/setup.md @docs/team\n\
         [documentation] @second/team\ndocs/x\n",
        &[
            ("docs/y", "docs/team"),
            ("docs/x", "second/team"),
            ("model/db/x", "database/team,a/garcia"),
            ("config/setup.md", "docs/team"),
            ("elsewhere", ""),
        ],
    );
    // Nobody has to sign for an optional one, unless it is required elsewhere.
    check(
        Forge::GitLab,
        "^[Go]\n*.go @g/o\n^[C]\n*.c @c/c\n[c]\n*.h @c/h\n[D]\n*.d @d/d\n^[d]\n*.dd @d/e\n",
        &[
            ("x.go", ""),
            ("x.c", "c/c"),
            ("x.h", "c/h"),
            ("x.d", "d/d"),
            ("x.dd", "d/e"),
        ],
    );
    // What is excluded stays out of its section, and of no other.
    check(
        Forge::GitLab,
        "* @u/n\n!pom.xml\n/special/pom.xml @u/x\n\
         [Ruby]\n*.rb @r/t\n!/config/**/*.rb\n/config/routes.rb @o/p\n",
        &[
            ("pom.xml", ""),
            ("special/pom.xml", ""),
            ("x.rb", "u/n;r/t"),
            ("config/routes.rb", "u/n"),
        ],
    );
}

/// The forges pass over such a line, or read it in a way that the evidence
/// cannot say, and what it protects would be nobody's.
#[test]
fn a_line_that_is_not_understood_is_an_error() {
    let last = "# first\n* @o\n";
    for (line, words) in [
        ("x y", "`y` is neither"),
        ("x @", "`@` is neither"),
        ("x @a/b/c", "`@a/b/c` is neither"),
        ("x @a//b", "neither"),
        ("x @a @b,@c", "`@b,@c`"),
        ("x @@maintainer", "`@@maintainer` is a role"),
        ("x a@b@c", "`a@b@c`"),
        ("x @größe", "neither"),
        ("!x @a", "`!`"),
        ("x[ab] @a", "`[`"),
        ("[Section] @a", "--forge gitlab"),
        ("\\#x @a", "`\\#`"),
        ("/ @a", "without a name"),
        ("a//b @a", "without a name"),
        ("x\\", "ends in"),
        ("\u{feff}x @a", "byte order mark"),
        ("x\0 @a", "control character"),
        (&format!("{} @a", "*x".repeat(31)), "more than 30"),
    ] {
        let refusal = mistake(Forge::GitHub, &format!("{last}{line}\n"));
        refusal.is("git-owners-malformed", &["CODEOWNERS:3: ", words]);
        assert!(refusal.help.contains("target branch"));
    }
    for (line, words) in [
        ("[Name][2] @a", "`2` owners"),
        ("[Name][] @a", "owners have to sign"),
        ("[] @a", "not a heading"),
        ("[Name", "not a heading"),
        ("^[Name]x", "not a heading"),
        ("[Name] owner", "`owner` is neither"),
        ("x @@developer", "role"),
        ("x y", "`y` is neither"),
        ("x", "no owner"),
        ("x # only @a/ b", "`@a/`"),
        ("!x @a", "no owners"),
        ("x[[:alpha:]] @a", "[:alpha:]"),
    ] {
        let refusal = mistake(Forge::GitLab, &format!("{last}{line}\n"));
        refusal.is("git-owners-malformed", &["CODEOWNERS:3: ", words]);
    }
    let large = format!("* @o\n{}", "#".repeat(3 << 20));
    mistake(Forge::GitHub, &large).is("git-owners-malformed", &["3 MB"]);
}

/// Every end of a line, tabs, and spaces around it.
#[test]
fn white_space_does_not_matter() {
    check(
        Forge::GitHub,
        "  *\t @a  \r\n\r\n\t x @b\t@c/d\r\n",
        &[("x", "github:b,c/d"), ("y", "github:a")],
    );
}

#[test]
fn the_first_file_that_the_forge_looks_at_counts() {
    let all = [
        ("CODEOWNERS", "* @top"),
        (".github/CODEOWNERS", "* @github"),
        (".gitlab/CODEOWNERS", "* @gitlab/x"),
        ("docs/CODEOWNERS", "* @docs"),
        ("other/OWNERS", "* @other"),
    ];
    let found = |forge, names: &[&str], path: Option<&str>| {
        let s = Sandbox::new();
        let mut files: Vec<_> = all.into_iter().filter(|(n, _)| names.contains(n)).collect();
        let base = s.snapshot("ana", &s.files(&files), &[]);
        files.push(("x", ""));
        let head = s.snapshot("bob", &s.files(&files), &[&base]);
        let mut options = s.options(&base, &head);
        options.forge = forge;
        options.owners = path.map(str::to_owned);
        let owners = collect(&options).changes.remove(0).owners?;
        let first = &owners.items[0];
        Some(
            [first.accounts.clone(), first.teams.clone()]
                .concat()
                .remove(0),
        )
    };
    let names = all.map(|(name, _)| name);
    let github = |names: &[&str]| found(Forge::GitHub, names, None);
    assert_eq!(github(&names).as_deref(), Some("github:github"));
    assert_eq!(
        github(&["docs/CODEOWNERS", "CODEOWNERS"]).as_deref(),
        Some("github:top")
    );
    assert_eq!(github(&["docs/CODEOWNERS"]).as_deref(), Some("github:docs"));
    assert_eq!(github(&[".gitlab/CODEOWNERS", "other/OWNERS"]), None);
    let gitlab = |names: &[&str]| found(Forge::GitLab, names, None);
    assert_eq!(gitlab(&names).as_deref(), Some("gitlab:top"));
    assert_eq!(gitlab(&names[1..]).as_deref(), Some("gitlab:docs"));
    assert_eq!(
        gitlab(&[".gitlab/CODEOWNERS", ".github/CODEOWNERS"]).as_deref(),
        Some("gitlab/x")
    );
    let other = found(Forge::GitHub, &names, Some("other/OWNERS"));
    assert_eq!(other.as_deref(), Some("github:other"));
}

#[test]
fn a_file_that_was_asked_for_and_is_not_there_is_an_error() {
    let s = Sandbox::new();
    let mut options = adding(&s, "CODEOWNERS", "* @o", &["x"]);
    for path in ["OWNERS", "CODEOWNERS/x", "", "/CODEOWNERS"] {
        options.owners = Some(path.to_owned());
        let refusal = refuse(&options);
        assert!(refusal.code.starts_with("git-owners-"), "{refusal:?}");
    }
    options.owners = Some("OWNERS".to_owned());
    refuse(&options).is("git-owners-absent", &["`OWNERS`"]);
}

#[test]
fn a_link_in_place_of_the_file_is_an_error() {
    let s = Sandbox::new();
    let link = s.tree(&[("120000", b"CODEOWNERS", &s.blob("docs/OWNERS"))]);
    let base = s.snapshot("ana", &link, &[]);
    let head = s.commit("bob", &[&base]);
    s.refuse(&base, &head)
        .is("git-owners-malformed", &["CODEOWNERS", "regular file"]);
}

/// Eve makes herself the owner, or moves, deletes or breaks the file, in the
/// change that needs the owner.
#[test]
fn the_owners_are_those_of_the_base() {
    let s = Sandbox::new();
    let owners = "* @ana\n";
    let base = s.snapshot("ana", &s.files(&[("CODEOWNERS", owners), ("x", "1")]), &[]);
    for (place, content) in [
        ("CODEOWNERS", "* @eve\n"),
        ("CODEOWNERS", "x\n"),
        ("CODEOWNERS", "not [understood"),
        (".github/CODEOWNERS", "* @eve\n"),
        ("moved", owners),
    ] {
        let head = s.snapshot("eve", &s.files(&[(place, content), ("x", "2")]), &[&base]);
        let owned = owned(&s.options(&base, &head));
        assert!(owned.len() >= 2);
        assert!(
            owned.iter().all(|o| o.accounts == ["github:ana"]),
            "{owned:?}"
        );
    }
    // The other way round: what the base does not have is not made up.
    let none = s.snapshot("ana", &s.files(&[("x", "1")]), &[]);
    let head = s.snapshot("eve", &s.files(&[("CODEOWNERS", "* @eve\n")]), &[&none]);
    assert_eq!(s.collect(&none, &head).changes[0].owners, None);
}

/// The old path has its owner still.
#[test]
fn a_file_moved_out_of_an_owned_folder() {
    let s = Sandbox::new();
    let owners = ("CODEOWNERS", "* @all\n/secure/ @security\n");
    let base = s.snapshot("ana", &s.files(&[owners, ("secure/key", "k")]), &[]);
    let head = s.snapshot("eve", &s.files(&[owners, ("public/key", "k")]), &[&base]);
    let owned = owned(&s.options(&base, &head));
    let rows: Vec<_> = owned
        .iter()
        .map(|o| (o.path.as_str(), o.accounts[0].as_str()))
        .collect();
    assert_eq!(
        rows,
        [
            ("public/key", "github:all"),
            ("secure/key", "github:security")
        ]
    );
}

/// Patterns see the bytes of a path; the evidence has them as elsewhere.
#[test]
fn paths_with_strange_bytes_are_listed_as_files_are() {
    let s = Sandbox::new();
    let (owners, empty) = (s.blob("* @all\n/d/ @d\n*.py @py\n"), s.blob(""));
    let base = s.snapshot("ana", &s.tree(&[("100644", b"CODEOWNERS", &owners)]), &[]);
    let names: [&[u8]; 7] = [
        b"\xff.py",
        b"back\\slash.py",
        b"line\nend.py",
        b"line\nend",
        b"quote\"d",
        b"with space.py",
        "\u{fc}.py".as_bytes(),
    ];
    let mut entries: Vec<(&str, &[u8], &str)> = names
        .iter()
        .map(|name| ("100644", *name, empty.as_str()))
        .collect();
    let folder = s.tree(&entries);
    entries.push(("100644", b"CODEOWNERS", &owners));
    entries.push(("40000", b"d", &folder));
    entries.sort_by_key(|(_, name, _)| *name);
    let tree = s.tree(&entries);
    let head = s.draft(&Draft {
        tree: &tree,
        parents: &[&base],
        ..Draft::default()
    });
    let options = s.options(&base, &head);
    let change = collect(&options).changes.remove(0);
    let listed: Vec<String> = change
        .files
        .items
        .into_iter()
        .map(|file| file.path)
        .collect();
    assert_eq!(listed.len(), 14);
    let owned = owned(&options);
    assert_eq!(
        owned.iter().map(|o| o.path.clone()).collect::<Vec<_>>(),
        listed
    );
    for OwnedPath { path, accounts, .. } in &owned {
        let expected = match path {
            path if path.ends_with(".py") => "github:py",
            path if path.starts_with("d/") => "github:d",
            _ => "github:all",
        };
        assert_eq!(accounts, &[expected], "{path}");
    }
}

#[test]
fn without_a_file_and_without_blobs_there_are_no_owners() {
    let s = Sandbox::new();
    let base = s.commit("ana", &[]);
    let head = s.snapshot("bob", &s.files(&[("x", "")]), &[&base]);
    assert_eq!(s.collect(&base, &head).changes[0].owners, None);
    assert_eq!(s.collect(&base, &base).changes[0].tree, EMPTY_TREE);
    let mut options = adding(&s, "CODEOWNERS", "not [understood", &["x"]);
    options.without_blobs = true;
    let change = collect(&options).changes.remove(0);
    assert_eq!((change.owners, change.patch_id), (None, None));
}
