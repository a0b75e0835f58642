//! A pack: read, merged with what it includes, and valid.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use sod_core::cedar::{PolicyId, PolicySet, ValidationMode, ValidationWarning, Validator};
use sod_core::{Bundle, Conflict, Mode, PackData, PolicySource, Quorum};

use crate::cedar_findings::{code_of_error, code_of_warning, from_diagnostic};
use crate::code::Code;
use crate::editor;
use crate::finding::{Finding, Findings};
use crate::folder::{Folder, read_tree};
use crate::lint;
use crate::manifest::Manifest;
use crate::nesting;
use crate::options::{Choice, OpenOption, Settled};
use crate::rules::{self, Rule};
use crate::schema::{self, Merged};
use crate::source::Source;
use crate::source::display;

/// A valid pack with everything that it includes.
#[derive(Debug, Clone)]
pub struct Pack {
    folder: PathBuf,
    folders: Vec<PathBuf>,
    name: String,
    version: String,
    description: Option<String>,
    license: Option<String>,
    mode: Mode,
    schema: String,
    schema_as_written: String,
    rules: Vec<Rule>,
    invariants: Vec<Rule>,
    quorums: Vec<Quorum>,
    data: PackData,
    options: Settled,
    /// What its own `pack.toml` sets, and where.
    own_settings: Vec<(Table, Range<usize>)>,
    manifest: Source,
    warnings: Findings,
}

/// A table of `pack.toml`: `quorum.production`.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind, self.name)
    }
}

impl Pack {
    /// Reads a pack folder, merges what it includes and validates the whole.
    ///
    /// # Errors
    /// All that is wrong with it, warnings among it.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, Findings> {
        let mut findings = Findings::default();
        let pack = build(folder.as_ref(), &mut findings);
        let findings = findings.sorted().about(folder.as_ref());
        match pack {
            Some(pack) if !findings.has_errors() => Ok(Pack {
                warnings: findings,
                ..pack
            }),
            _ => Err(findings),
        }
    }

    /// The folder, as it was asked for.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folders that it was read from, its own and those of included packs.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What it is for.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// An SPDX expression.
    pub fn license(&self) -> Option<&str> {
        self.license.as_deref()
    }

    /// Which requests it takes.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Every rule, included ones too, by id.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules in its own folder, by id.
    pub fn own_rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| rule.pack == self.name)
    }

    /// What must hold for every request, whatever the rules are; of included packs too, by id. A forbid says what is
    /// never allowed, a permit what always is.
    pub fn invariants(&self) -> &[Rule] {
        &self.invariants
    }

    /// Every quorum, included ones too, by name.
    pub fn quorums(&self) -> &[Quorum] {
        &self.quorums
    }

    /// The quorums in its own manifest, by name.
    pub(crate) fn own_quorums(&self) -> impl Iterator<Item = &Quorum> {
        let own = |quorum: &&Quorum| self.sets("quorum", &quorum.name);
        self.quorums.iter().filter(own)
    }

    /// The conflicts in its own manifest, by name.
    pub(crate) fn own_conflicts(&self) -> impl Iterator<Item = &Conflict> {
        let own = |conflict: &&Conflict| self.sets("conflict", &conflict.name);
        self.data.conflicts.iter().filter(own)
    }

    /// Is there such a table in its own manifest?
    fn sets(&self, kind: &str, name: &str) -> bool {
        let mut own = self.own_settings.iter();
        own.any(|(table, _)| table.kind == kind && table.name == name)
    }

    /// What packs say besides rules and quorums.
    pub(crate) fn data(&self) -> &PackData {
        &self.data
    }

    /// The tables of its own `pack.toml`, with their places.
    pub(crate) fn own_settings(&self) -> &[(Table, Range<usize>)] {
        &self.own_settings
    }

    /// Its own `pack.toml`.
    pub(crate) fn manifest(&self) -> &Source {
        &self.manifest
    }

    /// The whole schema in Cedar's schema syntax.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The same with the comments of its authors: all that a rule can speak of, for people and editors.
    pub fn schema_as_written(&self) -> &str {
        &self.schema_as_written
    }

    /// What packs leave open in `[option.*]`, and what it is where this pack is on top.
    pub fn options(&self) -> Vec<OpenOption> {
        self.options.open()
    }

    /// What is valid, and probably not what is meant.
    pub fn warnings(&self) -> &Findings {
        &self.warnings
    }

    /// The pack as it would be under another one that chooses `choices` of its options.
    ///
    /// # Errors
    /// An option that it does not have, or that cannot be that: what is wrong, and the remedy.
    pub fn choosing(&self, choices: &BTreeMap<String, Choice>) -> Result<Self, (String, String)> {
        let mut pack = self.clone();
        for (name, choice) in choices {
            pack.options.choose(name, choice)?;
        }
        pack.data.options = pack.options.values();
        Ok(pack)
    }

    /// The same rules for plain Cedar requests that bring the facts themselves, whatever evidence there is for them: a
    /// pack of mode `cedar` with a digest of its own, to try rules out and never to act on. `None` if this pack takes
    /// plain Cedar requests anyway.
    pub fn on_facts(&self) -> Option<Self> {
        (self.mode == Mode::Evidence).then(|| Pack {
            name: format!("{}-on-facts", self.name),
            mode: Mode::Cedar,
            // They are given, each as a Bool, and not counted; so are options.
            quorums: Vec::new(),
            data: PackData::default(),
            ..self.clone()
        })
    }

    /// All that the rules of a pack can speak of ([`Pack::schema_as_written`]), whatever is wrong with the rules.
    ///
    /// # Errors
    /// What is wrong, if that leaves it open what they can speak of.
    pub fn schema_of(folder: impl AsRef<Path>) -> Result<String, Findings> {
        let mut findings = Findings::default();
        let tree = read_tree(folder.as_ref(), &mut findings);
        let gap = findings.iter().any(|finding| leaves_a_gap(finding.code));
        let defined = tree.last().map(|root| define(&tree, root, &mut findings));
        let schema = defined.and_then(|defined| defined.schema);
        match schema.filter(|_| !gap) {
            Some(schema) => Ok(schema.as_written),
            None => Err(findings.sorted()),
        }
    }

    /// What the engine loads.
    pub fn bundle(&self) -> Bundle {
        let policy = |rule: &Rule| PolicySource {
            id: rule.id.clone(),
            pack: rule.pack.clone(),
            text: rule.text.clone(),
        };
        Bundle {
            name: self.name.clone(),
            version: self.version.clone(),
            mode: self.mode,
            schema: self.schema.clone(),
            unchecked: false,
            policies: self.rules.iter().map(policy).collect(),
            quorums: self.quorums.clone(),
            data: self.data.clone(),
        }
    }
}

