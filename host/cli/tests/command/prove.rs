//! `sod prove`: what holds, what does not, and that nothing counts as proved that no solver proved.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use sod_pack::Pack;

use crate::diff::copy;
use crate::run::{Ended, Folder, command, repository, run, shipped};

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

/// Take away any rule that keeps contributors from their own work, and everything says so.
#[test]
fn a_contributor_let_in_is_found_by_every_check() {
    let mut rules = 0;
    // One of each pack: that some case needs each rule is for the proof of removals.
    let mut tested = BTreeSet::new();
    for path in packs() {
        let name = Path::new(&path)
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        for rule in Pack::open(&path).unwrap().own_rules() {
            let compares = ["contributors", ".contains(principal)"];
            if compares.iter().all(|text| rule.text.contains(text)) {
                let first = tested.insert(name.clone());
                without(&name, &rule.id, first);
                rules += 1;
            }
        }
    }
    assert!(rules >= 5, "only {rules} rules compare with contributors");
}

/// The pack without the comparison of one of its rules: its condition is false.
fn without(pack: &str, id: &str, tested: bool) {
    let folder = Folder::new();
    copy(
        &repository().join("policies"),
        Path::new(&folder.path("policies")),
    );
    let weaker = folder.path(&format!("policies/{pack}"));
    let file = fs::read_dir(Path::new(&weaker).join("rules"))
        .unwrap()
        .map(|entry| entry.unwrap());
    let mut files = file.map(|entry| entry.path());
    let has_rule = |path: &PathBuf| {
        fs::read_to_string(path)
            .unwrap()
            .contains(&format!("@id(\"{id}\")"))
    };
    let file = files.find(has_rule).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let (before, rule) = text.split_once(&format!("@id(\"{id}\")")).unwrap();
    let rule = rule.replacen("resource.contributors.contains(principal)", "false", 1);
    fs::write(&file, format!("{before}@id(\"{id}\"){rule}")).unwrap();

    let broken = asking(solver(), &["prove", &weaker, "--format", "json"])
        .expect(4)
        .json();
    let properties = broken["packs"][0]["properties"].as_array().unwrap().iter();
    let mut shown = properties.filter(|one| !one["counterexample"].is_null());
    let shown = shown.find(|one| one["kind"] == "never-allowed");
    assert!(shown.is_some(), "{pack}, {id}: {broken}");
    let request = &shown.unwrap()["counterexample"];
    let file = folder.json("request.json", request);
    run(&["decide", &weaker, "--facts", "--request", &file]).expect(0);
    run(&[
        "decide",
        &format!("policies/{pack}"),
        "--facts",
        "--request",
        &file,
    ])
    .expect(2);

    let shipped = format!("policies/{pack}");
    let ended = asking(solver(), &["diff", &shipped, &weaker, "--only-tightens"]).expect(4);
    let action = request["action"].as_str().unwrap();
    let gained = format!("becomes allowed  {action} of a ");
    assert!(ended.stdout.contains(&gained), "{gained}: {}", ended.stdout);
    assert!(ended.stdout.contains("with the role `"), "{}", ended.stdout);

    if tested {
        let ended = run(&["test", &weaker]).expect(4);
        assert!(ended.stdout.contains("FAIL"), "{}", ended.stdout);
    }
}

/// A request that is kept is a case that fails, until the rules are mended.
#[test]
fn what_is_saved_is_a_case_that_fails() {
    let folder = Folder::new();
    copy(
        &repository().join("policies"),
        Path::new(&folder.path("policies")),
    );
    let rules = find(&folder, "machines-never-approve");
    let text = fs::read_to_string(&rules).unwrap();
    let weaker = text.replacen(
        "Action::\"review\", Action::\"approve\"",
        "Action::\"review\"",
        1,
    );
    assert_ne!(weaker, text);
    // A machine that nothing forbids needs a permit, too.
    let permit = "@id(\"bots-approve\")\n@reason(\"bots approve\")\n@control(\"none\")\n@remedy(\"none\")\n\
        permit (principal is Machine, action == Action::\"approve\", resource is Change);\n";
    fs::write(&rules, weaker + permit).unwrap();
    let pack = folder.path("policies/core-lanes");
    asking(solver(), &["prove", &pack, "--save"]).expect(4);
    let case = folder.path("policies/core-lanes/cases/deny/invariant-no-machine-signs.json");
    let kept: Value = serde_json::from_str(&fs::read_to_string(&case).unwrap()).unwrap();
    assert_eq!(kept["facts"], true);
    let failing = ["test", &pack, "--filter", "deny/invariant-no-machine-signs"];
    let ended = run(&failing).expect(4);
    assert!(
        ended.stdout.contains("expected deny, got allow"),
        "{}",
        ended.stdout
    );
    fs::write(&rules, text).unwrap();
    run(&failing).expect(0);
}

/// The file of a rule of core-lanes.
fn find(folder: &Folder, id: &str) -> String {
    let rules = fs::read_dir(folder.path("policies/core-lanes/rules")).unwrap();
    let mut files = rules.map(|entry| entry.unwrap().path());
    let file = files.find(|path| fs::read_to_string(path).unwrap().contains(id));
    file.unwrap().to_str().unwrap().to_owned()
}

#[test]
fn what_fails_is_told_to_forges_and_ci_systems() {
    let pack = "host/cli/tests/broken-proofs/invariant-broken";
    let told = |format| {
        asking(solver(), &["prove", pack, "--format", format])
            .expect(4)
            .stdout
    };
    let github = told("github");
    assert!(github.starts_with("::error "), "{github}");
    assert!(github.contains("invariants/pages.cedar,line=1"), "{github}");
    let sarif: Value = serde_json::from_str(&told("sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "invariant-broken");
    let junit = told("junit");
    assert!(junit.contains("no-secret-is-read/never-allowed"), "{junit}");
    assert_eq!(junit.matches("<failure").count(), 1, "{junit}");
    assert!(junit.matches("<testcase").count() > 5, "{junit}");
}
