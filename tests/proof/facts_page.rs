//! docs/facts.md has a row for every field of the evidence and for every fact, and for nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sod_core::cedar::SchemaFragment;

use crate::engines::root;
use crate::schema::evidence;

/// Fields or facts by name, and what a row must say of each.
type Said = BTreeMap<String, Kind>;

#[derive(Debug, PartialEq, Eq, Clone)]
struct Kind {
    optional: bool,
    /// Of evidence: an RFC 3339 time. Of facts: never.
    time: bool,
    /// Of evidence: what an enumeration may be.
    values: BTreeSet<String>,
}

/// One row of a table.
struct Row {
    /// Of the heading above it, those words that are code.
    section: Vec<String>,
    names: Vec<String>,
    kind: String,
}

/// Rows of the tables under a `## ` heading, names written out: `a.b`, `.c` is `a.b` and `a.c`.
fn rows(heading: &str) -> Vec<Row> {
    let page = std::fs::read_to_string(root().join("docs/facts.md")).unwrap();
    let start = page.find(&format!("\n## {heading}\n")).unwrap();
    let part = &page[start + 1..];
    let part = &part[..part[3..].find("\n## ").map_or(part.len(), |end| end + 3)];
    let (mut section, mut rows) = (Vec::new(), Vec::new());
    for line in part.lines() {
        if let Some(title) = line.strip_prefix("### ") {
            section = code(title);
            if section.is_empty() {
                section.push(title.to_owned());
            }
        }
        let line = line.replace("\\|", "");
        let mut cells = line.split(" | ");
        let name = cells.next().and_then(|cell| cell.strip_prefix("| `"));
        if let Some(name) = name {
            rows.push(Row {
                section: section.clone(),
                names: written_out(&code(&format!("`{name}"))),
                kind: cells.next().unwrap_or_default().to_owned(),
            });
        }
    }
    rows
}

fn code(text: &str) -> Vec<String> {
    let parts = text.split('`').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}

fn written_out(names: &[String]) -> Vec<String> {
    let mut before = String::new();
    let full = names.iter().map(|name| {
        if !name.starts_with('.') {
            before = name
                .rsplit_once('.')
                .map_or("", |(before, _)| before)
                .to_owned();
            return name.clone();
        }
        format!("{before}{name}")
    });
    full.collect()
}

fn missing_and_extra(what: &str, types: &Said, page: &Said) {
    let without = |a: &Said, b: &Said| -> Vec<String> {
        a.keys()
            .filter(|name| !b.contains_key(*name))
            .cloned()
            .collect()
    };
    let (no_row, no_type) = (without(types, page), without(page, types));
    assert!(
        no_row.is_empty(),
        "docs/facts.md has no row for {what} {no_row:?}"
    );
    assert!(
        no_type.is_empty(),
        "there is no {what} {no_type:?}, but a row in docs/facts.md"
    );
    for (name, kind) in types {
        assert_eq!(
            page[name], *kind,
            "docs/facts.md, {what} `{name}`: left the page, right the type"
        );
    }
}

/// Every field by type, `Change.head`, and where each type is to be found in the evidence.
struct Fields {
    said: Said,
    /// Path of a row to the field that it is about: `changes[].pushes.items[].head` to `Push.head`.
    paths: BTreeMap<String, String>,
}

impl Fields {
    fn of_evidence() -> Self {
        let schema = evidence();
        let mut fields = Fields {
            said: Said::new(),
            paths: BTreeMap::new(),
        };
        fields.read(&schema.0, "Evidence", &schema.0, "");
        fields
    }

    fn read(&mut self, root: &Value, name: &str, of: &Value, at: &str) {
        for (field, schema) in of["properties"].as_object().into_iter().flatten() {
            let mut required = of["required"].as_array().into_iter().flatten();
            let full = format!("{name}.{field}");
            let path = format!("{at}{field}");
            self.paths.insert(path.clone(), full.clone());
            let kind = Kind {
                optional: !required.any(|required| required == field),
                time: schema["format"] == "date-time",
                values: values(root, schema),
            };
            self.said.insert(full, kind);
            self.enter(root, schema, &path);
        }
    }

    /// Reads the objects in a field, if it has any.
    fn enter(&mut self, root: &Value, schema: &Value, path: &str) {
        let Some((name, of)) = definition(root, schema) else {
            if schema.get("items").is_some() {
                self.enter(root, &schema["items"], &format!("{path}[]"));
            }
            return;
        };
        if name.starts_with("Listing") {
            self.enter(
                root,
                &of["properties"]["items"]["items"],
                &format!("{path}.items[]"),
            );
        } else {
            self.read(root, name, of, &format!("{path}."));
        }
    }
}

/// The definition that a field refers to, if it does, and its name.
fn definition<'s>(root: &'s Value, schema: &'s Value) -> Option<(&'s str, &'s Value)> {
    let mut alternatives = schema["anyOf"].as_array().into_iter().flatten();
    let reference = schema["$ref"]
        .as_str()
        .or_else(|| alternatives.find_map(|one| one["$ref"].as_str()))?;
    let name = reference.strip_prefix("#/$defs/")?;
    Some((name, &root["$defs"][name]))
}

