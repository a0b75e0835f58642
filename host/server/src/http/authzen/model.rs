//! The information model of AuthZEN: subject, action, resource, context, and what asks about them.
//!
//! Fields that are not here are left out of account, as the specification demands.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::http::body::{Members, Object};

/// A subject or a resource.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(rename = "SubjectOrResource")]
pub(super) struct Entity<'a> {
    /// Its type, which the mapping of the pack turns into a Cedar type.
    #[serde(rename = "type")]
    pub(super) type_name: String,
    /// Its id among those of the type.
    pub(super) id: String,
    /// Attributes. Those that the mapping names are looked at, and no others.
    #[serde(borrow, default)]
    pub(super) properties: Option<Members<'a>>,
}

/// What a search is after: a type. An id or properties of it have no meaning.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(rename = "Sought")]
pub(super) struct Sort {
    /// Its type.
    #[serde(rename = "type")]
    pub(super) type_name: String,
}

/// An action.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(super) struct Action<'a> {
    /// Its name, which the mapping of the pack turns into a Cedar action.
    pub(super) name: String,
    /// Parameters. Those that the mapping names go into the Cedar context, and no others.
    #[serde(borrow, default)]
    pub(super) properties: Option<Members<'a>>,
}

/// `POST /access/v1/evaluation`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(super) struct Evaluation<'a> {
    /// Who asks.
    #[serde(borrow)]
    pub(super) subject: Object<Entity<'a>>,
    /// What they want to do.
    pub(super) action: Object<Action<'a>>,
    /// What they want to do it to.
    pub(super) resource: Object<Entity<'a>>,
    /// The circumstances. `evidence` is the raw evidence for a pack of mode `evidence`.
    #[serde(default)]
    pub(super) context: Option<Members<'a>>,
}

/// `POST /access/v1/evaluations`
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Evaluations<'a> {
    /// What evaluations without a subject have.
    #[serde(borrow, default)]
    pub(super) subject: Option<Object<Entity<'a>>>,
    /// What evaluations without an action have.
    #[serde(default)]
    pub(super) action: Option<Object<Action<'a>>>,
    /// What evaluations without a resource have.
    #[serde(default)]
    pub(super) resource: Option<Object<Entity<'a>>>,
    /// What evaluations without a context have.
    #[serde(default)]
    pub(super) context: Option<Members<'a>>,
    /// What is asked. Without any, the above is one question.
    #[serde(default)]
    #[schemars(with = "Option<Vec<Item<'a>>>")]
    pub(super) evaluations: Option<Vec<&'a RawValue>>,
    /// How to go about it.
    #[serde(default)]
    pub(super) options: Option<Object<Options>>,
}

/// One of `evaluations`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct Item<'a> {
    /// Who asks.
    #[serde(borrow, default)]
    pub(super) subject: Option<Object<Entity<'a>>>,
    /// What they want to do.
    #[serde(default)]
    pub(super) action: Option<Object<Action<'a>>>,
    /// What they want to do it to.
    #[serde(default)]
    pub(super) resource: Option<Object<Entity<'a>>>,
    /// The circumstances.
    #[serde(default)]
    pub(super) context: Option<Members<'a>>,
}

/// How to go about many evaluations.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(super) struct Options {
    /// When to stop.
    #[serde(default)]
    pub(super) evaluations_semantic: Option<Semantic>,
}

/// When to stop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Semantic {
    /// Never.
    #[default]
    ExecuteAll,
    /// After the first that is denied.
    DenyOnFirstDeny,
    /// After the first that is allowed.
    PermitOnFirstPermit,
}

/// `POST /access/v1/search/subject`
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct SubjectSearch<'a> {
    /// What is sought.
    pub(super) subject: Object<Sort>,
    /// What they want to do.
    #[serde(borrow)]
    pub(super) action: Object<Action<'a>>,
    /// What they want to do it to.
    pub(super) resource: Object<Entity<'a>>,
    /// The circumstances.
    #[serde(default)]
    pub(super) context: Option<Members<'a>>,
    /// How much of the answer.
    #[serde(default)]
    pub(super) page: Option<Object<PageAsked>>,
}

/// `POST /access/v1/search/resource`
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ResourceSearch<'a> {
    /// Who asks.
    #[serde(borrow)]
    pub(super) subject: Object<Entity<'a>>,
    /// What they want to do.
    pub(super) action: Object<Action<'a>>,
    /// What is sought.
    pub(super) resource: Object<Sort>,
    /// The circumstances.
    #[serde(default)]
    pub(super) context: Option<Members<'a>>,
    /// How much of the answer.
    #[serde(default)]
    pub(super) page: Option<Object<PageAsked>>,
}

/// `POST /access/v1/search/action`
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ActionSearch<'a> {
    /// Who asks.
    #[serde(borrow)]
    pub(super) subject: Object<Entity<'a>>,
    /// What they want to do it to.
    pub(super) resource: Object<Entity<'a>>,
    /// The circumstances.
    #[serde(default)]
    pub(super) context: Option<Members<'a>>,
    /// How much of the answer.
    #[serde(default)]
    pub(super) page: Option<Object<PageAsked>>,
}

/// How much of the answer to a search.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(super) struct PageAsked {
    /// `next_token` of the page before.
    #[serde(default)]
    pub(super) token: Option<String>,
    /// How many results at most.
    #[serde(default)]
    pub(super) limit: Option<u32>,
}
