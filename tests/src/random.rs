//! Random policy sets and requests for plain Cedar, with every kind of scope,
//! hierarchies, and conditions that fail at run time.

use fastrand::Rng;
use serde_json::{Value, json};
use sod_core::{Bundle, EntityUid, Mode, PackData, PolicySource, Request};

/// Groups in groups, folders in folders, actions in groups of actions.
pub const SCHEMA: &str = r#"
entity Group in [Group];
entity User in [Group] = { level: Long, manager?: User, tags: Set<String> };
entity Robot in [Group] = { level: Long };
entity Folder in [Folder];
entity Doc in [Folder] = { owner: User, open: Bool, size: Long, label?: String };
action anything;
action change in [anything];
action read in [anything] appliesTo { principal: [User, Robot], resource: [Doc, Folder], context: Ctx };
action write, delete in [change] appliesTo { principal: [User, Robot], resource: [Doc, Folder], context: Ctx };
type Ctx = { n: Long, flag: Bool, who?: User };
"#;

const ACTIONS: [&str; 3] = ["read", "write", "delete"];
const ACTION_GROUPS: [&str; 2] = ["anything", "change"];

/// A set of 1 to `most` policies.
pub fn bundle(rng: &mut Rng, most: usize) -> Bundle {
    let count = rng.usize(1..=most);
    let policies = (0..count).map(|n| {
        let id = format!("p{n:05}");
        PolicySource {
            text: policy(rng, &id),
            pack: "random".to_owned(),
            id,
        }
    });
    Bundle {
        name: "random".to_owned(),
        version: "0.0.0".to_owned(),
        mode: Mode::Cedar,
        schema: SCHEMA.to_owned(),
        unchecked: false,
        policies: policies.collect(),
        quorums: Vec::new(),
        data: PackData::default(),
    }
}

/// A request with its entities. Some entities are left out of the store.
pub fn request(rng: &mut Rng) -> Request {
    let mut context = json!({ "n": number(rng), "flag": rng.bool() });
    if rng.bool() {
        set(&mut context, "who", entity_json("User", &id(rng)));
    }
    Request {
        principal: EntityUid::new(pick(rng, &["User", "User", "Robot"]), id(rng)),
        action: EntityUid::new("Action", pick(rng, &ACTIONS)),
        resource: EntityUid::new(pick(rng, &["Doc", "Doc", "Folder"]), id(rng)),
        now: None,
        evidence: None,
        entities: Some(entities(rng).to_string()),
        context: Some(context.to_string()),
    }
}

fn policy(rng: &mut Rng, id: &str) -> String {
    let effect = pick(rng, &["permit", "permit", "forbid"]);
    let principal = scope(rng, "principal", &["User", "Robot"], "Group");
    let resource = scope(rng, "resource", &["Doc", "Folder"], "Folder");
    let action = action_scope(rng);
    let mut text = format!("@id(\"{id}\")\n{effect} ({principal}, {action}, {resource})");
    for _ in 0..rng.usize(0..=2) {
        let keyword = pick(rng, &["when", "when", "unless"]);
        text.push_str(&format!("\n{keyword} {{ {} }}", condition(rng, 2)));
    }
    text.push(';');
    text
}

fn scope(rng: &mut Rng, var: &str, types: &[&str], group: &str) -> String {
    let ty = pick(rng, types);
    let one = format!("{ty}::\"{}\"", id(rng));
    let many = format!("{group}::\"{}\"", id(rng));
    match rng.u8(0..8) {
        0 | 1 => var.to_owned(),
        2 => format!("{var} == {one}"),
        3 | 4 => format!("{var} in {many}"),
        5 => format!("{var} in {one}"),
        6 => format!("{var} is {ty}"),
        _ => format!("{var} is {ty} in {many}"),
    }
}

fn action_scope(rng: &mut Rng) -> String {
    let one = format!("Action::\"{}\"", pick(rng, &ACTIONS));
    let group = format!("Action::\"{}\"", pick(rng, &ACTION_GROUPS));
    match rng.u8(0..5) {
        0 => "action".to_owned(),
        1 => format!("action == {one}"),
        2 => format!("action in {group}"),
        3 => format!("action in [{one}, {group}]"),
        _ => format!("action in [{one}, Action::\"read\"]"),
    }
}

