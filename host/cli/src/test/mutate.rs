//! `sod test --mutate`: do the cases notice small slips in the pack?

use serde::Serialize;
use sod_host::Request;
use sod_pack::cases::Case;
use sod_pack::mutants::{self, EntityUid, Exemptions, Hunted, Question};
use sod_pack::{Findings, Pack};

use super::progress::Progress;
use crate::failure::Outcome;

/// What became of the mutants of a pack.
#[derive(Serialize)]
pub(crate) struct Mutated {
    /// How many there are.
    pub(crate) mutants: usize,
    /// How many of them a case notices.
    pub(crate) noticed: usize,
    /// How many need no case.
    pub(crate) exempt: usize,
    /// About those that no case notices, and exemptions that are not needed.
    pub(crate) findings: Findings,
}

/// Tries every mutant on the cases that pass.
pub(crate) fn mutate(pack: &Pack, passed: &[&Case]) -> Outcome<Mutated> {
    let exemptions = Exemptions::read(pack)?;
    let mutants = mutants::mutants(pack);
    let questions: Vec<Question<'_>> = passed.iter().filter_map(|case| question(case)).collect();
    let progress = Progress::new(pack.name(), "mutants", mutants.len());
    let hunted = mutants::hunt(pack, &mutants, &questions, &exemptions, &|| {
        progress.one_more()
    });
    Ok(hunted.into())
}

impl From<Hunted> for Mutated {
    fn from(hunted: Hunted) -> Self {
        Mutated {
            mutants: hunted.mutants,
            noticed: hunted.noticed,
            exempt: hunted.exempt,
            findings: hunted.findings,
        }
    }
}

fn question(case: &Case) -> Option<Question<'_>> {
    let request = Request::from_json(case.request.to_string().as_bytes()).ok()?;
    let uid = |uid: sod_host::EntityUid| EntityUid::new(uid.type_name, uid.id);
    let text = |json: Option<Box<sod_host::RawValue>>| json.map(|json| json.get().to_owned());
    let request = mutants::Request {
        principal: uid(request.principal),
        action: uid(request.action),
        resource: uid(request.resource),
        now: request.now,
        evidence: text(request.evidence),
        entities: text(request.entities),
        context: text(request.context),
    };
    Some(Question { case, request })
}