/// The policies of all folders, by id.
fn parse_all(
    tree: &[Folder],
    sources: fn(&Folder) -> &[Source],
    findings: &mut Findings,
) -> Vec<Rule> {
    let parse = |folder: &Folder| -> Vec<Rule> {
        let name = &folder.manifest.name;
        let sources = sources(folder).iter();
        sources
            .flat_map(|source| rules::parse(source, name, findings))
            .collect()
    };
    let rules = tree.iter().flat_map(parse).collect();
    let mut rules = rules::refuse_duplicates(rules, findings);
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    rules
}

/// What the manifests and schemas of all folders define: all that rules can speak of.
struct Defined {
    quorums: Vec<Quorum>,
    data: PackData,
    options: Settled,
    schema: Option<Merged>,
}

fn define(tree: &[Folder], root: &Folder, findings: &mut Findings) -> Defined {
    let mode = root.manifest.mode;
    let quorums = merge_quorums(tree, findings);
    let (data, options) = merge_settings(tree, findings);
    check_leaves_out(tree, &data, findings);
    let own: Vec<&Source> = tree
        .iter()
        .filter_map(|folder| folder.schema.as_ref())
        .collect();
    if mode == Mode::Cedar && root.schema.is_none() {
        let message = "a pack in mode `cedar` needs a `schema.cedarschema`";
        let finding = Finding::new(Code::SchemaMissing, message);
        let finding = finding.at(&root.manifest.source, root.manifest.mode_at.clone());
        findings.push(finding.help("declare the entity types and actions of your requests in it"));
    }
    let nothing = mode == Mode::Cedar && own.is_empty();
    let schema = if nothing {
        None
    } else {
        schema::merge(mode, &quorums, &data, &own, findings)
    };
    Defined {
        quorums,
        data,
        options,
        schema,
    }
}

