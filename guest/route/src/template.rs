//! Templates: literals, and parts of a request or an identity.

use std::iter;

use serde_json::Value;

use crate::denial::{Code, Denial};
use crate::error::Problem;
use crate::header;
use crate::request::{HttpRequest, Identity, NoClaims};
use crate::target::Target;

/// More bytes than any id has.
const LONGEST: usize = 1 << 10;

const SYNTAX: &str = "parts are `{NAME}` for a parameter of the path, `{query.NAME}`, `{header.NAME}`, `{jwt.POINTER}`, \
                      `{mtls.spiffe}`, `{mtls.dns}` and `{mtls.common-name}`; write `{{` for a brace";

/// Where a part comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Path(String),
    Query(String),
    Header(String),
    Claim(String),
    Certificate(Name),
}

/// Which name in a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Spiffe,
    Dns,
    Common,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Part(Part),
}

/// Literals and parts, of which no two touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

/// What the parts of a template are taken from.
#[derive(Debug)]
pub(crate) struct Values<'a> {
    pub(crate) parameters: Vec<(&'a str, &'a str)>,
    pub(crate) target: &'a Target<'a>,
    pub(crate) request: &'a HttpRequest,
    pub(crate) identity: &'a Identity,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err(Problem::new("it is empty", "write what it is"));
        }
        let mut pieces: Vec<Piece> = Vec::new();
        let mut rest = text;
        while let Some((piece, after)) = next(rest)? {
            rest = after;
            match (pieces.last_mut(), piece) {
                (Some(Piece::Literal(before)), Piece::Literal(more)) => before.push_str(&more),
                (Some(Piece::Part(_)), Piece::Part(_)) => {
                    let problem = format!("two parts of `{text}` touch");
                    return Err(Problem::new(
                        problem,
                        "put a separator between them, so that no two requests give the same text",
                    ));
                }
                (_, piece) => pieces.push(piece),
            }
        }
        Ok(Template { pieces })
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Part(part) => Some(part),
            Piece::Literal(_) => None,
        })
    }

    /// The literal that it begins with.
    pub(crate) fn prefix(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Literal(literal)) => literal,
            _ => "",
        }
    }

    /// All literals.
    pub(crate) fn literals(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(literal) => Some(literal.as_str()),
            Piece::Part(_) => None,
        })
    }

    pub(crate) fn render(&self, values: &Values<'_>) -> Result<String, Denial> {
        self.render_as(values, |value| Some(value.to_owned()))
    }

    /// Each part in the form that suits the place; a part that has none is refused.
    pub(crate) fn render_as(
        &self,
        values: &Values<'_>,
        form: impl Fn(&str) -> Option<String>,
    ) -> Result<String, Denial> {
        let mut text = String::new();
        let after = self.pieces.iter().skip(1).map(Some).chain(iter::once(None));
        for (at, (piece, next)) in self.pieces.iter().zip(after).enumerate() {
            let part = match piece {
                Piece::Literal(literal) => {
                    text.push_str(literal);
                    continue;
                }
                Piece::Part(part) => part,
            };
            let value = part.value(values)?;
            if let (Some(Piece::Literal(separator)), true) = (next, self.pieces.len() > at + 2) {
                separated(part, &value, separator)?;
            }
            let value = form(&value).ok_or_else(|| {
                refused(
                    part,
                    &format!("`{}` has no place here", value.escape_debug()),
                )
            })?;
            text.push_str(&value);
        }
        Ok(text)
    }
}

/// A value must not hold what separates it from the next, or two requests could give the same text.
fn separated(part: &Part, value: &str, separator: &str) -> Result<(), Denial> {
    if format!("{value}{separator}").find(separator) == Some(value.len()) {
        return Ok(());
    }
    Err(refused(
        part,
        &format!("it holds the separator `{separator}`"),
    ))
}

fn next(text: &str) -> Result<Option<(Piece, &str)>, Problem> {
    let Some(first) = text.chars().next() else {
        return Ok(None);
    };
    for (escape, brace) in [("{{", "{"), ("}}", "}")] {
        if let Some(rest) = text.strip_prefix(escape) {
            return Ok(Some((Piece::Literal(brace.to_owned()), rest)));
        }
    }
    if first == '}' {
        return Err(Problem::new("a `}` closes nothing", SYNTAX));
    }
    if let Some(rest) = text.strip_prefix('{') {
        let (name, rest) = rest
            .split_once('}')
            .ok_or_else(|| Problem::new("a `{` is not closed", SYNTAX))?;
        return Ok(Some((Piece::Part(Part::parse(name)?), rest)));
    }
    let end = text.find(['{', '}']).unwrap_or(text.len());
    let (literal, rest) = text.split_at(end);
    if literal.chars().any(char::is_control) {
        return Err(Problem::new("it has a control character", "take it out"));
    }
    Ok(Some((Piece::Literal(literal.to_owned()), rest)))
}

