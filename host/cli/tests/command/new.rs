//! `sod new`: what it makes works at once, and nothing is made by halves.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::run::{Ended, Folder, command, repository, run};

/// `sod` in a folder that has nothing to do with the repository.
fn sod(folder: &Folder, arguments: &[&str]) -> Ended {
    let output = command(arguments).current_dir(folder.path("")).output();
    Ended::of(output.unwrap())
}

/// What is in the folder, hidden or not.
fn entries(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.path("")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Check, test with the matrix, nothing to complain of.
#[track_caller]
fn passes(folder: &Folder, pack: &str) {
    let json = sod(folder, &["check", pack, "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(json["packs"][0]["findings"], Value::Array(Vec::new()));
    let json = sod(folder, &["test", pack, "--format", "json"])
        .expect(0)
        .json();
    let tested = &json["packs"][0];
    assert!(tested["matrix"]["cells"].as_u64().unwrap() > 0, "{tested}");
    sod(folder, &["matrix", pack, "--check"]).expect(0);
}

#[track_caller]
fn shipped_packs() -> Vec<String> {
    let entries = fs::read_dir(repository().join("policies")).unwrap();
    let folders = entries.map(|entry| entry.unwrap().path());
    let packs = folders.filter(|folder| folder.join("pack.toml").is_file());
    let names = packs.map(|pack| pack.file_name().unwrap().to_str().unwrap().to_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_pack_by_itself_passes_everything_at_once() {
    let folder = Folder::new();
    let made = sod(&folder, &["new", "our-changes"]).expect(0);
    assert!(
        made.stdout.ends_with("sod test our-changes\n"),
        "{}",
        made.stdout
    );
    assert_eq!(entries(&folder), ["our-changes"]);
    passes(&folder, "our-changes");
    for case in ["allow/developer-merges.json", "deny/author-approves.json"] {
        assert!(
            Path::new(&folder.path("our-changes/cases"))
                .join(case)
                .is_file()
        );
    }
    for file in ["README.md", "invariants/review.cedar", "pack.toml"] {
        let text = fs::read_to_string(folder.path("our-changes") + "/" + file).unwrap();
        assert!(!text.contains("{{"), "{text}");
    }
}

/// Together their rules are stricter than each alone, and all stand on core-lanes: so the example is allowed by each.
/// The two stand apart that have different office hours.
#[test]
fn it_stands_on_every_shipped_pack() {
    let mut packs = shipped_packs();
    assert_eq!(packs.len(), 13);
    // What the others include comes with them.
    let included = ["core-lanes", "two-person-change", "safety-net"];
    packs.retain(|pack| !included.contains(&pack.as_str()) && pack != "safety-net-strict");
    stands_on(&packs);
    stands_on(&["safety-net-strict".to_owned()]);
}

fn stands_on(packs: &[String]) {
    let folder = Folder::new();
    let from = packs.iter().flat_map(|pack| ["--from", pack]);
    let arguments = ["new", "ours", "--format", "json"].into_iter().chain(from);
    let made = sod(&folder, &arguments.collect::<Vec<_>>()).expect(0);
    assert_eq!(made.stderr, "");
    let json = made.json();
    assert_eq!(json["next"], "sod test ours");
    let includes: Vec<String> = packs.iter().map(|pack| format!("vendor/{pack}")).collect();
    assert_eq!(json["includes"], serde_json::json!(includes));
    passes(&folder, "ours");
    for (case, reason) in [
        ("allow/merge-to-main", "permit:developers-merge"),
        ("deny/merge-to-release", "forbid:ours-keeps-release-closed"),
    ] {
        let case = fs::read_to_string(folder.path(&format!("ours/cases/{case}.json"))).unwrap();
        let expected = format!("\"expect\": {{\"reasons\": [\"{reason}\"]}}");
        assert!(case.contains(&expected), "{case}");
    }
    // They came with all that is theirs, byte for byte.
    for pack in packs {
        let copied = files(&Path::new(&folder.path("ours/vendor")).join(pack));
        assert_eq!(
            copied,
            files(&repository().join("policies").join(pack)),
            "{pack}"
        );
    }
}

/// Path from the folder, and contents.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                files.push((name.to_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// One that is copied brings what it includes, and nothing else.
#[test]
fn a_pack_of_yours_is_included_where_it_lies_and_asked_what_it_allows() {
    let folder = Folder::new();
    sod(&folder, &["new", "below", "--from", "two-person-change"]).expect(0);
    let vendor = fs::read_dir(folder.path("below/vendor")).unwrap().count();
    assert_eq!(vendor, 2);
    // What it leaves open is listed; a `#` taken away is a choice.
    let manifest = fs::read_to_string(folder.path("below/pack.toml")).unwrap();
    let option = "# merger = \"no_contributor\" # strictest first: no_contributor, contributor\n";
    assert!(manifest.contains(option), "{manifest}");
    let chosen = manifest
        .replace("# [choose]", "[choose]")
        .replace("# merger", "merger");
    folder.write("below/pack.toml", chosen);
    sod(&folder, &["check", "below"]).expect(0);
    // Nothing is merged any more: the example is denied by the pack below.
    folder.write(
        "below/rules/closed.cedar",
        "@id(\"closed\")\n@reason(\"nothing is merged\")\nforbid (principal, action == Action::\"merge\", resource is Change);\n",
    );
    // Its own rule is about another branch: what both say alike would be a finding.
    let rule = fs::read_to_string(folder.path("below/rules/release.cedar")).unwrap();
    folder.write(
        "below/rules/release.cedar",
        rule.replace("\"release\"", "\"stable\""),
    );
    fs::create_dir(folder.path("our teams")).unwrap();
    let made = sod(&folder, &["new", "our teams/above", "--from", "./below"]).expect(0);
    let next = "sod test 'our teams/above'\n";
    assert!(made.stdout.ends_with(next), "{}", made.stdout);
    assert!(
        made.stderr.contains("no case is allowed"),
        "{}",
        made.stderr
    );
    let manifest = fs::read_to_string(folder.path("our teams/above/pack.toml")).unwrap();
    assert!(
        manifest.contains("includes = [\"../../below\"]\n"),
        "{manifest}"
    );
    passes(&folder, "our teams/above");
    let case =
        fs::read_to_string(folder.path("our teams/above/cases/deny/merge-to-main.json")).unwrap();
    assert!(
        case.contains("\"expect\": {\"reasons\": [\"forbid:closed\"]}"),
        "{case}"
    );
}

/// Refused, with a word of why, and nothing is left behind.
#[track_caller]
fn refused(folder: &Folder, arguments: &[&str], code: i32, words: &[&str]) {
    let before = entries(folder);
    let ended = sod(folder, &[&["new"], arguments].concat()).expect(code);
    assert_eq!(ended.stdout, "");
    for word in words {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
    assert_eq!(entries(folder), before);
}

#[test]
fn nothing_is_overwritten_and_nothing_is_left_of_what_failed() {
    let folder = Folder::new();
    folder.write("file", "mine");
    folder.write("taken/mine.txt", "mine");
    refused(
        &folder,
        &["taken"],
        1,
        &["`taken` exists already", "choose another name"],
    );
    refused(&folder, &["file"], 1, &["`file` exists already"]);
    refused(
        &folder,
        &["absent/ours"],
        1,
        &["`absent` is not a folder", "mkdir"],
    );
    refused(&folder, &["file/ours"], 1, &["`file` is not a folder"]);
    for name in [
        "Ours",
        "our pack",
        "our_pack",
        "-",
        "a--b",
        "..",
        ".",
        "/",
        "é",
        "a\u{1b}[2Jb",
    ] {
        refused(
            &folder,
            &["--", name],
            64,
            &["is not a name for a pack", "lower-case letters"],
        );
    }
    let long = "a".repeat(65);
    refused(&folder, &[&long], 64, &["is not a name for a pack"]);
    refused(
        &folder,
        &["ours", "--from", "core-lane"],
        1,
        &["there is no pack `core-lane`", "`core-lanes`"],
    );
    refused(
        &folder,
        &["ours", "--from", "taken"],
        3,
        &["`taken` is not a valid pack", "manifest-missing"],
    );
    refused(
        &folder,
        &["core-lanes", "--from", "two-person-change"],
        64,
        &["has this name itself"],
    );
    let plain = folder.pack();
    refused(
        &folder,
        &["ours", "--from", &plain],
        64,
        &["plain Cedar requests"],
    );
    assert_eq!(fs::read_to_string(folder.path("file")).unwrap(), "mine");
    // Two copies of one pack are two packs of one name.
    sod(&folder, &["new", "below", "--from", "two-person-change"]).expect(0);
    refused(
        &folder,
        &["ours", "--from", "core-lanes", "--from", "./below"],
        3,
        &["these packs do not go together", "name-duplicate"],
    );
}

/// Root may write anywhere, so for root there is nothing to see here.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_files_is_said_to_be_one() {
    // Nobody makes folders in it, whoever they are.
    let output = command(&["new", "/proc/ours"]).output().unwrap();
    let ended = Ended::of(output).expect(1);
    assert!(
        ended.stderr.contains("cannot make a folder in `/proc`"),
        "{}",
        ended.stderr
    );
}

/// What `cedar.schemaFile` of the Cedar extension is set to is there, is the pack's schema, and stays so.
#[test]
fn editors_know_what_rules_can_speak_of() {
    let folder = Folder::new();
    sod(&folder, &["new", "our-changes"]).expect(0);
    let settings = fs::read_to_string(folder.path("our-changes/.vscode/settings.json")).unwrap();
    let settings: Value = serde_json::from_str(&settings).unwrap();
    assert_eq!(settings["cedar.autodetectSchemaFile"], false);
    let facts = settings["cedar.schemaFile"].as_str().unwrap();
    let evidence = settings["json.schemas"][0]["url"].as_str().unwrap();
    for file in [facts, evidence] {
        assert!(
            Path::new(&folder.path("our-changes")).join(file).is_file(),
            "{file}"
        );
    }
    let read_only = settings["files.readonlyInclude"].as_object().unwrap();
    assert!(read_only.contains_key(facts));
    let facts = format!("our-changes/{facts}");
    let printed = sod(&folder, &["schema", "our-changes"]).expect(0).stdout;
    assert_eq!(fs::read_to_string(folder.path(&facts)).unwrap(), printed);
    assert!(printed.contains("// the branch it goes to"), "{printed}");
    assert!(
        printed.contains("type ChangeQuorums = {\n  review: Bool,\n};"),
        "{printed}"
    );

    let manifest = fs::read_to_string(folder.path("our-changes/pack.toml")).unwrap();
    let more = "\n[quorum.two]\nof = \"change\"\nneed = { reviewer = 2 }\n";
    let manifest = manifest + more;
    folder.write("our-changes/pack.toml", &manifest);
    let stale = sod(&folder, &["check", "our-changes"]).expect(0).stdout;
    assert!(stale.contains("editor-schema"), "{stale}");
    let remedy = format!("sod schema our-changes -o {facts}");
    assert!(stale.contains(&remedy), "{stale}");
    let words: Vec<&str> = remedy.split(' ').skip(1).collect();
    sod(&folder, &words).expect(0);
    let fresh = sod(&folder, &["check", "our-changes"]).expect(0).stdout;
    assert!(!fresh.contains("editor-schema"), "{fresh}");
    // Whoever asks what a fact is called has just called it something else.
    folder.write(
        "our-changes/rules/wrong.cedar",
        "permit (principal, action, resource) when { resource.brnach };",
    );
    sod(&folder, &["check", "our-changes"]).expect(3);
    assert!(
        sod(&folder, &["schema", "our-changes"])
            .expect(0)
            .stdout
            .contains("two: Bool")
    );
    fs::remove_file(folder.path("our-changes/rules/wrong.cedar")).unwrap();
    // What it includes is a part of it.
    folder.write(
        "our-changes/pack.toml",
        "name = \"our-changes\"\nversion = \"0.1.0\"\nincludes = [\"../gone\"]\n",
    );
    let gone = sod(&folder, &["schema", "our-changes"]).expect(3);
    assert!(gone.stderr.contains("include-missing"), "{}", gone.stderr);
    folder.write("our-changes/pack.toml", manifest);
    // An editor that reads nothing is better than one that reads the wrong thing.
    fs::remove_file(folder.path(&facts)).unwrap();
    passes_check(&folder);
    fs::create_dir(folder.path(&facts)).unwrap();
    let odd = sod(&folder, &["check", "our-changes"]).expect(0).stdout;
    assert!(odd.contains("editor-schema"), "{odd}");
}

#[track_caller]
fn passes_check(folder: &Folder) {
    let checked = sod(folder, &["check", "our-changes", "--format", "json"]).expect(0);
    assert_eq!(checked.json()["warnings"], 0);
}

#[test]
fn the_help_lists_every_pack_that_comes_with_it() {
    let help = run(&["new", "--help"]).expect(0).stdout;
    for pack in shipped_packs() {
        assert!(help.contains(&format!("\n  {pack} ")), "{pack}: {help}");
    }
}
