//! `sod prove`: what holds, what does not, and that nothing counts as proved that no solver proved.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::run::{Ended, Folder, command, repository, shipped};

/// The solver's program; installed in the version that the tests are pinned to, unless CVC5 names one.
pub(crate) fn solver() -> &'static str {
    static SOLVER: OnceLock<String> = OnceLock::new();
    SOLVER.get_or_init(|| {
        let output = Command::new(repository().join("tests/solver/install"))
            .arg(env!("CARGO_TARGET_TMPDIR"))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cvc5 cannot be installed: {told}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

/// A command that asks this solver.
pub(crate) fn asking(solver: &str, arguments: &[&str]) -> Ended {
    Ended::of(command(arguments).env("CVC5", solver).output().unwrap())
}

#[test]
fn every_shipped_pack_keeps_what_it_promises() {
    let packs = packs();
    let mut arguments = vec!["prove", "--format", "json"];
    arguments.extend(packs.iter().map(String::as_str));
    let report = asking(solver(), &arguments).expect(0).json();
    for (path, pack) in packs.iter().zip(report["packs"].as_array().unwrap()) {
        let own = Path::new(path).join("invariants");
        let own = fs::read_dir(own).map_or(0, Iterator::count);
        assert!(own > 0, "{path} promises nothing");
        for property in pack["properties"].as_array().unwrap() {
            assert_eq!(property["outcome"], "proved", "{path}: {property}");
            // A floor that a permit on top could take away would be none.
            let floor = property["kind"] == "never-allowed";
            assert_eq!(property["whatever_is_added"], floor, "{path}: {property}");
        }
    }
    assert_eq!(report["broken"], 0);
}

fn packs() -> Vec<String> {
    let entries = fs::read_dir(repository().join("policies")).unwrap();
    let folders = entries.map(|entry| entry.unwrap().path());
    let packs = folders.filter(|path| path.join("pack.toml").exists());
    let mut packs: Vec<String> = packs
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    packs.sort();
    packs
}

/// What their authors see is reviewed: the findings, but not the request, which depends on the solver.
#[test]
fn each_property_that_fails_is_explained_at_its_rule() {
    let folders = repository().join("host/cli/tests/broken-proofs");
    let mut wrong = String::new();
    for entry in fs::read_dir(&folders).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let (solver, code) = match name.as_str() {
            "property-undecided" => (stub("unknown"), 1),
            _ => (PathBuf::from(solver()), 4),
        };
        let pack = format!("host/cli/tests/broken-proofs/{name}");
        let ended = asking(solver.to_str().unwrap(), &["prove", &pack]).expect(code);
        let findings = ended
            .stdout
            .lines()
            .take_while(|line| !line.contains("for example, by"));
        let actual: String = findings.map(|line| format!("{line}\n")).collect();
        let expected = folder.join("expected.txt");
        if std::env::var_os("SOD_BLESS").is_some() {
            fs::write(&expected, &actual).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != actual {
            wrong += &format!("==== {name}\n{actual}");
        }
    }
    assert!(
        wrong.is_empty(),
        "not as expected (SOD_BLESS=1 to accept):\n{wrong}"
    );
}

/// A program that answers every question alike, and knows its version.
fn stub(answer: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("answers-{answer}"));
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo stub {answer} && exit\n\
         while read -r line; do [ \"$line\" = '(check-sat)' ] && echo {answer}; done\n"
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn without_a_solver_nothing_is_proved() {
    let pack = shipped("core-lanes");
    let pack = pack.to_str().unwrap();
    for (program, says) in [
        ("/nonexistent/cvc5", "cannot be run"),
        ("/bin/false", "gave no answer"),
        ("/bin/cat", "gave no answer"),
    ] {
        for arguments in [vec!["prove", pack], vec!["diff", pack, "policies/low-risk"]] {
            let ended = asking(program, &arguments).expect(1);
            assert_eq!(ended.stdout, "", "{program}");
            assert!(ended.stderr.contains(says), "{program}: {}", ended.stderr);
            assert!(ended.stderr.contains("CVC5"), "{program}: {}", ended.stderr);
        }
    }
}

#[test]
fn what_the_solver_does_not_know_is_not_proved() {
    let stub = stub("unknown");
    let report = asking(
        stub.to_str().unwrap(),
        &["prove", "policies/two-person-change", "--format", "json"],
    )
    .expect(1)
    .json();
    assert_eq!(report["broken"], 0);
    let properties = report["packs"][0]["properties"].as_array().unwrap().iter();
    let promised = |one: &&Value| one["kind"] == "never-allowed";
    let undecided = properties
        .filter(promised)
        .filter(|one| one["outcome"] == "undecided");
    assert!(undecided.count() > 5, "{report}");
}

/// The second time no question is asked: a solver of the same version that would say something else is not.
#[test]
fn what_was_proved_is_kept_by_the_policies_that_it_is_of() {
    let folder = Folder::new();
    let pack = folder.pack();
    folder.write(
        "pack/invariants/secrets.cedar",
        "@id(\"no-secret-is-read\")\n@reason(\"nobody reads a secret\")\n\
         forbid (principal, action == Action::\"read\", resource) when { resource.secret };\n",
    );
    let asked = folder.path("asked");
    let real = solver();
    let counting = folder.write(
        "solver",
        format!("#!/bin/sh\n[ \"$1\" = --version ] || echo asked >> {asked}\nexec {real} \"$@\"\n"),
    );
    fs::set_permissions(&counting, fs::Permissions::from_mode(0o755)).unwrap();
    let times = || {
        fs::read_to_string(&asked)
            .unwrap_or_default()
            .lines()
            .count()
    };
    let cache = folder.path("cache");
    let prove = || {
        let mut command = command(&["prove", &pack]);
        command.env("CVC5", &counting).env("XDG_CACHE_HOME", &cache);
        Ended::of(command.output().unwrap())
    };
    let first = prove().expect(0).stdout;
    let once = times();
    assert!(once > 0);
    assert_eq!(prove().expect(0).stdout, first);
    assert_eq!(times(), once);
    let rules = folder.path("pack/rules/read.cedar");
    let weaker = fs::read_to_string(&rules)
        .unwrap()
        .replace("resource.secret", "false");
    fs::write(&rules, weaker).unwrap();
    prove().expect(4);
    assert!(times() > once);
}
