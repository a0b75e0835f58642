//! What stands between a proxy and the packs: a request becomes a question, and the decision an answer.
//!
//! [`Gate::answer`] is the one way through. The adapters for the proxies' protocols, [`grpc`] and [`forward`], read a
//! request and write an answer, and know nothing else.

mod answer;
mod evidence;
mod forward;
mod grpc;
mod identity;
mod settings;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use axum::Router;
use sod_host::{EntityUid, Request};
use sod_route::{Code, Denial, Headers, HttpRequest, Meaning, Question, Routes};

use crate::config::{Config, ConfigError};
use crate::http;
use crate::packs::OpenPack;
use crate::record::Api;
use crate::service::{Asked, Origin, Service};

use self::answer::{Answer, Told};
use self::evidence::Finder;
use self::identity::Identities;

pub(crate) use self::settings::{RouteProblem, Settings};
pub(crate) use sod_route::Route;

pub(crate) use self::identity::Settings as IdentitySettings;

/// The gate. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    service: Service,
    current: Arc<ArcSwap<Meanings>>,
    /// Held by whoever puts others in the place of those.
    changing: Arc<Mutex<()>>,
}

/// What requests mean and whose word is taken, by a configuration in which all of that is right. It never changes; its
/// successor takes its place.
#[derive(Debug)]
pub(crate) struct Meanings {
    routes: Routes,
    identities: Identities,
    finder: Finder,
    config: Config,
}

impl Meanings {
    /// Checks routes and identities, and reads keys.
    ///
    /// # Errors
    /// Everything that is wrong with the routes, or the first thing beside them.
    pub(crate) fn read(config: &Config) -> Result<Self, ConfigError> {
        let (routes, identities, finder) = settings::valid(config)?;
        for name in routes.passing() {
            tracing::warn!(target: "sod::gate", route = name, "a route lets requests pass that no pack decides");
        }
        Ok(Meanings {
            routes,
            identities,
            finder,
            config: config.clone(),
        })
    }

    fn settings(&self) -> &Settings {
        &self.config.gate
    }
}

/// A request as a proxy hands it over.
#[derive(Debug)]
struct Arrived {
    request: HttpRequest,
    body: Vec<u8>,
    /// The name of the client's certificate, if the proxy tells it apart from headers.
    peer: Option<String>,
    /// Which proxy.
    client: Option<String>,
    api: Api,
}

impl Gate {
    /// # Errors
    /// As [`Meanings::read`].
    pub(crate) fn open(service: &Service, config: &Config) -> Result<Self, ConfigError> {
        Ok(Gate {
            service: service.clone(),
            current: Arc::new(ArcSwap::from_pointee(Meanings::read(config)?)),
            changing: Arc::default(),
        })
    }

    /// From here on requests mean this. Those under way mean what they did.
    pub(crate) fn take(&self, meanings: Meanings) {
        let _changing = self.changing();
        self.current.store(Arc::new(meanings));
    }

    /// Reads the files again that the configuration names.
    ///
    /// # Errors
    /// As [`Meanings::read`]: what there was stays.
    pub(crate) fn reload(&self) -> Result<(), ConfigError> {
        // To the end, so that no older configuration comes back.
        let _changing = self.changing();
        let meanings = Meanings::read(&self.current.load().config)?;
        self.current.store(Arc::new(meanings));
        Ok(())
    }

    /// Those files.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let config = &self.current.load().config;
        let keys = config.identity.jwt.as_ref().map(|jwt| &jwt.keys);
        let files = keys.into_iter().chain(&config.gate.evidence_ca);
        files.map(|path| config.path(path)).collect()
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        // There is nothing in it that a panic could have left half done.
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For proxies that ask over HTTP.
    pub(crate) fn forward_auth(&self) -> Router {
        forward::router(self)
    }

    /// For Envoy, over gRPC.
    pub(crate) fn ext_authz(&self) -> tonic::service::Routes {
        grpc::routes(self)
    }

