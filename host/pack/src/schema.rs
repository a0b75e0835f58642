//! The schema of a pack: the base, the quorums as types, and what each pack adds.

use std::ops::Range;

use miette::Diagnostic;
use sod_core::cedar::{CedarSchemaError, Schema, SchemaFragment};
use sod_core::{Mode, OptionValue, PackData, Quorum, QuorumOf};

use crate::cedar_findings::{from_diagnostic, tidy, with_related};
use crate::code::Code;
use crate::finding::{Finding, Findings};
use crate::nesting::{Language, too_deep};
use crate::rules::nesting_too_deep;
use crate::source::Source;

/// What every pack in mode `evidence` can speak of.
pub const BASE_SCHEMA: &str = include_str!("../../../policies/base.cedarschema");

/// What most names in pack.toml are to a rule.
const BOOL: &str = "Bool";

/// Name of the base schema in findings.
const BASE_NAME: &str = "base.cedarschema";
/// Name of the generated types in findings.
const GENERATED_NAME: &str = "names in pack.toml";

/// A whole schema: its text for the engine and its meaning for the validator.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) text: String,
    /// The same with the comments of its authors, for people.
    pub(crate) as_written: String,
    pub(crate) schema: Schema,
}

/// Merges the base schema (in mode `evidence`), the quorums and the packs' own schemas.
pub(crate) fn merge(
    mode: Mode,
    quorums: &[Quorum],
    data: &PackData,
    own: &[&Source],
    findings: &mut Findings,
) -> Option<Merged> {
    let mut parts = Parts::default();
    if mode == Mode::Evidence {
        parts.push(&Source::new(BASE_NAME, BASE_SCHEMA), false);
        let types = quorum_types(quorums) + &setting_types(data);
        parts.push(&Source::new(GENERATED_NAME, types), false);
    }
    let broken: Vec<Finding> = own
        .iter()
        .filter_map(|source| check_syntax(source).err())
        .flatten()
        .collect();
    if !broken.is_empty() {
        findings.extend(broken);
        return None;
    }
    for source in own {
        parts.push(source, true);
    }
    parts.parse(mode, findings)
}

/// One Bool each: a misspelt quorum is a type error in the rule.
fn quorum_types(quorums: &[Quorum]) -> String {
    let all = quorums.iter().map(|quorum| (&quorum.name, BOOL.to_owned()));
    let of_changes = quorums
        .iter()
        .filter(|quorum| quorum.of == QuorumOf::Change);
    let of_changes = of_changes.map(|quorum| (&quorum.name, BOOL.to_owned()));
    // A quorum of changes holds for a deployment if every change that it ships meets it.
    record("ChangeQuorums", of_changes) + &record("DeploymentQuorums", all)
}

fn setting_types(data: &PackData) -> String {
    let paths = data
        .paths
        .iter()
        .map(|class| (&class.name, BOOL.to_owned()));
    let windows = data.windows.iter().map(|w| (&w.name, BOOL.to_owned()));
    let conflicts = data.conflicts.iter().map(|c| (&c.name, BOOL.to_owned()));
    let grants = data.grants.iter().map(|g| (&g.name, "Grant".to_owned()));
    let options = data
        .options
        .iter()
        .map(|o| (&o.name, option_type(&o.value)));
    record("PathClasses", paths)
        + &record("Windows", windows)
        + &record("RoleConflicts", conflicts)
        + &record("Grants", grants)
        + &record("Options", options)
}

fn option_type(value: &OptionValue) -> String {
    match value {
        OptionValue::Number(_) => "Long".to_owned(),
        OptionValue::Word { of, .. } => {
            let words: String = of.iter().map(|word| format!(" {word}: Bool,")).collect();
            format!("{{{words} }}")
        }
    }
}

fn record<'n>(name: &str, fields: impl Iterator<Item = (&'n String, String)>) -> String {
    let fields: String = fields
        .map(|(name, ty)| format!("  {name}: {ty},\n"))
        .collect();
    format!("type {name} = {{\n{fields}}};\n")
}

/// Each file must be a schema by itself, so that no two halves in two files make one.
fn check_syntax(source: &Source) -> Result<(), Vec<Finding>> {
    if let Some(at) = too_deep(&source.text, Language::Schema) {
        return Err(vec![nesting_too_deep(source, at)]);
    }
    match SchemaFragment::from_cedarschema_str(&source.text) {
        Err(error) if is_syntax(&error) => {
            let errors = with_related(&error);
            let found =
                errors.map(|error| from_diagnostic(Code::SchemaSyntax, error, source, 0..0));
            Err(found.collect())
        }
        // Anything but syntax is said with the whole schema at hand.
        _ => Ok(()),
    }
}

