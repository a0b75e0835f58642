//! A pack's tests as data: requests with the verdict that they must get.
//!
//! ```text
//! cases/allow/*.{json,yaml}    must be allowed
//! cases/deny/*.{json,yaml}     must be denied, for exactly the reasons listed
//! cases/suites/*.{json,yaml}   tables of both, which share their evidence
//! cases/fixtures/*.json        evidence that cases share
//! ```
//!
//! A case is a request as `sod decide` takes it, the fixture with its evidence, what differs from the fixture
//! (RFC 6902), and what is expected:
//!
//! ```json
//! {
//!   "description": "ana wrote it, so ana does not approve it",
//!   "request": {
//!     "principal": "Person::\"ana\"",
//!     "action": "approve",
//!     "resource": "Change::\"bank/payments#42\"",
//!     "now": "2026-03-02T10:00:00Z"
//!   },
//!   "fixture": "payments.json",
//!   "patch": [{"op": "replace", "path": "/people/0/active", "value": true}],
//!   "expect": {"reasons": ["forbid:contributors-never-approve"]}
//! }
//! ```
//!
//! `"choose": {"approver": "not_last_pusher"}` has the case decided as under a pack on top that chooses so.
//!
//! `"facts": true` has the case decided on facts, not evidence: its request has `context` and `entities` in Cedar's JSON,
//! as `sod decide --facts` takes it, and no evidence. So counterexamples of `sod prove` are kept. That a rule decides such
//! a case does not count as a case of the rule: no evidence may ever lead to these facts.
//!
//! A fixture is a path from `cases/fixtures`, and may be one of another pack: `../../../OTHER/cases/fixtures/x.json`.
//! Nothing is read but what is in `cases/fixtures` of a pack, whatever links lead to.
//!
//! Reasons are `code` or `code:policy-id`, and the set of them must be the verdict's, no more and no less. So must
//! `obligations`, by the ids of the policies that oblige, and `warnings`, the paths of unknown fields, where a case has
//! them.
//! [`read`] reads them, the caller decides [`Case::request`], [`Case::judge`] compares, [`undecided`] tells which
//! rules no case decides.

mod judge;
mod parse;
mod suite;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use json_patch::Patch;
use serde::Deserialize;
use serde_json::{Map, Value};
use sod_core::{Effect, Mode};

use crate::code::Code;
use crate::finding::{Finding, Findings};
use crate::folder::list;
use crate::manifest::MANIFEST;
use crate::options::Choice;
use crate::pack::Pack;
use crate::source::{MAX_CASE, Source, display, tidy, unreadable};

pub use judge::Mismatch;

/// One request with the verdict that it must get.
#[derive(Debug, Clone)]
pub struct Case {
    /// `deny/author-approves`
    pub name: String,
    /// Its file, as reached from the path that was asked for.
    pub file: String,
    /// What it is about.
    pub description: String,
    /// By the folder that it lies in.
    pub effect: Effect,
    /// A whole request, with the evidence in it.
    pub request: Value,
    /// The pack as it is decided by: with what the case chooses of its options.
    pub choose: BTreeMap<String, Choice>,
    /// The request brings facts, and no evidence for them.
    pub facts: bool,
    /// What else is expected.
    pub expect: Expectation,
}

/// What is expected of a verdict besides its effect.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// `code` or `code:policy-id`: exactly these. Absent (on allow): any.
    pub reasons: Option<BTreeSet<String>>,
    /// Exactly these. Absent: any.
    pub missing: Option<Vec<ExpectedMissing>>,
    /// Each must be found; others may be there.
    #[serde(default)]
    pub approvals: Vec<ExpectedApproval>,
    /// Ids of the policies whose `@obligation` is in the verdict: exactly these. Absent: any.
    pub obligations: Option<BTreeSet<String>>,
    /// Paths of fields of the evidence that the engine does not know: exactly these. Absent: any.
    pub warnings: Option<BTreeSet<String>>,
}

/// A need of a quorum that must be missing.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedMissing {
    /// Name of the quorum.
    pub quorum: String,
    /// The role that is missing.
    pub role: String,
    /// How many more people.
    pub count: u32,
    /// Of which change or deployment, `Change::"bank/payments#42"`. Absent: any.
    pub resource: Option<String>,
    /// Who could fill it, exactly. Absent: anybody.
    pub candidates: Option<BTreeSet<String>>,
}

