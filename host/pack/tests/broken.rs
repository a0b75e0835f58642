//! What the author of a broken pack sees.
//!
//! Every folder of `tests/broken` is a pack with one thing wrong in it (or a few), and its `expected.txt` is
//! what `sod` prints about it, word for word: error messages are read more often than code, so they are
//! reviewed like code. `SOD_BLESS=1 cargo test -p sod-pack --test broken` writes what is printed now; the
//! diff is the review. What a repository cannot hold, or nobody should download, is made by [`made`].

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sod_pack::mutants::{self, EXEMPTIONS, Exemptions};
use sod_pack::{Code, Findings, Pack, cases, matrix};

mod made;

#[test]
fn each_broken_pack_is_refused_as_expected() {
    let bless = std::env::var_os("SOD_BLESS").is_some();
    let made = tempfile::tempdir().unwrap();
    let mut wrong = String::new();
    let mut shown = BTreeSet::new();
    let folders = folders(Path::new("tests/broken"));
    assert!(folders.len() >= 60, "only {} broken packs", folders.len());
    let written = folders
        .iter()
        .filter_map(|folder| folder.file_name()?.to_str());
    let names: BTreeSet<&str> = written
        .chain(made::PACKS.iter().map(|(name, _)| *name))
        .collect();
    for name in names {
        let folder = Path::new("tests/broken").join(name);
        let make = made::PACKS.iter().find(|(made, _)| *made == name);
        let started = Instant::now();
        let findings = match make {
            Some((_, make)) => {
                make(&made.path().join(name));
                findings(&made.path().join(name))
            }
            None => findings(&folder),
        };
        let took = started.elapsed();
        assert!(took < Duration::from_secs(60), "{name} took {took:?}");
        shown.extend(findings.iter().map(|finding| finding.code));
        let top = made.path().display().to_string();
        let actual = findings.render(false).replace(&top, "tests/broken");
        let expected = folder.join("expected.txt");
        if bless {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&expected, &actual).unwrap_or_else(|error| panic!("{expected:?}: {error}"));
        } else if fs::read_to_string(&expected).unwrap_or_default() != actual {
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
    let proofs = broken_proofs();
    let in_a_proof = |code: &Code| proofs.lines().any(|line| line == code.as_str());
    let unseen: Vec<&Code> = Code::ALL
        .iter()
        .filter(|code| !shown.contains(code) && !in_a_proof(code))
        .collect();
    assert!(
        unseen.is_empty(),
        "no snapshot shows what an author sees of {unseen:?}"
    );
}

#[test]
fn two_hundred_findings_are_shown_and_the_others_counted() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "name = \"many\"\nversion = \"0.1.0\"\n";
    fs::write(folder.path().join("pack.toml"), manifest).unwrap();
    fs::create_dir(folder.path().join("rules")).unwrap();
    let rule = "forbid (principal, action == Action::\"merge\", resource);\n";
    fs::write(folder.path().join("rules/a.cedar"), rule.repeat(300)).unwrap();
    let findings = findings(folder.path());
    assert_eq!(findings.iter().count(), 300);
    let shown = findings.render(false);
    assert_eq!(shown.matches("id-missing").count(), 200);
    assert!(
        shown.ends_with("\nand 100 more, which may go when these do\n\n300 errors, 0 warnings\n")
    );
}

/// What authors see of properties that fail. It takes a solver, so the tests of the command hold it.
fn broken_proofs() -> String {
    let folders = folders(Path::new("../cli/tests/broken-proofs"));
    let read = |folder: &PathBuf| fs::read_to_string(folder.join("expected.txt")).unwrap();
    folders.iter().map(read).collect()
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
    let paths = entries.flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}
