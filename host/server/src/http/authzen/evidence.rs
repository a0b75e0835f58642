//! Evidence as it comes through AuthZEN: who the directory of the server knows, and whom and what a search can find.

use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::mapping::Misfit;
use crate::http::body::{Members, Object, unique};
use crate::http::problem::Problem;

/// What a directory has, and a caller's evidence then has not.
const OF_DIRECTORY: [&str; 3] = ["people", "machines", "accounts"];

/// Cedar types of what evidence lists: the list, and the member of its items that is the id.
const LISTS: [(&str, &str, &str); 8] = [
    ("Account", "accounts", "account"),
    ("Artifact", "artifacts", "digest"),
    ("Change", "changes", "id"),
    ("Deployment", "deployments", "id"),
    ("Environment", "environments", "id"),
    ("Incident", "incidents", "id"),
    ("Machine", "machines", "id"),
    ("Person", "people", "id"),
];

const HELP: &str = "a directory is a JSON object with the lists `people`, `machines` and `accounts`; docs/facts.md has their fields";

/// People, machines and accounts as the operator has them.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    /// `"people":[...],"machines":[...],"accounts":[...]`
    members: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InFile<'a> {
    #[serde(borrow, default)]
    people: Option<&'a RawValue>,
    #[serde(borrow, default)]
    machines: Option<&'a RawValue>,
    #[serde(borrow, default)]
    accounts: Option<&'a RawValue>,
}

impl Directory {
    /// Reads the file.
    pub(super) fn read(path: &Path) -> Result<Self, Misfit> {
        let wrong = |problem: String| {
            let problem = format!("`{}`: {problem}", path.display());
            Misfit::new("directory", problem, HELP)
        };
        let json = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        Directory::parse(&json).map_err(wrong)
    }

    fn parse(json: &[u8]) -> Result<Self, String> {
        unique(json).map_err(|problem| problem.message())?;
        let Object(file): Object<InFile<'_>> =
            serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let lists = [file.people, file.machines, file.accounts];
        let mut members = String::new();
        for (name, list) in OF_DIRECTORY.into_iter().zip(lists) {
            let list = list.map_or("[]", RawValue::get);
            if !list.starts_with('[') {
                return Err(format!("`{name}` is no list"));
            }
            if !members.is_empty() {
                members.push(',');
            }
            members.push_str(&format!("\"{name}\":{list}"));
        }
        Ok(Directory { members })
    }

    /// The evidence with this directory in the place of its own.
    pub(super) fn replace(&self, evidence: &RawValue) -> Result<String, Problem> {
        let members = read(evidence)?;
        let mut json = format!("{{{}", self.members);
        for (name, value) in members.iter() {
            if !OF_DIRECTORY.contains(&name) {
                json.push(',');
                super::known::string(&mut json, name);
                json.push(':');
                json.push_str(value.get());
            }
        }
        json.push('}');
        Ok(json)
    }
}

/// Ids of everything of a Cedar type that the evidence lists.
pub(super) fn ids(evidence: &RawValue, type_name: &str) -> Result<Vec<String>, Problem> {
    let Some((_, list, id)) = LISTS.into_iter().find(|(of, ..)| *of == type_name) else {
        return Ok(Vec::new());
    };
    let Some(items) = read(evidence)?.get(list) else {
        return Ok(Vec::new());
    };
    let wrong = |problem: &str| {
        Problem::malformed(problem.to_owned()).at(&format!("context.evidence.{list}"))
    };
    let items: Vec<Members<'_>> =
        serde_json::from_str(items.get()).map_err(|_| wrong("it is no list of objects"))?;
    items
        .iter()
        .map(|item| {
            let id = item.get(id).map(RawValue::get);
            id.and_then(|id| serde_json::from_str(id).ok())
                .ok_or_else(|| wrong("not every item has an id"))
        })
        .collect()
}

fn read(evidence: &RawValue) -> Result<Members<'_>, Problem> {
    serde_json::from_str(evidence.get())
        .map_err(|_| Problem::malformed("evidence is an object").at("context.evidence"))
}
