//! The matrix: from questions to a table, in whatever form it is shown.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use serde_json::{Value, json};
use sod_pack::matrix::{self, Answers, Matrix};
use sod_pack::{Code, Pack};
use tempfile::TempDir;

const RULES: &str = r#"
@id("reviewers-approve") @reason("reviewers approve")
permit (principal is Person in Role::"reviewer", action == Action::"approve", resource is Change);
"#;

const QUESTIONS: &str = r#"
fixture = "f.json"
now = "2026-03-02T10:00:00Z"

[people]
"zoe, first" = 'Person::"zoe"'
"ana, second" = 'Person::"ana"'

[[table]]
title = "A <b>change</b> & 'more'"
resource = 'Change::"a#1"'
actions = ["approve"]
patch = [{ op = "add", path = "/x", value = 1 }]

[table.states]
"z comes first" = {}
"a comes second" = { now = "2027-03-02T10:00:00Z", patch = [{ op = "replace", path = "/x", value = 2 }] }
"#;

const FIXTURE: &str = r#"{"people": [{"id": "zoe", "active": true, "roles": ["reviewer"]}]}"#;

fn pack(questions: &str) -> (TempDir, Pack) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("pack.toml", "name = \"p\"\nversion = \"0.1.0\"\n"),
        ("rules/a.cedar", RULES),
        ("cases/fixtures/f.json", FIXTURE),
        ("matrix.toml", questions),
    ] {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let pack = Pack::open(root.path()).unwrap();
    (root, pack)
}

fn read(questions: &str) -> Matrix {
    let (_root, pack) = pack(questions);
    let matrix = matrix::read(&pack).map_err(|findings| findings.render(false));
    matrix.unwrap().unwrap()
}

/// Allows zoe in the first state, and denies the rest with words that would like to be markup.
fn verdict(request: &Value) -> Value {
    let allows = request["principal"] == "Person::\"zoe\"" && request["evidence"]["x"] == 1;
    match allows {
        true => json!({
            "effect": "allow",
            "reasons": [{"code": "permit", "policy": "reviewers-approve", "message": "reviewers\n approve"}],
            "obligations": [{"policy": "reviewers-approve", "obligation": "tell <script>alert(1)</script>"}],
        }),
        false => json!({
            "effect": "deny",
            "reasons": [
                {"code": "no-permit", "policy": null, "message": "not for this one"},
                {"code": "quorum-unmet", "policy": "two", "message": "</svg>\u{1b}[2J\u{202e}\"quoted\""},
            ],
            "obligations": [],
        }),
    }
}

fn answers() -> Answers {
    let answers = read(QUESTIONS).answer(|request| Ok::<_, ()>(verdict(request)));
    answers.unwrap()
}

#[test]
fn each_cell_is_one_request_in_the_order_that_is_written() {
    let mut asked = Vec::new();
    let answered = read(QUESTIONS).answer(|request| {
        let of = |key: &str| request[key].clone();
        asked.push(json!([
            of("principal"),
            of("action"),
            of("resource"),
            of("now"),
            request["evidence"]["x"]
        ]));
        Ok::<_, ()>(verdict(request))
    });
    answered.unwrap();
    let (now, later) = ("2026-03-02T10:00:00Z", "2027-03-02T10:00:00Z");
    let cell = |who: &str, now: &str, x: i32| json!([who, "approve", "Change::\"a#1\"", now, x]);
    let (zoe, ana) = ("Person::\"zoe\"", "Person::\"ana\"");
    let expected = [
        cell(zoe, now, 1),
        cell(zoe, later, 2),
        cell(ana, now, 1),
        cell(ana, later, 2),
    ];
    assert_eq!(asked, expected);
}

