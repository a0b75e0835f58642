//! What never gets as far as a request.

use miette::Diagnostic;
use sod_host::{CacheLocation, Digest, OpenError, Runtime};

use super::files::refused;
use super::guests::{good, says};
use crate::decide::runtime;
use crate::guest::DENY;

#[test]
fn what_is_no_policy_component_is_refused() {
    let runtime = runtime();
    for (name, bytes, expected) in refused() {
        match runtime.load(&bytes) {
            Ok(_) => panic!("{name}: was opened"),
            Err(error) => {
                assert_eq!(
                    error.code().unwrap().to_string(),
                    expected,
                    "{name}: {error}"
                );
                assert!(error.help().is_some(), "{name}");
                assert!(!error.to_string().contains('\n'), "{name}: {error}");
            }
        }
    }
}

#[test]
fn an_import_is_named() {
    let component =
        wat::parse_str(r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance)))"#)
            .unwrap();
    let error = runtime().load(&component).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the component imports `wasi:clocks/wall-clock@0.2.0`, a policy component imports nothing"
    );
}

#[test]
fn a_component_beyond_the_size_limit_is_not_even_read() {
    let component = good().component();
    let runtime = |limit| {
        Runtime::builder()
            .component_limit(limit)
            .cache(CacheLocation::Nowhere)
            .build()
            .unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.wasm");
    std::fs::write(&path, &component).unwrap();
    assert!(runtime(component.len()).open(&path).is_ok());
    let less = runtime(component.len() - 1);
    assert!(matches!(less.open(&path), Err(OpenError::TooLarge { .. })));
    assert!(matches!(
        less.load(&component),
        Err(OpenError::TooLarge { .. })
    ));
    // A file without end, as `/dev/zero` is one, ends there as well.
    #[cfg(unix)]
    assert!(matches!(
        less.open("/dev/zero"),
        Err(OpenError::TooLarge { .. })
    ));
}

#[test]
fn only_the_expected_component_is_opened() {
    let component = good().component();
    let other = says(|verdict| verdict.effect = DENY).component();
    let policy = runtime()
        .load_pinned(&component, &Digest::of(&component))
        .unwrap();
    assert_eq!(*policy.digest(), Digest::of(&component));
    match runtime().load_pinned(&other, policy.digest()) {
        Err(OpenError::DigestMismatch { expected, actual }) => {
            assert_eq!(
                (expected, actual),
                (Digest::of(&component), Digest::of(&other))
            );
        }
        other => panic!("{other:?}"),
    }
    // It is not looked at any further: garbage is a mismatch, too.
    let garbage = runtime().load_pinned(b"garbage", policy.digest());
    assert!(matches!(garbage, Err(OpenError::DigestMismatch { .. })));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = runtime().open("no/such/policy.wasm").unwrap_err();
    assert_eq!(error.to_string(), "cannot read `no/such/policy.wasm`");
}
