//! What is masked is nowhere in the log, and the log says what it was.

use std::fs;

use crate::world::{World, decide_times};

const RULES: &str = r#"
mask_key = "key"
[[log.mask]]
path = "/evidence/people/*/email"
with = "keyed"
[[log.mask]]
path = "/client"
with = "remove"
[[log.mask]]
path = "/verdict/reasons/*/message"
with = "remove"
[[log.mask]]
path = "/principal/id"
with = "digest"
[[log.mask]]
path = "/context/nothing"
with = "remove"
"#;

#[test]
fn what_is_masked_is_not_in_the_log_and_the_log_says_so() {
    let world = World::new();
    fs::write(world.folder.path().join("key"), [7; 32]).unwrap();
    decide_times(&world.start(RULES), 1);
    let text = fs::read_to_string(&world.files()[0]).unwrap();
    for secret in ["ana@bank.example", "deployer", "because"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let record = &world.kind("decision")[0];
    let email = &record["evidence"]["masked"]["people"][0]["email"];
    // printf ana@bank.example | openssl dgst -sha256 -mac HMAC -macopt hexkey:$(printf 07%.0s {1..32})
    assert_eq!(
        email,
        "hmac-sha256:a59f5abcba56ad84d1f62fd467a1fd14f92b147cf1a7fa86b6c7e0834624b55f"
    );
    // printf ana | sha256sum
    assert_eq!(
        record["principal"]["id"],
        "sha256:24d4b96f58da6d4a8512313bbd02a28ebf0ca95dec6e4c86ef78ce7f01e788ac"
    );
    assert_eq!(record["evidence"]["masked"]["people"][0]["id"], "ana");
    let masked: Vec<_> = record["masked"].as_array().unwrap().iter().collect();
    let paths: Vec<_> = masked
        .iter()
        .map(|masked| masked["path"].as_str().unwrap())
        .collect();
    // A rule that met nothing is not listed.
    assert_eq!(
        paths,
        [
            "/evidence/people/*/email",
            "/client",
            "/principal/id",
            "/verdict/reasons/*/message"
        ]
    );
    assert_eq!(masked[0]["places"], 1);
}

/// The name of a file would be the digest of what was sent, and its contents something else.
#[test]
fn what_is_masked_is_in_no_file_beside_the_log() {
    let world = World::new();
    let rules =
        "evidence = \"file\"\n[[log.mask]]\npath = \"/evidence/people/*/email\"\nwith = \"remove\"";
    decide_times(&world.start(rules), 1);
    assert_eq!(
        fs::read_dir(world.log().join("evidence")).unwrap().count(),
        0
    );
    let record = &world.kind("decision")[0];
    assert_eq!(
        record["evidence"]["masked"]["people"][0],
        serde_json::json!({"id": "ana"})
    );
}