/// `None` if what is wrong leaves nothing to go on with.
fn build(path: &Path, findings: &mut Findings) -> Option<Pack> {
    let tree = read_tree(path, findings);
    let whole = !findings.iter().any(|finding| leaves_a_gap(finding.code));
    let root = tree.last()?;
    let mode = root.manifest.mode;
    check_names(&tree, findings);
    check_modes(&tree, root, findings);
    let Defined {
        quorums,
        data,
        options,
        schema,
    } = define(&tree, root, findings);
    refuse_too_many(&tree, findings)?;
    let rules = parse_all(&tree, |folder| &folder.rules, findings);
    let invariants = parse_all(&tree, |folder| &folder.invariants, findings);
    // Without a pack that it includes, most of what could be said about a rule would be wrong.
    let schema = schema.filter(|_| whole)?;
    let validator = Validator::new(schema.schema);
    let complete = !findings.has_errors();
    let faulty = validate(&rules, &validator, findings);
    validate(&invariants, &validator, findings);
    editor::check(&root.path, &schema.as_written, findings);
    findings.extend(lint::examine(&lint::Tree {
        folders: &tree,
        rules: &rules,
        invariants: &invariants,
        mode,
        data: &data,
        schema: validator.schema(),
        faulty: &faulty,
        complete,
    }));
    let manifest = &root.manifest;
    Some(Pack {
        folder: root.path.clone(),
        folders: tree.iter().map(|folder| folder.path.clone()).collect(),
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        description: manifest.description.clone(),
        license: manifest.license.clone(),
        mode,
        schema: schema.text,
        schema_as_written: schema.as_written,
        rules,
        invariants,
        quorums,
        data,
        options,
        own_settings: own_settings(manifest),
        manifest: manifest.source.clone(),
        warnings: Findings::default(),
    })
}

/// Beyond this many rules nobody knows what a pack says, and to check it would take minutes.
const MAX_RULES: usize = 10_000;

fn refuse_too_many(tree: &[Folder], findings: &mut Findings) -> Option<()> {
    let texts = tree
        .iter()
        .flat_map(|folder| folder.rules.iter().chain(&folder.invariants));
    let count: usize = texts.map(|source| nesting::policies(&source.text)).sum();
    if count <= MAX_RULES {
        return Some(());
    }
    let rules = tree.last().map(|root| root.path.join("rules"));
    let message = format!("the pack has {count} rules, with those that it includes");
    let finding = Finding::new(Code::RulesTooMany, message);
    let finding = finding.in_file(display(&rules.unwrap_or_default()));
    findings.push(finding.help(format!(
        "at most {MAX_RULES} are read: have one rule compare attributes, or ask for membership in a group, instead of one \
         rule for each name"
    )));
    None
}

fn own_settings(manifest: &Manifest) -> Vec<(Table, Range<usize>)> {
    fn tables<'a, T>(
        kind: &'static str,
        items: &'a Placed<T>,
        name: fn(&T) -> &str,
    ) -> impl Iterator<Item = (Table, Range<usize>)> + 'a {
        items.iter().map(move |(item, at)| {
            let name = name(item).to_owned();
            (Table { kind, name }, at.clone())
        })
    }
    let settings = &manifest.settings;
    let chosen = settings.options.chosen.iter().map(|(name, _, at)| {
        let (kind, name) = ("choose", name.clone());
        (Table { kind, name }, at.clone())
    });
    let stands_for = settings.stands_for.iter().map(|_| {
        let (kind, name) = ("approval", "stands_for".to_owned());
        (Table { kind, name }, manifest.name_at.clone())
    });
    tables("quorum", &manifest.quorums, |one| &one.name)
        .chain(tables("paths", &settings.paths, |one| &one.name))
        .chain(tables("window", &settings.windows, |one| &one.name))
        .chain(tables("conflict", &settings.conflicts, |one| &one.name))
        .chain(tables("option", &settings.options.defined, |one| {
            one.name()
        }))
        .chain(chosen)
        .chain(stands_for)
        .collect()
}