fn values(root: &Value, schema: &Value) -> BTreeSet<String> {
    let Some((_, of)) = definition(root, schema) else {
        return BTreeSet::new();
    };
    let listed = of["enum"].as_array().into_iter().flatten();
    let described = of["oneOf"].as_array().into_iter().flatten();
    let values = listed.chain(described.map(|one| &one["const"]));
    values
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_field_of_the_evidence_has_a_row_and_every_row_is_a_field() {
    let fields = Fields::of_evidence();
    let mut page = Said::new();
    let mut add = |path: &str, kind: Kind| {
        let field = fields.paths.get(path);
        let field = field.unwrap_or_else(|| panic!("docs/facts.md: there is no field `{path}`"));
        let before = page.insert(field.clone(), kind.clone());
        assert!(
            before.is_none_or(|before| before == kind),
            "docs/facts.md says two things of `{path}`"
        );
    };
    for row in rows("Evidence") {
        // A heading of one list has the fields of its items below it; one of several has whole paths.
        let prefix = match &row.section[..] {
            [one] if fields.paths.contains_key(&format!("{one}.items[].id")) => {
                format!("{one}.items[].")
            }
            [one] => format!("{one}."),
            _ => String::new(),
        };
        let enumeration = row.kind.starts_with('`');
        for name in row.names {
            let kind = Kind {
                optional: row.kind.contains("optional"),
                time: row.kind.contains("RFC 3339"),
                values: code(&row.kind)
                    .into_iter()
                    .filter(|_| enumeration)
                    .collect(),
            };
            add(&format!("{prefix}{name}"), kind);
        }
        for name in row.section {
            add(
                name.trim_end_matches("[]"),
                Kind {
                    optional: true,
                    time: false,
                    values: BTreeSet::new(),
                },
            );
        }
    }
    missing_and_extra("field", &fields.said, &page);
}

/// Attributes of a record of the base schema, and of the records in it.
fn attributes(types: &Value, prefix: &str, of: &Value, said: &mut Said) {
    let of = type_name(of).map_or(of, |name| &types[name]);
    for (name, attribute) in of["attributes"].as_object().into_iter().flatten() {
        // Generated from pack.toml, with an attribute for each name there; of grants each is a record.
        let (named, record) = match type_name(attribute) {
            Some(
                "PathClasses" | "RoleConflicts" | "Windows" | "Options" | "ChangeQuorums"
                | "DeploymentQuorums",
            ) => (true, None),
            Some("Grants") => (true, Some(&types["Grant"])),
            Some(name) => (false, types.get(name)),
            None => (false, None),
        };
        let name = format!("{prefix}{name}{}", if named { ".NAME" } else { "" });
        if let Some(record) = record {
            attributes(types, &format!("{name}."), record, said);
        }
        let kind = Kind {
            optional: attribute["required"] == false,
            time: false,
            values: BTreeSet::new(),
        };
        if !(named && record.is_some()) {
            said.insert(name, kind);
        }
    }
}

/// Of an attribute of a named type, the name.
fn type_name(of: &Value) -> Option<&str> {
    let name = of["name"].as_str().or_else(|| of["type"].as_str());
    name.filter(|name| {
        !matches!(*name, "Record" | "Set" | "EntityOrCommon") || of["name"].is_string()
    })
}

#[test]
fn every_fact_has_a_row_and_every_row_is_a_fact() {
    let text = std::fs::read_to_string(root().join("policies/base.cedarschema")).unwrap();
    let (fragment, _) = SchemaFragment::from_cedarschema_str(&text).unwrap();
    let schema = fragment.to_json_value().unwrap();
    let (types, entities) = (&schema[""]["commonTypes"], &schema[""]["entityTypes"]);
    let mut facts = Said::new();
    for (name, entity) in entities.as_object().unwrap() {
        attributes(types, &format!("{name}."), &entity["shape"], &mut facts);
    }
    for action in schema[""]["actions"].as_object().unwrap().values() {
        attributes(
            types,
            "context.",
            &action["appliesTo"]["context"],
            &mut facts,
        );
    }
    assert!(facts.len() > 50, "{facts:?}");

    let mut page = Said::new();
    for row in rows("Facts in policies") {
        for name in row.names.iter().filter(|name| !name.contains(" in ")) {
            // A table may be about several entities, one after the other.
            let full = |section: &String| match section.as_str() {
                "Context" => name.clone(),
                entity => format!("{entity}.{name}"),
            };
            let mut of = row
                .section
                .iter()
                .map(full)
                .filter(|full| facts.contains_key(full));
            let full = of
                .next()
                .unwrap_or_else(|| panic!("docs/facts.md: there is no fact `{name}`"));
            let kind = Kind {
                optional: row.kind.contains("optional"),
                time: false,
                values: BTreeSet::new(),
            };
            page.insert(full, kind);
        }
    }
    missing_and_extra("fact", &facts, &page);
}
