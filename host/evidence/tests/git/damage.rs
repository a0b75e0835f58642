//! Whatever happens to the files of a repository, what two commit ids stand for stays the same.

use std::fs;
use std::path::{Path, PathBuf};

use sod_evidence::git;

use crate::sandbox::{Draft, Sandbox, collect};

fn files_below(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Packed history, and a loose commit and tree on top of it.
fn repository() -> (Sandbox, String, String) {
    let s = Sandbox::new();
    let mut tips = vec![s.commit("ana", &[])];
    for who in ["bob", "cy", "dan", "eve"] {
        let content = who.repeat(50);
        let inner = s.tree(&[("100644", who.as_bytes(), &s.blob(&content))]);
        let tree = s.tree(&[("40000", who.as_bytes(), &inner)]);
        let author = format!("{who} <{who}@bank.example> 1 +0000");
        let author = author.as_bytes();
        let parents: Vec<&str> = tips.iter().rev().take(2).map(String::as_str).collect();
        tips.push(s.draft(&Draft {
            tree: &tree,
            parents: &parents,
            author,
            ..Draft::default()
        }));
    }
    let top = tips.last().unwrap();
    s.branch("main", top);
    s.git(&["gc", "-q", "--prune=now"]);
    let tree = s.tree(&[("120000", b"link", &s.blob("x"))]);
    let head = s.draft(&Draft {
        tree: &tree,
        parents: &[top],
        ..Draft::default()
    });
    (s, tips.swap_remove(1), head)
}

#[test]
fn damage_is_an_error_or_makes_no_difference() {
    let (s, base, head) = repository();
    let options = s.options(&base, &head);
    let whole = collect(&options);
    assert_eq!(whole.commits.items.len(), 4);

    let mut files = Vec::new();
    files_below(&s.repo().join(".git/objects"), &mut files);
    files.extend(["HEAD", "config", "packed-refs"].map(|name| s.repo().join(".git").join(name)));
    files.sort();
    let (mut harmless, mut noticed) = (0, 0);
    for path in files {
        let mode = fs::metadata(&path).unwrap().permissions();
        let content = fs::read(&path).unwrap();
        // Every file in a hundred places, each bit in turn.
        let step = content.len() / 100 + 1;
        for at in (0..content.len()).step_by(step) {
            let mut damaged = content.clone();
            damaged[at] ^= 1 << (at / step % 8);
            fs::remove_file(&path).unwrap();
            fs::write(&path, damaged).unwrap();
            match git::collect(&options) {
                Ok(evidence) => {
                    assert_eq!(evidence, whole, "byte {at} of {}", path.display());
                    harmless += 1;
                }
                Err(_) => noticed += 1,
            }
        }
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, mode).unwrap();
    }
    assert!(harmless > 50 && noticed > 50, "{harmless} {noticed}");
    assert_eq!(collect(&options), whole);
}
