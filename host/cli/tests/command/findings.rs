//! Findings for machines: `--format github` and `--format sarif`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::run::{Ended, Folder, command, run};

/// A pack with an error in a line of its own and a warning, in a folder whose name has to be escaped.
fn broken(folder: &Folder) -> String {
    let pack = "a pack: 100%, or so";
    folder.write(
        &format!("{pack}/pack.toml"),
        "name = \"broken\"\nversion = \"0.1.0\"\n",
    );
    folder.write(
        &format!("{pack}/rules/ü.cedar"),
        "@id(\"typo\")\nforbid (principal, action == Action::\"merge\", resource)\nwhen { resource.contributers };\n",
    );
    pack.to_owned()
}

/// In a folder, with nothing of the environment that says where the top is.
fn checked(folder: &Folder, arguments: &[&str]) -> Ended {
    let mut command = command(&[&["check"], arguments].concat());
    command
        .env_remove("GITHUB_WORKSPACE")
        .current_dir(folder.path(""));
    Ended::of(command.output().unwrap())
}

#[test]
fn github_puts_each_finding_beside_its_line() {
    let folder = Folder::new();
    let pack = broken(&folder);
    let ended = checked(&folder, &[&pack, &pack, "--format", "github"]).expect(3);
    let file = "file=a pack%3A 100%25%2C or so/rules/ü.cedar";
    let expected = [
        format!(
            "::warning {file},line=1,col=1,endLine=1,endColumn=12,title=reason-missing::rule `typo` has no `@reason`\
             %0Ahelp: say in plain words what it demands: verdicts show it to those they concern\n"
        ),
        format!(
            "::error {file},line=3,col=8,endLine=3,endColumn=29,title=unknown-attribute::attribute `contributers` on \
             entity type `Change` not found%0Ahelp: did you mean `contributors`?\n"
        ),
    ];
    // Asked twice, said once.
    assert_eq!(ended.stdout, expected.concat());
}

#[test]
fn a_finding_of_no_line_is_about_the_folder() {
    let folder = Folder::new();
    let ended = checked(&folder, &["absent", "--format", "github"]).expect(3);
    assert_eq!(
        ended.stdout,
        "::error file=absent,title=unreadable::`absent` does not exist\n"
    );
    let sarif = checked(&folder, &["absent", "--format", "sarif"])
        .expect(3)
        .json();
    let location = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "absent");
    assert_eq!(location["region"], Value::Null);
}

/// What SARIF 2.1.0 asks for (3.13, 3.19, 3.27, 3.28, 3.30, 3.49), and GitHub of what it shows.
#[test]
fn sarif_has_what_its_readers_ask_for() {
    let folder = Folder::new();
    let pack = broken(&folder);
    let sarif = checked(&folder, &[&pack, "--format", "sarif"])
        .expect(3)
        .json();
    assert_eq!(sarif["version"], "2.1.0");
    assert!(
        sarif["$schema"]
            .as_str()
            .unwrap()
            .ends_with("sarif-2.1.0.json")
    );
    let run = &sarif["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "sod");
    let rules = driver["rules"].as_array().unwrap();
    let ids: BTreeSet<&str> = rules
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, BTreeSet::from(["reason-missing", "unknown-attribute"]));
    for rule in rules {
        for text in ["/shortDescription/text", "/help/text", "/help/markdown"] {
            let text = rule.pointer(text).and_then(Value::as_str).unwrap();
            assert!(text.len() > 20 && !text.contains("## "), "{text}");
        }
    }
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(
            rules[index]["defaultConfiguration"]["level"],
            result["level"]
        );
        assert!(
            result["message"]["text"]
                .as_str()
                .unwrap()
                .contains("\nhelp: ")
        );
        let place = &result["locations"][0]["physicalLocation"];
        let artifact = &place["artifactLocation"];
        assert_eq!(
            artifact["uri"],
            "a%20pack%3A%20100%25%2C%20or%20so/rules/%C3%BC.cedar"
        );
        assert_eq!(artifact["uriBaseId"], "%SRCROOT%");
    }
    let error = &results[1];
    assert_eq!(
        (&error["ruleId"], &error["level"]),
        (&"unknown-attribute".into(), &"error".into())
    );
    let region = &error["locations"][0]["physicalLocation"]["region"];
    let expected =
        serde_json::json!({"startLine": 3, "startColumn": 8, "endLine": 3, "endColumn": 29});
    assert_eq!(*region, expected);
}

#[test]
fn the_top_of_the_checkout_is_where_github_says_it_is() {
    let folder = Folder::new();
    let pack = broken(&folder);
    let mut command = command(&["check", ".", "--format", "sarif"]);
    command
        .env("GITHUB_WORKSPACE", folder.path("").trim_end_matches('/'))
        .current_dir(folder.path(&pack));
    let sarif = Ended::of(command.output().unwrap()).expect(3).json();
    let artifact = sarif.pointer("/runs/0/results/0/locations/0/physicalLocation/artifactLocation");
    let uri = artifact.unwrap()["uri"].as_str().unwrap();
    assert!(
        uri.starts_with("a%20pack") && uri.ends_with("/rules/%C3%BC.cedar"),
        "{uri}"
    );
}

#[test]
fn a_file_elsewhere_on_this_machine_has_a_whole_uri() {
    let (here, there) = (Folder::new(), Folder::new());
    let pack = there.path(&broken(&there));
    let sarif = checked(&here, &[&pack, "--format", "sarif"])
        .expect(3)
        .json();
    let artifact = sarif.pointer("/runs/0/results/0/locations/0/physicalLocation/artifactLocation");
    let artifact = artifact.unwrap();
    assert!(
        artifact["uri"].as_str().unwrap().starts_with("file:///"),
        "{artifact}"
    );
    assert_eq!(artifact["uriBaseId"], Value::Null);
}

#[test]
fn nothing_wrong_is_no_command_and_a_run_without_results() {
    let ended = run(&["check", "policies/core-lanes", "--format", "github"]).expect(0);
    assert_eq!(ended.stdout, "");
    let sarif = run(&["check", "policies/core-lanes", "--format", "sarif"])
        .expect(0)
        .json();
    assert_eq!(sarif["runs"][0]["results"], serde_json::json!([]));
    run(&["test", "policies/core-lanes", "--format", "svg"]).expect(64);
}
