//! A loaded pack.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::bundle::{Bundle, Mode, PackData, Quorum, sha256};
use crate::cedar;
use crate::evidence::Known;
use crate::policy::actions::Vocabulary;
use crate::policy::entities::BaseTypes;
use crate::policy::read::Reader;
use crate::policy::{Rule, RuleSet, Shared, Wanted};
use crate::request::{EntityUid, Request};
use crate::verdict::{Effect, Fault, Verdict};

/// More people than this in one need is a mistake.
const MAX_NEED: u32 = 1000;

/// A loaded pack, ready to decide.
#[derive(Debug)]
pub struct Program {
    pub(crate) description: Description,
    pub(crate) schema: cedar::Schema,
    /// Whether requests are taken as they are, whatever the schema says.
    pub(crate) unchecked: bool,
    pub(crate) reader: Reader,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) base: BaseTypes,
    pub(crate) rules: RuleSet,
    /// What the rules look at.
    pub(crate) wanted: Wanted,
    pub(crate) data: PackData,
    /// Ids of the people whom rules name: `Person::"ana".active` must find her.
    pub(crate) named_people: BTreeSet<String>,
}

/// Why a bundle cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(String);

impl LoadError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        LoadError(message.into())
    }
}

/// One policy of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyInfo {
    /// `@id`
    pub id: String,
    /// Name of the pack that it comes from.
    pub pack: String,
    /// What it does when it applies.
    pub effect: Effect,
    /// Annotations but `@id`.
    pub annotations: BTreeMap<String, String>,
    /// SHA-256 of its Cedar text.
    pub digest: String,
}

/// One action of the schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionInfo {
    /// `Action::"merge"`
    pub action: EntityUid,
    /// Types that may do it, sorted.
    pub principals: Vec<String>,
    /// Types that it may be done to, sorted.
    pub resources: Vec<String>,
}

/// What a program is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Name of the pack.
    pub name: String,
    /// Version of the pack.
    pub version: String,
    /// Version of the engine.
    pub engine: String,
    /// Which requests it takes.
    pub mode: Mode,
    /// Digest of policies, schema and quorums.
    pub policy_digest: String,
    /// Sorted by id.
    pub policies: Vec<PolicyInfo>,
    /// Sorted by name.
    pub quorums: Vec<Quorum>,
    /// Sorted, without those that nobody can do.
    pub actions: Vec<ActionInfo>,
}

/// A bundle as parsed, not ready to decide.
#[derive(Debug)]
pub struct Parsed {
    bundle: Bundle,
    schema: cedar::Schema,
    rules: Vec<Rule>,
}

impl Parsed {
    /// Parses a bundle.
    ///
    /// # Errors
    /// Any policy or schema that Cedar refuses, expressions nested too deep,
    /// two policies of one id, a quorum that nobody could ever meet.
    pub fn new(bundle: Bundle) -> Result<Self, LoadError> {
        if bundle.unchecked && bundle.mode != Mode::Cedar {
            return Err(LoadError::new(
                "only requests in mode `cedar` can go unchecked",
            ));
        }
        let (schema, _) = cedar::Schema::from_cedarschema_str(&bundle.schema)
            .map_err(|e| LoadError::new(format!("schema: {e}")))?;
        let rules = bundle.policies.iter().map(Rule::load);
        let rules: Vec<Rule> = rules.collect::<Result<_, _>>()?;
        let mut ids = BTreeSet::new();
        if let Some(twice) = rules.iter().find(|rule| !ids.insert(&rule.id)) {
            return Err(LoadError::new(format!("two policies `{}`", twice.id)));
        }
        for quorum in &bundle.quorums {
            check_quorum(quorum)?;
        }
        Ok(Parsed {
            bundle,
            schema,
            rules,
        })
    }

