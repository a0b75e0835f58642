//! The compiled component: sealed, the same every time, and honest about what is inside.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::sync::LazyLock;

use sod_pack::{
    CompileOptions, INTERFACE, InspectError, Pack, SECTION, Target, compile, describe, inspect,
};
use wasmparser::{ExternalKind, Parser, Payload};

const PACK: &str = "../../policies/protected-deploy";

static COMPONENT: LazyLock<Vec<u8>> = LazyLock::new(|| build(PACK, &CompileOptions::default()));

fn build(pack: impl AsRef<Path>, options: &CompileOptions) -> Vec<u8> {
    let pack = Pack::open(pack)
        .map_err(|findings| findings.render(false))
        .unwrap();
    compile(&pack, options).unwrap()
}

/// Name, kind of every export of every core module inside.
fn core_exports(component: &[u8]) -> Vec<(String, ExternalKind)> {
    let payloads = Parser::new(0).parse_all(component).map(Result::unwrap);
    let sections = payloads.filter_map(|payload| match payload {
        Payload::ExportSection(exports) => Some(exports),
        _ => None,
    });
    let exports = sections.flatten().map(Result::unwrap);
    exports
        .map(|export| (export.name.to_owned(), export.kind))
        .collect()
}

#[test]
fn it_imports_nothing_and_exports_only_the_contract() {
    let inspection = inspect(&COMPONENT).unwrap();
    assert!(inspection.imports.is_empty(), "{:?}", inspection.imports);
    assert_eq!(inspection.exports, [INTERFACE]);
}

#[test]
fn nothing_inside_loads_anything() {
    let exports = core_exports(&COMPONENT);
    let decides = |(name, _): &(String, _)| name.ends_with("#decide");
    assert!(
        exports.iter().any(decides),
        "this test looks at the wrong thing: {exports:?}"
    );
    for (name, kind) in exports {
        let contract = name.contains("sod:policy/authorizer@0.1.0#");
        let canonical_abi = name == "memory" || name == "cabi_realloc";
        // The encoder's own glue names its functions by number.
        let glue = name.chars().all(|c| c.is_ascii_digit()) || name == "$imports";
        assert!(
            contract || canonical_abi || glue,
            "unexpected export `{name}` ({kind:?})"
        );
    }
}

#[test]
fn the_same_pack_gives_the_same_bytes_wherever_it_lies() {
    let elsewhere = tempfile::tempdir().unwrap();
    let parent = Path::new(PACK).parent().unwrap();
    copy(parent, elsewhere.path());
    let again = build(
        elsewhere.path().join("protected-deploy"),
        &CompileOptions::default(),
    );
    assert!(
        again == *COMPONENT,
        "the bytes depend on the folder or on the run"
    );
}

#[test]
fn every_kind_is_known_sealed_and_the_same_each_time() {
    for target in Target::ALL {
        let options = CompileOptions {
            target,
            ..CompileOptions::default()
        };
        let bytes = build(PACK, &options);
        assert!(
            bytes == build(PACK, &options),
            "{target}: two builds differ"
        );
        let inspection = inspect(&bytes).unwrap();
        assert_eq!(inspection.target, target);
        assert_eq!(inspection.pack.name, "protected-deploy");
        let from_proxy = |import: &String| import.starts_with("env.proxy_");
        match target {
            Target::ProxyWasm => assert!(inspection.imports.iter().all(from_proxy)),
            _ => assert!(inspection.imports.is_empty(), "{target}"),
        }
        for door in ["sod_load", "sod_error"] {
            let found = bytes
                .windows(door.len())
                .any(|window| window == door.as_bytes());
            assert!(!found, "{target}: `{door}` is still there");
        }
        if target == Target::Component {
            continue;
        }
        let said: serde_json::Value = serde_json::from_slice(&describe(&bytes).unwrap()).unwrap();
        assert_eq!(said["policy_digest"], inspection.pack.policy_digest);
    }
    let module = inspect(&build(
        PACK,
        &CompileOptions {
            target: Target::Core,
            ..CompileOptions::default()
        },
    ));
    assert_eq!(
        module.unwrap().exports,
        [
            "memory",
            "sod_alloc",
            "sod_decide",
            "sod_describe",
            "sod_free",
            "sod_abi_0_1_0"
        ]
    );
}

#[test]
fn options_are_in_the_metadata_and_nowhere_else() {
    let options = CompileOptions {
        revision: Some("9f2c".to_owned()),
        created: Some(1_700_000_000),
        ..CompileOptions::default()
    };
    let plain = inspect(&COMPONENT).unwrap();
    let dated = inspect(&build(PACK, &options)).unwrap();
    assert_eq!(dated.revision.as_deref(), Some("9f2c"));
    assert_eq!(dated.pack.revision.as_deref(), Some("9f2c"));
    assert_eq!(dated.pack.created, Some(1_700_000_000));
    assert_eq!((plain.revision, plain.pack.created), (None, None));
    assert_eq!(dated.pack.policy_digest, plain.pack.policy_digest);
}

