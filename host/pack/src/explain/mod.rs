//! Why a pack decides a request as it does: rule by rule, demand by demand, with the facts that each looked at.
//!
//! The facts are those that the engine derived, by the code that decides ([`Program::facts`]); each demand is put to
//! Cedar by itself. What an explanation says of a request is no decision: that is the component's.

mod facts;
mod flip;
mod part;
mod search;
mod sign;
mod term;

use std::fmt::Display;

use miette::Diagnostic;
use serde::Serialize;
use serde_json::Value;
use sod_core::cedar::{PrincipalConstraint, ResourceConstraint, Schema};
use sod_core::{Effect, Facts, Mode, Program, Signing, Verdict, verdict::Approval};

use facts::Asked;
use search::Search;
use term::{Clause as In, Demand, demands};

pub use facts::PlainFacts;
pub use part::{Applied, Conjunct, ExplainedRule, Fact, Made, Outcome, Part, Truth};
pub use search::{Change, ChangeKind, Turning};
pub use sod_core::{EntityUid, Request};
pub use term::Clause;

use crate::pack::Pack;
use crate::rules::Rule;

/// Why a request cannot be explained, in Cedar's words or the engine's.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{0}")]
#[diagnostic(
    code("not-explained"),
    help(
        "`sod decide` says what is wrong with a request; if it decides this one, this is a defect of `sod`"
    )
)]
pub struct Broken(pub String);

impl Broken {
    fn new(error: impl Display) -> Self {
        Broken(error.to_string())
    }
}

/// Why a request is decided as it is.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// What it explains.
    pub effect: Effect,
    /// What the rules were asked. Absent if the decision ended before they were, and so is the rest.
    pub facts: Option<PlainFacts>,
    /// The rules that concern the request, those first that decide it.
    pub rules: Vec<ExplainedRule>,
    /// The rules for other principals, actions or resources.
    pub others: Vec<ExplainedRule>,
    /// The quorums that a rule which concerns the request looks at.
    pub quorums: Vec<Place>,
    /// What became of the approvals that do not count.
    pub uncounted: Vec<Uncounted>,
}

/// A need of a quorum on one change or deployment, and who fills it.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// Name of the quorum.
    pub quorum: String,
    /// Whose approvals it counts.
    pub resource: String,
    /// The role, team, person or shift.
    pub need: String,
    /// How many people.
    pub count: u32,
    /// Who they are.
    pub people: Vec<String>,
}

/// An approval that does not count.
#[derive(Debug, Clone, Serialize)]
pub struct Uncounted {
    /// The change or deployment that it was found on.
    pub resource: String,
    /// Position in that resource's list, from 0.
    pub index: u32,
    /// The account that gave it.
    pub account: String,
    /// The person behind it.
    pub person: Option<String>,
    /// Why it does not count.
    pub code: String,
    /// What of the approval is otherwise than it would have to be.
    pub facts: Vec<Fact>,
    /// The rules that refused the approver; if none did, those that could have permitted them.
    pub rules: Vec<ExplainedRule>,
}

/// A rule, taken apart.
struct Taken<'p> {
    rule: &'p Rule,
    demands: Vec<Demand>,
}

/// A pack, ready to explain.
pub struct Explainer<'p> {
    program: Program,
    /// The same rules on facts, if the pack takes evidence.
    on_facts: Option<Program>,
    schema: Schema,
    rules: Vec<Taken<'p>>,
}

