//! What is wrong with a configuration is said before anything is served, with its key.

use crate::server::{Service, fixture};

/// Why the fixture is not served when part of its configuration is replaced.
fn refused(old: &str, new: &str) -> String {
    let text = std::fs::read_to_string(fixture().join("sod.toml")).unwrap();
    assert!(text.contains(old), "{old}");
    match Service::start(&text.replace(old, new), &fixture()) {
        Ok(_) => panic!("`{new}` is served"),
        Err(error) => {
            let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
            format!("{error} ({})", help.unwrap_or_default())
        }
    }
}

#[test]
fn names_that_the_pack_does_not_have() {
    for (old, new, key, part) in [
        (
            "type = \"User\"",
            "type = \"Usr\"",
            "pack.records.authzen.subject.user",
            "User",
        ),
        (
            "subject.user]\ntype = \"User\"",
            "subject.user]",
            "pack.records.authzen.subject.user",
            "`user`",
        ),
        (
            "type = \"Record\"",
            "type = \"User\"",
            "pack.records.authzen.resource.record",
            "Record",
        ),
        (
            "action.delete]",
            "action.remove]",
            "pack.records.authzen.action.remove",
            "Action::\"delete\"",
        ),
        (
            "[\"soft\"]",
            "[\"soft\"]\nuid = 'Action::\"erase\"'",
            "pack.records.authzen.action.delete",
            "Action::\"delete\"",
        ),
        (
            "entities = \"entities.json\"",
            "entities = \"none.json\"",
            "pack.records.authzen.entities",
            "none.json",
        ),
        (
            "entities = \"entities.json\"",
            "entities = \"pack.toml\"",
            "pack.records.authzen.entities",
            "Cedar's JSON",
        ),
        (
            "entities = \"entities.json\"",
            "directory = \"entities.json\"",
            "pack.records.authzen.directory",
            "no evidence",
        ),
    ] {
        let said = refused(old, new);
        assert!(said.contains(key) && said.contains(part), "{new}: {said}");
    }
}

#[test]
fn one_name_from_two_sources() {
    for (old, new) in [
        (
            "properties = [\"soft\"]\ncontext = []",
            "properties = [\"soft\"]\ncontext = [\"soft\"]",
        ),
        (
            "properties = [\"soft\"]\ncontext = []",
            "properties = [\"source\"]",
        ),
        (
            "properties = [\"soft\"]",
            "properties = [\"soft\", \"soft\"]",
        ),
        (
            "properties = [\"role\"]",
            "properties = [\"role\", \"role\"]",
        ),
        (
            "context = [\"source\"]",
            "context = [\"source\", \"source\"]",
        ),
    ] {
        let said = refused(old, new);
        assert!(said.contains("pack.records.authzen."), "{new}: {said}");
    }
}

#[test]
fn unknown_keys_and_settings_that_cannot_be() {
    for (new, part) in [
        ("[api]\ncaller_tme = true\n", "caller_tme"),
        ("[api]\ndefault = \"none\"\n", "api.default"),
        ("[api]\nurl = \"pdp.bank.example\"\n", "api.url"),
        ("[api]\nurl = \"https://pdp.bank.example/?a\"\n", "api.url"),
        ("[api]\nurl = \"https://pdp.bank.example/\"\n", "api.url"),
        ("[api]\nurl = \"ftp://pdp.bank.example\"\n", "api.url"),
        ("[api]\nbatch = 0\n", "api.batch"),
        ("[api]\nsearch_candidates = 0\n", "api.search_candidates"),
    ] {
        let said = refused("# What the scenario's words mean to the pack.", new);
        assert!(said.contains(part), "{new}: {said}");
    }
    let said = refused("type = \"User\"", "tpe = \"User\"");
    assert!(said.contains("tpe"), "{said}");
}

#[test]
fn entities_that_are_listed_twice_or_are_none() {
    for (entities, part) in [
        (
            r#"[{"uid": {"type": "User", "id": "a"}}, {"uid": {"__entity": {"type": "User", "id": "a"}}}]"#,
            "twice",
        ),
        (
            r#"[{"uid": {"type": "User", "id": "a"}, "attrs": {"role": "a", "role": "b"}}]"#,
            "twice",
        ),
        (r#"[{"uid": "User"}]"#, "[0].uid"),
        (
            r#"[{"uid": {"type": "User", "id": "a"}, "atrs": {}}]"#,
            "atrs",
        ),
        ("{}", "Cedar's JSON"),
        (r#"[[{"type": "User", "id": "a"}, {}, []]]"#, "Cedar's JSON"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("entities.json");
        std::fs::write(&file, entities).unwrap();
        let said = refused("\"entities.json\"", &format!("{file:?}"));
        assert!(
            said.contains("pack.records.authzen.entities") && said.contains(part),
            "{said}"
        );
    }
}
