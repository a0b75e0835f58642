//! All routes, and what they make of a request.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::compile::{self, Ask, Compiled, Place};
use crate::denial::{Code, Denial};
use crate::error::RouteError;
use crate::evidence::{EvidenceFrom, whole};
use crate::header;
use crate::request::{HttpRequest, Identity};
use crate::route::Route;
use crate::target::{Target, encode};
use crate::template::Values;

/// Headers by which a client makes a program take its request for another one.
const OVERRIDES: [&str; 5] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];

/// Headers that only this gate sets.
const OWN: [&str; 4] = ["sod-decision-id", "sod-effect", "sod-reasons", "sod-shadow"];

/// Routes that have been found valid.
#[derive(Debug)]
pub struct Routes {
    /// By path template, the routes that have it in the order of the file.
    by_path: matchit::Router<Vec<usize>>,
    compiled: Vec<Compiled>,
    /// Every header that any route adds or removes.
    guarded: BTreeSet<String>,
}

/// What a request means.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Meaning {
    /// A pack is to be asked.
    Ask(Box<Question>),
    /// The operator lets it pass.
    Pass(Pass),
}

/// What to ask.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Question {
    /// The route's name.
    pub route: String,
    /// Which pack; the only one there is if the route does not say.
    pub pack: Option<String>,
    /// Who asks.
    pub principal: Entity,
    /// What they want to do.
    pub action: Entity,
    /// What they want to do it to.
    pub resource: Entity,
    /// Where the evidence is.
    pub evidence: EvidenceFrom,
    /// Let it pass whatever the verdict, and only record it.
    pub shadow: bool,
    /// What becomes of its headers, if it goes ahead.
    pub headers: Headers,
}

/// A request that no pack is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pass {
    /// The route's name.
    pub route: String,
    /// What becomes of its headers.
    pub headers: Headers,
}

/// What becomes of a request's headers on its way to the upstream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Headers {
    /// Set to this value, whatever the client sent.
    pub set: Vec<(String, String)>,
    /// Taken out of the client's request. None of them is in `set`.
    pub remove: Vec<String>,
}

/// An entity by type and id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entity {
    /// `Account`
    pub type_name: String,
    /// `github:finn-berg`
    pub id: String,
}

impl Routes {
    /// Checks them all.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the routes.
    pub fn new(routes: Vec<Route>) -> Result<Self, Vec<RouteError>> {
        let (compiled, by_path) = compile::all(&routes)?;
        let added = compiled.iter().flat_map(|route| &route.added);
        let removed = compiled.iter().flat_map(|route| &route.removed).cloned();
        let guarded = added
            .map(|(name, _)| name.clone())
            .chain(removed)
            .chain(OWN.map(str::to_owned))
            .collect();
        Ok(Routes {
            by_path,
            compiled,
            guarded,
        })
    }

    /// Names of the routes that let pass without a decision.
    pub fn passing(&self) -> impl Iterator<Item = &str> {
        let passing = self.compiled.iter().filter(|route| route.ask.is_none());
        passing.map(|route| route.name.as_str())
    }

    /// Each route that asks a pack: number from 1, name, and the pack if it says which.
    pub fn asking(&self) -> impl Iterator<Item = (usize, &str, Option<&str>)> {
        let routes = (1..).zip(&self.compiled);
        routes.filter_map(|(number, route)| {
            let ask = route.ask.as_ref()?;
            Some((number, route.name.as_str(), ask.pack.as_deref()))
        })
    }

    /// Does a route read claims of a token?
    pub fn read_claims(&self) -> bool {
        self.compiled.iter().any(|route| route.reads_claims)
    }

    /// Tells what the request means. The most specific path wins, as [`matchit`] has it; of the routes with that very
    /// path the first whose method, host and headers match.
    ///
    /// # Errors
    /// No route matches, or the request is not to be read in one way.
    pub fn ask(&self, request: &HttpRequest, identity: &Identity) -> Result<Meaning, Denial> {
        let refused = |problem| Denial::new(Code::RequestRefused, problem);
        let target = Target::read(&request.target).map_err(refused)?;
        for name in OVERRIDES {
            if header::has(&request.headers, name) {
                return Err(refused(format!(
                    "the header `{name}` may make it another request"
                )));
            }
        }
        let no_route = || {
            let (method, path) = (request.method.escape_debug(), target.path.escape_debug());
            Denial::new(Code::NoRoute, format!("no route is for {method} {path}"))
        };
        let found = self.by_path.at(&target.path).map_err(|_| no_route())?;
        let candidates = found.value.iter();
        for route in candidates.filter_map(|index| self.compiled.get(*index)) {
            if !route.matches(request)? {
                continue;
            }
            let values = Values {
                parameters: found.params.iter().collect(),
                target: &target,
                request,
                identity,
            };
            return self
                .meaning(route, &values)
                .map_err(|denial| denial.at(&route.name));
        }
        Err(no_route())
    }

