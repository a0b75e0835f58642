//! OpenID AuthZEN Authorization API 1.0.

mod adapter;
mod answer;
mod evidence;
mod known;
mod mapping;
mod metadata;
mod model;
mod page;
mod search;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::value::RawValue;
use sod_host::Effect;

pub(crate) use adapter::Adapter;
pub(crate) use mapping::Mapping;

use self::answer::{Decision, Decisions};
use self::model::{Evaluation, Evaluations, Item, Semantic};
use super::App;
use super::asker::{Asker, Chosen};
use super::body::{self, Json, Object};
use super::operation::{Operation, one_of, schema_of};
use super::problem::Problem;
use crate::packs::OpenPack;
use crate::record::Api;
use crate::service::{Asked, Decided};

/// All of it.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "evaluation",
        summary: "May this subject do this to that?",
        paths: &[
            "/access/v1/evaluation",
            "/packs/{pack}/access/v1/evaluation",
        ],
        handler: || post(evaluation),
        asked: Some(schema_of::<Evaluation<'static>>),
        answered: schema_of::<Decision<'static>>,
    },
    Operation {
        name: "evaluations",
        summary: "Many such questions. Without `evaluations`, one",
        paths: &[
            "/access/v1/evaluations",
            "/packs/{pack}/access/v1/evaluations",
        ],
        handler: || post(evaluations),
        asked: Some(schema_of::<Evaluations<'static>>),
        answered: one_of::<Decision<'static>, Decisions<'static>>,
    },
    Operation {
        name: "search-subject",
        summary: "Who may do this to that?",
        paths: &[
            "/access/v1/search/subject",
            "/packs/{pack}/access/v1/search/subject",
        ],
        handler: || post(search::subject),
        asked: Some(schema_of::<model::SubjectSearch<'static>>),
        answered: schema_of::<search::Found<'static, search::FoundEntity>>,
    },
    Operation {
        name: "search-resource",
        summary: "To what may this subject do this?",
        paths: &[
            "/access/v1/search/resource",
            "/packs/{pack}/access/v1/search/resource",
        ],
        handler: || post(search::resource),
        asked: Some(schema_of::<model::ResourceSearch<'static>>),
        answered: schema_of::<search::Found<'static, search::FoundEntity>>,
    },
    Operation {
        name: "search-action",
        summary: "What may this subject do to that?",
        paths: &[
            "/access/v1/search/action",
            "/packs/{pack}/access/v1/search/action",
        ],
        handler: || post(search::action),
        asked: Some(schema_of::<model::ActionSearch<'static>>),
        answered: schema_of::<search::Found<'static, search::FoundAction>>,
    },
    Operation {
        name: "authzen-configuration",
        summary: "Where all of this is",
        paths: &[
            "/.well-known/authzen-configuration",
            "/.well-known/authzen-configuration/packs/{pack}",
        ],
        handler: || get(metadata::metadata),
        asked: None,
        answered: schema_of::<metadata::Metadata>,
    },
];

async fn evaluation(
    State(app): State<App>,
    Chosen(pack): Chosen,
    asker: Asker,
    body: Json,
) -> Result<Response, Problem> {
    let asked: Evaluation<'_> = body.read()?;
    let question = Question {
        app: &app,
        pack,
        asker,
    };
    let decided = question.decide(&asked).await??;
    Ok(axum::Json(Decision::of(&decided)).into_response())
}

async fn evaluations(
    State(app): State<App>,
    Chosen(pack): Chosen,
    asker: Asker,
    body: Json,
) -> Result<Response, Problem> {
    let asked: Evaluations<'_> = body.read()?;
    let question = Question {
        app: &app,
        pack,
        asker,
    };
    let items = asked.evaluations.as_deref().unwrap_or_default();
    if items.is_empty() {
        let decided = question.decide(&asked.item(Item::default())?).await??;
        return Ok(axum::Json(Decision::of(&decided)).into_response());
    }
    app.settings.bound(items.len(), "evaluations")?;
    let semantic = asked.options.as_ref().map(|options| &options.0);
    let semantic = semantic.and_then(|options| options.evaluations_semantic);
    let mut outcomes = Vec::with_capacity(items.len());
    for (ix, item) in items.iter().enumerate() {
        let outcome = match asked.read(item) {
            Ok(item) => question.decide(&item).await?,
            Err(problem) => Err(problem),
        };
        let outcome = outcome.map_err(|problem| problem.at(&format!("evaluations[{ix}]")));
        let allowed = outcome
            .as_ref()
            .is_ok_and(|decided| decided.enforced == Effect::Allow);
        outcomes.push(outcome);
        let last = match semantic.unwrap_or_default() {
            Semantic::ExecuteAll => false,
            Semantic::DenyOnFirstDeny => !allowed,
            Semantic::PermitOnFirstPermit => allowed,
        };
        if last {
            break;
        }
    }
    let evaluations = outcomes.iter().map(|outcome| match outcome {
        Ok(decided) => Decision::of(decided),
        Err(problem) => Decision::failed(problem),
    });
    let evaluations = evaluations.collect();
    Ok(axum::Json(Decisions { evaluations }).into_response())
}

/// Who asks, and what answers.
struct Question<'a> {
    app: &'a App,
    pack: Arc<OpenPack>,
    asker: Asker,
}

impl Question<'_> {
    /// The outer error is a refusal: nothing is decided at all. The inner one is about this question.
    async fn decide(&self, asked: &Evaluation<'_>) -> Result<Result<Decided, Problem>, Problem> {
        let caller_time = self.app.settings.caller_time;
        let request = match self.pack.authzen.request(asked, caller_time) {
            Ok(request) => request,
            Err(problem) => return Ok(Err(problem)),
        };
        let asked = Asked {
            pack: self.pack.clone(),
            request,
            origin: self.asker.through(Api::Authzen),
            shadow: false,
        };
        Ok(Ok(self.app.service.decide(asked).await?))
    }
}

impl<'a> Evaluations<'a> {
    fn read(&self, item: &'a RawValue) -> Result<Evaluation<'a>, Problem> {
        // A line within the item is of no use to anybody.
        let read = body::read(item.get().as_bytes());
        self.item(read.map_err(|problem| problem.on(0, 0))?)
    }

    /// The item, with what it lacks from above: each whole, or not at all.
    fn item(&self, item: Item<'a>) -> Result<Evaluation<'a>, Problem> {
        let missing = |name: &str| Problem::malformed(format!("missing field `{name}`"));
        Ok(Evaluation {
            subject: or(item.subject, &self.subject).ok_or_else(|| missing("subject"))?,
            action: or(item.action, &self.action).ok_or_else(|| missing("action"))?,
            resource: or(item.resource, &self.resource).ok_or_else(|| missing("resource"))?,
            context: item.context.or_else(|| self.context.clone()),
        })
    }
}

fn or<T: Clone>(own: Option<Object<T>>, default: &Option<Object<T>>) -> Option<Object<T>> {
    own.or_else(|| default.clone())
}