/// Is a whole pack, with its quorums and its schema, not there?
fn leaves_a_gap(code: Code) -> bool {
    let codes = [
        Code::IncludeMissing,
        Code::IncludeCycle,
        Code::ManifestMissing,
        Code::ManifestInvalid,
    ];
    codes.contains(&code)
}

/// A verdict and a component name the pack that a rule comes from.
fn check_names(tree: &[Folder], findings: &mut Findings) {
    let mut first: BTreeMap<&str, &Folder> = BTreeMap::new();
    for folder in tree {
        let Some(other) = first.insert(&folder.manifest.name, folder) else {
            continue;
        };
        for (one, other) in [(folder, other), (other, folder)] {
            let manifest = &one.manifest;
            let place = other.manifest.source.place(other.manifest.name_at.start);
            let message = format!(
                "another pack of this tree has the name `{}`: {place}",
                manifest.name
            );
            let finding = Finding::new(Code::NameDuplicate, message);
            findings.push(finding.at(&manifest.source, manifest.name_at.clone()));
        }
    }
}

fn check_modes(tree: &[Folder], root: &Folder, findings: &mut Findings) {
    let word = |mode| match mode {
        Mode::Evidence => "evidence",
        Mode::Cedar => "cedar",
    };
    for manifest in tree.iter().map(|folder| &folder.manifest) {
        if manifest.mode != root.manifest.mode {
            let message = format!(
                "pack `{}` is of mode `{}` and included by one of mode `{}`",
                manifest.name,
                word(manifest.mode),
                word(root.manifest.mode)
            );
            let finding = Finding::new(Code::ModeConflict, message)
                .at(&manifest.source, manifest.mode_at.clone());
            findings.push(finding.help("give all packs that are merged the same `mode`"));
        }
        if manifest.mode == Mode::Cedar {
            for (quorum, at) in &manifest.quorums {
                let message = format!("quorum `{}` in a pack of mode `cedar`", quorum.name);
                let finding =
                    Finding::new(Code::ModeConflict, message).at(&manifest.source, at.clone());
                findings
                    .push(finding.help("quorums are counted from evidence: use mode `evidence`"));
            }
            for group in manifest.declared.keys() {
                let message = format!("`{}s` in a pack of mode `cedar`", group.noun());
                let finding = Finding::new(Code::ModeConflict, message)
                    .at(&manifest.source, manifest.mode_at.clone());
                findings
                    .push(finding.help("they are those of the base schema: use mode `evidence`"));
            }
        }
    }
}

/// A quorum that leaves somebody out says by which number.
fn check_leaves_out(tree: &[Folder], data: &PackData, findings: &mut Findings) {
    for manifest in tree.iter().map(|folder| &folder.manifest) {
        for (quorum, at) in &manifest.quorums {
            let named = [
                &quorum.leaves_out.reciprocal_reviews,
                &quorum.leaves_out.quicker_than_seconds,
            ];
            for name in named.into_iter().flatten() {
                if data.number(name).is_none() {
                    let message = format!(
                        "quorum `{}` leaves people out by `{name}`, which is no option that is a number",
                        quorum.name
                    );
                    let finding = Finding::new(Code::QuorumInvalid, message);
                    findings.push(finding.at(&manifest.source, at.clone()).help(
                        "define it: `[option.NAME]` with `stricter = \"lower\"` or `\"higher\"` and a default",
                    ));
                }
            }
        }
    }
}

/// Items of a pack, each with its place.
type Placed<T> = Vec<(T, std::ops::Range<usize>)>;

/// What packs name in pack.toml, and what it is when two of them name different things the same.
struct Kind {
    what: &'static str,
    conflict: Code,
}