    fn meaning(&self, route: &Compiled, values: &Values<'_>) -> Result<Meaning, Denial> {
        let mut headers = Headers {
            set: Vec::new(),
            remove: self.removed(route, values.request),
        };
        for (name, template) in &route.added {
            let value = template.render_as(values, visible)?;
            headers.set.push((name.clone(), value));
        }
        Ok(match &route.ask {
            None => Meaning::Pass(Pass {
                route: route.name.clone(),
                headers,
            }),
            Some(ask) => Meaning::Ask(Box::new(ask.question(&route.name, headers, values)?)),
        })
    }

    /// Whatever any route adds or removes a client could forge where this route does not add it.
    fn removed(&self, route: &Compiled, request: &HttpRequest) -> Vec<String> {
        let is_set = |name: &str| route.added.iter().any(|(added, _)| added == name);
        let by_name = self.guarded.iter().filter(|name| !is_set(name)).cloned();
        let sent = request
            .headers
            .iter()
            .map(|(name, _)| name.to_ascii_lowercase());
        // The client's own spellings of them, which programs may take for the same.
        let misspelt = sent.filter(|name| {
            let folded = header::folded(name);
            folded != *name && self.guarded.contains(&folded)
        });
        let all: BTreeSet<String> = by_name.chain(misspelt).collect();
        all.into_iter().collect()
    }
}

impl Ask {
    fn question(
        &self,
        route: &str,
        headers: Headers,
        values: &Values<'_>,
    ) -> Result<Question, Denial> {
        let entity = |(type_name, id): &(String, crate::template::Template)| {
            Ok(Entity {
                type_name: type_name.clone(),
                id: id.render(values)?,
            })
        };
        Ok(Question {
            route: route.to_owned(),
            pack: self.pack.clone(),
            principal: entity(&self.principal)?,
            action: entity(&self.action)?,
            resource: entity(&self.resource)?,
            evidence: self.evidence.find(values)?,
            shadow: self.shadow,
            headers,
        })
    }
}

impl Place {
    fn find(&self, values: &Values<'_>) -> Result<EvidenceFrom, Denial> {
        Ok(match self {
            Place::Nothing => EvidenceFrom::Nothing,
            Place::Body(pointer) => EvidenceFrom::Body(pointer.clone()),
            Place::Header(name) => {
                let missing = || {
                    let problem = format!("the header `{name}` with the evidence is not there");
                    Denial::new(Code::EvidenceMissing, problem)
                };
                let text = values.header(name)?.ok_or_else(missing)?;
                let json = STANDARD.decode(text.trim()).map_err(|error| {
                    let problem = format!("the header `{name}` is not base64: {error}");
                    Denial::new(Code::EvidenceRefused, problem)
                })?;
                EvidenceFrom::Here(whole(&json)?)
            }
            Place::File { directory, name } => EvidenceFrom::File {
                directory: directory.clone(),
                name: name.render_as(values, file_name)?,
            },
            Place::Url(url) => EvidenceFrom::Url(url.render_as(values, segment)?),
        })
    }
}

/// A value that a header can hold.
fn visible(value: &str) -> Option<String> {
    let fits = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    value.bytes().all(fits).then(|| value.to_owned())
}

/// A value that is no path, and neither hidden nor a device on any system.
fn file_name(value: &str) -> Option<String> {
    let fits = !value.starts_with('.') && !value.contains(['/', '\\', ':']);
    (fits && value.len() <= 200).then(|| value.to_owned())
}

/// A value that stays in its place in a URL, also if a server decodes it too early.
fn segment(value: &str) -> Option<String> {
    let climbs = value
        .split(['/', '\\'])
        .any(|part| matches!(part, "." | ".."));
    (!climbs).then(|| encode(value))
}
