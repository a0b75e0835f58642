//! `matrix.toml`: what its author wrote, made into requests.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use chrono::DateTime;
use json_patch::Patch;
use serde::Deserialize;
use serde_json::{Map, Value};
use sod_core::Mode;
use sod_core::cedar::{EntityUid, Schema};
use toml::Spanned;

use super::{GOLDEN, Matrix, Person, QUESTIONS, State, Table, coverage};
use crate::cases::read_fixture;
use crate::code::Code;
use crate::finding::{Finding, Findings};
use crate::harmless::harmless;
use crate::manifest::invalid;
use crate::pack::Pack;
use crate::settings::Named;
use crate::source::{MAX_TEXT, Source};

/// More than anybody looks at.
const MAX_CELLS: usize = 20_000;
/// Characters of a label, so that a column stays a column.
const MAX_LABEL: usize = 40;
/// Characters of a title.
const MAX_TITLE: usize = 100;

/// As written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMatrix {
    fixture: Option<Spanned<String>>,
    now: Option<Spanned<String>>,
    people: Named<Spanned<String>>,
    table: Vec<RawTable>,
    #[serde(default)]
    exempt: RawExempt,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    title: Spanned<String>,
    resource: Spanned<String>,
    actions: Spanned<Vec<Spanned<String>>>,
    fixture: Option<Spanned<String>>,
    now: Option<Spanned<String>>,
    people: Option<Vec<Spanned<String>>>,
    patch: Option<Spanned<Patch>>,
    states: Spanned<Named<RawState>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawState {
    now: Option<Spanned<String>>,
    patch: Option<Spanned<Patch>>,
}

/// What the rules name and the matrix leaves out, each with the reason.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExempt {
    #[serde(default)]
    pub(super) roles: Named<String>,
    #[serde(default)]
    pub(super) actions: Named<String>,
}

/// The matrix of the pack's own folder. `None` if it has none.
///
/// # Errors
/// All that is wrong with it.
pub fn read(pack: &Pack) -> Result<Option<Matrix>, Findings> {
    let path = pack.folder().join(QUESTIONS);
    let source = match Source::read(&path, MAX_TEXT, Code::MatrixInvalid) {
        Err(finding) if finding.code == Code::MatrixInvalid => return absent(pack, finding),
        result => result?,
    };
    let raw = toml::from_str::<RawMatrix>(&source.text).map_err(|error| {
        let help = "docs/diagnostics.md#matrix-invalid has the keys and what they take";
        invalid(Code::MatrixInvalid, &source, &error).help(help)
    })?;
    let (schema, _) = Schema::from_cedarschema_str(pack.schema())
        .map_err(|error| Finding::new(Code::SchemaInvalid, error.to_string()))?;
    let mut reader = Reader {
        pack,
        schema: &schema,
        source: &source,
        fixtures: BTreeMap::new(),
        findings: Findings::default(),
    };
    let matrix = reader.matrix(&raw);
    let mut findings = reader.findings;
    // What is left out because something else is wrong with it is not left out by its author.
    if findings.is_empty() {
        findings.extend(coverage::check(
            pack,
            &schema,
            &matrix,
            &raw.exempt,
            &source,
        ));
    }
    let findings = findings.sorted();
    if findings.has_errors() {
        Err(findings)
    } else {
        Ok(Some(matrix))
    }
}

/// A pack may do without. One that had a matrix has not lost it by accident.
fn absent(pack: &Pack, finding: Finding) -> Result<Option<Matrix>, Findings> {
    if !pack.folder().join(GOLDEN).exists() {
        return Ok(None);
    }
    let help = format!(
        "a `{GOLDEN}` without its questions is compared with nothing: delete it, or bring them back"
    );
    Err(finding.help(help).into())
}

struct Reader<'a> {
    pack: &'a Pack,
    schema: &'a Schema,
    source: &'a Source,
    fixtures: BTreeMap<PathBuf, Value>,
    findings: Findings,
}

/// A column as written, with its place.
type Column<'a> = (&'a Spanned<String>, &'a RawState);

