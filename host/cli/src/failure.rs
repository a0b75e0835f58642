//! What ends a verb without a result: an error, and the exit code that it has.

use std::fmt::Display;
use std::path::Path;

use miette::{Report, miette};
use sod_evidence::git::GitError;
use sod_host::{BuildError, DecideError, OpenError};
use sod_pack::{CompileError, Findings, InspectError};
use sod_prove::ProveError;

use crate::exit;

/// An error with its exit code. Every kind of error has one, by the `From`s below.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: u8,
    pub(crate) report: Report,
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// Wrong usage that the grammar of the command line cannot express.
    pub(crate) fn usage(message: impl Display, help: &str) -> Self {
        let report = miette!(code = "usage", help = help, "{message}");
        Failure {
            exit: exit::USAGE,
            report,
        }
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(verb: &str, path: &Path, error: &std::io::Error) -> Self {
        let path = path.display();
        miette!(code = "file", "cannot {verb} `{path}`: {error}").into()
    }

    /// Says what the error is about.
    pub(crate) fn about(self, context: impl Display + Send + Sync + 'static) -> Self {
        Failure {
            report: self.report.wrap_err(context),
            ..self
        }
    }
}

/// Whatever has no better code.
impl From<Report> for Failure {
    fn from(report: Report) -> Self {
        Failure {
            exit: exit::UNDECIDED,
            report,
        }
    }
}

impl From<Findings> for Failure {
    fn from(findings: Findings) -> Self {
        Failure {
            exit: exit::INVALID,
            report: findings.into(),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let exit = match error {
            OpenError::DigestMismatch { .. } => exit::INTEGRITY,
            _ => exit::UNDECIDED,
        };
        Failure {
            exit,
            report: error.into(),
        }
    }
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        let exit = match error {
            CompileError::Refused { .. } | CompileError::TooLarge { .. } => exit::INVALID,
            _ => exit::UNDECIDED,
        };
        Failure {
            exit,
            report: error.into(),
        }
    }
}

impl From<InspectError> for Failure {
    fn from(error: InspectError) -> Self {
        Report::from(error).into()
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Report::from(error).into()
    }
}

impl From<DecideError> for Failure {
    fn from(error: DecideError) -> Self {
        Report::from(error).into()
    }
}

impl From<ProveError> for Failure {
    fn from(error: ProveError) -> Self {
        Report::from(error).into()
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        Report::from(error).into()
    }
}