impl<'p> Explainer<'p> {
    /// Takes the rules of a pack apart.
    ///
    /// # Errors
    /// A defect: a valid pack can be explained.
    pub fn new(pack: &'p Pack) -> Result<Self, Broken> {
        let load = |pack: &Pack| Program::load(pack.bundle()).map_err(Broken::new);
        let (schema, _) = Schema::from_cedarschema_str(pack.schema()).map_err(Broken::new)?;
        let take = |rule: &'p Rule| {
            let demands = demands(&rule.policy);
            let demands = demands.ok_or_else(|| Broken::new(format!("rule `{}`", rule.id)))?;
            Ok(Taken { rule, demands })
        };
        Ok(Explainer {
            program: load(pack)?,
            on_facts: pack.on_facts().map(|pack| load(&pack)).transpose()?,
            schema,
            rules: pack.rules().iter().map(take).collect::<Result<_, _>>()?,
        })
    }

    /// Explains what the pack says to a request.
    ///
    /// # Errors
    /// The request cannot be decided.
    pub fn explain(&self, request: &Request) -> Result<Explanation, Broken> {
        let verdict = self.program.decide(request).map_err(Broken::new)?;
        let Some(told) = self.program.facts(request).map_err(Broken::new)? else {
            return Ok(Explanation {
                effect: verdict.effect,
                facts: None,
                rules: Vec::new(),
                others: Vec::new(),
                quorums: Vec::new(),
                uncounted: Vec::new(),
            });
        };
        let plain = PlainFacts::read(&told.request)?;
        let asked = Asked::new(&plain, &self.schema)?;
        let (concerned, others) = self.sorted(&told, &asked);
        Ok(Explanation {
            effect: verdict.effect,
            facts: Some(plain),
            rules: explained(&concerned, &asked, &verdict),
            others: explained(&others, &asked, &verdict),
            quorums: places(&told, &concerned),
            uncounted: self.uncounted(request, &told, &verdict)?,
        })
    }

    /// The smallest sets of signatures and facts that would turn a deny, found by deciding again. `None` if the request is
    /// allowed, or no rule was asked.
    ///
    /// # Errors
    /// The request cannot be decided.
    pub fn turning(&self, request: &Request) -> Result<Option<Turning>, Broken> {
        let verdict = self.program.decide(request).map_err(Broken::new)?;
        let told = self.program.facts(request).map_err(Broken::new)?;
        let Some(told) = told.filter(|_| verdict.effect == Effect::Deny) else {
            return Ok(None);
        };
        let plain = PlainFacts::read(&told.request)?;
        let (concerned, _) = self.sorted(&told, &Asked::new(&plain, &self.schema)?);
        Ok(Some(self.search(request, &concerned).run(&plain, &verdict)))
    }

    /// The rules that concern the request, and the others.
    fn sorted(&self, told: &Facts, asked: &Asked) -> (Vec<&Taken<'p>>, Vec<&Taken<'p>>) {
        let rules = self.rules.iter();
        rules.partition(|taken| taken.concerns(&told.request, asked))
    }

    fn search<'s>(&'s self, request: &'s Request, rules: &[&'s Taken<'p>]) -> Search<'s> {
        let rules = rules
            .iter()
            .map(|taken| (taken.rule.effect, &*taken.demands));
        let evidence = self.program.describe().mode == Mode::Evidence;
        Search {
            program: evidence.then_some((&self.program, request)),
            on_facts: self.on_facts.as_ref().unwrap_or(&self.program),
            schema: &self.schema,
            rules: rules.collect(),
        }
    }

    fn uncounted(
        &self,
        request: &Request,
        told: &Facts,
        verdict: &Verdict,
    ) -> Result<Vec<Uncounted>, Broken> {
        let evidence = match &request.evidence {
            Some(json) => serde_json::from_str(json).map_err(Broken::new)?,
            None => Value::Null,
        };
        let mut list = Vec::new();
        for approval in verdict.approvals.iter().filter(|a| a.code != "counted") {
            let of = |signing: &&Signing| {
                signing.resource == approval.resource && signing.index == approval.index
            };
            let rules = match told.signing.iter().find(of) {
                Some(signing) => self.refusing(signing, approval)?,
                None => Vec::new(),
            };
            list.push(Uncounted {
                resource: approval.resource.to_string(),
                index: approval.index,
                account: approval.account.clone(),
                person: approval.person.clone(),
                code: approval.code.clone(),
                facts: amiss(&evidence, approval),
                rules,
            });
        }
        Ok(list)
    }

    /// The rules behind a refusal, on the facts that counting asked about.
    fn refusing(
        &self,
        signing: &Signing,
        approval: &Approval,
    ) -> Result<Vec<ExplainedRule>, Broken> {
        let asked = Asked::new(&PlainFacts::read(&signing.request)?, &self.schema)?;
        let named = |taken: &&Taken<'p>| match approval.policies.as_slice() {
            [] => taken.rule.effect == Effect::Allow && taken.concerns(&signing.request, &asked),
            policies => policies.contains(&taken.rule.id),
        };
        let rules = self.rules.iter().filter(named);
        let rules = rules.map(|taken| part::explain(taken.rule, &taken.demands, &asked));
        Ok(rules.collect())
    }
}

