//! The JSON Schemas under docs/schema are what the types say, and what the core takes.

mod check;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use sod_core::evidence::Evidence;
use sod_core::{EntityUid, Program, Request};
use sod_pack::cases;

use crate::engines::{open, packs, root};
use crate::golden::golden;
use check::Schema;

/// The schema of raw evidence.
pub(crate) fn evidence() -> Schema {
    let generator = SchemaSettings::draft2020_12().into_generator();
    Schema(generator.into_root_schema_for::<Evidence<'static>>().into())
}

fn page(schema: &Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(schema).unwrap())
}

#[test]
fn the_files_are_what_the_types_say() {
    golden("docs/schema/evidence.schema.json", &page(&evidence().0));
    let generator = SchemaSettings::draft2020_12().into_generator();
    let request = generator.into_root_schema_for::<sod_host::Request>();
    golden("docs/schema/request.schema.json", &page(&request.into()));
}

#[test]
fn the_evidence_of_every_case_and_every_fixture_is_of_the_schema() {
    let schema = evidence();
    let mut looked_at = 0;
    for folder in packs() {
        for case in cases::read(&open(&folder)).unwrap() {
            let evidence = case.request.get("evidence");
            // What is not valid on purpose is not valid here either, or contradicts itself.
            let mut reasons = case.expect.reasons.iter().flatten();
            if let Some(evidence) = evidence
                && !reasons.any(|reason| reason == "evidence-invalid")
            {
                assert_eq!(schema.errors(evidence), [""; 0], "{}", case.file);
                looked_at += 1;
            }
        }
        let fixtures = folder.join("cases/fixtures");
        for file in std::fs::read_dir(&fixtures).into_iter().flatten().flatten() {
            let text = std::fs::read(file.path()).unwrap();
            let fixture = serde_json::from_slice(&text).unwrap();
            assert_eq!(schema.errors(&fixture), [""; 0], "{:?}", file.path());
            looked_at += 1;
        }
    }
    assert!(looked_at > 100, "{looked_at}");
}

#[test]
fn times_are_marked_as_such() {
    let schema = evidence();
    let mut times = 0;
    let definitions = schema.0["$defs"].as_object().unwrap().values();
    for definition in definitions.chain([&schema.0]) {
        for (name, field) in definition["properties"].as_object().into_iter().flatten() {
            let is_said = field["description"]
                .as_str()
                .is_some_and(|text| text.starts_with("RFC 3339"));
            assert_eq!(is_said, field["format"] == "date-time", "{name}");
            times += usize::from(is_said);
        }
    }
    assert!(times >= 10, "{times}");
}

/// A value with everything in it that the schema knows. It need not make sense.
fn sample(schema: &Schema, of: &Value) -> Value {
    let of = schema.resolve(of);
    if let Some(alternatives) = of["anyOf"].as_array() {
        return sample(schema, &alternatives[0]);
    }
    if let Some(alternatives) = of["oneOf"].as_array().filter(|_| of.get("type").is_none()) {
        return alternatives[0]["const"].clone();
    }
    if let Some(values) = of["enum"].as_array() {
        return values[0].clone();
    }
    let ty = of["type"].as_array().map_or(&of["type"], |types| &types[0]);
    match ty.as_str() {
        Some("object") => {
            let members = of["properties"].as_object().unwrap().iter();
            members
                .map(|(name, member)| (name.clone(), sample(schema, member)))
                .collect()
        }
        Some("array") => json!([sample(schema, &of["items"])]),
        Some("string") if of["format"] == "date-time" => json!("2026-03-02T10:00:00Z"),
        Some("string") => json!("some"),
        Some("boolean") => json!(true),
        Some("integer") => json!(1),
        _ => panic!("{of}"),
    }
}

/// Everything that is in some object, by its JSON pointer, with whether it is required there.
fn members(schema: &Schema, of: &Value, value: &Value, at: &str, found: &mut Vec<(String, bool)>) {
    let of = schema.resolve(of);
    let of = match of["anyOf"].as_array() {
        Some(alternatives) => schema.resolve(&alternatives[0]),
        None => of,
    };
    for (name, value) in value.as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        let mut required = of["required"].as_array().into_iter().flatten();
        found.push((at.clone(), required.any(|required| required == name)));
        members(schema, &of["properties"][name], value, &at, found);
    }
    for value in value.as_array().into_iter().flatten() {
        members(schema, &of["items"], value, &format!("{at}/0"), found);
    }
}

/// Why the core cannot read evidence, if that is so; what it makes of evidence that it can read is another matter.
fn unreadable(program: &Program, evidence: &Value) -> Option<String> {
    let request = Request {
        principal: EntityUid::new("Person", "some"),
        action: EntityUid::new("Action", "approve"),
        resource: EntityUid::new("Change", "some"),
        now: Some(0),
        evidence: Some(evidence.to_string()),
        entities: None,
        context: None,
    };
    let reason = program.decide(&request).unwrap().reasons.remove(0);
    let reading = reason.message.starts_with("evidence: `");
    assert!(!reading || reason.code == "evidence-invalid", "{reason:?}");
    reading.then_some(reason.message)
}

#[test]
fn what_the_schema_refuses_the_core_refuses() {
    let schema = evidence();
    let program = Program::load(open(&root().join("policies/protected-deploy")).bundle()).unwrap();
    let mut full = sample(&schema, &schema.0);
    // An account is of one or the other.
    full["accounts"][0]["machine"] = Value::Null;
    assert_eq!(schema.errors(&full), [""; 0]);
    assert_eq!(unreadable(&program, &full), None);

    let mut found = Vec::new();
    members(&schema, &schema.0, &full, "", &mut found);
    let mut required_ones = 0;
    for (pointer, required) in found {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let mut without = full.clone();
        let object = without.pointer_mut(parent).unwrap();
        object.as_object_mut().unwrap().remove(name);
        let said = unreadable(&program, &without).unwrap_or_default();
        if pointer != "/accounts/0/person" {
            assert_eq!(!schema.errors(&without).is_empty(), required, "{pointer}");
        }
        let missing = format!("missing field `{name}`");
        assert_eq!(said.contains(&missing), required, "{pointer}: {said}");
        required_ones += usize::from(required);

        let mut other = full.clone();
        *other.pointer_mut(&pointer).unwrap() = json!(-1.5);
        assert!(!schema.errors(&other).is_empty(), "{pointer}");
        let said = unreadable(&program, &other).unwrap_or_default();
        let place = format!("`{}`", pointer[1..].replace("/0", "[0]").replace('/', "."));
        assert!(said.contains(&place), "{place}: {said}");
    }
    assert!(required_ones > 40, "{required_ones}");

    let mut unknown = full.clone();
    unknown["commits"]["items"][0]["mood"] = json!("good");
    assert_eq!(schema.errors(&unknown), [""; 0], "a warning, no error");
    full["accounts"][0]["machine"] = json!("some");
    assert!(!schema.errors(&full).is_empty(), "an account of two owners");
}