/// By name. The same item in two packs is one; different ones of one name are a finding at both.
fn merge<T: PartialEq + Clone>(
    tree: &[Folder],
    kind: &Kind,
    list: fn(&Manifest) -> &Placed<T>,
    name: fn(&T) -> &str,
    findings: &mut Findings,
) -> Vec<T> {
    let mut merged: BTreeMap<&str, (&T, Place<'_>)> = BTreeMap::new();
    for folder in tree {
        for (item, at) in list(&folder.manifest) {
            let place = (&folder.manifest.source, at);
            let (other, other_place) = *merged.entry(name(item)).or_insert((item, place));
            if other != item {
                findings.push(conflict(kind, name(item), place, other_place));
                findings.push(conflict(kind, name(item), other_place, place));
            }
        }
    }
    merged.into_values().map(|(item, _)| item.clone()).collect()
}

fn merge_quorums(tree: &[Folder], findings: &mut Findings) -> Vec<Quorum> {
    let kind = Kind {
        what: "quorum",
        conflict: Code::QuorumConflict,
    };
    merge(tree, &kind, |m| &m.quorums, |q| &q.name, findings)
}

/// The strictest that any pack says of approvals, and the rest by name.
fn merge_settings(tree: &[Folder], findings: &mut Findings) -> (PackData, Settled) {
    let kind = |what| Kind {
        what,
        conflict: Code::SettingConflict,
    };
    let said = tree.iter().filter_map(|f| f.manifest.settings.stands_for);
    let defined = merge(
        tree,
        &kind("option"),
        |m| &m.settings.options.defined,
        |o| o.name(),
        findings,
    );
    let options = Settled::of(tree, defined, findings);
    let data = PackData {
        stands_for: said.min().unwrap_or_default(),
        paths: merge(
            tree,
            &kind("class of paths"),
            |m| &m.settings.paths,
            |p| &p.name,
            findings,
        ),
        windows: merge(
            tree,
            &kind("window"),
            |m| &m.settings.windows,
            |w| &w.name,
            findings,
        ),
        conflicts: merge(
            tree,
            &kind("conflict"),
            |m| &m.settings.conflicts,
            |c| &c.name,
            findings,
        ),
        grants: merge(
            tree,
            &kind("grant"),
            |m| &m.settings.grants,
            |g| &g.name,
            findings,
        ),
        options: options.values(),
    };
    (data, options)
}

type Place<'a> = (&'a Source, &'a std::ops::Range<usize>);

fn conflict(
    kind: &Kind,
    name: &str,
    (source, at): Place<'_>,
    (other, other_at): Place<'_>,
) -> Finding {
    let place = other.place(other_at.start);
    let message = format!("{} `{name}` is defined differently at {place}", kind.what);
    Finding::new(kind.conflict, message)
        .at(source, at.clone())
        .help("rules of both packs would mean different things by it: give one another name")
}

/// Strict validation by Cedar, every error mapped back to the rule's own file. Ids of the rules that are refused or can
/// never apply.
fn validate(rules: &[Rule], validator: &Validator, findings: &mut Findings) -> BTreeSet<String> {
    let mut set = PolicySet::new();
    for rule in rules {
        // Ids are unique by now.
        if let Err(error) = set.add(rule.policy.clone()) {
            findings.push(rule.finding(Code::PolicyInvalid, error.to_string()));
        }
    }
    let result = validator.validate(&set, ValidationMode::Strict);
    let by_id: BTreeMap<&str, &Rule> = rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
    let find = |id: &PolicyId| by_id.get(AsRef::<str>::as_ref(id)).copied();
    let mut explained = BTreeSet::new();
    for error in result.validation_errors() {
        explained.insert(error.policy_id());
        findings.push(match find(error.policy_id()) {
            Some(rule) => {
                from_diagnostic(code_of_error(error), error, &rule.source, rule.at.clone())
            }
            None => Finding::new(Code::PolicyInvalid, error.to_string()),
        });
    }
    // That a rule with an error in it also never applies helps nobody; nor does saying it twice.
    let mut warnings: Vec<_> = result.validation_warnings().collect();
    warnings.sort_by_key(|warning| matches!(warning, ValidationWarning::ImpossiblePolicy(_)));
    for warning in warnings {
        let code = code_of_warning(warning);
        if code == Code::PolicyImpossible && !explained.insert(warning.policy_id()) {
            continue;
        }
        if let Some(rule) = find(warning.policy_id()) {
            findings.push(from_diagnostic(
                code,
                warning,
                &rule.source,
                rule.at.clone(),
            ));
        }
    }
    let names = explained.iter().map(ToString::to_string);
    names.collect()
}
