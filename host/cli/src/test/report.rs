//! What came of a test run, for people and for programs.

use std::path::PathBuf;

use serde::Serialize;
use sod_pack::{Findings, Pack};

use super::mutate::Mutated;
use crate::matrix::Compared;
use crate::page::{Look, Page};

/// The whole run.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) packs: Vec<Tested>,
}

/// One pack.
#[derive(Serialize)]
pub(crate) struct Tested {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) version: String,
    /// Of the policies that decided.
    pub(crate) policy_digest: String,
    pub(crate) cases: Vec<Ran>,
    /// Absent if only some of the cases are run.
    pub(crate) coverage: Option<Coverage>,
    /// Own rules that decided none of the cases which passed.
    pub(crate) undecided: Findings,
    /// Absent if the pack has none, or only some of the cases are run.
    pub(crate) matrix: Option<Compared>,
    /// Absent without --mutate.
    pub(crate) mutants: Option<Mutated>,
}

/// One case.
#[derive(Serialize)]
pub(crate) struct Ran {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) description: String,
    /// In which ways the verdict is not the expected one. None: the case passed.
    pub(crate) mismatches: Vec<String>,
}

/// How many of the pack's own rules decided a case that passed.
#[derive(Serialize)]
pub(crate) struct Coverage {
    pub(crate) rules: usize,
    pub(crate) decided: usize,
    /// Rounded down. A pack without rules of its own leaves none out.
    pub(crate) percent: usize,
    /// Whether that is what --min-coverage asks for.
    pub(crate) enough: bool,
}

impl Coverage {
    pub(crate) fn new(pack: &Pack, undecided: &Findings, least: u8) -> Self {
        let rules = pack.own_rules().count();
        let decided = rules.saturating_sub(undecided.errors());
        let percent = (decided * 100).checked_div(rules).unwrap_or(100);
        Coverage {
            rules,
            decided,
            percent,
            enough: percent >= usize::from(least),
        }
    }
}

impl Ran {
    pub(crate) fn passed(&self) -> bool {
        self.mismatches.is_empty()
    }
}

impl Tested {
    fn passed(&self) -> usize {
        self.cases.iter().filter(|case| case.passed()).count()
    }

    /// A pack without cases is a failure, too: a run that ran nothing has shown nothing.
    fn failed(&self) -> usize {
        let cases = self.cases.iter().filter(|case| !case.passed()).count();
        let matrix = self.matrix.as_ref().is_some_and(Compared::differs);
        let mutants = self
            .mutants
            .as_ref()
            .map_or(0, |mutants| mutants.findings.errors());
        let nothing = usize::from(self.cases.is_empty());
        cases + self.uncovered().errors() + mutants + nothing + usize::from(matrix)
    }

    /// The rules without a case, if they are too many.
    pub(crate) fn uncovered(&self) -> Findings {
        match self
            .coverage
            .as_ref()
            .is_some_and(|coverage| !coverage.enough)
        {
            true => self.undecided.clone(),
            false => Findings::default(),
        }
    }

    fn explain(&self, page: &mut Page) {
        for case in self.cases.iter().filter(|case| !case.passed()) {
            page.put(Look::Bad, "FAIL");
            page.line(&format!(
                "  {} {}: {}",
                self.name, case.name, case.description
            ));
            page.entry("file", &case.file);
            for mismatch in &case.mismatches {
                page.line(&format!("      - {mismatch}"));
            }
        }
        if self.cases.is_empty() {
            page.put(Look::Bad, "FAIL");
            page.line(&format!("  {}: no case was run", self.name));
        }
        let of_mutants = self.mutants.as_ref().map(|mutants| &mutants.findings);
        for findings in of_mutants.into_iter().chain([&self.uncovered()]) {
            if !findings.is_empty() {
                page.block(&findings.render(false));
            }
        }
        if let Some(matrix) = self.matrix.as_ref().filter(|matrix| matrix.differs()) {
            matrix.explain(&self.path, page);
        }
        match self.failed() {
            0 => page.put(Look::Good, "ok"),
            _ => page.put(Look::Bad, "FAIL"),
        };
        page.line(&format!("  {}: {}", self.path.display(), self.counts()));
    }

    /// `12 cases, 3 of 3 rules, 40 cells of the matrix`
    fn counts(&self) -> String {
        let mut counts = vec![format!("{} cases", self.cases.len())];
        if let Some(coverage) = &self.coverage {
            counts.push(format!("{} of {} rules", coverage.decided, coverage.rules));
        }
        if let Some(matrix) = &self.matrix {
            counts.push(format!("{} cells of the matrix", matrix.cells));
        }
        if let Some(mutated) = &self.mutants {
            let Mutated {
                mutants,
                noticed,
                exempt,
                ..
            } = mutated;
            counts.push(format!(
                "{noticed} of {mutants} mutants noticed, {exempt} exempt"
            ));
        }
        counts.join(", ")
    }
}

impl Report {
    pub(crate) fn new(packs: Vec<Tested>) -> Self {
        Report {
            passed: packs.iter().map(Tested::passed).sum(),
            failed: packs.iter().map(Tested::failed).sum(),
            packs,
        }
    }

    pub(crate) fn explain(&self, page: &mut Page) {
        self.packs.iter().for_each(|pack| pack.explain(page));
        page.line(&format!("{} passed, {} failed", self.passed, self.failed));
    }
}