/// What must have become of an approval.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedApproval {
    /// On which change or deployment, `Change::"bank/payments#42"`. Absent: any.
    pub resource: Option<String>,
    /// Position in its list, from 0.
    pub index: u32,
    /// `counted` or why not.
    pub code: String,
    /// Which policies refused the approver, exactly. Absent: any.
    pub policies: Option<BTreeSet<String>>,
}

/// As written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    description: String,
    request: RawRequest,
    fixture: Option<String>,
    patch: Option<Patch>,
    #[serde(default)]
    choose: BTreeMap<String, Choice>,
    #[serde(default)]
    facts: bool,
    expect: Expectation,
}

/// The keys of a request; what is in them is the host's to judge.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequest {
    principal: Value,
    action: Value,
    resource: Value,
    now: Option<Value>,
    evidence: Option<Value>,
    entities: Option<Value>,
    context: Option<Value>,
}

/// Every case in the pack's own folder, by name.
///
/// # Errors
/// All that is wrong with any of them.
pub fn read(pack: &Pack) -> Result<Vec<Case>, Findings> {
    let mut findings = Findings::default();
    let folder = pack.folder().join("cases");
    let mut cases = Vec::new();
    for (effect, name) in [(Effect::Allow, "allow"), (Effect::Deny, "deny")] {
        for path in case_files(&folder.join(name), &mut findings) {
            cases.extend(read_case(&path, effect, pack, &mut findings));
        }
    }
    for path in case_files(&folder.join("suites"), &mut findings) {
        if let Some(source) = findings.note(Source::read(&path, MAX_CASE, Code::Unreadable)) {
            cases.extend(suite::read(&source, &stem(&path), pack, &mut findings));
        }
    }
    refuse_duplicates(&cases, &mut findings);
    let findings = findings.sorted();
    if findings.has_errors() {
        Err(findings)
    } else {
        Ok(cases)
    }
}

/// Two files of one name, in JSON and in YAML, would hide each other in reports.
fn refuse_duplicates(cases: &[Case], findings: &mut Findings) {
    let mut first: BTreeMap<&str, &Case> = BTreeMap::new();
    for case in cases {
        if let Some(other) = first
            .insert(&case.name, case)
            .filter(|other| other.file != case.file)
        {
            let message = format!("case `{}` is also in `{}`", case.name, other.file);
            let finding = Finding::new(Code::CaseInvalid, message).in_file(&case.file);
            findings.push(finding.help("rename one of the files"));
        }
    }
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn case_files(folder: &Path, findings: &mut Findings) -> Vec<PathBuf> {
    let paths = match list(folder) {
        Ok(paths) => paths,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            findings.push(unreadable(folder, &error, Code::Unreadable));
            return Vec::new();
        }
    };
    let (cases, stray): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json" || extension == "yaml")
    });
    for path in stray {
        let name = display(&path);
        let finding = Finding::new(
            Code::StrayFile,
            format!("`{name}` is not read: it is no `.json` or `.yaml` file"),
        );
        findings.push(
            finding
                .in_file(name)
                .help("a case is a file `NAME.json` or `NAME.yaml` in `cases/allow` or `cases/deny`, a suite of them in `cases/suites`"),
        );
    }
    cases
}

fn read_case(path: &Path, effect: Effect, pack: &Pack, findings: &mut Findings) -> Option<Case> {
    let source = findings.note(Source::read(path, MAX_CASE, Code::Unreadable))?;
    let raw = findings.note(parse::case::<RawCase>(&source, Code::CaseInvalid))?;
    // Which rule will deny facts that nothing denies yet is for whoever writes the rule.
    let unexplained = raw.expect.reasons.as_ref().is_none_or(BTreeSet::is_empty) && !raw.facts;
    if effect == Effect::Deny && unexplained {
        let finding = Finding::new(
            Code::CaseExpectation,
            "a case that expects a deny must say for which reasons",
        );
        findings.push(at_key(finding, &source, "expect").help(
            "`\"reasons\": [\"forbid:ID-OF-A-RULE\"]`: a deny for another reason proves nothing",
        ));
    }
    if let Err((message, help)) = pack.choosing(&raw.choose) {
        let finding = Finding::new(Code::CaseInvalid, message);
        findings.push(at_key(finding, &source, "choose").help(help));
    }
    if raw.facts {
        findings.note(only_facts(&raw, &source, pack))?;
    }
    let written = Written {
        fixture: raw.fixture.as_deref(),
        evidence: raw.request.evidence.as_ref(),
        patch: raw.patch.as_ref(),
    };
    let evidence = findings.note(written.evidence(&source, pack.folder()))?;
    let stem = stem(path);
    let folder = match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    };
    Some(Case {
        name: format!("{folder}/{stem}"),
        file: source.name.clone(),
        description: raw.description,
        effect,
        request: request(raw.request, evidence),
        choose: raw.choose,
        facts: raw.facts,
        expect: raw.expect,
    })
}

