//! Files that never get as far as a request.

use super::guests::{described, good, guest};
use crate::guest::{ALLOW, DENY, Guest, componentize, wit};

/// Components that never get as far as a request.
pub(crate) fn refused() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let component = good().component();
    let text = |text: &str| wat::parse_str(text).unwrap();
    let items = |items: &str| guest(|guest| guest.items += items).component();
    let memory = |memory: &str| guest(|guest| guest.items = memory.to_owned()).component();
    let describe = |body: &str| guest(|guest| guest.describe = body.to_owned()).component();
    let mut truncated = component.clone();
    truncated.pop();
    let mut version = component.clone();
    version[4] = 0x0e;

    vec![
        ("empty file", Vec::new(), "not-a-component"),
        (
            "garbage",
            b"MZ\x90\0 this is something else".to_vec(),
            "not-a-component",
        ),
        ("half a magic number", b"\0as".to_vec(), "not-a-component"),
        (
            "text of a component",
            b"(component)".to_vec(),
            "not-a-component",
        ),
        ("core module", good().module(), "not-a-component"),
        ("version of a distant future", version, "not-a-component"),
        (
            "native code, as in a cache",
            std::fs::read(std::env::current_exe().unwrap()).unwrap(),
            "not-a-component",
        ),
        ("last byte missing", truncated, "component-invalid"),
        (
            "one byte too many",
            [component.clone(), vec![0]].concat(),
            "component-invalid",
        ),
        (
            "component without anything",
            text("(component)"),
            "not-a-policy",
        ),
        (
            "WASI clock",
            text(
                r#"(component (import "wasi:clocks/monotonic-clock@0.2.0"
                    (instance (export "now" (func (result u64))))))"#,
            ),
            "component-imports",
        ),
        (
            "import beside a good export",
            componentize(
                guest(|guest| {
                    guest.items = format!("(import \"$root\" \"leak\" (func)) {}", guest.items)
                })
                .module(),
                &wit().replace("world policy {", "world policy { import leak: func();"),
            ),
            "component-imports",
        ),
        (
            "later version of the interface",
            renamed(&good(), "@0.1.0", "@0.2.0"),
            "not-a-policy",
        ),
        (
            "another package",
            renamed(&good(), "sod:policy", "sad:policy"),
            "not-a-policy",
        ),
        (
            "decide gives something else",
            retyped("effect: effect,", "effect: u8,"),
            "not-a-policy",
        ),
        (
            "decide takes something else",
            retyped("now: option<timestamp>", "now: option<u64>"),
            "not-a-policy",
        ),
        (
            "decide is named otherwise",
            retyped("decide: func", "decided: func"),
            "not-a-policy",
        ),
        ("two memories", items("(memory 1)"), "component-invalid"),
        (
            "64-bit memory",
            text("(component (core module (memory i64 1)))"),
            "component-invalid",
        ),
        (
            "memory beyond the cap",
            memory("(memory (export \"memory\") 17)"),
            "component-invalid",
        ),
        (
            "table beyond the cap",
            items("(table 20001 funcref)"),
            "component-invalid",
        ),
        (
            "too many tables",
            items(&"(table 1 funcref)".repeat(5)),
            "component-invalid",
        ),
        (
            "relaxed SIMD, which differs between machines",
            items("(func (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)))"),
            "component-invalid",
        ),
        (
            "start function that traps",
            items("(func $s unreachable) (start $s)"),
            "component-broken",
        ),
        (
            "start function without end",
            items("(func $s (loop (br 0))) (start $s)"),
            "component-broken",
        ),
        (
            "description that traps",
            describe("unreachable"),
            "component-broken",
        ),
        (
            "description without end",
            describe("(loop (br 0)) unreachable"),
            "component-broken",
        ),
        (
            "description out of bounds",
            describe("(i32.const -4)"),
            "component-broken",
        ),
        (
            "description with no digest",
            described(|d| d.policy_digest.clear()).component(),
            "component-broken",
        ),
        (
            "policies not in order",
            described(|d| d.policies.reverse()).component(),
            "component-broken",
        ),
        (
            "a policy that is permit and forbid",
            described(|d| d.policies = vec![("a", ALLOW), ("a", DENY)]).component(),
            "component-broken",
        ),
    ]
}

/// A component of the same world in a changed contract.
fn retyped(from: &str, to: &str) -> Vec<u8> {
    let wit = wit();
    assert!(wit.contains(from));
    let mut guest = good();
    if from == "decide: func" {
        guest.items += r#"(func (export "sod:policy/authorizer@0.1.0#decided") (param i32) (result i32) unreachable)"#;
    }
    componentize(guest.module(), &wit.replace(from, to))
}

/// A component whose interface goes by another name.
fn renamed(guest: &Guest, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(&guest.module()).into_owned();
    assert!(text.contains(from));
    // Of the same length, so that the module stays valid.
    let mut module = guest.module();
    for at in 0..module.len() - from.len() {
        if module[at..].starts_with(from.as_bytes()) {
            module[at..at + from.len()].copy_from_slice(to.as_bytes());
        }
    }
    componentize(
        module,
        &wit().replace(
            "package sod:policy@0.1.0",
            &"package sod:policy@0.1.0".replace(from, to),
        ),
    )
}
