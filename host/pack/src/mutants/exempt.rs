//! `cases/mutants.toml`: mutants that no case could notice.
//!
//! ```toml
//! [[exempt]]
//! mutant = "requesters-never-sign/left-out-1f2e3d4c"
//! reason = "whoever asks for a deployment is always known where this rule is reached"
//! ```

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::Mutant;
use crate::code::Code;
use crate::finding::{Finding, Findings};
use crate::pack::Pack;
use crate::source::{MAX_TEXT, Source};

/// The file, in the folder of a pack.
pub const EXEMPTIONS: &str = "cases/mutants.toml";

/// As written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    exempt: Vec<RawExemption>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExemption {
    mutant: Spanned<String>,
    reason: String,
}

/// Which mutants need no case, each with its place.
#[derive(Debug, Default)]
pub struct Exemptions {
    source: Option<Source>,
    ids: BTreeMap<String, Range<usize>>,
}

impl Exemptions {
    /// Those of a pack; none if it has no such file.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(pack: &Pack) -> Result<Self, Findings> {
        let path = pack.folder().join(EXEMPTIONS);
        let source = match Source::read(&path, MAX_TEXT, Code::MutantExempt) {
            Err(finding) if finding.code == Code::MutantExempt => return Ok(Exemptions::default()),
            result => result?,
        };
        let raw: Raw = toml::from_str(&source.text).map_err(|error| {
            let finding = Finding::new(Code::MutantExempt, error.message());
            finding
                .at(&source, error.span().unwrap_or(0..0))
                .help("`[[exempt]]`, and in it `mutant = \"ID\"` and `reason = \"...\"`")
        })?;
        let mut findings = Findings::default();
        let mut ids = BTreeMap::new();
        for exemption in raw.exempt {
            let at = exemption.mutant.span();
            let id = exemption.mutant.into_inner();
            let mut refuse = |message: String, help: &str| {
                let finding = Finding::new(Code::MutantExempt, message);
                findings.push(finding.at(&source, at.clone()).help(help));
            };
            if exemption.reason.trim().is_empty() {
                refuse(
                    format!("`{id}` is exempt for no reason"),
                    "say why no case could notice it, so that a reviewer can check it",
                );
            }
            if ids.contains_key(&id) {
                refuse(format!("`{id}` is exempt twice"), "delete one of them");
            }
            ids.insert(id, at);
        }
        match findings.has_errors() {
            true => Err(findings.sorted()),
            false => Ok(Exemptions {
                source: Some(source),
                ids,
            }),
        }
    }

    pub(crate) fn has(&self, mutant: &Mutant) -> bool {
        self.ids.contains_key(&mutant.id)
    }

    /// Those of mutants that are none, or that a case notices.
    pub(crate) fn unneeded<'m>(&self, survivors: impl Iterator<Item = &'m Mutant>) -> Findings {
        let survivors: Vec<&str> = survivors.map(|mutant| mutant.id.as_str()).collect();
        let mut findings = Findings::default();
        for (id, at) in &self.ids {
            if let (Some(source), false) = (&self.source, survivors.contains(&id.as_str())) {
                let message = format!("the exemption of `{id}` is not needed");
                let finding = Finding::new(Code::MutantExempt, message).at(source, at.clone());
                findings.push(finding.help(
                    "delete it: a case notices the mutant, or what it was made from is not there any more",
                ));
            }
        }
        findings
    }
}
