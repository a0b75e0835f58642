//! Every folder of docs/examples, followed to the letter: the `console` blocks of its README.md are run one after another
//! in a copy of the folder, by one shell that has `sod` on its path, and what they print is what the page shows.
//!
//! `...` stands for any text, on a line by itself for any lines. A command that fails is followed by `$ echo $?`. What a
//! block leaves running in the background is killed at the end.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../command/transcript.rs"]
mod transcript;

mod shell;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::shell::Shell;

/// One test for each folder.
macro_rules! examples {
    ($($test:ident: $folder:literal,)*) => {
        $(
            #[test]
            fn $test() {
                follow($folder);
            }
        )*

        #[test]
        fn no_folder_is_left_out() {
            let folders = fs::read_dir(repository().join("docs/examples")).unwrap();
            let names = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<String> = names.collect();
            names.sort();
            assert_eq!(names, [$($folder),*]);
        }
    };
}

examples! {
    browser: "browser",
    envoy_ext_authz: "envoy-ext-authz",
    envoy_plugin: "envoy-plugin",
    github_action: "github-action",
    nginx: "nginx",
    node: "node",
    python: "python",
    rust: "rust",
}

/// The top of the repository.
fn repository() -> PathBuf {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    top.canonicalize().unwrap()
}

fn follow(example: &str) {
    let top = copy(example);
    let folder = top.path().join("docs/examples").join(example);
    let page = fs::read_to_string(folder.join("README.md")).unwrap();
    let mut shell = Shell::new(&folder);
    let transcripts = page.split("```console\n").skip(1);
    let transcripts = transcripts.filter_map(|rest| rest.split_once("\n```"));
    let mut commands = 0;
    for (transcript, _) in transcripts {
        commands += shell.follow(transcript);
    }
    assert!(commands > 0, "the page has no command");
}

/// The repository as the example sees it. Its own folder is a copy, so that nothing is left behind.
fn copy(example: &str) -> TempDir {
    let top = TempDir::new().unwrap();
    let link = |to: &Path, name: &OsStr| symlink(to, top.path().join(name)).unwrap();
    for entry in fs::read_dir(repository()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "docs" && entry.file_name() != "target" {
            link(&entry.path(), &entry.file_name());
        }
    }
    // What pages install stays for the next run, wherever that is.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    link(target, OsStr::new("target"));
    let own = Path::new("docs/examples").join(example);
    copy_folder(&repository().join(&own), &top.path().join(&own));
    top
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}
