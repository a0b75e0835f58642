//! One route by itself: every key of it.

use super::{Ask, Compiled, PATHS, Place, error, without_port};
use crate::error::{Problem, RouteError};
use crate::evidence::Pointer;
use crate::header;
use crate::route::{Decision, EntityTemplate, Evidence, Route};
use crate::template::{Part, Template, is_parameter};

/// One route being checked.
pub(super) struct Check<'a> {
    index: usize,
    route: &'a Route,
    /// Of the path, if it is valid.
    parameters: Option<Vec<&'a str>>,
    pub(super) errors: Vec<RouteError>,
}

impl<'a> Check<'a> {
    pub(super) fn new(index: usize, route: &'a Route) -> Self {
        Check {
            index,
            route,
            parameters: None,
            errors: Vec::new(),
        }
    }

    fn fail(&mut self, key: &str, problem: impl Into<String>, help: &'static str) {
        let problem = Problem::new(problem, help);
        self.errors
            .push(error(self.index, self.route, key, problem));
    }

    fn keep<T>(&mut self, key: &str, result: Result<T, Problem>) -> Option<T> {
        let keep = |problem| {
            self.errors
                .push(error(self.index, self.route, key, problem))
        };
        result.map_err(keep).ok()
    }

    pub(super) fn route(&mut self) -> Option<Compiled> {
        self.requests();
        let added = self.added();
        let removed = self.names("remove_headers", &self.route.remove_headers);
        self.names(
            "headers_set_by_a_trusted_proxy",
            &self.route.headers_set_by_a_trusted_proxy,
        );
        let ask = match self.route.decision {
            Decision::Policy => Some(self.ask()?),
            Decision::Pass => {
                self.pass();
                None
            }
        };
        let Route { methods, path, .. } = self.route;
        let described = || format!("{} {path}", methods.join("|"));
        Some(Compiled {
            name: self.route.name.clone().unwrap_or_else(described),
            methods: methods.clone(),
            hosts: self.route.hosts.clone(),
            headers: self.route.headers.clone().into_iter().collect(),
            reads_claims: reads_claims(&added, ask.as_ref()),
            added,
            removed,
            ask,
        })
    }

    /// Which requests it is for.
    fn requests(&mut self) {
        let route = self.route;
        if route.methods.is_empty() {
            self.fail("methods", "there is none", "write methods = [\"POST\"]");
        }
        for method in &route.methods {
            let capitals = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
            if method.is_empty() || !method.bytes().all(capitals) {
                self.fail(
                    "methods",
                    format!("`{method}` is no method"),
                    "write it in capitals: `POST`",
                );
            }
        }
        match parameters(&route.path) {
            Ok(parameters) => self.parameters = Some(parameters),
            Err(problem) => self.fail("path", problem, PATHS),
        }
        for host in &route.hosts {
            if host.is_empty() || *host != without_port(host) || host.contains(['*', '/', ' ']) {
                let help = "write the whole name in small letters, without port";
                self.fail("hosts", format!("`{host}` is no host"), help);
            }
        }
        let names: Vec<String> = route.headers.keys().cloned().collect();
        self.names("headers", &names);
    }

    fn names(&mut self, key: &str, names: &[String]) -> Vec<String> {
        for name in names {
            if !header::is_name(name) {
                let help = "write the name in small letters, digits and `-`";
                self.fail(key, format!("`{name}` is no header"), help);
            }
        }
        names.to_vec()
    }

    fn added(&mut self) -> Vec<(String, Template)> {
        let route = self.route;
        let names: Vec<String> = route.add_headers.keys().cloned().collect();
        self.names("add_headers", &names);
        let mut added = Vec::new();
        for (name, text) in &route.add_headers {
            let key = format!("add_headers.{name}");
            if matches!(
                name.as_str(),
                "host" | "content-length" | "transfer-encoding" | "connection"
            ) {
                self.fail(
                    &key,
                    "it would change the request itself",
                    "add another header",
                );
            }
            added.extend(
                self.template(&key, text)
                    .map(|template| (name.clone(), template)),
            );
        }
        added
    }