fn condition(rng: &mut Rng, depth: u8) -> String {
    if depth > 0 && rng.u8(0..3) == 0 {
        let left = condition(rng, depth - 1);
        let right = condition(rng, depth - 1);
        return match rng.u8(0..4) {
            0 => format!("({left} && {right})"),
            1 => format!("({left} || {right})"),
            2 => format!("!({left})"),
            _ => format!("(if {left} then {right} else {left})"),
        };
    }
    let id = id(rng);
    let n = number(rng);
    match rng.u8(0..16) {
        0 => "context.flag".to_owned(),
        1 => format!("context.n < {n}"),
        // Overflows for some.
        2 => format!("context.n * {n} > 0"),
        3 => format!("context.n + {n} > 0"),
        // Absent in some requests: an error.
        4 => format!("context.who == User::\"{id}\""),
        5 => format!("context has who && context.who == User::\"{id}\""),
        // Of some types only: an error for the others.
        6 => "resource.open".to_owned(),
        7 => "resource.owner == principal".to_owned(),
        8 => "resource.label like \"a*\"".to_owned(),
        9 => "resource has label && resource.label == \"abc\"".to_owned(),
        10 => "principal.manager == resource.owner".to_owned(),
        11 => format!("principal in Group::\"{id}\""),
        12 => format!("resource in [Folder::\"{id}\", Folder::\"0\"]"),
        13 => "principal.tags.contains(\"x\")".to_owned(),
        14 => "principal.level >= resource.size".to_owned(),
        // Absent from some stores: an error.
        _ => format!("User::\"{id}\".level > 1"),
    }
}

fn entities(rng: &mut Rng) -> Value {
    let mut list = Vec::new();
    for ty in ["Group", "User", "Robot", "Folder", "Doc"] {
        for n in 0..IDS {
            if rng.u8(0..5) > 0 {
                list.push(entity(rng, ty, n));
            }
        }
    }
    Value::Array(list)
}

fn entity(rng: &mut Rng, ty: &str, n: u8) -> Value {
    let (parent, attributes) = match ty {
        "User" => ("Group", user(rng)),
        "Robot" => ("Group", json!({ "level": number(rng) })),
        "Doc" => ("Folder", doc(rng)),
        other => (other, json!({})),
    };
    // Only upwards, so that no hierarchy has a cycle.
    let above = if parent == ty { n + 1..IDS } else { 0..IDS };
    let parents = above.filter(|_| rng.u8(0..4) == 0);
    let parents: Vec<Value> = parents.map(|p| uid_json(parent, &p.to_string())).collect();
    json!({ "uid": uid_json(ty, &n.to_string()), "attrs": attributes, "parents": parents })
}

fn user(rng: &mut Rng) -> Value {
    let tags: &[&str] = if rng.bool() { &["x", "y"] } else { &[] };
    let mut user = json!({ "level": number(rng), "tags": tags });
    if rng.bool() {
        set(&mut user, "manager", entity_json("User", &id(rng)));
    }
    user
}

fn doc(rng: &mut Rng) -> Value {
    let owner = entity_json("User", &id(rng));
    let mut doc = json!({ "owner": owner, "open": rng.bool(), "size": number(rng) });
    if rng.bool() {
        set(&mut doc, "label", json!(pick(rng, &["abc", "b"])));
    }
    doc
}

const IDS: u8 = 4;

fn id(rng: &mut Rng) -> String {
    rng.u8(0..IDS).to_string()
}

fn number(rng: &mut Rng) -> i64 {
    let edge = [-1, 0, 1, 2, 3, i64::MAX, i64::MIN];
    rng.choice(edge).unwrap_or_default()
}

fn pick<'a>(rng: &mut Rng, of: &[&'a str]) -> &'a str {
    rng.choice(of).copied().unwrap_or_default()
}

fn uid_json(ty: &str, id: &str) -> Value {
    json!({ "type": ty, "id": id })
}

fn entity_json(ty: &str, id: &str) -> Value {
    json!({ "__entity": uid_json(ty, id) })
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}
