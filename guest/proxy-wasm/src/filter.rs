//! One request on its way through the proxy.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use sod_core::{Effect, EntityUid, Request};
use sod_route::{Entity, EvidenceFrom, Headers, Identity, Meaning, NoClaims, Question};

use crate::answer::{Decided, Refusal};
use crate::evidence::Brought;
use crate::proxy;
use crate::settings::Settings;

/// How far it has come.
enum State {
    /// Its headers have not been seen.
    New,
    /// Its evidence is in its body, of which so many bytes are here.
    Waiting {
        question: Box<Question>,
        size: usize,
    },
    /// It may go on.
    Passed,
    /// It has been answered here.
    Ended,
}

/// The filter of one request. It goes with the request, and with it all that it knew.
pub(crate) struct Filter {
    settings: Option<Rc<Settings>>,
    state: State,
}

impl Filter {
    pub(crate) fn new(settings: Option<Rc<Settings>>) -> Self {
        Filter {
            settings,
            state: State::New,
        }
    }

    /// The one place where a request is let on.
    fn settle(&mut self, outcome: Result<State, Refusal>) -> Action {
        self.state = outcome.unwrap_or_else(|refusal| {
            refusal.send();
            State::Ended
        });
        match self.state {
            State::Passed => Action::Continue,
            State::New | State::Waiting { .. } | State::Ended => Action::Pause,
        }
    }

    fn headers(&self, end_of_stream: bool) -> Result<State, Refusal> {
        let settings = self.settings()?;
        let request =
            proxy::request().ok_or_else(|| Refusal::broken("the request has no method or path"))?;
        let identity = settings.identity();
        match settings.routes.ask(&request, &identity)? {
            Meaning::Pass(pass) => {
                let headers = present(pass.headers, &request.headers);
                let_on(&pass.route, &headers, std::iter::empty())
            }
            Meaning::Ask(mut question) => {
                question.headers = present(std::mem::take(&mut question.headers), &request.headers);
                match question.evidence {
                    EvidenceFrom::Body(_) if !end_of_stream => {
                        Ok(State::Waiting { question, size: 0 })
                    }
                    _ => settings.decide(&question, 0),
                }
            }
            _ => Err(Refusal::broken("the route means something unknown")),
        }
    }

    fn body(&mut self, size: usize, end_of_stream: bool) -> Result<State, Refusal> {
        let State::Waiting { question, .. } = std::mem::replace(&mut self.state, State::Ended)
        else {
            return Err(Refusal::broken("a body came before its headers"));
        };
        let settings = self.settings()?;
        if size > settings.max_body_bytes {
            let limit = settings.max_body_bytes;
            return Err(Refusal::too_large(&question.route, limit));
        }
        if end_of_stream {
            settings.decide(&question, size)
        } else {
            Ok(State::Waiting { question, size })
        }
    }

    fn settings(&self) -> Result<Rc<Settings>, Refusal> {
        let broken = || Refusal::broken("the plugin has no configuration");
        self.settings.clone().ok_or_else(broken)
    }
}

impl Context for Filter {}

impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        let outcome = match self.state {
            State::New => self.headers(end_of_stream),
            _ => Err(Refusal::broken("headers came twice")),
        };
        self.settle(outcome)
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        match self.state {
            State::Passed => Action::Continue,
            State::Ended => Action::Pause,
            State::New | State::Waiting { .. } => {
                let outcome = self.body(size, end_of_stream);
                self.settle(outcome)
            }
        }
    }

    /// The body is at its end without having said so.
    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        match self.state {
            State::Passed => Action::Continue,
            State::Ended | State::New => Action::Pause,
            State::Waiting { size, .. } => {
                let outcome = self.body(size, true);
                self.settle(outcome)
            }
        }
    }
}

impl Settings {
    fn identity(&self) -> Identity {
        let mut identity = Identity::none();
        identity.claims = match &self.claims {
            Some(claims) => claims.read(),
            None => Err(NoClaims::Absent),
        };
        if self.believe_client_certificates {
            identity.certificate = proxy::certificate();
        }
        identity
    }

    fn decide(&self, question: &Question, body: usize) -> Result<State, Refusal> {
        let program =
            sod_engine::program().ok_or_else(|| Refusal::broken("the plugin has no pack"))?;
        let mut request = self.request(question)?;
        let brought = brought(question, body)?;
        let at = |denial: sod_route::Denial| Refusal::from(denial.at(&question.route));
        let decided = self.evidence.decide(program, &mut request, brought);
        let verdict = match decided.map_err(at)? {
            Ok(verdict) => verdict,
            Err(fault) => return Err(Refusal::fault(&question.route, fault)),
        };
        let enforced = if question.shadow {
            Effect::Allow
        } else {
            verdict.effect
        };
        let id = proxy::request_id();
        let decided = Decided {
            id: id.as_deref(),
            route: &question.route,
            pack: program.describe(),
            request: &request,
            verdict: &verdict,
            enforced,
        };
        decided.record();
        if self.respond_with_verdict {
            decided.show();
            return Ok(State::Ended);
        }
        match enforced {
            Effect::Allow => {
                let told = decided.headers();
                let_on(&question.route, &question.headers, told)
            }
            Effect::Deny => {
                decided.deny();
                Ok(State::Ended)
            }
        }
    }

    /// Without evidence.
    fn request(&self, question: &Question) -> Result<Request, Refusal> {
        let now = proxy::now().ok_or_else(|| Refusal::broken("the proxy has no clock"))?;
        Ok(Request {
            principal: uid(&question.principal),
            action: uid(&question.action),
            resource: uid(&question.resource),
            now: Some(now),
            evidence: None,
            entities: self.entities.clone(),
            context: self.context.clone(),
        })
    }
}

/// The evidence that comes with the request, whose body has so many bytes.
fn brought(question: &Question, body: usize) -> Result<Brought<'_>, Refusal> {
    match &question.evidence {
        EvidenceFrom::Nothing => Ok(Brought::Nothing),
        EvidenceFrom::Here(json) => Ok(Brought::Here(json)),
        EvidenceFrom::Body(pointer) => {
            let body = proxy::body(body);
            let body = body.ok_or_else(|| Refusal::broken("the body cannot be read"))?;
            Ok(Brought::Body(pointer, body))
        }
        _ => Err(Refusal::broken("the evidence is where no plugin reads")),
    }
}

fn uid(entity: &Entity) -> EntityUid {
    EntityUid::new(&entity.type_name, &entity.id)
}

/// Only what is there can be taken out.
fn present(mut headers: Headers, request: &[(String, String)]) -> Headers {
    let is_sent = |name: &String| {
        let mut names = request.iter().map(|(sent, _)| sent);
        names.any(|sent| sent.eq_ignore_ascii_case(name))
    };
    headers.remove.retain(is_sent);
    headers
}

/// The request as the upstream gets it.
fn let_on<'a>(
    route: &str,
    headers: &'a Headers,
    told: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<State, Refusal> {
    let removed = headers.remove.iter().all(|name| proxy::header(name, None));
    let set = headers
        .set
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let mut set = set.chain(told);
    if removed && set.all(|(name, value)| proxy::header(name, Some(value))) {
        return Ok(State::Passed);
    }
    Err(Refusal::broken(&format!(
        "the headers of the route `{route}` cannot be set"
    )))
}