    /// A route that lets pass says nothing that only a pack would read.
    fn pass(&mut self) {
        let route = self.route;
        let given = [
            ("pack", route.pack.is_some()),
            ("principal", route.principal.is_some()),
            ("action", route.action.is_some()),
            ("resource", route.resource.is_some()),
            ("evidence", route.evidence.is_some()),
            ("shadow", route.shadow),
        ];
        for (key, _) in given.into_iter().filter(|(_, given)| *given) {
            let help = "take it out, or take out `decision = \"pass\"`";
            self.fail(key, "no pack is asked where `decision` is `pass`", help);
        }
    }

    fn ask(&mut self) -> Option<Ask> {
        let route = self.route;
        let principal = self.entity("principal", route.principal.as_ref());
        if let Some((_, template)) = &principal {
            self.believable("principal.id", template);
        }
        let action = self.entity("action", route.action.as_ref());
        let resource = self.entity("resource", route.resource.as_ref());
        let evidence = match &route.evidence {
            Some(evidence) => self.evidence(evidence),
            None => {
                let help = "write where it is, or `evidence = \"none\"` if the pack takes none";
                self.fail("evidence", "it is missing", help);
                None
            }
        };
        Some(Ask {
            pack: route.pack.clone(),
            principal: principal?,
            action: action?,
            resource: resource?,
            evidence: evidence?,
            shadow: route.shadow,
        })
    }

    fn entity(&mut self, key: &str, entity: Option<&EntityTemplate>) -> Option<(String, Template)> {
        let Some(entity) = entity else {
            self.fail(
                key,
                "it is missing",
                "write its `type` and `id`, or `decision = \"pass\"`",
            );
            return None;
        };
        if !entity.type_name.split("::").all(is_identifier) {
            let problem = format!("`{}` is no type of entity", entity.type_name);
            self.fail(
                &format!("{key}.type"),
                problem,
                "write it as in the schema: `Account`",
            );
        }
        let id = self.template(&format!("{key}.id"), &entity.id)?;
        Some((entity.type_name.clone(), id))
    }

    fn template(&mut self, key: &str, text: &str) -> Option<Template> {
        let template = self.keep(key, Template::parse(text))?;
        for part in template.parts() {
            if let Part::Path(name) = part
                && let Some(parameters) = &self.parameters
                && !parameters.contains(&name.as_str())
            {
                let problem = format!("the path has no parameter `{name}`");
                self.fail(
                    key,
                    problem,
                    "name it in `path`, or write where it comes from: `{query.NAME}`",
                );
            }
        }
        Some(template)
    }

    /// Who somebody is they cannot be asked to say in a path, a query or a header of their own.
    fn believable(&mut self, key: &str, template: &Template) {
        for part in template.parts() {
            let believed = match part {
                Part::Claim(_) | Part::Certificate(_) => true,
                Part::Header(name) => self.is_set_by_proxy(name),
                Part::Path(_) | Part::Query(_) => false,
            };
            if !believed {
                let help = "take it from `{jwt...}` or `{mtls...}`, or from a header that is listed in \
                            `headers_set_by_a_trusted_proxy` because a client cannot set it";
                self.fail(key, format!("{part} is what the client says it is"), help);
            }
        }
    }

    fn is_set_by_proxy(&self, name: &String) -> bool {
        self.route.headers_set_by_a_trusted_proxy.contains(name)
    }

