//! What the reader reads, Cedar's reader reads, and reads as the same.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use cedar_policy_core::entities::Entities as Store;
use fastrand::Rng;
use serde_json::{Value, json};

use super::*;
use crate::cedar;

const SCHEMA: &str = r#"
entity Role;
entity Team in [Team];
entity Tagged = { name: String } tags String;
entity Tier enum ["test", "production"];
namespace Bank { entity User in [Role, Team] = { name: String, active?: Bool }; }
entity Change in [Team] = {
  author: Bank::User, others: Set<Bank::User>, lines: Long, open: Bool,
  reviews: Set<{ user: Bank::User, head: String, age?: Long }>,
  place: { repository: String, path?: { name: String } },
  sets: Set<Set<Long>>,
};
entity Deployment = { tier: Tier, price: decimal };
action approve appliesTo {
  principal: Bank::User, resource: Change,
  context: { freeze: Bool, by?: Bank::User, hosts: Set<String>, at?: { hour: Long } }
};
action deploy appliesTo { principal: Bank::User, resource: Change, context: { from?: ipaddr } };
"#;

fn schema() -> cedar::Schema {
    cedar::Schema::from_cedarschema_str(SCHEMA).unwrap().0
}

fn entities() -> Value {
    json!([
        { "uid": { "type": "Change", "id": "c1" },
          "attrs": {
            "author": { "__entity": { "type": "Bank::User", "id": "ana" } },
            "others": [{ "type": "Bank::User", "id": "bob" }, { "type": "Bank::User", "id": "bob" }],
            "lines": -7, "open": true,
            "reviews": [
              { "user": { "type": "Bank::User", "id": "cy" }, "head": "a\"\u{e9}\n", "age": 3 },
              { "user": { "type": "Bank::User", "id": "cy" }, "head": "" }],
            "place": { "repository": "r", "path": { "name": "p" } },
            "sets": [[1, 2], [], [2, 1]] },
          "parents": [{ "type": "Team", "id": "t1" }] },
        { "uid": { "__entity": { "type": "Team", "id": "t1" } }, "attrs": {},
          "parents": [{ "type": "Team", "id": "t2" }] },
        { "uid": { "type": "Team", "id": "t2" }, "attrs": {}, "parents": [] },
        { "uid": { "type": "Bank::User", "id": "ana" }, "attrs": { "name": "Ana" },
          "parents": [{ "type": "Role", "id": "dev" }, { "type": "Team", "id": "t1" }] },
        { "uid": { "type": "Bank::User", "id": "bob" }, "attrs": { "name": "Bob", "active": false },
          "parents": [{ "type": "Team", "id": "t1" }, { "type": "Team", "id": "t2" }] },
        { "uid": { "type": "Role", "id": "dev" }, "attrs": {}, "parents": [] }
    ])
}

fn context() -> Value {
    json!({ "freeze": false, "by": { "type": "Bank::User", "id": "ana" }, "hosts": ["a", "b"],
            "at": { "hour": 3 } })
}

/// Whether the reader read it. If so, Cedar did too, and the same.
fn agree_on_entities(reader: &Reader, schema: &cedar::Schema, json: &str) -> bool {
    let Some(ours) = reader.entities(json) else {
        return false;
    };
    let theirs = cedar::Entities::from_json_str(json, Some(schema))
        .unwrap_or_else(|e| panic!("read although Cedar says {e:?}: {json}"));
    let theirs: &Store = theirs.as_ref();
    let theirs: Vec<_> = theirs
        .iter()
        .filter(|e| !e.uid().entity_type().is_action())
        .collect();
    assert_eq!(ours.len(), theirs.len(), "{json}");
    for entity in &ours {
        let same = theirs.iter().find(|theirs| theirs.uid() == entity.uid());
        assert!(
            same.is_some_and(|same| same.deep_eq(entity)),
            "{entity:?}: {json}"
        );
        let ancestors: HashSet<_> = same.unwrap().ancestors().collect();
        assert_eq!(ancestors, entity.ancestors().collect(), "{json}");
    }
    true
}

