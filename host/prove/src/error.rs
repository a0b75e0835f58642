//! What ends a proof without an answer.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

/// No answer, for a reason that is not the pack's.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
pub enum ProveError {
    /// There is no solver.
    #[error("the solver `{}` cannot be run: {problem}", path.display())]
    #[diagnostic(
        code("solver-missing"),
        help(
            "install cvc5 (Debian and Ubuntu: `apt-get install cvc5`), or set CVC5 to the path of its program"
        )
    )]
    SolverMissing {
        /// The program that was tried.
        path: PathBuf,
        /// What the operating system says.
        problem: std::io::Error,
    },
    /// The solver, or what it was asked, went wrong.
    #[error("the solver gave no answer: {0}")]
    #[diagnostic(
        code("solver-failed"),
        help("see that the program in CVC5, or `cvc5` on PATH, is cvc5 1.0.3 or newer")
    )]
    Solver(String),
    /// A pack that validates, and that the symbolic compiler does not take.
    #[error("this pack cannot be put into logic: {0}")]
    #[diagnostic(code("not-provable"))]
    Untranslatable(String),
}