    fn evidence(&mut self, evidence: &Evidence) -> Option<Place> {
        match evidence {
            Evidence::None => Some(Place::Nothing),
            Evidence::Body {
                pointer,
                believe_the_client,
            } => {
                self.brought("evidence.body.believe_the_client", *believe_the_client);
                let Some(pointer) = Pointer::parse(pointer) else {
                    let problem = format!("`{pointer}` is no JSON pointer");
                    self.fail(
                        "evidence.body.pointer",
                        problem,
                        "begin it with `/`: `/evidence`",
                    );
                    return None;
                };
                Some(Place::Body(pointer))
            }
            Evidence::Header {
                name,
                believe_the_client,
            } => {
                let believed = *believe_the_client || self.is_set_by_proxy(name);
                self.brought("evidence.header.believe_the_client", believed);
                self.names("evidence.header.name", std::slice::from_ref(name));
                Some(Place::Header(name.clone()))
            }
            Evidence::Directory { path, file } => {
                if path.is_empty() {
                    self.fail("evidence.directory.path", "it is empty", "name a folder");
                }
                let name = self.template("evidence.directory.file", file)?;
                if name.prefix().starts_with('.')
                    || name.literals().any(|text| text.contains(['/', '\\']))
                {
                    let problem = format!("`{file}` is no plain file name");
                    self.fail("evidence.directory.file", problem, "folders go into `path`");
                }
                Some(Place::File {
                    directory: path.clone(),
                    name,
                })
            }
            Evidence::Url(url) => self.url(url).map(Place::Url),
        }
    }

    fn brought(&mut self, key: &str, believed: bool) {
        if !believed {
            let problem = "who asks would bring the evidence that it is decided on";
            let help = "have it collected by somebody else (`directory`, `url`), or say `believe_the_client = true` if \
                        these clients may say who approved";
            self.fail(key, problem, help);
        }
    }

    fn url(&mut self, url: &str) -> Option<Template> {
        let template = self.template("evidence.url", url)?;
        let after_scheme = ["http://", "https://"]
            .iter()
            .find_map(|scheme| template.prefix().strip_prefix(scheme));
        let host = after_scheme.and_then(|rest| Some(rest.split_once('/')?.0));
        let sound = host.is_some_and(|host| {
            !host.is_empty()
                && !host.contains(['@', '?', '#', '\\'])
                && host.bytes().all(|b| b.is_ascii_graphic())
        });
        let plain = |text: &str| !text.contains('#') && text.bytes().all(|b| b.is_ascii_graphic());
        if !sound || !template.literals().all(plain) {
            let problem = format!("`{url}` has no fixed host before its parts");
            let help =
                "write `http://HOST/...`, with parts only behind the slash that follows the host";
            self.fail("evidence.url", problem, help);
        }
        Some(template)
    }
}

fn reads_claims(added: &[(String, Template)], ask: Option<&Ask>) -> bool {
    let mut templates: Vec<&Template> = added.iter().map(|(_, template)| template).collect();
    if let Some(ask) = ask {
        templates.extend([&ask.principal.1, &ask.action.1, &ask.resource.1]);
        match &ask.evidence {
            Place::File { name, .. } => templates.push(name),
            Place::Url(url) => templates.push(url),
            Place::Nothing | Place::Body(_) | Place::Header(_) => {}
        }
    }
    let mut parts = templates.into_iter().flat_map(Template::parts);
    parts.any(|part| matches!(part, Part::Claim(_)))
}

fn is_identifier(part: &str) -> bool {
    part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Names of the parameters of a path template.
fn parameters(path: &str) -> Result<Vec<&str>, String> {
    let rest = path
        .strip_prefix('/')
        .ok_or_else(|| format!("`{path}` does not begin with `/`"))?;
    let mut names = Vec::new();
    let count = rest.split('/').count();
    for (position, segment) in (1..).zip(rest.split('/')) {
        if matches!(segment, "." | "..") || segment.is_empty() && position < count {
            return Err(format!("`{path}` has an empty, `.` or `..` segment"));
        }
        let Some((literal, parameter)) = segment.split_once('{') else {
            plain(segment)?;
            continue;
        };
        plain(literal)?;
        let name = parameter
            .strip_suffix('}')
            .map(|name| name.strip_prefix('*').unwrap_or(name));
        match name {
            Some(name) if is_parameter(name) && !names.contains(&name) => names.push(name),
            _ => return Err(format!("`{segment}` ends in no parameter of its own name")),
        }
    }
    Ok(names)
}

fn plain(literal: &str) -> Result<(), String> {
    if literal.contains(['}', '\\', ';', '%', '?', '#', '*'])
        || literal.chars().any(char::is_control)
    {
        return Err(format!(
            "`{literal}` has a character that no path is matched with"
        ));
    }
    Ok(())
}
