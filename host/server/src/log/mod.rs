//! The decision log: one line of JSON for each decision, before its answer leaves.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use miette::Diagnostic;
use serde::Deserialize;
use thiserror::Error;
use uuid::Uuid;

use crate::packs::OpenPack;
use crate::record::Record;

/// `[log]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// The folder that holds the log.
    pub directory: Option<PathBuf>,
}

/// A log that cannot be opened or written.
#[derive(Debug, Error, Diagnostic)]
#[error("the decision log: {0}")]
#[diagnostic(code("decision-log"))]
pub struct LogError(#[from] std::io::Error);

/// Where records go.
#[derive(Debug)]
pub struct DecisionLog {
    file: Mutex<Option<File>>,
}

impl DecisionLog {
    /// Opens the log in that folder.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn open(folder: Option<&Path>, _: &Settings) -> Result<Self, LogError> {
        let file = folder
            .map(|folder| {
                std::fs::create_dir_all(folder)?;
                File::options()
                    .append(true)
                    .create(true)
                    .open(folder.join("decisions.jsonl"))
            })
            .transpose()?;
        Ok(DecisionLog {
            file: Mutex::new(file),
        })
    }

    /// Whether writing a record waits for a disk.
    pub(crate) fn waits(&self) -> bool {
        false
    }

    /// Writes the record.
    ///
    /// # Errors
    /// It is not written.
    pub fn append(&self, record: &Record<'_>, _: &OpenPack) -> Result<Uuid, LogError> {
        let id = Uuid::now_v7();
        let mut line = format!("{id} {record:?}").into_bytes();
        line.push(b'\n');
        let mut file = self
            .file
            .lock()
            .map_err(|_| std::io::Error::other("poisoned"))?;
        if let Some(file) = file.as_mut() {
            file.write_all(&line)?;
        }
        Ok(id)
    }
}
