//! Who may do this, to what, or what may they do: every candidate is decided by the component.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::Serialize;
use sod_host::{EntityUid, Mode, Request};
use uuid::Uuid;

use super::adapter::Named;
use super::answer::OfPack;
use super::model::{Action, ActionSearch, ResourceSearch, SubjectSearch};
use super::page::{Page, PageAnswer};
use crate::http::App;
use crate::http::asker::{Asker, Chosen};
use crate::http::body::{Json, Members};
use crate::http::problem::Problem;
use crate::packs::OpenPack;
use crate::record::{Api, Sought};
use crate::service::SearchAsked;

/// Candidates that are decided with one list of entities, and have one record.
const TOGETHER: usize = 128;

/// As few as that are decided together, however small a page is.
const SOME: usize = 16;

/// The answer to a search.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Found<'a, T> {
    /// Which part of the results this is, if it was asked for in pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<PageAnswer>,
    /// What there is to say of it.
    context: OfSearch<'a>,
    /// All that are allowed, and nothing else.
    results: Vec<T>,
}

/// What there is to say of a search.
#[derive(Debug, Serialize, JsonSchema)]
struct OfSearch<'a> {
    /// Ids of its records in the decision log.
    #[schemars(with = "Vec<String>")]
    ids: Vec<Uuid>,
    /// What decided.
    pack: OfPack<'a>,
    /// Candidates about which no decision could be reached. They are not in the results.
    failed: usize,
}

/// A subject or resource that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FoundEntity {
    #[serde(rename = "type")]
    type_name: String,
    id: String,
}

/// An action that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FoundAction {
    name: String,
}

/// A search that is under way.
struct Search<'a> {
    app: &'a App,
    pack: &'a Arc<OpenPack>,
    asker: &'a Asker,
    sought: Sought,
    page: Option<Page>,
}

/// What it has come to.
#[derive(Debug, Default)]
struct Progress {
    ids: Vec<Uuid>,
    /// Positions of the candidates that are allowed.
    allowed: Vec<usize>,
    failed: usize,
}

/// `POST /access/v1/search/subject`
pub(super) async fn subject(
    State(app): State<App>,
    Chosen(pack): Chosen,
    asker: Asker,
    body: Json,
) -> Result<Response, Problem> {
    let asked: SubjectSearch<'_> = body.read()?;
    let adapter = &*pack.authzen;
    let (action, context) = (&asked.action.0, asked.context.as_ref());
    let resource = adapter.resource(&asked.resource.0);
    let name = &asked.subject.0.type_name;
    let sought = adapter.subject_type(name);
    let nobody = EntityUid::new(sought, "");
    let request = Request::new(nobody, adapter.action(&action.name), resource.uid.clone());
    let search = Search {
        app: &app,
        pack: &pack,
        asker: &asker,
        sought: Sought::Principal,
        page: Page::asked(asked.page.as_ref(), "subject", &body)?,
    };
    search
        .entities(&request, (name, sought), &resource, action, context)
        .await
}

/// `POST /access/v1/search/resource`
pub(super) async fn resource(
    State(app): State<App>,
    Chosen(pack): Chosen,
    asker: Asker,
    body: Json,
) -> Result<Response, Problem> {
    let asked: ResourceSearch<'_> = body.read()?;
    let adapter = &*pack.authzen;
    let (action, context) = (&asked.action.0, asked.context.as_ref());
    let subject = adapter.subject(&asked.subject.0);
    let name = &asked.resource.0.type_name;
    let sought = adapter.resource_type(name);
    let nothing = EntityUid::new(sought, "");
    let request = Request::new(subject.uid.clone(), adapter.action(&action.name), nothing);
    let search = Search {
        app: &app,
        pack: &pack,
        asker: &asker,
        sought: Sought::Resource,
        page: Page::asked(asked.page.as_ref(), "resource", &body)?,
    };
    search
        .entities(&request, (name, sought), &subject, action, context)
        .await
}

/// `POST /access/v1/search/action`
pub(super) async fn action(
    State(app): State<App>,
    Chosen(pack): Chosen,
    asker: Asker,
    body: Json,
) -> Result<Response, Problem> {
    let asked: ActionSearch<'_> = body.read()?;
    let adapter = &*pack.authzen;
    let subject = adapter.subject(&asked.subject.0);
    let resource = adapter.resource(&asked.resource.0);
    let search = Search {
        app: &app,
        pack: &pack,
        asker: &asker,
        sought: Sought::Action,
        page: Page::asked(asked.page.as_ref(), "action", &body)?,
    };
    let mut candidates = adapter.actions();
    candidates.retain(|(_, action)| {
        applies(
            &pack,
            action,
            &subject.uid.type_name,
            &resource.uid.type_name,
        )
    });
    let same_context = |one: &(&str, _), other: &(&str, _)| {
        adapter.context_keys(one.0) == adapter.context_keys(other.0)
    };
    let request = |batch: &[(&str, &EntityUid)]| {
        let name = batch.first().map_or("", |(name, _)| *name).to_owned();
        let action = Action {
            name,
            properties: None,
        };
        let request = Request::new(
            subject.uid.clone(),
            EntityUid::new("Action", ""),
            resource.uid.clone(),
        );
        search.documents(
            &[&subject, &resource],
            &action,
            asked.context.as_ref(),
            request,
        )
    };
    let uid = |candidate: &(_, &EntityUid)| candidate.1.clone();
    let progress = search.run(&candidates, uid, same_context, request).await?;
    search.answer(progress, |position| {
        let (name, _) = candidates.get(position)?;
        Some(FoundAction {
            name: (*name).to_owned(),
        })
    })
}