#[test]
fn the_text_says_who_may_what_and_why() {
    let expected = r#"# p: who may do what, in which state. Written by `sod matrix --bless`, reviewed as a diff.

== A <b>change</b> & 'more'
   Change::"a#1"

approve      z comes first  a comes second
zoe, first   ALLOW          deny
ana, second  deny           deny

-- allowed by
reviewers-approve
   approve: zoe, first (z comes first)

-- denied by
no-permit
   approve: zoe, first (a comes second)
   approve: ana, second (always)
two (quorum-unmet)
   approve: zoe, first (a comes second)
   approve: ana, second (always)

== What the reasons mean
no-permit
   no policy permits it
reviewers-approve
   reviewers approve
   and then: tell <script>alert(1)</script>
two (quorum-unmet)
   </svg>\u{1b}[2J\u{202e}"quoted"
"#;
    assert_eq!(answers().to_text(), expected);
}

/// Whatever has no effect, or another one, is no permission.
#[test]
fn what_does_not_allow_denies() {
    for verdict in [
        json!({}),
        json!({"effect": "Allow"}),
        json!({"effect": true}),
        json!(null),
    ] {
        let answers = read(QUESTIONS)
            .answer(|_| Ok::<_, ()>(verdict.clone()))
            .unwrap();
        assert_eq!((answers.cells(), answers.allowed()), (4, 0), "{verdict}");
    }
}

#[test]
fn an_error_leaves_no_table() {
    let mut left = 3;
    let answers = read(QUESTIONS).answer(|request| {
        left -= 1;
        (left > 0).then(|| verdict(request)).ok_or("broken")
    });
    assert_eq!(answers.unwrap_err(), "broken");
}

#[test]
fn pages_and_pictures_hold_no_markup_of_others() {
    let answers = [answers()];
    for text in [matrix::to_html(&answers), matrix::to_svg(&answers)] {
        assert!(
            !text.contains("<script") && !text.contains("<b>change"),
            "{text}"
        );
        assert_eq!(
            text.matches("</svg>").count(),
            usize::from(text.starts_with("<svg"))
        );
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        assert!(
            text.contains("A &lt;b&gt;change&lt;/b&gt; &amp; &#39;more&#39;"),
            "{text}"
        );
        assert!(
            text.contains("&lt;/svg&gt;") && text.contains("&quot;quoted&quot;"),
            "{text}"
        );
        // Nothing comes from elsewhere.
        let links =
            text.matches("http").count() - text.matches("http://www.w3.org/2000/svg").count();
        assert_eq!(links, text.matches("http-equiv").count(), "{text}");
    }
}

#[test]
fn a_page_is_made_of_tables_that_can_be_read_aloud() {
    let page = matrix::to_html(&[answers()]);
    for part in [
        "<html lang=\"en\">",
        "<caption>approve</caption>",
        "<th scope=\"col\">z comes first</th>",
        "<th scope=\"row\">zoe, first<br>",
        "<td class=\"allow\"><b>ALLOW</b>",
        "<td class=\"deny\"><b>deny</b>",
        "href=\"#p.two.quorum-unmet\"",
        "id=\"p.two.quorum-unmet\"",
        "prefers-color-scheme: dark",
        "@media print",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn a_picture_says_in_words_what_it_shows() {
    let picture = matrix::to_svg(&[answers()]);
    assert!(
        picture.contains("<title id=\"title\">Who may do what: p</title>"),
        "{picture}"
    );
    assert!(
        picture.contains("Pack p: 1 of 4 requests are allowed."),
        "{picture}"
    );
    assert_eq!(picture.matches(">ALLOW 2</text>").count(), 1, "{picture}");
    assert_eq!(picture.matches(">deny 1 3</text>").count(), 3, "{picture}");
}

#[test]
fn a_role_counts_as_shown_if_a_row_holds_it() {
    let uncovered = |questions: &str| {
        let (_root, pack) = pack(questions);
        let findings = matrix::read(&pack).err();
        findings.map(|findings| findings.iter().map(|one| one.code).collect::<Vec<_>>())
    };
    assert_eq!(uncovered(QUESTIONS), None);
    let without = QUESTIONS.replace("'Person::\"zoe\"'", "'Person::\"bo\"'");
    assert_eq!(uncovered(&without), Some(vec![Code::MatrixUncovered]));
    let by_grant = without.replace(
        "/x\", value = 1 }]",
        "/x\", value = 1 }, { op = \"add\", path = \"/grants\", value = { items = [{ person = \"bo\", role = \"reviewer\" }] } }]",
    );
    assert_eq!(uncovered(&by_grant), None);
    let by_account = QUESTIONS
        .replace("'Person::\"zoe\"'", "'Account::\"github:z\"'")
        .replace(
            "/x\", value = 1 }]",
            "/x\", value = 1 }, { op = \"add\", path = \"/accounts\", value = [{ account = \"github:z\", person = \"zoe\" }] }]",
        );
    assert_eq!(uncovered(&by_account), None);
}

/// A quorum or a conflict is for the matrix of the pack that defines it.
#[test]
fn what_an_included_pack_defines_is_not_asked_for_again() {
    const DEFINED: &str = "\n[quorum.signed]\nof = \"change\"\nneed = { auditor = 1 }\n\
        \n[conflict.both]\nroles = [\"treasurer\", \"clerk\"]\n";
    let (root, _) = pack(QUESTIONS);
    let write = |file: &str, text: &str| std::fs::write(root.path().join(file), text).unwrap();
    let missing = || {
        let pack = Pack::open(root.path()).unwrap();
        let findings = matrix::read(&pack).err();
        findings.map_or(0, |findings| findings.errors())
    };
    let own = "name = \"p\"\nversion = \"0.1.0\"\n";
    write("pack.toml", &format!("{own}{DEFINED}"));
    assert_eq!(missing(), 3);
    std::fs::create_dir_all(root.path().join("below/rules")).unwrap();
    let below = "name = \"below\"\nversion = \"0.1.0\"\n";
    write("below/pack.toml", &format!("{below}{DEFINED}"));
    let rule = "@id(\"below\")\n@reason(\"r\")\npermit (principal, action == Action::\"merge\", resource);\n";
    write("below/rules/a.cedar", rule);
    let includes = "includes = [\"below\"]\n";
    write("pack.toml", &format!("{own}{includes}"));
    assert_eq!(missing(), 0);
    // Unless it is its own as well.
    write("pack.toml", &format!("{own}{includes}{DEFINED}"));
    assert_eq!(missing(), 3);
}

#[test]
fn a_pack_may_do_without_and_the_shipped_ones_do_not() {
    let (root, pack) = pack(QUESTIONS);
    std::fs::remove_file(root.path().join("matrix.toml")).unwrap();
    assert!(matrix::read(&pack).unwrap().is_none());
    let mut seen = 0;
    for folder in std::fs::read_dir("../../policies").unwrap().flatten() {
        if !folder.path().join("pack.toml").exists() {
            continue;
        }
        let shipped = Pack::open(folder.path()).unwrap();
        let matrix = matrix::read(&shipped).map_err(|findings| findings.render(false));
        let cells = matrix.unwrap().map_or(0, |matrix| matrix.cells());
        assert!(cells >= 40, "{}: {cells} cells", shipped.name());
        assert!(Path::new(&folder.path()).join(matrix::GOLDEN).exists());
        seen += 1;
    }
    assert!(seen >= 13, "{seen} packs");
}
