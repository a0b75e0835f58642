//! From what the operator wrote to what can be asked: everything that is wrong is found here, all at once.

mod check;

use std::collections::{BTreeMap, BTreeSet};

use self::check::Check;
use crate::denial::{Code, Denial};
use crate::error::{Problem, RouteError};
use crate::evidence::Pointer;
use crate::header;
use crate::request::HttpRequest;
use crate::route::Route;
use crate::template::Template;

/// A route that has been found valid.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) name: String,
    methods: Vec<String>,
    hosts: Vec<String>,
    headers: Vec<(String, String)>,
    pub(crate) added: Vec<(String, Template)>,
    pub(crate) removed: Vec<String>,
    pub(crate) reads_claims: bool,
    /// Nothing if such requests pass.
    pub(crate) ask: Option<Ask>,
}

/// What is asked of which pack.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) pack: Option<String>,
    pub(crate) principal: (String, Template),
    pub(crate) action: (String, Template),
    pub(crate) resource: (String, Template),
    pub(crate) evidence: Place,
    pub(crate) shadow: bool,
}

/// Where the evidence of a route is.
#[derive(Debug)]
pub(crate) enum Place {
    Nothing,
    Body(Pointer),
    Header(String),
    File { directory: String, name: Template },
    Url(Template),
}

impl Compiled {
    /// Is the request one of its own, its path aside?
    pub(crate) fn matches(&self, request: &HttpRequest) -> Result<bool, Denial> {
        if !self.methods.contains(&request.method) {
            return Ok(false);
        }
        let host = request.host.as_deref().map(without_port);
        if !self.hosts.is_empty() && !host.is_some_and(|host| self.hosts.contains(&host)) {
            return Ok(false);
        }
        for (name, expected) in &self.headers {
            let value = header::one(&request.headers, name)
                .map_err(|problem| Denial::new(Code::RequestRefused, problem).at(&self.name))?;
            if value != Some(expected) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Does it take every request that the other would take?
    fn covers(&self, other: &Compiled) -> bool {
        let methods = other
            .methods
            .iter()
            .all(|method| self.methods.contains(method));
        let every = |host| self.hosts.contains(host);
        let hosts =
            self.hosts.is_empty() || !other.hosts.is_empty() && other.hosts.iter().all(every);
        let headers = self
            .headers
            .iter()
            .all(|header| other.headers.contains(header));
        methods && hosts && headers
    }
}

/// In small letters, without port and without the dot at the end.
fn without_port(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

type ByPath = matchit::Router<Vec<usize>>;

/// Checks all routes.
pub(crate) fn all(routes: &[Route]) -> Result<(Vec<Compiled>, ByPath), Vec<RouteError>> {
    let mut errors = Vec::new();
    let mut compiled = Vec::new();
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, route) in routes.iter().enumerate() {
        let mut check = Check::new(index, route);
        compiled.extend(check.route());
        if check.errors.is_empty() {
            groups.entry(&route.path).or_default().push(index);
        }
        errors.append(&mut check.errors);
    }
    if errors.is_empty() {
        errors = distinct(routes, &compiled, &groups);
    }
    let by_path = router(routes, groups, &mut errors);
    if errors.is_empty() {
        Ok((compiled, by_path))
    } else {
        errors.sort_by_key(|error| error.number);
        Err(errors)
    }
}

/// Names are there once, and every route can be reached.
fn distinct(
    routes: &[Route],
    compiled: &[Compiled],
    groups: &BTreeMap<&str, Vec<usize>>,
) -> Vec<RouteError> {
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    for (index, (route, valid)) in routes.iter().zip(compiled).enumerate() {
        if route.name.is_some() && !names.insert(&valid.name) {
            let problem = format!("`{}` is there twice", valid.name);
            errors.push(error(
                index,
                route,
                "name",
                Problem::new(problem, "give it another"),
            ));
        }
        let alike = groups.get(route.path.as_str()).into_iter().flatten();
        let mut before = alike.filter(|other| **other < index);
        let covering = before.find(|other| {
            compiled
                .get(**other)
                .is_some_and(|other| other.covers(valid))
        });
        if let Some(other) = covering {
            let problem = format!("no request comes to it: route {} takes them all", other + 1);
            let help = "put the narrower one first, or take one out";
            errors.push(error(index, route, "path", Problem::new(problem, help)));
        }
    }
    errors
}

fn router(
    routes: &[Route],
    groups: BTreeMap<&str, Vec<usize>>,
    errors: &mut Vec<RouteError>,
) -> ByPath {
    let mut router = ByPath::new();
    for (path, group) in groups {
        let first = group.first().copied().unwrap_or_default();
        let Err(conflict) = router.insert(path, group) else {
            continue;
        };
        let problem = match conflict {
            matchit::InsertError::Conflict { with } => Problem::new(
                format!("`{path}` and `{with}` are for the same paths"),
                "name their parameters alike",
            ),
            other => Problem::new(format!("`{path}`: {other}"), PATHS),
        };
        if let Some(route) = routes.get(first) {
            errors.push(error(first, route, "path", problem));
        }
    }
    router
}

const PATHS: &str = "write `/api/deploys/{deployment}`, or `/static/{*file}` for all that is below";

fn error(index: usize, route: &Route, key: &str, problem: Problem) -> RouteError {
    RouteError {
        number: index + 1,
        name: route.name.clone(),
        key: key.to_owned(),
        problem: problem.problem,
        help: problem.help.to_owned(),
    }
}
