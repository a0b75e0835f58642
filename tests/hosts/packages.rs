//! The packages in host/js and host/python: their own tests, their types, their examples.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::hosts::{Host, lines};

/// The text of every file in a folder, by its path in there.
fn texts(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = PathBuf::from(path.file_name().unwrap());
        if path.is_dir() {
            found.extend(
                texts(&path)
                    .into_iter()
                    .map(|(path, text)| (name.join(path), text)),
            );
        } else {
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    found
}

fn passes(mut command: Command) {
    let output = command.output().unwrap();
    let (out, error) = (&output.stdout, &output.stderr);
    let said = [out, error].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success(), "{command:?}\n{}", said.concat());
}

/// host/js/types is what its script makes of wit/, docs/schema and host/js/src. `SOD_BLESS=1` writes it anew.
#[test]
fn types_for_javascript_are_up_to_date() {
    let bless = std::env::var_os("SOD_BLESS").is_some();
    let kept = Host::Node.package().join("types");
    let folder = tempfile::tempdir().unwrap();
    let into = if bless { kept.as_path() } else { folder.path() };
    let mut command = Host::Node.script("scripts/types.js");
    lines(&command.arg(into).output().unwrap(), &[0]);
    let (kept, made) = (texts(&kept), texts(into));
    assert!(made.len() > 15, "{:?}", made.keys());
    assert_eq!(
        kept.keys().collect::<Vec<_>>(),
        made.keys().collect::<Vec<_>>()
    );
    for (name, text) in &made {
        assert!(
            kept[name] == *text,
            "{} is not up to date: SOD_BLESS=1 writes it anew",
            name.display()
        );
    }
}

/// A program in TypeScript is checked by the shipped declarations, strictly.
#[test]
fn a_program_in_typescript_compiles() {
    let mut command = Host::Node.script("node_modules/typescript/bin/tsc");
    command.args(["--project", "test/typescript"]);
    passes(command);
}

#[test]
fn the_tests_of_the_package_for_javascript_pass() {
    let mut command = Host::Node.interpreter();
    command.args(["--test", "test/policy.test.js"]);
    passes(command);
}

#[test]
fn the_tests_of_the_package_for_python_pass() {
    let mut command = Host::Python.interpreter();
    command.args(["-m", "unittest", "discover", "--start-directory", "tests"]);
    passes(command);
}

#[test]
fn the_package_for_python_is_typed() {
    let cache = tempfile::tempdir().unwrap();
    let mut command = Host::Python.interpreter();
    command
        .args(["-m", "mypy", "--cache-dir"])
        .arg(cache.path());
    passes(command);
}
