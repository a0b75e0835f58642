//! The invariants of docs/architecture.md, those that are not a file of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::engines::{compile, open, packs, root};

/// Package name to the names of the packages that it depends on, tests and build scripts left out.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            (
                package["id"].as_str().unwrap(),
                package["name"].as_str().unwrap(),
            )
        })
        .collect();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let of = |node: &Value| {
        let deps = node["deps"].as_array().unwrap().iter();
        let normal = deps.filter(|dep| {
            dep["dep_kinds"]
                .as_array()
                .unwrap()
                .iter()
                .any(|kind| kind["kind"].is_null())
        });
        normal
            .map(|dep| names[dep["pkg"].as_str().unwrap()].to_owned())
            .collect()
    };
    nodes
        .iter()
        .map(|node| (names[node["id"].as_str().unwrap()].to_owned(), of(node)))
        .collect()
}

fn reach(dependencies: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut todo = vec![from.to_owned()];
    while let Some(name) = todo.pop() {
        let next = dependencies
            .get(&name)
            .unwrap_or_else(|| panic!("no package `{name}`"));
        todo.extend(
            next.iter()
                .filter(|name| seen.insert((*name).clone()))
                .cloned(),
        );
    }
    seen
}

#[test]
fn hosts_never_reach_cedar_or_the_core() {
    let dependencies = dependencies();
    for host in ["sod-host", "sod-evidence"] {
        let reached = reach(&dependencies, host);
        for name in ["cedar-policy", "cedar-policy-core", "sod-core", "sod-pack"] {
            assert!(!reached.contains(name), "{host} reaches {name}");
        }
    }
    // Not for want of looking.
    assert!(reach(&dependencies, "sod-pack").contains("cedar-policy-core"));
    assert!(reach(&dependencies, "sod-host").contains("wasmtime"));
}

#[test]
fn only_the_core_depends_on_cedar_and_only_the_component_on_wit_bindgen() {
    let dependencies = dependencies();
    let direct = |name: &str| -> Vec<&String> {
        let members = dependencies
            .iter()
            .filter(|(package, _)| package.starts_with("sod-"));
        members
            .filter(|(_, deps)| deps.contains(name))
            .map(|(package, _)| package)
            .collect()
    };
    assert_eq!(direct("cedar-policy"), ["sod-core"]);
    assert_eq!(direct("cedar-policy-core"), ["sod-core"]);
    assert_eq!(direct("wit-bindgen"), ["sod-guest"]);
}

#[test]
fn components_import_nothing_export_one_interface_and_come_out_the_same() {
    for folder in packs() {
        let component = compile(&open(&folder));
        assert!(
            component == compile(&open(&folder)),
            "{}: two builds differ",
            folder.display()
        );
        let inspection = serde_json::to_value(sod_pack::inspect(&component).unwrap()).unwrap();
        assert_eq!(
            inspection["imports"],
            serde_json::json!([]),
            "{}",
            folder.display()
        );
        let exports = inspection["exports"].as_array().unwrap();
        assert_eq!(exports.len(), 1, "{exports:?}");
        assert!(
            exports[0]
                .to_string()
                .contains("sod:policy/authorizer@0.1.0"),
            "{exports:?}"
        );
        for door in [
            "sod_load",
            "sod_error",
            "sod_alloc",
            "sod_free",
            "sod_decide",
        ] {
            let found = component
                .windows(door.len())
                .any(|window| window == door.as_bytes());
            assert!(
                !found,
                "{}: `{door}` is still in the component",
                folder.display()
            );
        }
    }
}
