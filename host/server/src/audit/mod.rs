//! What is in a decision log: is it whole, and would every decision come out the same?
//!
//! 1. [`Log::open`] names the files.
//! 2. [`verify`] follows the chain through them and says where it breaks.
//! 3. [`replay()`] decides everything again with the components that decided it.
//! 4. [`unused()`] finds what lies beside the log for records that are gone.
//!
//! All of them read line by line: memory does not grow with the log.

mod filter;
mod read;
mod replay;
mod unused;
mod verify;

use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use crate::log::file;

pub use filter::Filter;
pub use replay::{Difference, Replay, Replayed, Unreplayable, replay};
pub use unused::{Unused, remove_unused, unused};
pub use uuid::Uuid;
pub use verify::{Break, Decisions, Verified, verify};

/// A log that cannot be read.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum AuditError {
    /// A folder or a file.
    #[error("cannot read `{}`: {source}", path.display())]
    #[diagnostic(
        code("log-unreadable"),
        help("name the folder of a decision log, or its files in their order")
    )]
    Unreadable { path: PathBuf, source: io::Error },
    /// A file that was there when the log was opened.
    #[error("`{}` was removed while the log was read", path.display())]
    #[diagnostic(
        code("log-removed"),
        help(
            "a server removes its old files, as `log.keep_files` and `log.keep_days` say: ask again"
        )
    )]
    Removed { path: PathBuf },
    /// A folder without a log.
    #[error("there is no decision log in `{}`", path.display())]
    #[diagnostic(
        code("log-empty"),
        help("the files of a log are named `decisions-....jsonl`")
    )]
    Empty { path: PathBuf },
    /// A log in which something may be named that cannot be read.
    #[error("the log is not whole, and nothing is removed")]
    #[diagnostic(
        code("log-broken"),
        help("`sod audit verify` says where it breaks: what a lost record names must not go")
    )]
    Broken,
    /// A log that a server writes, or a folder that is not to be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Log(#[from] crate::log::LogError),
    /// A file that does not go.
    #[error("cannot remove `{}`: {source}", path.display())]
    #[diagnostic(code("unremoved"))]
    Unremoved { path: PathBuf, source: io::Error },
    /// Nothing to decide with.
    #[error("cannot replay with `{}`", path.display())]
    #[diagnostic(code("component-unusable"))]
    Component {
        path: PathBuf,
        #[source]
        #[diagnostic_source]
        source: sod_host::OpenError,
    },
}

/// The files of a log, the oldest first.
#[derive(Debug, Clone)]
pub struct Log {
    files: Vec<PathBuf>,
    folder: PathBuf,
}

impl Log {
    /// A folder, or files in their order.
    ///
    /// # Errors
    /// A folder that cannot be read, or has no log in it.
    pub fn open(paths: &[PathBuf]) -> Result<Self, AuditError> {
        let mut files = Vec::new();
        for path in paths {
            let unreadable = |source| AuditError::Unreadable {
                path: path.clone(),
                source,
            };
            if !path.metadata().map_err(unreadable)?.is_dir() {
                files.push(path.clone());
                continue;
            }
            let listed = listed(path).map_err(unreadable)?;
            if listed.is_empty() {
                return Err(AuditError::Empty { path: path.clone() });
            }
            files.extend(listed);
        }
        let first = paths.first().map_or(Path::new(""), PathBuf::as_path);
        let folder = match first.is_dir() {
            true => first,
            false => first.parent().unwrap_or(Path::new("")),
        };
        Ok(Log {
            folder: folder.to_owned(),
            files,
        })
    }

    /// The line of the record with this id.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn find(&self, id: Uuid) -> Result<Option<String>, AuditError> {
        let mut lines = read::Lines::new(&self.files);
        while let Some(line) = lines.next()? {
            let link: Option<crate::log::line::Link> = serde_json::from_slice(line.bytes).ok();
            if link.is_some_and(|link| link.id == id) {
                return Ok(Some(String::from_utf8_lossy(line.bytes).into_owned()));
            }
        }
        Ok(None)
    }
}

/// The files in a folder at one moment: a server may begin one, and remove another, while they are listed.
fn listed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut listed = file::list(folder)?;
    loop {
        let again = file::list(folder)?;
        if again == listed {
            return Ok(listed);
        }
        listed = again;
    }
}