fn is_syntax(error: &CedarSchemaError) -> bool {
    matches!(error, CedarSchemaError::Parse(_)) && !is_duplicate(error)
}

/// The parts one after another, with what is needed to find the way back.
#[derive(Default)]
struct Parts {
    text: String,
    /// Where each part starts, and whether it is an author's.
    sources: Vec<(usize, Source, bool)>,
}

impl Parts {
    fn push(&mut self, source: &Source, own: bool) {
        self.sources.push((self.text.len(), source.clone(), own));
        self.text.push_str(&source.text);
        self.text.push('\n');
    }

    /// The part that an offset lies in, and the offset in it.
    fn locate(&self, offset: usize) -> Option<(&Source, usize, bool)> {
        let (start, source, own) = self
            .sources
            .iter()
            .rev()
            .find(|(start, ..)| *start <= offset)?;
        Some((source, offset - start, *own))
    }

    fn parse(self, mode: Mode, findings: &mut Findings) -> Option<Merged> {
        let (fragment, warnings) = match SchemaFragment::from_cedarschema_str(&self.text) {
            Ok((fragment, warnings)) => (fragment, warnings.collect::<Vec<_>>()),
            Err(error) => {
                self.report(Code::SchemaInvalid, &error, findings);
                return None;
            }
        };
        // What shadows a name of the base schema would change what the base schema means.
        if mode == Mode::Evidence && !warnings.is_empty() {
            for warning in &warnings {
                self.report_one(Code::SchemaRedefinition, warning, findings);
            }
            return None;
        }
        let text = canonical(&fragment).unwrap_or_else(|| self.text.clone());
        match Schema::from_schema_fragments([fragment]) {
            Ok(schema) => Some(Merged {
                text,
                as_written: self.text,
                schema,
            }),
            Err(error) => {
                self.report(Code::SchemaInvalid, &error, findings);
                None
            }
        }
    }

    fn report(&self, code: Code, error: &dyn Diagnostic, findings: &mut Findings) {
        for error in with_related(error) {
            let code = if is_duplicate(&error) {
                Code::SchemaRedefinition
            } else {
                code
            };
            self.report_one(code, error, findings);
        }
    }

    /// One finding at every place in an author's file; each says where the others are.
    fn report_one(&self, code: Code, diagnostic: &dyn Diagnostic, findings: &mut Findings) {
        let labels: Vec<Range<usize>> = diagnostic
            .labels()
            .into_iter()
            .flatten()
            .map(|label| label.offset()..label.offset() + label.len())
            .collect();
        let message = tidy(&diagnostic.to_string());
        let mut found = false;
        for at in &labels {
            let Some((source, start, true)) = self.locate(at.start) else {
                continue;
            };
            let range = source.first_line(start..start + at.len());
            let finding =
                Finding::new(code, self.with_others(&message, at, &labels)).at(source, range);
            findings.push(match diagnostic.help() {
                Some(help) => finding.help(tidy(&help.to_string())),
                None if code == Code::SchemaRedefinition => {
                    finding.help("a pack only adds names: choose another one")
                }
                None => finding,
            });
            found = true;
        }
        if !found {
            findings.push(Finding::new(code, message));
        }
    }

    fn with_others(&self, message: &str, at: &Range<usize>, labels: &[Range<usize>]) -> String {
        let others = labels.iter().filter(|other| *other != at);
        let places = others.filter_map(|other| {
            let (source, start, _) = self.locate(other.start)?;
            Some(source.place(start))
        });
        let places: Vec<String> = places.collect();
        match places.as_slice() {
            [] => message.to_owned(),
            places => format!("{message}; also at {}", places.join(", ")),
        }
    }
}

/// Cedar says so in its message only.
fn is_duplicate(error: &impl std::fmt::Display) -> bool {
    error.to_string().contains("declared twice")
}

/// Without comments and in Cedar's own order. `None` if that does not read back as the same.
fn canonical(fragment: &SchemaFragment) -> Option<String> {
    let text = fragment.to_cedarschema().ok()?;
    let (read, _) = SchemaFragment::from_cedarschema_str(&text).ok()?;
    let same = read.to_json_string().ok()? == fragment.to_json_string().ok()?;
    same.then_some(text)
}