impl Search<'_> {
    /// Of entities of a type, by its name in AuthZEN and in Cedar. One entity is given.
    async fn entities(
        &self,
        base: &Request,
        (name, sought): (&str, &str),
        given: &Named<'_>,
        action: &Action<'_>,
        context: Option<&Members<'_>>,
    ) -> Result<Response, Problem> {
        let adapter = &self.pack.authzen;
        let (principal, resource) = (&base.principal.type_name, &base.resource.type_name);
        let ids = match applies(self.pack, &base.action, principal, resource) {
            true => adapter.candidates(sought, context)?,
            false => Vec::new(),
        };
        let all = ids.into_iter().map(|id| EntityUid::new(sought, id));
        // What is said of the one that is given must not speak for the candidate: asked by itself it would be refused.
        let (left_out, candidates): (Vec<_>, Vec<_>) =
            all.partition(|uid| given.is_described() && *uid == given.uid);
        let request = |batch: &[EntityUid]| {
            let batch: Vec<_> = batch.iter().cloned().map(Named::known).collect();
            let entities: Vec<_> = batch.iter().chain([given]).collect();
            self.documents(&entities, action, context, base.clone())
        };
        let together = |_: &EntityUid, _: &EntityUid| true;
        let mut progress = self
            .run(&candidates, EntityUid::clone, together, request)
            .await?;
        progress.failed += left_out.len();
        self.answer(progress, |position| {
            Some(FoundEntity {
                type_name: name.to_owned(),
                id: candidates.get(position)?.id.clone(),
            })
        })
    }

    fn documents(
        &self,
        entities: &[&Named<'_>],
        action: &Action<'_>,
        context: Option<&Members<'_>>,
        request: Request,
    ) -> Result<Request, Problem> {
        let caller_time = self.app.settings.caller_time;
        let documents = self
            .pack
            .authzen
            .documents(entities, action, context, caller_time)?;
        Ok(documents.go_with(request))
    }

    /// Decides about candidates until there are enough for the page, and one more to begin the next with.
    async fn run<C>(
        &self,
        candidates: &[C],
        uid: impl Fn(&C) -> EntityUid,
        together: impl Fn(&C, &C) -> bool,
        request: impl Fn(&[C]) -> Result<Request, Problem>,
    ) -> Result<Progress, Problem> {
        self.bound(candidates.len())?;
        let mut progress = Progress::default();
        let mut position = self.page.map_or(0, |page| page.begin);
        let limit = self.page.and_then(|page| page.limit);
        let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let at_once = limit.map_or(TOGETHER, |limit| limit.clamp(SOME, TOGETHER));
        let rest = candidates.get(position..).unwrap_or_default();
        for batch in rest.chunk_by(together).flat_map(|run| run.chunks(at_once)) {
            if limit.is_some_and(|limit| progress.allowed.len() > limit) {
                break;
            }
            let uids: Vec<_> = batch.iter().map(&uid).collect();
            let found = self.app.service.search(SearchAsked {
                pack: Arc::clone(self.pack),
                request: request(batch)?,
                sought: self.sought,
                candidates: uids.clone(),
                origin: self.asker.through(Api::Search),
            });
            let found = found.await?;
            let allowed = (position..).zip(&uids);
            let allowed = allowed.filter(|(_, uid)| found.results.contains(uid));
            progress
                .allowed
                .extend(allowed.map(|(position, _)| position));
            progress.ids.push(found.id);
            progress.failed += found.failed;
            position += batch.len();
        }
        Ok(progress)
    }

    fn bound(&self, candidates: usize) -> Result<(), Problem> {
        let most = self.app.settings.search_candidates;
        if candidates <= most {
            return Ok(());
        }
        let detail =
            format!("{candidates} candidates, and at most {most} are decided in one search");
        let status = StatusCode::BAD_REQUEST;
        let title = "the search is too large";
        Err(
            Problem::new(status, "search-too-large", title, detail).with_help(
                "ask about them one by one, or have the operator raise `api.search_candidates`",
            ),
        )
    }

    fn answer<T: Serialize>(
        &self,
        mut progress: Progress,
        found: impl Fn(usize) -> Option<T>,
    ) -> Result<Response, Problem> {
        let limit = self.page.and_then(|page| page.limit);
        let limit = limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        let next = progress.allowed.get(limit).copied();
        progress.allowed.truncate(limit);
        let results: Vec<T> = progress.allowed.iter().copied().filter_map(found).collect();
        Ok(axum::Json(Found {
            page: self.page.map(|page| page.answer(results.len(), next)),
            context: OfSearch {
                ids: progress.ids,
                pack: OfPack::of(self.pack),
                failed: progress.failed,
            },
            results,
        })
        .into_response())
    }
}

/// Whether the pack's schema has the action for such a principal and such a resource.
fn applies(pack: &OpenPack, action: &EntityUid, principal: &str, resource: &str) -> bool {
    let description = pack.policy.describe();
    // An account is that of a person or of a machine.
    let of_somebody = description.mode == Mode::Evidence && principal == "Account";
    description.actions.iter().any(|info| {
        info.action == *action
            && (of_somebody || info.principals.iter().any(|of| of == principal))
            && info.resources.iter().any(|of| of == resource)
    })
}