impl Taken<'_> {
    /// Whether the rule is about such principals, this action, and such resources: whatever else it demands of them.
    fn concerns(&self, request: &Request, asked: &Asked) -> bool {
        let of = |ty: &dyn Display, uid: &EntityUid| ty.to_string() == uid.type_name;
        let principal = match self.rule.policy.principal_constraint() {
            PrincipalConstraint::Any | PrincipalConstraint::In(_) => true,
            PrincipalConstraint::Eq(uid) => of(uid.type_name(), &request.principal),
            PrincipalConstraint::Is(ty) | PrincipalConstraint::IsIn(ty, _) => {
                of(&ty, &request.principal)
            }
        };
        let resource = match self.rule.policy.resource_constraint() {
            ResourceConstraint::Any | ResourceConstraint::In(_) => true,
            ResourceConstraint::Eq(uid) => of(uid.type_name(), &request.resource),
            ResourceConstraint::Is(ty) | ResourceConstraint::IsIn(ty, _) => {
                of(&ty, &request.resource)
            }
        };
        let of_action =
            |demand: &&Demand| demand.clause == In::Scope && demand.term.text.starts_with("action");
        let mut action = self.demands.iter().filter(of_action);
        principal && resource && action.all(|d| asked.truth(&d.term.expression) == Ok(true))
    }

    fn looks_at(&self, quorum: &str) -> bool {
        let path = format!("context.quorum.{quorum}");
        self.demands.iter().any(|demand| demand.term.reads(&path))
    }
}

/// Those first that the verdict names, then those that apply.
fn explained(rules: &[&Taken<'_>], asked: &Asked, verdict: &Verdict) -> Vec<ExplainedRule> {
    let decides = |id: &str| {
        let named = |reason: &sod_core::verdict::Reason| reason.policy.as_deref() == Some(id);
        verdict.reasons.iter().any(named)
    };
    let explain = |taken: &&Taken<'_>| ExplainedRule {
        decides: decides(&taken.rule.id),
        ..part::explain(taken.rule, &taken.demands, asked)
    };
    let mut rules: Vec<ExplainedRule> = rules.iter().map(explain).collect();
    rules.sort_by_key(|rule| (!rule.decides, rule.applied == Applied::DoesNotApply));
    rules
}

fn places(told: &Facts, concerned: &[&Taken<'_>]) -> Vec<Place> {
    let looked_at = |place: &&sod_core::Place| {
        let mut rules = concerned.iter();
        rules.any(|taken| taken.looks_at(&place.quorum))
    };
    let place = |place: &sod_core::Place| Place {
        quorum: place.quorum.clone(),
        resource: place.resource.to_string(),
        need: place.need.clone(),
        count: place.count,
        people: place.people.clone(),
    };
    told.places.iter().filter(looked_at).map(place).collect()
}

/// By the code why an approval does not count: what it says, and what of its resource it would have to be equal to.
const AMISS: &[(&str, &str, Option<&str>)] = &[
    ("stale-head", "head", Some("head")),
    ("other-repository", "repository", Some("repository")),
    ("other-branch", "target", Some("target")),
    ("other-artifact", "artifact", Some("artifact")),
    ("other-environment", "environment", Some("environment")),
    ("other-action", "action", None),
    ("expired", "expires_at", None),
    ("edited", "edited", None),
    ("dismissed", "dismissed_by", None),
];

/// What of the approval is otherwise, as the evidence has it.
fn amiss(evidence: &Value, approval: &Approval) -> Vec<Fact> {
    let list = match approval.resource.type_name.as_str() {
        "Change" => "changes",
        _ => "deployments",
    };
    let entries = evidence.get(list).and_then(Value::as_array);
    let mut entries = entries.into_iter().flatten();
    let entry = entries.find(|entry| {
        entry
            .get("id")
            .is_some_and(|id| *id == approval.resource.id)
    });
    let given = |entry: &Value| {
        let at = format!("/approvals/items/{}", approval.index);
        entry.pointer(&at).cloned()
    };
    let found = AMISS.iter().find(|(code, ..)| *code == approval.code);
    let (Some(entry), Some((_, field, other))) = (entry, found) else {
        return Vec::new();
    };
    let fact = |of: String, value: Option<&Value>| {
        Some(Fact {
            of,
            relation: "is",
            value: value?.to_string(),
        })
    };
    let given = given(entry).unwrap_or_default();
    let said = fact(format!("approval.{field}"), given.get(*field));
    let is = other.and_then(|other| fact(format!("resource.{other}"), entry.get(other)));
    said.into_iter().chain(is).collect()
}
