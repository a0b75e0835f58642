//! The components that decided, opened when one is needed for the first time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sod_host::{Digest, Policy, Runtime};

use super::{AuditError, Replay};
use crate::log::{file, keep};

/// By digest.
pub(super) struct Components {
    folder: PathBuf,
    runtime: Runtime,
    open: Mutex<HashMap<Digest, Found>>,
}

/// What is there under a digest.
#[derive(Debug, Clone)]
pub(super) enum Found {
    Policy(Policy),
    Missing,
    Changed,
}

impl Components {
    pub(super) fn new(log: &Path, replay: &Replay) -> Result<Self, AuditError> {
        let mut open = HashMap::new();
        for path in &replay.components {
            let policy = replay.runtime.open(path);
            let policy = policy.map_err(|source| AuditError::Component {
                path: path.clone(),
                source,
            })?;
            open.insert(*policy.digest(), Found::Policy(policy));
        }
        Ok(Components {
            folder: log.join(file::COMPONENTS),
            runtime: replay.runtime.clone(),
            open: Mutex::new(open),
        })
    }

    pub(super) fn get(&self, digest: &Digest) -> Found {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let found = open.entry(*digest).or_insert_with(|| self.find(digest));
        found.clone()
    }

    fn find(&self, digest: &Digest) -> Found {
        let path = keep::path(&self.folder, digest, "wasm");
        if !path.exists() {
            return Found::Missing;
        }
        match self.runtime.open_pinned(&path, digest) {
            Ok(policy) => Found::Policy(policy),
            Err(_) => Found::Changed,
        }
    }
}
