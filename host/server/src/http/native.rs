//! The native API: requests as `sod decide --request` takes them, verdicts as it prints them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sod_host::{Description, Request, Verdict};
use uuid::Uuid;

use super::App;
use super::asker::{Asker, Chosen};
use super::body::{self, Json};
use super::operation::{Operation, schema_of};
use super::problem::Problem;
use crate::packs::OpenPack;
use crate::record::Api;
use crate::service::{Asked, Decided};

/// Id of the record of the decision.
const DECISION_ID: HeaderName = HeaderName::from_static("sod-decision-id");

/// All of it.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "decide",
        summary: "May this principal do this to that?",
        paths: &["/v1/decide", "/v1/packs/{pack}/decide"],
        handler: || post(decide),
        asked: Some(schema_of::<Request>),
        answered: schema_of::<Verdict>,
    },
    Operation {
        name: "decide-batch",
        summary: "Many such questions, all of them answered",
        paths: &["/v1/decide-batch", "/v1/packs/{pack}/decide-batch"],
        handler: || post(decide_batch),
        asked: Some(schema_of::<Batch>),
        answered: schema_of::<Verdicts>,
    },
    Operation {
        name: "packs",
        summary: "What is served now",
        paths: &["/v1/packs"],
        handler: || get(packs),
        asked: None,
        answered: schema_of::<Packs>,
    },
];

/// Many questions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Batch {
    /// Each as by itself.
    requests: Vec<Request>,
}

/// Many answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Verdicts {
    /// In the order of the requests.
    verdicts: Vec<Recorded>,
}

/// A verdict that is in the decision log.
#[derive(Debug, Serialize, JsonSchema)]
struct Recorded {
    /// Id of its record.
    #[schemars(with = "String", extend("format" = "uuid"))]
    id: Uuid,
    /// The answer.
    verdict: Verdict,
}

/// What is served now.
#[derive(Debug, Serialize, JsonSchema)]
struct Packs {
    /// By name.
    packs: Vec<Served>,
}

/// A pack that is served.
#[derive(Debug, Serialize, JsonSchema)]
struct Served {
    /// Its name in paths.
    name: String,
    /// Whether it answers where no pack is named.
    default: bool,
    /// Digest of the component, which serves as a name in paths, too.
    #[schemars(with = "String")]
    digest: sod_host::Digest,
    /// What the component says of itself.
    describe: Description,
}

async fn decide(
    State(app): State<App>,
    Chosen(pack): Chosen,
    asker: Asker,
    Json(body): Json,
) -> Result<Response, Problem> {
    let request: Request = body::strict(&body)?;
    app.settings.time_is_ours(&request)?;
    let decided = ask(&app, &pack, &asker, request).await?;
    let id = HeaderValue::from_str(&decided.id.to_string());
    let mut response = axum::Json(&decided.verdict).into_response();
    if let Ok(id) = id {
        response.headers_mut().insert(DECISION_ID, id);
    }
    Ok(response)
}

async fn decide_batch(
    State(app): State<App>,
    Chosen(pack): Chosen,
    asker: Asker,
    Json(body): Json,
) -> Result<Response, Problem> {
    let Batch { requests } = body::strict(&body)?;
    app.settings.bound(requests.len(), "requests")?;
    for (ix, request) in requests.iter().enumerate() {
        let ours = app.settings.time_is_ours(request);
        ours.map_err(|problem| problem.at(&format!("requests[{ix}]")))?;
    }
    let mut verdicts = Vec::with_capacity(requests.len());
    for request in requests {
        let Decided { id, verdict, .. } = ask(&app, &pack, &asker, request).await?;
        verdicts.push(Recorded { id, verdict });
    }
    Ok(axum::Json(Verdicts { verdicts }).into_response())
}

async fn ask(
    app: &App,
    pack: &Arc<OpenPack>,
    asker: &Asker,
    request: Request,
) -> Result<Decided, Problem> {
    let asked = Asked {
        pack: Arc::clone(pack),
        request,
        origin: asker.through(Api::Native),
        shadow: false,
    };
    Ok(app.service.decide(asked).await?)
}

async fn packs(State(app): State<App>) -> axum::Json<Packs> {
    let packs = app.service.packs();
    let default = packs.get(app.settings.default.as_deref());
    let served = packs.all().into_iter().map(|pack| Served {
        name: pack.name.clone(),
        default: default.as_ref().is_some_and(|d| d.name == pack.name),
        digest: *pack.policy.digest(),
        describe: pack.policy.describe().clone(),
    });
    axum::Json(Packs {
        packs: served.collect(),
    })
}
