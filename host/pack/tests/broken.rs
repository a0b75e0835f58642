//! What the author of a broken pack sees.
//!
//! Every folder of `tests/broken` is a pack with one thing wrong in it (or a few), and its `expected.txt` is
//! what `sod` prints about it, word for word: error messages are read more often than code, so they are
//! reviewed like code. `SOD_BLESS=1 cargo test -p sod-pack --test broken` writes what is printed now; the
//! diff is the review.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sod_pack::mutants::{self, EXEMPTIONS, Exemptions};
use sod_pack::{Findings, Pack, cases, matrix};

#[test]
fn each_broken_pack_is_refused_as_expected() {
    let bless = std::env::var_os("SOD_BLESS").is_some();
    let mut wrong = String::new();
    let folders = folders(Path::new("tests/broken"));
    assert!(folders.len() >= 25, "only {} broken packs", folders.len());
    for folder in folders {
        let findings = findings(&folder);
        let actual = findings.render(false);
        let expected = folder.join("expected.txt");
        if bless {
            std::fs::write(&expected, &actual)
                .unwrap_or_else(|error| panic!("{expected:?}: {error}"));
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != actual {
            let _ = writeln!(wrong, "==== {}\n{actual}", expected.display());
        }
        if findings.is_empty() {
            let _ = writeln!(wrong, "==== {} is not broken", folder.display());
        }
    }
    assert!(
        wrong.is_empty(),
        "not as expected (SOD_BLESS=1 to accept):\n{wrong}"
    );
}

/// Of the pack; of its cases, its matrix and its mutants if it is valid itself; of the rules that the cases leave out if
/// they are valid too.
fn findings(folder: &Path) -> Findings {
    let pack = match Pack::open(folder) {
        Ok(pack) => pack,
        Err(findings) => return findings,
    };
    let mut findings = pack.warnings().clone();
    match cases::read(&pack) {
        Ok(cases) if cases.is_empty() => {}
        Ok(cases) => findings.append(cases::undecided(&pack, &cases)),
        Err(broken) => findings.append(broken),
    }
    if let Err(broken) = matrix::read(&pack) {
        findings.append(broken);
    }
    match Exemptions::read(&pack) {
        // Without a case every mutant survives.
        Ok(exempt) if folder.join(EXEMPTIONS).is_file() => {
            let mutants = mutants::mutants(&pack);
            findings.append(mutants::hunt(&pack, &mutants, &[], &exempt, &|| ()).findings);
        }
        Ok(_) => {}
        Err(broken) => findings.append(broken),
    }
    findings
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    folders
}
