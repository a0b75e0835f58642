//! `[pack.NAME.authzen]`: what AuthZEN's words mean to a pack.
//!
//! What the mapping does not name never reaches a policy: whoever sends a property decides only where the operator
//! said that they may.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sod_host::{Description, EntityUid, Mode};

/// `[pack.NAME.authzen]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Mapping {
    /// The entities that the server knows, a file in Cedar's JSON.
    pub entities: Option<PathBuf>,
    /// People, machines and accounts, a file that takes the place of what evidence says of them.
    pub directory: Option<PathBuf>,
    /// Keys of `context` that go into the Cedar context.
    pub context: Vec<String>,
    /// `[pack.NAME.authzen.subject.TYPE]`
    pub subject: BTreeMap<String, EntityMapping>,
    /// `[pack.NAME.authzen.resource.TYPE]`
    pub resource: BTreeMap<String, EntityMapping>,
    /// `[pack.NAME.authzen.action.NAME]`
    pub action: BTreeMap<String, ActionMapping>,
}

/// What a type of subjects or resources is to the pack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct EntityMapping {
    /// Its Cedar type; without, the one of the same name.
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    /// Properties that become attributes of the entity.
    pub properties: Vec<String>,
}

/// What an action is to the pack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ActionMapping {
    /// Its Cedar action; without, the pack's one of the same name.
    pub uid: Option<EntityUid>,
    /// Properties that go into the Cedar context.
    pub properties: Vec<String>,
    /// Keys of `context` that go into the Cedar context of this action, in place of those for all actions.
    pub context: Option<Vec<String>>,
}

/// A mapping that does not fit the pack: the key, what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// Below `pack.NAME.authzen`.
    pub(crate) key: String,
    /// What is wrong.
    pub(crate) problem: String,
    /// What to do about it.
    pub(crate) help: String,
}

impl Misfit {
    pub(super) fn new(
        key: impl Into<String>,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Misfit {
            key: key.into(),
            problem: problem.into(),
            help: help.into(),
        }
    }
}

impl Mapping {
    /// Its files, in that folder.
    pub(crate) fn resolve(&mut self, folder: &Path) {
        for path in [&mut self.entities, &mut self.directory]
            .into_iter()
            .flatten()
        {
            *path = folder.join(&path);
        }
    }

    /// Its files: when one changes the pack is loaded anew.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let files = [&self.entities, &self.directory].into_iter();
        files.flatten().cloned().collect()
    }

    /// What the pack knows is all that can be meant.
    pub(super) fn check(&self, pack: &Description) -> Result<(), Misfit> {
        let evidence = pack.mode == Mode::Evidence;
        if self.directory.is_some() && !evidence {
            return Err(Misfit::new(
                "directory",
                format!("pack `{}` takes no evidence", pack.name),
                "leave it out; `entities` has what such a pack knows",
            ));
        }
        let accounts = evidence.then_some("Account");
        let principals: BTreeSet<&str> = pack
            .actions
            .iter()
            .flat_map(|action| &action.principals)
            .map(String::as_str)
            .chain(accounts)
            .collect();
        let resources = pack.actions.iter().flat_map(|action| &action.resources);
        let resources: BTreeSet<&str> = resources.map(String::as_str).collect();
        types("subject", &self.subject, &principals, pack)?;
        types("resource", &self.resource, &resources, pack)?;
        for (name, action) in &self.action {
            self.check_action(name, action, pack)?;
        }
        let twice = repeated(&self.context).or_else(|| {
            let mut reserved = self.context.iter();
            reserved.find(|key| evidence && *key == "evidence")
        });
        twice.map_or(Ok(()), |key| {
            let problem = format!("`{key}` is there twice, or has a meaning of its own");
            Err(Misfit::new("context", problem, "leave it out"))
        })
    }

    fn check_action(
        &self,
        name: &str,
        action: &ActionMapping,
        pack: &Description,
    ) -> Result<(), Misfit> {
        let key = format!("action.{name}");
        let known = |uid: &EntityUid| pack.actions.iter().any(|info| info.action == *uid);
        let meant = action.uid.clone().or_else(|| named(pack, name).cloned());
        if !meant.as_ref().is_some_and(known) {
            let problem = format!("pack `{}` has no such action", pack.name);
            let all: Vec<_> = pack.actions.iter().map(|a| a.action.to_string()).collect();
            let help = format!("set `uid` to one of {}", all.join(", "));
            return Err(Misfit::new(key, problem, help));
        }
        let context = action.context.as_ref().unwrap_or(&self.context);
        let all: Vec<String> = context.iter().chain(&action.properties).cloned().collect();
        match repeated(&all) {
            None => Ok(()),
            // Whoever sets the one would otherwise set the other.
            Some(name) => Err(Misfit::new(
                format!("{key}.properties"),
                format!("`{name}` would come from the action and from `context`"),
                "take it from one of them",
            )),
        }
    }
}

fn types(
    table: &str,
    mapped: &BTreeMap<String, EntityMapping>,
    known: &BTreeSet<&str>,
    pack: &Description,
) -> Result<(), Misfit> {
    for (name, mapping) in mapped {
        let type_name = mapping.type_name.as_ref().unwrap_or(name);
        if !known.contains(type_name.as_str()) {
            let problem = format!("pack `{}` has no {table} of type `{type_name}`", pack.name);
            let known: Vec<_> = known.iter().copied().collect();
            let help = format!("set `type` to one of {}", known.join(", "));
            return Err(Misfit::new(format!("{table}.{name}"), problem, help));
        }
        if let Some(property) = repeated(&mapping.properties) {
            return Err(Misfit::new(
                format!("{table}.{name}.properties"),
                format!("`{property}` is there twice"),
                "leave one of them out",
            ));
        }
    }
    Ok(())
}

fn repeated(names: &[String]) -> Option<&String> {
    let mut seen = BTreeSet::new();
    names.iter().find(|name| !seen.insert(*name))
}

/// The pack's action of that name, if there is exactly one.
pub(super) fn named<'p>(pack: &'p Description, name: &str) -> Option<&'p EntityUid> {
    let mut found = pack.actions.iter().map(|info| &info.action);
    let mut found = found.by_ref().filter(|action| action.id == name);
    found.next().filter(|_| found.next().is_none())
}
