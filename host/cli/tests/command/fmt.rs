//! `sod fmt`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Folder, repository, run};

const UNTIDY: &str = "// Who may read.\n@id(\"bob-reads\") @reason(\"bob reads\")\npermit(principal==User::\"bob\",action,resource) // all\nwhen{true};\n// The end.\n";
const TIDY: &str = "// Who may read.\n@id(\"bob-reads\")\n@reason(\"bob reads\")\npermit (\n  principal == User::\"bob\",\n  action,\n  resource\n) // all\nwhen { true };\n// The end.\n";

fn pack(folder: &Folder) -> String {
    folder.write("pack/pack.toml", "name = \"pack\"\nversion = \"0.1.0\"\n");
    folder.write("pack/rules/b.cedar", UNTIDY);
    folder.write("pack/rules/a.cedar", TIDY);
    folder.write("pack/invariants/c.cedar", UNTIDY);
    folder.write("pack/included/rules/d.cedar", UNTIDY);
    folder.path("pack")
}

fn text(folder: &Folder, file: &str) -> String {
    fs::read_to_string(folder.path(file)).unwrap()
}

#[test]
fn a_pack_is_laid_out_once_and_for_all() {
    let folder = Folder::new();
    let pack = pack(&folder);
    let ended = run(&["fmt", &pack]).expect(0);
    let expected =
        format!("{pack}/rules/b.cedar\n{pack}/invariants/c.cedar\n2 of 3 files changed\n");
    assert_eq!(ended.stdout, expected);
    for file in [
        "pack/rules/a.cedar",
        "pack/rules/b.cedar",
        "pack/invariants/c.cedar",
    ] {
        assert_eq!(text(&folder, file), TIDY, "{file}");
    }
    // Of another pack.
    assert_eq!(text(&folder, "pack/included/rules/d.cedar"), UNTIDY);
    let ended = run(&["fmt", &pack]).expect(0);
    assert_eq!(ended.stdout, "0 of 3 files changed\n");
}

#[test]
fn a_check_is_4_and_changes_nothing() {
    let folder = Folder::new();
    let pack = pack(&folder);
    let ended = run(&["fmt", "--check", &pack]).expect(4);
    for part in [
        "--- ",
        "rules/b.cedar",
        "\n-when{true};\n",
        "\n+when { true };\n",
        "2 of 3 files to change\n",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    assert_eq!(text(&folder, "pack/rules/b.cedar"), UNTIDY);
    let json = run(&["fmt", "--check", &pack, "--format", "json"])
        .expect(4)
        .json();
    assert_eq!(json["changed"], 2);
    let files = json["files"].as_array().unwrap();
    let differ: Vec<bool> = files
        .iter()
        .map(|file| file["difference"].is_string())
        .collect();
    assert_eq!(differ, [false, true, true]);
    run(&["fmt", "--check", &folder.path("pack/rules/a.cedar")]).expect(0);
}

#[test]
fn what_does_not_parse_stops_all_of_it() {
    let folder = Folder::new();
    let pack = pack(&folder);
    let broken = folder.write("pack/rules/z.cedar", "permit (principal, action\n");
    for arguments in [
        ["fmt", &pack].as_slice(),
        &["fmt", "--check", &pack],
        &["fmt", &broken],
    ] {
        let ended = run(arguments).expect(3);
        assert_eq!(ended.stdout, "");
        assert!(
            ended.stderr.contains("policy-syntax") && ended.stderr.contains("z.cedar"),
            "{}",
            ended.stderr
        );
    }
    assert_eq!(text(&folder, "pack/rules/b.cedar"), UNTIDY);
    run(&["fmt", &folder.path("absent")]).expect(3);
    run(&["fmt", &folder.path("pack/rules")]).expect(3);
    run(&["fmt"]).expect(64);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let folder = Folder::new();
    let real = folder.write("real.cedar", UNTIDY);
    let link = folder.path("link.cedar");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    run(&["fmt", &link]).expect(0);
    assert!(Path::new(&link).is_symlink());
    assert_eq!(text(&folder, "real.cedar"), TIDY);
}

/// Every rule of the shipped packs keeps its comments, and a second time changes nothing.
#[test]
fn the_shipped_rules_are_stable() {
    let folder = Folder::new();
    let mut files: Vec<PathBuf> = Vec::new();
    for pack in fs::read_dir(repository().join("policies"))
        .unwrap()
        .flatten()
    {
        for kind in ["rules", "invariants"] {
            let entries = fs::read_dir(pack.path().join(kind))
                .into_iter()
                .flatten()
                .flatten();
            files.extend(entries.map(|entry| entry.path()));
        }
    }
    assert!(files.len() > 50, "{}", files.len());
    let copies: Vec<String> = files
        .iter()
        .enumerate()
        .map(|(number, file)| folder.write(&format!("{number}.cedar"), fs::read(file).unwrap()))
        .collect();
    let arguments = |verb: &[&'static str]| -> Vec<String> {
        let verb = verb.iter().map(|word| (*word).to_owned());
        verb.chain(copies.iter().cloned()).collect()
    };
    let run =
        |arguments: Vec<String>| run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    run(arguments(&["fmt"])).expect(0);
    run(arguments(&["fmt", "--check"])).expect(0);
    for (file, copy) in files.iter().zip(&copies) {
        let comments = |text: String| {
            text.lines()
                .filter(|line| line.starts_with("//"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let (before, after) = (
            fs::read_to_string(file).unwrap(),
            fs::read_to_string(copy).unwrap(),
        );
        assert_eq!(comments(before), comments(after), "{}", file.display());
    }
}
