//! The solver: a process of its own, asked one question at a time.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use cedar_policy_symcc::err::Error;
use cedar_policy_symcc::solver::{LocalSolver, SolverError};
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicySet, Env};
use tokio::process::Command;
use tokio::runtime::{Builder, Runtime};

use crate::error::ProveError;

/// Where the solver is, and how long it may think.
#[derive(Debug, Clone)]
pub struct Solver {
    path: PathBuf,
    limit: Duration,
}

/// Long enough for every shipped pack by a factor of a hundred, and short enough to wait for.
const LIMIT: Duration = Duration::from_secs(60);

impl Solver {
    /// The program that the variable `CVC5` names, or else `cvc5` on the path; a minute for each question.
    pub fn from_environment() -> Self {
        let path = env::var_os("CVC5").filter(|path| !path.is_empty());
        Solver {
            path: path.unwrap_or_else(|| OsString::from("cvc5")).into(),
            limit: LIMIT,
        }
    }

    /// How long it may think about one question.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        Solver { limit, ..self }
    }

    /// What the program says of itself, its version first.
    ///
    /// # Errors
    /// It cannot be run.
    pub fn version(&self) -> Result<String, ProveError> {
        let output = std::process::Command::new(&self.path)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .map_err(|problem| self.missing(problem))?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    }

    pub(crate) fn start(&self) -> Result<Session, ProveError> {
        let failed = |error: &dyn ToString| ProveError::Solver(error.to_string());
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        let mut command = Command::new(&self.path);
        command
            .args(["--lang", "smt"])
            .arg(format!("--tlimit-per={}", self.limit.as_millis()))
            .kill_on_drop(true);
        let entered = runtime.enter();
        let solver = LocalSolver::from_command(&mut command).map_err(|error| match error {
            SolverError::Io(problem) => self.missing(problem),
            other => failed(&other),
        })?;
        let compiler = CedarSymCompiler::new(solver).map_err(|error| failed(&error))?;
        drop(entered);
        Ok(Session {
            runtime,
            compiler,
            // The solver watches its own clock; this one is for a solver that does not.
            patience: self.limit.saturating_mul(2),
        })
    }

    fn missing(&self, problem: std::io::Error) -> ProveError {
        ProveError::SolverMissing {
            path: self.path.clone(),
            problem,
        }
    }
}

/// A running solver.
pub(crate) struct Session {
    runtime: Runtime,
    compiler: CedarSymCompiler<LocalSolver>,
    patience: Duration,
}

/// What came of a question.
pub(crate) enum Answer {
    /// No request does.
    Never,
    /// This one does.
    Found(Box<Env>),
    /// The solver does not know, or not in time.
    Unknown,
}

impl Session {
    /// A request that both allow.
    pub(crate) fn allowed_by_both(
        &mut self,
        one: &CompiledPolicySet,
        other: &CompiledPolicySet,
    ) -> Result<Answer, ProveError> {
        let asked = self
            .compiler
            .check_disjoint_with_counterexample_opt(one, other);
        put(&self.runtime, self.patience, asked)
    }

    /// A request that `one` allows, and `other` does not.
    pub(crate) fn allowed_only_by(
        &mut self,
        one: &CompiledPolicySet,
        other: &CompiledPolicySet,
    ) -> Result<Answer, ProveError> {
        let asked = self
            .compiler
            .check_implies_with_counterexample_opt(one, other);
        put(&self.runtime, self.patience, asked)
    }

    /// A request that it allows.
    pub(crate) fn allowed(&mut self, set: &CompiledPolicySet) -> Result<Answer, ProveError> {
        let asked = self
            .compiler
            .check_always_denies_with_counterexample_opt(set);
        put(&self.runtime, self.patience, asked)
    }

    /// A request on which the policy errs.
    pub(crate) fn errs(
        &mut self,
        policy: &cedar_policy_symcc::CompiledPolicy,
    ) -> Result<Answer, ProveError> {
        let asked = self
            .compiler
            .check_never_errors_with_counterexample_opt(policy);
        put(&self.runtime, self.patience, asked)
    }
}

fn put(
    runtime: &Runtime,
    patience: Duration,
    asked: impl Future<Output = Result<Option<Env>, Error>>,
) -> Result<Answer, ProveError> {
    match runtime.block_on(async { tokio::time::timeout(patience, asked).await }) {
        Ok(Ok(None)) => Ok(Answer::Never),
        Ok(Ok(Some(env))) => Ok(Answer::Found(Box::new(env))),
        Ok(Err(Error::SolverUnknown)) => Ok(Answer::Unknown),
        Ok(Err(error)) => Err(ProveError::Solver(error.to_string())),
        Err(_) => Err(ProveError::Solver(
            "it does not keep to its time limit".to_owned(),
        )),
    }
}