/// A case is decided on facts or on evidence: what mixes the two would show nothing about either.
fn only_facts(raw: &RawCase, source: &Source, pack: &Pack) -> Result<(), Finding> {
    let refuse = |key, message: String, help: &str| {
        let finding = Finding::new(Code::CaseInvalid, message);
        Err(at_key(finding, source, key).help(help))
    };
    if pack.mode() == Mode::Cedar {
        let message = "`facts` in a pack of mode `cedar`".to_owned();
        return refuse("facts", message, "leave it out: all its cases are of facts");
    }
    let request = &raw.request;
    let of_evidence = [
        ("evidence", request.evidence.is_some()),
        ("now", request.now.is_some()),
        ("fixture", raw.fixture.is_some()),
        ("patch", raw.patch.is_some()),
        ("choose", !raw.choose.is_empty()),
    ];
    for (key, present) in of_evidence {
        if present {
            let message = format!("`{key}` in a case of facts");
            let help = "put all that rules look at into `context` and `entities`, the time as `context.now`; or leave out `facts`";
            return refuse(key, message, help);
        }
    }
    if request.context.is_none() || request.entities.is_none() {
        let message = "a case of facts without `context` or `entities`".to_owned();
        let help = "write both into the request, in Cedar's JSON, as `sod explain --format json` prints them";
        return refuse("facts", message, help);
    }
    Ok(())
}

/// The cases with the packs that decide them: one for each choice of options that cases make, and one for those of facts.
pub fn by_choice<'c>(
    pack: &Pack,
    cases: impl IntoIterator<Item = &'c Case>,
) -> Vec<(Pack, Vec<&'c Case>)> {
    let mut groups: BTreeMap<(bool, &BTreeMap<String, Choice>), Vec<&Case>> = BTreeMap::new();
    for case in cases {
        let key = (case.facts, &case.choose);
        groups.entry(key).or_default().push(case);
    }
    // Cases that choose what the pack does not have, or bring facts to a pack that takes nothing else, were refused when
    // they were read.
    let chosen = |((facts, choose), cases)| {
        let chosen = pack.choosing(choose).ok()?;
        Some((if facts { chosen.on_facts()? } else { chosen }, cases))
    };
    groups.into_iter().filter_map(chosen).collect()
}

/// Points at the first time that a key is written.
fn at_key(finding: Finding, source: &Source, key: &str) -> Finding {
    let quoted = format!("\"{key}\"");
    let bare = format!("{key}:");
    let found = source.text.find(&quoted).map(|at| at..at + quoted.len());
    let found = found.or_else(|| source.text.find(&bare).map(|at| at..at + key.len()));
    finding.at(source, found.unwrap_or(0..0))
}

/// Where the evidence of a case comes from.
struct Written<'a> {
    fixture: Option<&'a str>,
    evidence: Option<&'a Value>,
    patch: Option<&'a Patch>,
}