    /// May the request go ahead?
    async fn answer(&self, arrived: Arrived) -> Answer {
        match self.decide(arrived).await {
            Ok(answer) => {
                answer.trace();
                answer
            }
            Err(denial) => self.deny(&denial),
        }
    }

    /// No, and no pack was asked: then there is no record of it, but an event and a count.
    fn deny(&self, denial: &Denial) -> Answer {
        self.service.metrics().denied(denial.code.as_str());
        let answer = Answer::denied(denial);
        answer.trace();
        answer
    }

    async fn decide(&self, arrived: Arrived) -> Result<Answer, Denial> {
        let current = self.current.load_full();
        current.settings().admit(arrived.client.as_deref())?;
        let now = self.service.clock().now();
        let identity = current
            .identities
            .of(&arrived.request, arrived.peer.as_deref(), now);
        let question = match current.routes.ask(&arrived.request, &identity)? {
            Meaning::Ask(question) => question,
            Meaning::Pass(pass) => {
                not_forged(&arrived, &pass.headers).map_err(|denial| denial.at(&pass.route))?;
                return Ok(Answer::passed(pass));
            }
            _ => return Err(Denial::new(Code::NoRoute, "the route means nothing known")),
        };
        let route = question.route.clone();
        let answer = match not_forged(&arrived, &question.headers) {
            Ok(()) => self.ask(&current, *question, &arrived).await,
            Err(denial) => Err(denial),
        };
        answer.map_err(|denial| denial.at(&route))
    }

    async fn ask(
        &self,
        current: &Meanings,
        question: Question,
        arrived: &Arrived,
    ) -> Result<Answer, Denial> {
        let found = current.finder.find(&question.evidence, arrived);
        let evidence = found.await?;
        let told = Told::of(&question);
        let Some(pack) = self.service.packs().get(question.pack.as_deref()) else {
            self.service.metrics().denied("no-pack");
            return Ok(Answer::unavailable(
                told,
                "no-pack",
                "the route's pack is not served",
            ));
        };
        let asked = Asked {
            request: request(&question, evidence),
            origin: origin(arrived),
            shadow: question.shadow,
            pack: Arc::<OpenPack>::clone(&pack),
        };
        Ok(match self.service.decide(asked).await {
            Ok(decided) => Answer::decided(told, question.headers, &decided),
            Err(refusal) => Answer::refused(told, &refusal, current.settings().refusal_status),
        })
    }
}

/// A proxy that asks over HTTP cannot be told to take a header out: then the client must not have sent it.
fn not_forged(arrived: &Arrived, headers: &Headers) -> Result<(), Denial> {
    if arrived.api != Api::ForwardAuth {
        return Ok(());
    }
    let set = headers.set.iter().map(|(name, _)| name);
    for name in headers.remove.iter().chain(set) {
        let mut sent = arrived.request.headers.iter();
        if sent.any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            let problem = format!("the header `{name}` is not for clients to set");
            return Err(Denial::new(Code::RequestRefused, problem));
        }
    }
    Ok(())
}

fn request(question: &Question, evidence: Option<Box<sod_host::RawValue>>) -> Request {
    let uid = |entity: &sod_route::Entity| EntityUid::new(&entity.type_name, &entity.id);
    let request = Request::new(
        uid(&question.principal),
        uid(&question.action),
        uid(&question.resource),
    );
    match evidence {
        Some(evidence) => request.with_evidence(evidence),
        None => request,
    }
}

fn origin(arrived: &Arrived) -> Origin {
    let header = |name: &str| {
        let mut headers = arrived.request.headers.iter();
        headers
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    };
    Origin {
        api: arrived.api,
        trace_id: header("traceparent").and_then(http::trace_of),
        request_id: header("x-request-id").map(|id| id.chars().take(200).collect()),
        client: arrived.client.clone(),
    }
}