fn agree_on_context(reader: &Reader, schema: &cedar::Schema, action: &str, json: &str) -> bool {
    let action: cedar::EntityUid = format!("Action::\"{action}\"").parse().unwrap();
    let Some(ours) = reader.context(action.as_ref(), json) else {
        return false;
    };
    let theirs = cedar::Context::from_json_str(json, Some((schema, &action)))
        .unwrap_or_else(|e| panic!("read although Cedar says {e:?}: {json}"));
    let uid = |text: &str| text.parse::<cedar::EntityUid>().unwrap();
    cedar::Request::new(
        uid("Bank::User::\"ana\""),
        action,
        uid("Change::\"c1\""),
        theirs.clone(),
        Some(schema),
    )
    .unwrap_or_else(|e| panic!("read although Cedar says {e:?}: {json}"));
    let theirs: &Context = theirs.as_ref();
    assert_eq!(ours, *theirs, "{json}");
    true
}

#[test]
fn what_everybody_sends_is_read() {
    let schema = schema();
    let reader = Reader::load(schema.as_ref(), &mut Shared::default());
    assert!(agree_on_entities(&reader, &schema, &entities().to_string()));
    let mut rng = Rng::with_seed(1);
    for _ in 0..20 {
        let json = in_any_order(&mut rng, &entities());
        assert!(agree_on_entities(&reader, &schema, &json), "{json}");
    }
    assert!(agree_on_context(
        &reader,
        &schema,
        "approve",
        &context().to_string()
    ));
    assert!(agree_on_context(
        &reader,
        &schema,
        "approve",
        r#"{"freeze": true, "hosts": []}"#
    ));
}

#[test]
fn what_needs_more_is_left_to_cedar() {
    let schema = schema();
    let reader = Reader::load(schema.as_ref(), &mut Shared::default());
    for json in [
        r#"[{"uid": {"type": "Tagged", "id": "t"}, "attrs": {"name": "n"}, "parents": [], "tags": {"a": "b"}}]"#,
        r#"[{"uid": {"type": "Tier", "id": "test"}, "attrs": {}, "parents": []}]"#,
        r#"[{"uid": {"type": "Deployment", "id": "d"}, "attrs": {"tier": {"type": "Tier", "id": "test"}, "price": "1.5"}, "parents": []}]"#,
        r#"[{"uid": {"type": "Action", "id": "approve"}, "attrs": {}, "parents": []}]"#,
    ] {
        assert!(reader.entities(json).is_none(), "{json}");
        assert!(
            cedar::Entities::from_json_str(json, Some(&schema)).is_ok(),
            "{json}"
        );
    }
    let deploy: cedar::EntityUid = "Action::\"deploy\"".parse().unwrap();
    assert!(reader.context(deploy.as_ref(), "{}").is_none());
}

