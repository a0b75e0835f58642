//! A route that cannot be used.

use thiserror::Error;

/// What is wrong with a route, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("route {number}{}, `{key}`: {problem}", named(name.as_deref()))]
#[non_exhaustive]
pub struct RouteError {
    /// Which one, from 1, in the order of the file.
    pub number: usize,
    /// Its `name`, if it has one.
    pub name: Option<String>,
    /// The key: `principal.id`.
    pub key: String,
    /// What is wrong with its value.
    pub problem: String,
    /// What to do about it.
    pub help: String,
}

impl RouteError {
    /// For what a host finds wrong with a route that is none of this crate's business.
    pub fn new(
        number: usize,
        name: Option<String>,
        key: &str,
        problem: impl Into<String>,
        help: &str,
    ) -> Self {
        RouteError {
            number,
            name,
            key: key.to_owned(),
            problem: problem.into(),
            help: help.to_owned(),
        }
    }
}

fn named(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" (`{name}`)"))
}

/// What is wrong with a value, and what to do about it.
pub(crate) struct Problem {
    pub(crate) problem: String,
    pub(crate) help: &'static str,
}

impl Problem {
    pub(crate) fn new(problem: impl Into<String>, help: &'static str) -> Self {
        Problem {
            problem: problem.into(),
            help,
        }
    }
}