impl Part {
    fn parse(text: &str) -> Result<Self, Problem> {
        let unknown = || Problem::new(format!("`{{{text}}}` is no part"), SYNTAX);
        let Some((source, name)) = text.split_once('.') else {
            let part = Part::Path(text.to_owned());
            return is_parameter(text).then_some(part).ok_or_else(unknown);
        };
        match source {
            "query" if !name.is_empty() => Ok(Part::Query(name.to_owned())),
            "header" if header::is_name(name) => Ok(Part::Header(name.to_owned())),
            "header" => Err(Problem::new(
                format!("`{name}` is no header"),
                "write the name in small letters, digits and `-`",
            )),
            "jwt" if name.starts_with('/') => Ok(Part::Claim(name.to_owned())),
            "jwt" => Err(Problem::new(
                format!("`{name}` is no JSON pointer"),
                "begin it with `/`: `{jwt./sub}`",
            )),
            "mtls" => match name {
                "spiffe" => Ok(Part::Certificate(Name::Spiffe)),
                "dns" => Ok(Part::Certificate(Name::Dns)),
                "common-name" => Ok(Part::Certificate(Name::Common)),
                _ => Err(unknown()),
            },
            _ => Err(unknown()),
        }
    }

    fn value(&self, values: &Values<'_>) -> Result<String, Denial> {
        let value = match self {
            Part::Path(name) => values.parameter(name).map(str::to_owned),
            Part::Query(name) => {
                let value = values.target.parameter(name);
                value.map_err(|problem| Denial::new(Code::RequestRefused, problem))?
            }
            Part::Header(name) => values.header(name)?.map(str::to_owned),
            Part::Claim(pointer) => Some(claim(values.identity, pointer)?),
            Part::Certificate(name) => Some(name.of(values.identity)?),
        };
        let value =
            value.ok_or_else(|| Denial::new(Code::ValueMissing, format!("{self} is not there")))?;
        fit(&value).map_err(|problem| refused(self, problem))?;
        Ok(value)
    }
}

fn refused(part: &Part, problem: &str) -> Denial {
    Denial::new(Code::ValueRefused, format!("{part}: {problem}"))
}

fn fit(value: &str) -> Result<(), &'static str> {
    if value.is_empty() {
        return Err("it is empty");
    }
    if value.len() > LONGEST {
        return Err("it is longer than 1024 bytes");
    }
    if value.chars().any(char::is_control) {
        return Err("it has a control character");
    }
    if value.trim() != value {
        return Err("it has space around it");
    }
    Ok(())
}

/// Is it the name of a parameter of a path?
pub(crate) fn is_parameter(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

impl<'a> Values<'a> {
    fn parameter(&self, name: &str) -> Option<&'a str> {
        let mut parameters = self.parameters.iter();
        parameters
            .find(|(other, _)| *other == name)
            .map(|(_, value)| *value)
    }

    /// A header's one value. Proxies write two headers of a name as one, with a comma.
    pub(crate) fn header(&self, name: &str) -> Result<Option<&'a str>, Denial> {
        let refused = |problem| Denial::new(Code::RequestRefused, problem);
        let value = header::one(&self.request.headers, name).map_err(refused)?;
        if value.is_some_and(|value| value.contains(',')) {
            let problem = format!("the header `{name}` has a comma, as two headers in one");
            return Err(refused(problem));
        }
        Ok(value)
    }
}

fn claim(identity: &Identity, pointer: &str) -> Result<String, Denial> {
    let claims = identity.claims.as_ref().map_err(|why| match why {
        NoClaims::Absent => Denial::new(Code::IdentityMissing, "the request has no token"),
        NoClaims::Refused(problem) => Denial::new(
            Code::IdentityRefused,
            format!("the token is refused: {problem}"),
        ),
    })?;
    match claims.pointer(pointer) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        Some(_) => Err(Denial::new(
            Code::ValueRefused,
            format!("the claim `{pointer}` is no text and no whole number"),
        )),
        None => Err(Denial::new(
            Code::ValueMissing,
            format!("the token has no claim `{pointer}`"),
        )),
    }
}

impl Name {
    fn of(self, identity: &Identity) -> Result<String, Denial> {
        let certificate = &identity.certificate;
        let (names, prefix) = match self {
            Name::Spiffe => (&certificate.uris, "spiffe://"),
            Name::Dns => (&certificate.dns, ""),
            Name::Common => (&certificate.common_names, ""),
        };
        let mut names = names.iter().filter(|name| name.starts_with(prefix));
        let Some(name) = names.next() else {
            let problem = format!("there is no certificate with a {self}");
            return Err(Denial::new(Code::IdentityMissing, problem));
        };
        if names.next().is_some() {
            let problem = format!("the certificate has more than one {self}");
            return Err(Denial::new(Code::IdentityRefused, problem));
        }
        Ok(name.clone())
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Name::Spiffe => "SPIFFE id",
            Name::Dns => "DNS name",
            Name::Common => "common name",
        })
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Part::Path(name) => write!(f, "the path's `{name}`"),
            Part::Query(name) => write!(f, "the query parameter `{name}`"),
            Part::Header(name) => write!(f, "the header `{name}`"),
            Part::Claim(pointer) => write!(f, "the claim `{pointer}`"),
            Part::Certificate(name) => write!(f, "the certificate's {name}"),
        }
    }
}
