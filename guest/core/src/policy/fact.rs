//! What rules look at, before it is anything of Cedar's.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use cedar_policy_core::ast::Value;

use crate::bundle::PackOption;
use crate::evidence::{Environment, MachineIx, PersonIx};
use crate::facts::{ChangeFacts, DeploymentFacts, People, SessionFacts};

/// An entity that facts tell of.
#[derive(Clone, Copy)]
pub(crate) enum Thing<'f> {
    Person(PersonIx),
    Machine(MachineIx),
    Change(&'f ChangeFacts<'f>),
    Deployment(&'f DeploymentFacts<'f>),
    /// That of the deployment.
    Artifact(&'f DeploymentFacts<'f>),
    Environment(&'f Environment<'f>),
    Repository(&'f str),
}

/// The value of an attribute.
pub(crate) enum Fact<'f> {
    Bool(bool),
    Long(i64),
    Text(&'f str),
    One(Thing<'f>),
    People(Cow<'f, People>),
    Machines(Cow<'f, BTreeSet<MachineIx>>),
    Changes(&'f [ChangeFacts<'f>]),
    /// Strings, or entities that are nothing but their names.
    Names(Names, BTreeSet<&'f str>),
    /// A record of Bools.
    Flags(Cow<'f, BTreeMap<String, bool>>),
    /// What the pack has chosen.
    Options(&'f [PackOption]),
    Session(SessionFacts<'f>),
    /// What only Cedar looks into.
    Other(Value),
}

/// What names are names of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    Roles,
    Teams,
    Strings,
}

impl Fact<'_> {
    pub(crate) fn people(people: impl Iterator<Item = PersonIx>) -> Self {
        Fact::People(Cow::Owned(people.collect()))
    }
}
