//! What another version of a pack allows and denies that this one does not.

use std::collections::BTreeSet;

use serde::Serialize;
use sod_core::cedar::{Decision, EntityUid, Policy, RequestEnv};
use sod_pack::Pack;

use crate::assumptions::Options;
use crate::common::Common;
use crate::counterexample::Counterexample;
use crate::error::ProveError;
use crate::question::{Theory, policy};
use crate::simplify::{Judge, simplify};
use crate::solver::{Answer, Session, Solver};

/// Which way a decision changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Denied before, allowed after.
    BecomesAllowed,
    /// Allowed before, denied after.
    BecomesDenied,
}

/// Requests of one kind that are decided otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Which way.
    pub change: Change,
    /// `Action::"deploy"`
    pub action: String,
    /// Type of the one who asks.
    pub principal: String,
    /// Type of what it is about.
    pub resource: String,
    /// The one role that the policies name and that they hold; absent if it takes several, or none.
    pub role: Option<String>,
    /// A request decided so, with facts as the pack before calls them; absent if the solver knows none.
    pub before: Option<Counterexample>,
    /// The same request, with facts as the pack after calls them.
    pub after: Option<Counterexample>,
}

/// What is different between two packs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// By action.
    pub differences: Vec<Difference>,
    /// What both name the same, and mean differently: ``quorum `production` ``.
    pub redefined: Vec<String>,
    /// Kinds of requests for which the solver knew no answer: they may be decided otherwise, too.
    pub undecided: Vec<String>,
}

impl Comparison {
    /// Every request is decided as before.
    pub fn is_same(&self) -> bool {
        self.differences.is_empty() && self.undecided.is_empty()
    }

    /// No request becomes allowed, for certain.
    pub fn only_tightens(&self) -> bool {
        let tighter = |one: &Difference| one.change == Change::BecomesDenied;
        self.undecided.is_empty() && self.differences.iter().all(tighter)
    }
}

/// Compares what two packs decide, over all requests.
///
/// # Errors
/// There is no solver, it fails, or the two speak of facts that contradict each other.
pub fn diff(before: &Pack, after: &Pack, solver: &Solver) -> Result<Comparison, ProveError> {
    let common = Common::new(&before.bundle(), &after.bundle())?;
    let theory = Theory::of(&common.schema, common.known.clone(), Vec::new())?;
    let comparing = Comparing::new(&common, &theory)?;
    let mut session = solver.start()?;
    let mut comparison = Comparison {
        differences: Vec::new(),
        redefined: common.redefined.clone(),
        undecided: Vec::new(),
    };
    for env in &theory.environments {
        for change in [Change::BecomesAllowed, Change::BecomesDenied] {
            comparing.ask(env, change, &mut session, &mut comparison)?;
        }
    }
    Ok(comparison)
}

struct Comparing<'c> {
    common: &'c Common,
    theory: &'c Theory,
    roles: BTreeSet<EntityUid>,
    known: BTreeSet<EntityUid>,
}

impl<'c> Comparing<'c> {
    fn new(common: &'c Common, theory: &'c Theory) -> Result<Self, ProveError> {
        let policies = common.before.iter().chain(&common.after);
        let known: BTreeSet<EntityUid> = policies.flat_map(Policy::entity_literals).collect();
        let is_role = |uid: &&EntityUid| uid.type_name().to_string() == "Role";
        Ok(Comparing {
            common,
            theory,
            roles: known.iter().filter(is_role).cloned().collect(),
            known,
        })
    }

    /// The pack that allows what changes, and the one that does not.
    fn sides(&self, change: Change) -> (&'c [Policy], &'c [Policy]) {
        match change {
            Change::BecomesAllowed => (&self.common.after, &self.common.before),
            Change::BecomesDenied => (&self.common.before, &self.common.after),
        }
    }

    fn ask(
        &self,
        env: &RequestEnv,
        change: Change,
        session: &mut Session,
        comparison: &mut Comparison,
    ) -> Result<(), ProveError> {
        let anybody = match self.example(env, change, None, session)? {
            Answer::Never => return Ok(()),
            Answer::Unknown => {
                comparison.undecided.push(kind(env));
                return Ok(());
            }
            Answer::Found(example) => example,
        };
        let mut rows = Vec::new();
        for role in &self.roles {
            match self.example(env, change, Some(role), session)? {
                Answer::Found(example) => rows.push((Some(role), example)),
                Answer::Never => {}
                Answer::Unknown => comparison
                    .undecided
                    .push(format!("{} as {role}", kind(env))),
            }
        }
        if rows.is_empty() {
            rows.push((None, anybody));
        }
        for (role, example) in rows {
            let example = Counterexample::new(&example, &self.known)?;
            let difference = self.difference(env, change, role, example);
            comparison.differences.push(difference);
        }
        Ok(())
    }

    /// A request that changes, of somebody who holds `role` and no other that the policies name.
    fn example(
        &self,
        env: &RequestEnv,
        change: Change,
        role: Option<&EntityUid>,
        session: &mut Session,
    ) -> Result<Answer, ProveError> {
        let (allows, denies) = self.sides(change);
        let only = self.only(role)?;
        let allows = allows.iter().chain(&only);
        let allows = self.theory.compile(allows, Some(Options::Chosen), env)?;
        let denies = self.theory.compile(denies, None, env)?;
        session.allowed_only_by(&allows, &denies)
    }

    /// Forbids of everybody else.
    fn only(&self, role: Option<&EntityUid>) -> Result<Vec<Policy>, ProveError> {
        let Some(role) = role else {
            return Ok(Vec::new());
        };
        let others = self.roles.iter().filter(|other| *other != role);
        let others = others.map(|other| format!("&& !(principal in {other})"));
        let others: String = others.collect();
        let text = format!(
            "forbid (principal, action, resource) unless {{ principal in {role} {others} }};"
        );
        Ok(vec![policy("only one role", &text)?])
    }

    fn difference(
        &self,
        env: &RequestEnv,
        change: Change,
        role: Option<&EntityUid>,
        example: Counterexample,
    ) -> Difference {
        let (allows, denies) = self.sides(change);
        let allows = allows.iter().chain(&self.common.known).collect();
        let sets = [
            (allows, Decision::Allow),
            (denies.iter().collect(), Decision::Deny),
        ];
        let judge = Judge::new(&self.common.schema, sets);
        let example = match judge {
            Some(judge) => simplify(example, &judge),
            None => example,
        };
        Difference {
            change,
            action: env.action().to_string(),
            principal: env.principal().to_string(),
            resource: env.resource().to_string(),
            role: role.map(|role| AsRef::<str>::as_ref(role.id()).to_owned()),
            before: Some(example.with(|facts| self.common.as_before(facts))),
            after: Some(example.with(|facts| self.common.as_after(facts))),
        }
    }
}

/// `deploy of Deployment by Person`
fn kind(env: &RequestEnv) -> String {
    format!(
        "{} of {} by {}",
        env.action(),
        env.resource(),
        env.principal()
    )
}