impl Written<'_> {
    /// The fixture or what is written in place, patched.
    fn evidence(&self, source: &Source, pack: &Path) -> Result<Option<Value>, Finding> {
        let fixture = self.fixture.map(|name| fixture(name, source, pack));
        let evidence = match (fixture.transpose()?, self.evidence) {
            (Some(_), Some(_)) => {
                let finding = Finding::new(
                    Code::CaseInvalid,
                    "a case has a fixture or evidence, not both",
                );
                return Err(at_key(finding, source, "fixture"));
            }
            (fixture, written) => fixture.or_else(|| written.cloned()),
        };
        let Some(patch) = self.patch else {
            return Ok(evidence);
        };
        let Some(mut evidence) = evidence else {
            let finding = Finding::new(
                Code::CasePatch,
                "a patch, and no evidence that it could change",
            );
            let finding = at_key(finding, source, "patch");
            return Err(finding.help("name a fixture: `\"fixture\": \"NAME.json\"`"));
        };
        json_patch::patch(&mut evidence, patch).map_err(|error| {
            let finding = Finding::new(
                Code::CasePatch,
                format!("the patch does not apply: {error}"),
            );
            at_key(finding, source, "patch")
                .help("each path must be in the evidence as the operations before leave it")
        })?;
        Ok(Some(evidence))
    }
}

fn fixture(name: &str, source: &Source, pack: &Path) -> Result<Value, Finding> {
    read_fixture(name, pack, |finding| at_key(finding, source, "fixture"))
}

/// A fixture by its path from `cases/fixtures` of the pack in the folder `pack`. What is wrong with it is a finding at
/// the place that names it.
pub(crate) fn read_fixture(
    name: &str,
    pack: &Path,
    at: impl Fn(Finding) -> Finding,
) -> Result<Value, Finding> {
    let refuse = |code, message: String| {
        at(Finding::new(code, message))
            .help("a fixture is a path relative to `cases/fixtures`, of this pack or of another")
    };
    // `..` first leads out of `cases/fixtures`, which need not be there.
    let path = pack.join(tidy(&Path::new("cases/fixtures").join(name)));
    let fixture = Source::read(&path, MAX_CASE, Code::CaseFixture)
        .map_err(|finding| refuse(finding.code, finding.message))?;
    if Path::new(name).is_absolute() || !is_fixture(&path) {
        let message = format!("`{name}` is not in `cases/fixtures` of a pack");
        return Err(refuse(Code::CaseFixture, message));
    }
    parse::json(&fixture, Code::CaseFixture)
}

/// By where it really is: a link out of the folder leads to no fixture.
fn is_fixture(path: &Path) -> bool {
    path.canonicalize().is_ok_and(|path| {
        let mut folders = path.ancestors().skip(1);
        folders.any(|folder| {
            let pack = folder.parent().and_then(Path::parent);
            folder.ends_with("cases/fixtures")
                && pack.is_some_and(|pack| pack.join(MANIFEST).is_file())
        })
    })
}

fn request(raw: RawRequest, evidence: Option<Value>) -> Value {
    let keys = [
        ("principal", Some(raw.principal)),
        ("action", Some(raw.action)),
        ("resource", Some(raw.resource)),
        ("now", raw.now),
        ("evidence", evidence),
        ("entities", raw.entities),
        ("context", raw.context),
    ];
    let present = keys
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(present.collect::<Map<String, Value>>())
}

impl Case {
    /// Ids of the rules that decide this case, if it passes: those that its expectation names.
    pub fn decided_by(&self) -> BTreeSet<&str> {
        let reasons = self.expect.reasons.iter().flatten();
        let of_reasons = reasons.filter_map(|reason| reason.split_once(':').map(|(_, id)| id));
        let approvals = self.expect.approvals.iter();
        let of_approvals = approvals.flat_map(|approval| approval.policies.iter().flatten());
        of_reasons.chain(of_approvals.map(String::as_str)).collect()
    }
}

/// The pack's own rules that decide none of the cases which passed, as findings of a test run.
pub fn undecided<'a>(pack: &Pack, passed: impl IntoIterator<Item = &'a Case>) -> Findings {
    let passed = passed.into_iter().filter(|case| !case.facts);
    let decided: BTreeSet<&str> = passed.flat_map(Case::decided_by).collect();
    let rules = pack
        .own_rules()
        .filter(|rule| !decided.contains(rule.id.as_str()));
    let mut findings = Findings::default();
    findings.extend(rules.map(|rule| {
        rule.finding(
            Code::RuleUndecided,
            format!("rule `{}` decides no case that passes", rule.id),
        )
        .help("write a case that expects it as a reason, or delete a rule that nothing needs")
    }));
    findings.sorted()
}
