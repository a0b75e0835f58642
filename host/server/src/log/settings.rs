//! `[log]`: from what is written to what is valid.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::mask::{Masks, Rule};
use crate::config::{Config, ConfigError};

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// The folder that holds the log. Without one it goes to stdout.
    pub directory: Option<PathBuf>,
    /// To stdout, said aloud: an error beside `directory`.
    pub stdout: bool,
    /// What a record outlives.
    pub durability: Durability,
    /// What becomes of a decision that cannot be recorded.
    pub on_failure: OnFailure,
    /// Where evidence, entities and context are kept.
    pub evidence: Kept,
    /// Whether components are kept in the folder, for replays.
    pub components: bool,
    /// What is not to be read in the log.
    pub mask: Vec<Rule>,
    /// A file with the key of masks `with = "keyed"`.
    pub mask_key: Option<PathBuf>,
    /// A file is followed by the next one before it grows beyond this.
    pub rotate_bytes: u64,
    /// A file is followed by the next one when its first record is this old.
    pub rotate_seconds: Option<u64>,
    /// So many files stay, the present one among them.
    pub keep_files: Option<usize>,
    /// A file goes when its last record is this old.
    pub keep_days: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            directory: None,
            stdout: false,
            durability: Durability::Process,
            on_failure: OnFailure::Deny,
            evidence: Kept::Record,
            components: true,
            mask: Vec::new(),
            mask_key: None,
            rotate_bytes: 64 << 20,
            rotate_seconds: None,
            keep_files: None,
            keep_days: None,
        }
    }
}

/// What a record outlives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// The end of the process, however it comes.
    Process,
    /// The end of the machine's power, too.
    Disk,
}

/// What becomes of a decision that cannot be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// It does not leave.
    Deny,
    /// It leaves, and the loss is counted and told.
    Degrade,
}

/// Where evidence, entities and context are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// In the record.
    Record,
    /// Beside the log, once for all records.
    File,
    /// Nowhere: the record has the digest.
    Digest,
}

const LEAST_ROTATION: u64 = 4096;

/// Settings that make sense.
#[derive(Debug)]
pub(super) struct Valid {
    pub(super) directory: Option<PathBuf>,
    pub(super) settings: Settings,
    pub(super) masks: Masks,
}

impl Valid {
    pub(super) fn of(config: &Config) -> Result<Self, ConfigError> {
        let settings = config.log.clone();
        check_place(&settings)?;
        check_rotation(&settings)?;
        let key = settings.mask_key.as_deref();
        let key = key.map(|path| read_key(&config.path(path))).transpose()?;
        Ok(Valid {
            directory: settings.directory.as_deref().map(|path| config.path(path)),
            masks: Masks::new(&settings.mask, key)?,
            settings,
        })
    }
}

fn check_place(settings: &Settings) -> Result<(), ConfigError> {
    if settings.directory.is_some() {
        return match settings.stdout {
            true => Err(contradiction(
                "log.stdout",
                "there is a `log.directory`, too",
                "leave one of both out",
            )),
            false => Ok(()),
        };
    }
    let needs = |key, needed: bool| match needed {
        true => Err(contradiction(
            key,
            "it needs a `log.directory`, and there is none",
            "name a folder in `log.directory`, or leave this out",
        )),
        false => Ok(()),
    };
    needs("log.evidence", settings.evidence == Kept::File)?;
    needs("log.durability", settings.durability == Durability::Disk)?;
    needs("log.rotate_seconds", settings.rotate_seconds.is_some())?;
    needs("log.keep_files", settings.keep_files.is_some())?;
    needs("log.keep_days", settings.keep_days.is_some())
}

fn check_rotation(settings: &Settings) -> Result<(), ConfigError> {
    let zero = "it is 0";
    let help = "write 1 or more, or leave it out";
    if settings.rotate_bytes < LEAST_ROTATION {
        return Err(contradiction(
            "log.rotate_bytes",
            &format!("it is {}", settings.rotate_bytes),
            &format!("write {LEAST_ROTATION} or more"),
        ));
    }
    for (key, value) in [
        ("log.rotate_seconds", settings.rotate_seconds),
        ("log.keep_files", settings.keep_files.map(|n| n as u64)),
        ("log.keep_days", settings.keep_days),
    ] {
        if value == Some(0) {
            return Err(contradiction(key, zero, help));
        }
    }
    Ok(())
}

fn read_key(path: &Path) -> Result<Vec<u8>, ConfigError> {
    const LEAST: usize = 16;
    let key = std::fs::read(path).map_err(|error| {
        contradiction(
            "log.mask_key",
            &format!("cannot read `{}`: {error}", path.display()),
            "name a file with at least 16 random bytes that only this user may read",
        )
    })?;
    if key.len() < LEAST {
        return Err(contradiction(
            "log.mask_key",
            &format!("the key has {} bytes", key.len()),
            "take at least 16 random bytes: `head -c 32 /dev/urandom`",
        ));
    }
    Ok(key)
}

pub(super) fn contradiction(key: &str, problem: &str, help: &str) -> ConfigError {
    ConfigError::Contradiction {
        key: key.to_owned(),
        problem: problem.to_owned(),
        help: help.to_owned(),
    }
}
