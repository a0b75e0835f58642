//! `[log]` says what is wrong in it before anything is served.

use sod_server::log::{DecisionLog, LogError};
use sod_server::{Clock, Config, ConfigError};

fn refused(text: &str) -> ConfigError {
    let folder = tempfile::TempDir::new().unwrap();
    let config = match Config::parse(text, "test.toml", folder.path().to_owned()) {
        Ok(config) => config,
        Err(error) => return error,
    };
    match DecisionLog::open(&config, &Clock::system()) {
        Err(LogError::Settings(error)) => error,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_its_key() {
    for (lines, key) in [
        ("directory = \"log\"\nstdout = true", "log.stdout"),
        ("evidence = \"file\"", "log.evidence"),
        ("durability = \"disk\"", "log.durability"),
        ("keep_files = 3", "log.keep_files"),
        ("keep_days = 3", "log.keep_days"),
        ("rotate_seconds = 3", "log.rotate_seconds"),
        ("directory = \"log\"\nkeep_files = 0", "log.keep_files"),
        ("directory = \"log\"\nrotate_bytes = 10", "log.rotate_bytes"),
        ("mask_key = \"absent\"", "log.mask_key"),
        (
            "[[log.mask]]\npath = \"/evidence\"\nwith = \"keyed\"",
            "log.mask[0].with",
        ),
        (
            "[[log.mask]]\npath = \"people\"\nwith = \"remove\"",
            "log.mask[0].path",
        ),
    ] {
        match refused(&format!("[log]\n{lines}")) {
            ConfigError::Contradiction { key: found, .. } => assert_eq!(found, key, "{lines}"),
            other => panic!("{lines}: {other}"),
        }
    }
}

#[test]
fn unknown_keys_and_values_are_refused() {
    for lines in [
        "director = \"log\"",
        "durability = \"none\"",
        "on_failure = \"allow\"",
        "evidence = \"off\"",
        "[[log.mask]]\npath = \"/evidence/a\"",
    ] {
        let error = refused(&format!("[log]\n{lines}"));
        assert!(
            matches!(error, ConfigError::Invalid { .. }),
            "{lines}: {error}"
        );
    }
}