#[test]
fn it_says_what_is_inside() {
    let pack = Pack::open(PACK)
        .map_err(|findings| findings.render(false))
        .unwrap();
    let inspection = inspect(&COMPONENT).unwrap();
    let section = &inspection.pack;
    assert_eq!(
        (section.format, section.name.as_str()),
        (1, "protected-deploy")
    );
    assert_eq!(inspection.version.as_deref(), Some(pack.version()));
    assert_eq!(inspection.licenses.as_deref(), pack.license());
    assert_eq!(section.policy_digest, pack.bundle().digest());
    assert_eq!(section.engine, sod_pack::engine());
    assert_eq!(
        section.engine.sha256,
        sod_core::bundle::sha256(sod_pack::engine_module())
    );
    let ids: Vec<&str> = section
        .policies
        .iter()
        .map(|policy| policy.id.as_str())
        .collect();
    let rules: Vec<&str> = pack.rules().iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, rules);
    assert!(
        section
            .policies
            .iter()
            .any(|policy| policy.pack == "core-lanes")
    );
    let json = serde_json::to_value(&inspection).unwrap();
    assert_eq!(json["pack"]["policies"][0]["id"], section.policies[0].id);
    assert_eq!(json["size"], COMPONENT.len());
}

#[test]
fn no_path_of_this_machine_is_inside() {
    let workspace = Path::new("../..").canonicalize().unwrap();
    let homes =
        ["HOME", "CARGO_HOME", "RUSTUP_HOME"].map(|name| std::env::var(name).unwrap_or_default());
    let mut paths = vec![
        workspace.to_string_lossy().into_owned(),
        "/.cargo/".to_owned(),
        "registry/src/".to_owned(),
    ];
    paths.extend(
        homes
            .into_iter()
            .filter(|home| home.len() > 1)
            .map(|home| home + "/"),
    );
    for path in paths {
        let found = COMPONENT
            .windows(path.len())
            .any(|bytes| bytes == path.as_bytes());
        assert!(!found, "`{path}` is in the component");
    }
    // The search finds what is there: the engine names its own sources.
    assert!(COMPONENT.windows(8).any(|bytes| bytes == b"/crates/"));
}

#[test]
fn other_bytes_are_refused_with_what_they_are() {
    let module = wat::parse_str("(module (func (export \"decide\")))").unwrap();
    assert_eq!(inspect(&module), Err(InspectError::NotAComponent));
    let component = wat::parse_str("(component)").unwrap();
    assert_eq!(inspect(&component), Err(InspectError::NotAPolicy));
    for bytes in [
        &b""[..],
        b"\0asm",
        b"PK\x03\x04",
        b"\0asm\x0d\0\x01\0\xff\xff\xff\xff",
    ] {
        assert!(
            matches!(inspect(bytes), Err(InspectError::NotWasm(_))),
            "{bytes:?}"
        );
    }
}

#[test]
fn changed_metadata_is_refused() {
    let section = |data: &[u8]| {
        let mut bytes = vec![0, 0, 8];
        bytes.extend_from_slice(SECTION.as_bytes());
        bytes.extend_from_slice(data);
        bytes[1] = u8::try_from(bytes.len() - 2).unwrap();
        bytes
    };
    let twice = [&COMPONENT, &section(b"{}")[..]].concat();
    assert!(matches!(inspect(&twice), Err(InspectError::BadMetadata(_))));
    // Under another name, the section is not there.
    let at = COMPONENT
        .windows(SECTION.len())
        .rposition(|bytes| bytes == SECTION.as_bytes())
        .unwrap();
    let mut renamed = COMPONENT.clone();
    renamed[at] = b'x';
    assert_eq!(
        inspect(&renamed),
        Err(InspectError::BadMetadata("is absent".to_owned()))
    );
    let at = renamed
        .windows(11)
        .rposition(|bytes| bytes == b"{\"format\":1")
        .unwrap();
    let mut newer = COMPONENT.clone();
    newer[at + 10] = b'2';
    let error = inspect(&newer).unwrap_err().to_string();
    assert!(error.contains("format 2"), "{error}");
}

#[test]
fn truncated_and_flipped_bytes_never_panic() {
    let mut step = 1;
    let mut at = 0;
    while at < COMPONENT.len() {
        let _ = inspect(&COMPONENT[..at]);
        at += step;
        step = (step * 2).min(COMPONENT.len() / 8);
    }
    let tail = COMPONENT.len() - 4096;
    for at in (0..64).chain(tail..tail + 64) {
        let mut flipped = COMPONENT.clone();
        flipped[at] ^= 0xff;
        let _ = inspect(&flipped);
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