    /// Makes all that deciding looks at, in one go: an allocator that puts one
    /// thing after the other gives it memory of its own, without a parser's remains.
    ///
    /// # Errors
    /// An action that the schema contradicts itself about.
    pub fn link(self) -> Result<Program, LoadError> {
        let unchecked = self.bundle.unchecked;
        let mut shared = Shared::default();
        for uid in self.rules.iter().flat_map(|rule| &rule.literals) {
            shared.entity(uid);
        }
        let rules = self.rules.into_iter().map(|rule| rule.settle(&mut shared));
        let rules: Vec<Rule> = rules.collect();
        let base = BaseTypes::load()?;
        let literals = rules.iter().flat_map(|rule| &rule.literals);
        let people = literals.filter(|uid| *uid.entity_type() == base.person);
        let vocabulary = Vocabulary::load(self.schema.as_ref(), &mut shared)?;
        let named_people = people.map(|uid| uid.eid().as_ref().to_owned()).collect();
        let (data, mode) = (self.bundle.data.clone(), self.bundle.mode);
        let description = describe(self.bundle, &rules, &vocabulary);
        // Where an action takes no options its rules see none.
        let options = match mode == Mode::Evidence && vocabulary.all_take("option") {
            true => data.options.as_slice(),
            false => &[],
        };
        let rules = RuleSet::new(rules, options);
        Ok(Program {
            reader: Reader::load(self.schema.as_ref(), &mut shared),
            wanted: Wanted::by(&rules, self.schema.as_ref(), &base),
            named_people,
            unchecked,
            data,
            description,
            vocabulary,
            rules,
            schema: self.schema,
            base,
        })
    }
}

impl Program {
    /// Parses and links a bundle.
    ///
    /// # Errors
    /// As [`Parsed::new`] and [`Parsed::link`].
    pub fn load(bundle: Bundle) -> Result<Self, LoadError> {
        Parsed::new(bundle)?.link()
    }

    /// Decides one request. Pure: the same program and request give the same answer.
    ///
    /// # Errors
    /// A [`Fault`] where no verdict can be reached. It is a deny.
    pub fn decide(&self, request: &Request) -> Result<Verdict, Fault> {
        crate::decide::decide(self, request)
    }

    /// Decides a request on what is known and what is brought: what [`decide`](Self::decide) says of it with both
    /// texts [joined](crate::evidence::join) for its evidence, in less time.
    ///
    /// `None` where that has to be done: if something about `brought` is out of the ordinary, or the request has
    /// evidence already.
    ///
    /// # Errors
    /// As [`decide`](Self::decide).
    pub fn decide_knowing(
        &self,
        known: &Known,
        brought: &str,
        request: &Request,
    ) -> Option<Result<Verdict, Fault>> {
        crate::decide::decide_knowing(self, known, brought, request)
    }

    /// What [`decide`](Self::decide) asks the rules about `request`: found out by the same code. `None` if the decision
    /// ends before the rules are asked; its verdict says why.
    ///
    /// Not in the engine: only authors look at facts.
    ///
    /// # Errors
    /// As [`decide`](Self::decide).
    #[cfg(not(target_arch = "wasm32"))]
    pub fn facts(&self, request: &Request) -> Result<Option<crate::Facts>, Fault> {
        crate::decide::facts(self, request)
    }

    /// What this is.
    pub fn describe(&self) -> &Description {
        &self.description
    }
}

fn check_quorum(quorum: &Quorum) -> Result<(), LoadError> {
    let sound = |count: &u32| (1..=MAX_NEED).contains(count);
    if quorum.need.is_empty() || !quorum.need.values().all(sound) {
        return Err(LoadError::new(format!(
            "quorum `{}` must need 1 to {MAX_NEED} people of at least one role",
            quorum.name
        )));
    }
    Ok(())
}

fn describe(bundle: Bundle, rules: &[Rule], vocabulary: &Vocabulary) -> Description {
    let policy_digest = bundle.digest();
    let info = |(source, rule): (crate::PolicySource, &Rule)| PolicyInfo {
        digest: sha256(source.text.as_bytes()),
        id: source.id,
        pack: source.pack,
        effect: rule.effect,
        annotations: rule.annotations.clone(),
    };
    Description {
        name: bundle.name,
        version: bundle.version,
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        mode: bundle.mode,
        policy_digest,
        policies: bundle.policies.into_iter().zip(rules).map(info).collect(),
        quorums: bundle.quorums,
        actions: vocabulary.describe(),
    }
}
