//! A repository in a temporary folder, built object by object.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use miette::Diagnostic;
use sod_evidence::evidence::{Commit, Evidence};
use sod_evidence::git::{self, GitError, GitOptions};
use tempfile::TempDir;

/// Id of the tree without entries.
pub(crate) const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// The repository `repo` in a folder of its own.
pub(crate) struct Sandbox {
    pub(crate) folder: TempDir,
}

/// A commit about to be written. Anything can be wrong with it.
#[derive(Clone)]
pub(crate) struct Draft<'a> {
    pub(crate) tree: &'a str,
    pub(crate) parents: &'a [&'a str],
    pub(crate) author: &'a [u8],
    pub(crate) committer: &'a [u8],
    /// Whole lines after the committer.
    pub(crate) headers: &'a [u8],
    pub(crate) message: &'a [u8],
}

impl Default for Draft<'_> {
    fn default() -> Self {
        Draft {
            tree: EMPTY_TREE,
            parents: &[],
            author: b"Ana <ana@bank.example> 1700000000 +0000",
            committer: b"Ana <ana@bank.example> 1700000000 +0000",
            headers: b"",
            message: b"message\n",
        }
    }
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// With extra arguments to `git init`.
    pub(crate) fn with(init: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox { folder };
        let args = [&["init", "-q", "-b", "main"], init, &["repo"]].concat();
        run(sandbox.folder.path(), &args, b"");
        // Something for every REV to be resolved against.
        sandbox.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
        sandbox
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// Runs git in the repository and returns what it prints.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        run(&self.repo(), args, b"")
    }

    /// Writes an object as it is, however malformed.
    pub(crate) fn object(&self, kind: &str, content: &[u8]) -> String {
        let args = ["hash-object", "-w", "--literally", "-t", kind, "--stdin"];
        run(&self.repo(), &args, content)
    }

    pub(crate) fn blob(&self, content: &str) -> String {
        self.object("blob", content.as_bytes())
    }

    /// Writes a tree of `(mode, name, id)` in the order given.
    pub(crate) fn tree(&self, entries: &[(&str, &[u8], &str)]) -> String {
        let mut content = Vec::new();
        for (mode, name, id) in entries {
            content.extend_from_slice(mode.as_bytes());
            content.push(b' ');
            content.extend_from_slice(name);
            content.push(0);
            let digit = |at: usize| u8::from_str_radix(&id[at..at + 2], 16).unwrap();
            content.extend((0..id.len()).step_by(2).map(digit));
        }
        self.object("tree", &content)
    }

    /// Writes folders of files, each a path and its content, and returns the tree.
    pub(crate) fn files(&self, files: &[(&str, &str)]) -> String {
        let index = self.folder.path().join("index");
        let _ = fs::remove_file(&index);
        let index = index.to_str().unwrap();
        for (path, content) in files {
            let info = format!("100644,{},{path}", self.blob(content));
            let add = ["update-index", "--add", "--cacheinfo", &info];
            run_with(&self.repo(), &add, b"", &[("GIT_INDEX_FILE", index)]);
        }
        run_with(
            &self.repo(),
            &["write-tree"],
            b"",
            &[("GIT_INDEX_FILE", index)],
        )
    }

    /// A commit by `who@bank.example` with this tree.
    pub(crate) fn snapshot(&self, who: &str, tree: &str, parents: &[&str]) -> String {
        let line = format!("{who} <{who}@bank.example> 1700000000 +0000");
        self.draft(&Draft {
            tree,
            parents,
            author: line.as_bytes(),
            committer: line.as_bytes(),
            ..Draft::default()
        })
    }

    pub(crate) fn draft(&self, draft: &Draft<'_>) -> String {
        // The empty tree has no object until somebody writes it.
        self.object("tree", b"");
        let mut content = format!("tree {}\n", draft.tree).into_bytes();
        for parent in draft.parents {
            content.extend_from_slice(format!("parent {parent}\n").as_bytes());
        }
        for (name, line) in [("author", draft.author), ("committer", draft.committer)] {
            content.extend_from_slice(name.as_bytes());
            content.push(b' ');
            content.extend_from_slice(line);
            content.push(b'\n');
        }
        content.extend_from_slice(draft.headers);
        content.push(b'\n');
        content.extend_from_slice(draft.message);
        self.object("commit", &content)
    }

    /// A commit by `who@bank.example` on these parents.
    pub(crate) fn commit(&self, who: &str, parents: &[&str]) -> String {
        self.snapshot(who, EMPTY_TREE, parents)
    }

    /// A root commit and one on it with this message: what the message says is in the second.
    pub(crate) fn branch(&self, name: &str, id: &str) {
        self.git(&["update-ref", &format!("refs/heads/{name}"), id]);
    }

    pub(crate) fn options(&self, base: &str, head: &str) -> GitOptions {
        GitOptions::new(self.repo(), base, head)
    }

    pub(crate) fn collect(&self, base: &str, head: &str) -> Evidence {
        collect(&self.options(base, head))
    }

    pub(crate) fn refuse(&self, base: &str, head: &str) -> Refusal {
        refuse(&self.options(base, head))
    }

    /// Ids in `base..head` and the boundary, as git sees them.
    pub(crate) fn rev_list(&self, base: &str, head: &str) -> (Vec<String>, Vec<String>) {
        let range = format!("{base}..{head}");
        let list = self.git(&["rev-list", "--boundary", &range]);
        let (boundary, commits) = list.lines().partition(|line| line.starts_with('-'));
        let strip = |lines: Vec<&str>| {
            let ids = lines
                .iter()
                .map(|line| line.trim_start_matches('-').to_owned());
            sorted(ids.collect())
        };
        (strip(commits), strip(boundary))
    }

    /// Writes a file beside the repository.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

