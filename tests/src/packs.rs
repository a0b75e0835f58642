//! The packs that are proved, opened and compiled.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what is proved has to be there"
)]

use std::path::{Path, PathBuf};

use sod_pack::{CompileOptions, Pack};

use crate::root;

/// The shipped packs.
pub fn packs() -> Vec<PathBuf> {
    let packs = folders("policies");
    assert!(packs.len() >= 13, "{packs:?}");
    packs
}

/// The shipped packs, and those of these tests that have cases.
pub fn tested_packs() -> Vec<PathBuf> {
    let ours = folders("tests/packs");
    let ours: Vec<_> = ours
        .into_iter()
        .filter(|p| p.join("cases").is_dir())
        .collect();
    assert!(ours.len() >= 2, "{ours:?}");
    [packs(), ours].concat()
}

fn folders(of: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(of)).unwrap();
    let folders = entries.map(|entry| entry.unwrap().path());
    let mut packs: Vec<_> = folders
        .filter(|path| path.join("pack.toml").is_file())
        .collect();
    packs.sort();
    packs
}

/// Opens a pack that is known to be valid.
pub fn open(folder: &Path) -> Pack {
    Pack::open(folder).unwrap_or_else(|findings| panic!("{}: {findings:?}", folder.display()))
}

/// The component of a pack.
pub fn compile(pack: &Pack) -> Vec<u8> {
    sod_pack::compile(pack, &CompileOptions::default()).unwrap()
}

/// `sod`, which a test run of the whole workspace builds beside this test.
pub fn sod() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let sod = test.ancestors().nth(2).unwrap().join("sod");
    assert!(
        sod.is_file(),
        "{} is not there: run `cargo test --workspace`, which builds it",
        sod.display()
    );
    sod
}