impl Reader<'_> {
    fn refuse(&mut self, at: Range<usize>, message: impl Into<String>, help: &str) {
        let finding = Finding::new(Code::MatrixInvalid, message);
        self.findings.push(finding.at(self.source, at).help(help));
    }

    fn matrix(&mut self, raw: &RawMatrix) -> Matrix {
        let rows = self.rows(raw);
        let tables: Vec<Table> = raw
            .table
            .iter()
            .filter_map(|table| self.table(raw, table, &rows))
            .collect();
        if raw.table.is_empty() || raw.people.is_empty() {
            let help = "write people under `[people]`, and at least one `[[table]]`";
            self.refuse(0..0, "nothing is asked", help);
        }
        let used: BTreeSet<&str> = tables
            .iter()
            .flat_map(|table| table.people.iter().map(|person| person.label.as_str()))
            .collect();
        for (label, _) in in_order(&raw.people) {
            let label_text = label.get_ref();
            if !tables.is_empty() && !used.contains(label_text.as_str()) {
                let message = format!("`{label_text}` is in no table");
                self.refuse(
                    label.span(),
                    message,
                    "put it into `people` of a table, or delete it",
                );
            }
        }
        let matrix = Matrix {
            pack: self.pack.name().to_owned(),
            tables,
        };
        if matrix.cells() > MAX_CELLS {
            let message = format!("{} cells are more than anybody looks at", matrix.cells());
            let help = format!("at most {MAX_CELLS}: ask for what differs");
            self.refuse(0..0, message, &help);
        }
        matrix
    }

    fn rows(&mut self, raw: &RawMatrix) -> Vec<Person> {
        let mut rows = Vec::new();
        for (label, principal) in in_order(&raw.people) {
            self.check_words(label, MAX_LABEL);
            self.check_entity(principal);
            rows.push(Person {
                label: label.get_ref().clone(),
                principal: principal.get_ref().clone(),
            });
        }
        rows
    }

    fn table(&mut self, matrix: &RawMatrix, raw: &RawTable, rows: &[Person]) -> Option<Table> {
        self.check_words(&raw.title, MAX_TITLE);
        self.check_entity(&raw.resource);
        if raw.actions.get_ref().is_empty() {
            self.refuse(
                raw.actions.span(),
                "no action is asked for",
                "`actions = [\"merge\"]`",
            );
        }
        for action in raw.actions.get_ref() {
            self.check_action(action);
        }
        if raw.states.get_ref().is_empty() {
            let help = "at least one: `\"as it is\" = {}`";
            self.refuse(raw.states.span(), "the resource has no state", help);
        }
        let people = match &raw.people {
            Some(labels) => self.chosen(labels, rows),
            None => rows.to_vec(),
        };
        let fixture = self.fixture(raw.fixture.as_ref().or(matrix.fixture.as_ref()))?;
        let fixture = self.patched(fixture, raw.patch.as_ref())?;
        let now = raw.now.as_ref().or(matrix.now.as_ref());
        let columns = in_order(raw.states.get_ref());
        let states = columns.filter_map(|column| self.state(column, &fixture, now));
        Some(Table {
            title: raw.title.get_ref().clone(),
            resource: raw.resource.get_ref().clone(),
            states: states.collect(),
            actions: raw
                .actions
                .get_ref()
                .iter()
                .map(|a| a.get_ref().clone())
                .collect(),
            people,
        })
    }

    /// The rows that a table names, in its order.
    fn chosen(&mut self, labels: &[Spanned<String>], rows: &[Person]) -> Vec<Person> {
        let mut chosen: Vec<Person> = Vec::new();
        for label in labels {
            let (text, twice) = (label.get_ref(), "each once");
            match rows.iter().find(|row| row.label == *text) {
                Some(row) if !chosen.contains(row) => chosen.push(row.clone()),
                Some(_) => self.refuse(label.span(), format!("`{text}` is there twice"), twice),
                None => {
                    let message = format!("`{text}` is nobody under `[people]`");
                    self.refuse(label.span(), message, "name people by their labels there");
                }
            }
        }
        chosen
    }

    fn state(
        &mut self,
        (label, raw): Column<'_>,
        fixture: &Value,
        now: Option<&Spanned<String>>,
    ) -> Option<State> {
        self.check_words(label, MAX_LABEL);
        let now = raw.now.as_ref().or(now);
        if let Some(now) = now {
            self.check_time(now);
        }
        let evidence = self.patched(fixture.clone(), raw.patch.as_ref())?;
        let mut rest = match (self.pack.mode(), evidence) {
            (Mode::Cedar, Value::Object(parts)) => parts,
            (_, evidence) => Map::from_iter([("evidence".to_owned(), evidence)]),
        };
        if let Some(now) = now {
            rest.insert("now".to_owned(), now.get_ref().as_str().into());
        }
        Some(State {
            label: label.get_ref().clone(),
            rest: Rc::new(rest),
        })
    }

    fn fixture(&mut self, name: Option<&Spanned<String>>) -> Option<Value> {
        let Some(name) = name else {
            return Some(Value::Object(Map::new()));
        };
        let path = Path::new(name.get_ref()).to_owned();
        if let Some(fixture) = self.fixtures.get(&path) {
            return Some(fixture.clone());
        }
        let at = |finding: Finding| finding.at(self.source, name.span());
        let fixture = self
            .findings
            .note(read_fixture(name.get_ref(), self.pack.folder(), at))?;
        let known = ["entities", "context"];
        let keys = fixture.as_object().map(|parts| parts.keys());
        let fits = keys.is_some_and(|mut keys| keys.all(|key| known.contains(&key.as_str())));
        if self.pack.mode() == Mode::Cedar && !fits {
            let message = format!(
                "`{}` is no fixture for a pack of mode `cedar`",
                name.get_ref()
            );
            let help = "it is an object with `entities` and `context`, as in a request";
            self.refuse(name.span(), message, help);
        }
        self.fixtures.insert(path, fixture.clone());
        Some(fixture)
    }

    fn patched(&mut self, mut evidence: Value, patch: Option<&Spanned<Patch>>) -> Option<Value> {
        let Some(patch) = patch else {
            return Some(evidence);
        };
        let result = json_patch::patch(&mut evidence, patch.get_ref()).map_err(|error| {
            let message = format!("the patch does not apply: {error}");
            Finding::new(Code::CasePatch, message)
                .at(self.source, self.source.first_line(patch.span()))
                .help("each path must be in the evidence as the operations before leave it")
        });
        self.findings.note(result)?;
        Some(evidence)
    }

    /// Labels and titles are shown in tables, in pictures and on terminals.
    fn check_words(&mut self, words: &Spanned<String>, most: usize) {
        let text = words.get_ref();
        let trimmed = !text.is_empty() && text.trim() == text;
        if !trimmed || text.chars().count() > most || harmless(text) != *text {
            let message = format!("`{}` is no label", harmless(text));
            let help = format!("a few words on one line, at most {most} characters");
            self.refuse(words.span(), message, &help);
        }
    }

    fn check_entity(&mut self, entity: &Spanned<String>) {
        let text = entity.get_ref();
        // Whoever asks may be named by an account; the engine says whose it is.
        let account = |uid: &EntityUid| {
            self.pack.mode() == Mode::Evidence && uid.type_name().to_string() == "Account"
        };
        let known = |uid: &EntityUid| {
            let mut types = self.schema.entity_types();
            types.any(|name| name == uid.type_name()) || account(uid)
        };
        match text.parse::<EntityUid>() {
            Ok(uid) if known(&uid) => {}
            Ok(uid) => {
                let message = format!("no schema declares the entity type `{}`", uid.type_name());
                let help =
                    "the base schema has `Person`, `Machine`, `Change`, `Deployment` and more";
                self.refuse(entity.span(), message, help);
            }
            Err(_) => {
                let message = format!("`{}` is no entity", harmless(text));
                self.refuse(
                    entity.span(),
                    message,
                    "write a type and an id: `'Person::\"ana\"'`",
                );
            }
        }
    }

    fn check_action(&mut self, action: &Spanned<String>) {
        let uid = coverage::action_uid(action.get_ref());
        if !uid.is_some_and(|uid| self.schema.actions().any(|known| *known == uid)) {
            let message = format!(
                "no schema declares the action `{}`",
                harmless(action.get_ref())
            );
            let names = self
                .schema
                .actions()
                .map(|known| known.id().unescaped().to_owned());
            let names = names.collect::<BTreeSet<_>>();
            let help = format!("it has {}", Vec::from_iter(names).join(", "));
            self.refuse(action.span(), message, &help);
        }
    }

    fn check_time(&mut self, now: &Spanned<String>) {
        if DateTime::parse_from_rfc3339(now.get_ref()).is_err() {
            let message = format!("`{}` is no time", harmless(now.get_ref()));
            self.refuse(now.span(), message, "write `\"2026-01-31T12:00:00Z\"`");
        }
    }
}

/// As the author wrote them: rows and columns have an order, TOML's tables have none.
fn in_order<T>(named: &Named<T>) -> impl Iterator<Item = (&Spanned<String>, &T)> {
    let mut items: Vec<_> = named.iter().collect();
    items.sort_by_key(|(name, _)| name.span().start);
    items.into_iter()
}