/// Collects, and holds the result against the format of the engine: it must
/// read every field and lose none.
pub(crate) fn collect(options: &GitOptions) -> Evidence {
    let evidence = git::collect(options).unwrap_or_else(|e| panic!("{e}: {e:?}"));
    let json = serde_json::to_string(&evidence).unwrap();
    let parsed: sod_core::evidence::Evidence<'_> = serde_json::from_str(&json).unwrap();
    let written: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_value(&parsed).unwrap(), written);
    evidence
}

/// An error as a user sees it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) help: String,
}

pub(crate) fn refuse(options: &GitOptions) -> Refusal {
    match git::collect(options) {
        Ok(evidence) => panic!("collected {evidence:?}"),
        Err(error) => refusal(&error),
    }
}

fn refusal(error: &GitError) -> Refusal {
    let text = |text: Option<Box<dyn std::fmt::Display + '_>>| {
        text.unwrap_or_else(|| panic!("{error:?} has no code or no help"))
            .to_string()
    };
    Refusal {
        code: text(error.code()),
        message: error.to_string(),
        help: text(error.help()),
    }
}

impl Refusal {
    /// The stable code, and words that the message must have.
    #[track_caller]
    pub(crate) fn is(&self, code: &str, words: &[&str]) -> &Self {
        assert_eq!(self.code, code, "{self:?}");
        for word in words {
            assert!(self.message.contains(word), "no {word} in {self:?}");
        }
        self
    }
}

/// A fixed sequence that looks random: Knuth's linear congruential generator.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next number, from 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let factor = 6_364_136_223_846_793_005;
        self.0 = self.0.wrapping_mul(factor).wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }
}

/// Ids of commits, sorted.
pub(crate) fn ids(commits: &[Commit]) -> Vec<String> {
    sorted(commits.iter().map(|commit| commit.id.clone()).collect())
}

pub(crate) fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}

/// Runs git with nothing of the machine's configuration or of the caller's environment.
pub(crate) fn run(dir: &Path, args: &[&str], input: &[u8]) -> String {
    run_with(dir, args, input, &[])
}

fn run_with(dir: &Path, args: &[&str], input: &[u8], variables: &[(&str, &str)]) -> String {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    let mut child = command
        .current_dir(dir)
        .args(["-c", "protocol.file.allow=always", "-c", "gc.auto=0"])
        .args(args)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", dir.join("no-such-file"))
        .env("LC_ALL", "C")
        .env("GIT_AUTHOR_NAME", "Ana")
        .env("GIT_AUTHOR_EMAIL", "ana@bank.example")
        .env("GIT_AUTHOR_DATE", "1700000000 +0000")
        .env("GIT_COMMITTER_NAME", "Ana")
        .env("GIT_COMMITTER_EMAIL", "ana@bank.example")
        .env("GIT_COMMITTER_DATE", "1700000000 +0000")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("these tests build repositories with `git`: {e}"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}