#[test]
fn what_is_wrong_is_not_read() {
    let schema = schema();
    let reader = Reader::load(schema.as_ref(), &mut Shared::default());
    let role = r#"{"uid": {"type": "Role", "id": "r"}, "attrs": {}, "parents": []}"#;
    let team = |id: &str, parent: &str| {
        format!(
            r#"{{"uid": {{"type": "Team", "id": "{id}"}}, "attrs": {{}}, "parents": [{{"type": "Team", "id": "{parent}"}}]}}"#
        )
    };
    for json in [
        format!("[{role}, {}]", role.replace("[]", r#"[{"type": "Role", "id": "s"}]"#)),
        format!("[{role}] x"),
        format!("[{}, {}]", team("a", "b"), team("b", "a")),
        format!("[{}]", team("a", "a")),
        format!("[{}]", role.replace("\"id\": \"r\"", "\"id\": \"r\", \"id\": \"s\"")),
        format!("[{}]", role.replace("Role", "Rôle")),
        r#"[{"uid": {"__entity": {"__entity": {"type": "Role", "id": "r"}}}, "attrs": {}, "parents": []}]"#.to_owned(),
        r#"[{"uid": {"type": "Bank::User", "id": "u"}, "attrs": {}, "parents": []}]"#.to_owned(),
        r#"[{"attrs": {}, "uid": {"type": "Bank::User", "id": "u"}, "parents": []}]"#.to_owned(),
        r#"[{"attrs": {}, "uid": {"type": "Role", "id": "r"}, "attrs": {}, "parents": []}]"#.to_owned(),
        r#"[{"uid": {"type": "Role", "id": "r"}, "attrs": {}, "uid": {"type": "Role", "id": "r"}, "parents": []}]"#.to_owned(),
        r#"[{"parents": [{"type": "Role"}], "uid": {"type": "Role", "id": "r"}, "attrs": {}}]"#.to_owned(),
        r#"[{"attrs": {}, "parents": []}]"#.to_owned(),
        r#"[{"uid": {"type": "Bank::User", "id": "u"}, "attrs": {"name": "a", "name": "a"}, "parents": []}]"#.to_owned(),
        r#"[{"uid": {"type": "Bank::User", "id": "u"}, "attrs": {"name": "a"}, "parents": [{"type": "Change", "id": "c"}]}]"#.to_owned(),
    ] {
        assert!(reader.entities(&json).is_none(), "{json}");
        assert!(cedar::Entities::from_json_str(&json, Some(&schema)).is_err(), "{json}");
    }
}

/// Somewhere inside `value`.
fn somewhere<'v>(rng: &mut Rng, value: &'v mut Value) -> &'v mut Value {
    let inside = match value {
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    };
    if inside == 0 || rng.u8(0..4) == 0 {
        return value;
    }
    let n = rng.usize(..inside);
    match value {
        Value::Array(items) => somewhere(rng, items.get_mut(n).unwrap()),
        Value::Object(members) => somewhere(rng, members.values_mut().nth(n).unwrap()),
        _ => unreachable!(),
    }
}

/// Does something to `value` that may or may not be right.
fn change(rng: &mut Rng, value: &mut Value, donor: &mut Value) {
    let donated = somewhere(rng, donor).clone();
    let place = somewhere(rng, value);
    let keys = [
        "type", "id", "__entity", "uid", "attrs", "parents", "name", "author", "__extn", "hosts",
        "age",
    ];
    match (rng.u8(0..6), &mut *place) {
        (0, Value::Object(members)) if !members.is_empty() => {
            let key = members
                .keys()
                .nth(rng.usize(..members.len()))
                .cloned()
                .unwrap();
            members.remove(&key);
        }
        (1, Value::Object(members)) => {
            members.insert(rng.choice(keys).unwrap().to_owned(), donated);
        }
        (2, Value::Array(items)) => items.push(donated),
        (3, Value::Array(items)) => {
            items.pop();
        }
        (4, place) => {
            *place = rng
                .choice([
                    json!(null),
                    json!(1.5),
                    json!(9e18),
                    json!(true),
                    json!("x"),
                    json!([]),
                    json!({}),
                ])
                .unwrap()
        }
        (_, place) => *place = donated,
    }
}

#[test]
fn on_anything_at_all_the_reader_agrees_with_cedar() {
    let schema = schema();
    let reader = Reader::load(schema.as_ref(), &mut Shared::default());
    let mut rng = Rng::with_seed(7);
    let (mut read, mut left) = (0, 0);
    for _ in 0..20_000 {
        let (mut list, mut attributes) = (entities(), context());
        for _ in 0..rng.usize(1..4) {
            change(&mut rng, &mut list, &mut entities());
            change(&mut rng, &mut attributes, &mut context());
        }
        for agreed in [
            agree_on_entities(&reader, &schema, &in_any_order(&mut rng, &list)),
            agree_on_context(&reader, &schema, "approve", &attributes.to_string()),
        ] {
            match agreed {
                true => read += 1,
                false => left += 1,
            }
        }
    }
    assert!(read > 2_000 && left > 2_000, "{read} read, {left} left");
}

/// The JSON text, with the members of each entity in any order.
fn in_any_order(rng: &mut Rng, list: &Value) -> String {
    let Value::Array(items) = list else {
        return list.to_string();
    };
    let mut text = |item: &Value| match item {
        Value::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(key, value)| format!("{}:{value}", json!(key)))
                .collect();
            rng.shuffle(&mut members);
            format!("{{{}}}", members.join(","))
        }
        _ => item.to_string(),
    };
    let items: Vec<_> = items.iter().map(&mut text).collect();
    format!("[{}]", items.join(","))
}
