//! `sod prove`: what holds for every request, and a request that shows it where something does not.

use std::path::{Path, PathBuf};

use clap::Args;
use miette::miette;
use quick_junit::TestSuite;
use serde::Serialize;
use serde_json::json;
use sod_host::{Digest, Effect, Request, Runtime};
use sod_pack::{Code, Finding, Findings, Pack, Rule};
use sod_prove::{Counterexample, Kind, Outcome as Found, Property, REVISION, Solver, prove};

use crate::command_line::Format;
use crate::counterexample;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::page::{Look, Page};
use crate::{exit, findings, junit, open, write};

/// Prove what packs promise, over all requests
///
/// A pack's `invariants/*.cedar` say what no request may ever be allowed (forbid), and what must always be (permit).
/// Each is proved for all requests and all facts, or a request that breaks it is shown and decided by the component, to
/// be sure. The invariants of included packs are proved for the whole. Of the pack's own rules it is proved that none
/// ever errs, that each applies to some request, and that each changes some decision.
///
/// An invariant that follows from the forbids alone holds whatever a pack on top adds: no permit undoes a forbid.
///
/// Formats: human, json, github and sarif for the pages of forges, junit for those of CI systems.
///
/// Takes cvc5, on PATH or in CVC5. What was proved once of the same policies is not proved again. The exit code is 4
/// if something does not hold, and 1 if there is no solver, or it does not know.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod prove policies/protected-deploy
  sod prove policies/*/ --format json
  sod prove my-pack --save && sod test my-pack")]
pub(crate) struct Arguments {
    /// Folders of packs
    #[arg(value_name = "PACK", required = true)]
    packs: Vec<PathBuf>,

    /// Keep each request that breaks an invariant as a case of the pack, which fails until the rules are mended
    #[arg(long)]
    save: bool,
}

/// All packs.
#[derive(Serialize)]
struct Report<'a> {
    proved: usize,
    broken: usize,
    undecided: usize,
    packs: Vec<Proved<'a>>,
}

/// One pack.
#[derive(Serialize)]
struct Proved<'a> {
    path: &'a Path,
    name: String,
    version: String,
    /// Of the policies that the proof is about.
    policy_digest: String,
    /// What the solver says of itself.
    solver: &'a str,
    properties: Vec<Property>,
    findings: Findings,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let solver = Solver::from_environment();
    let version = solver.version()?;
    let runtime = open::runtime(output)?;
    let mut packs = Vec::new();
    for path in &arguments.packs {
        let pack = open::pack(path)?;
        let properties = properties(&pack, &solver, &version, &runtime)?;
        replay(&pack, &properties, &runtime)?;
        if arguments.save {
            save(&pack, path, &properties, output)?;
        }
        let findings = properties.iter().filter_map(|one| finding(&pack, one));
        packs.push(Proved {
            path,
            name: pack.name().to_owned(),
            version: pack.version().to_owned(),
            policy_digest: pack.bundle().digest(),
            solver: &version,
            findings: findings.collect(),
            properties,
        });
    }
    let report = Report::new(packs);
    match output.format {
        Format::Json => output.json(&report)?,
        Format::Github => output.bytes(findings::github(report.findings()).as_bytes())?,
        Format::Sarif => output.json(&findings::sarif(report.findings()))?,
        Format::Junit => {
            let suites = report.packs.iter().map(Proved::suite);
            output.bytes(junit::xml("sod prove", suites)?.as_bytes())?;
        }
        _ => {
            let mut page = output.page();
            report.explain(&mut page);
            output.text(&page)?;
        }
    }
    Ok(match (report.broken, report.undecided) {
        (0, 0) => exit::OK,
        (0, _) => exit::UNDECIDED,
        _ => exit::TEST_FAILED,
    })
}

/// From the cache, if the same was asked of the same policies before.
fn properties(
    pack: &Pack,
    solver: &Solver,
    version: &str,
    runtime: &Runtime,
) -> Outcome<Vec<Property>> {
    let question = question(pack, version)?;
    let kept = runtime.cache().ok().map(|directory| {
        let key = Digest::of(question.as_bytes()).to_string();
        directory.join(format!("proof-{}.json", key.replace(':', "-")))
    });
    let known = kept.as_ref().and_then(|path| std::fs::read(path).ok());
    if let Some(known) = known.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(known);
    }
    let properties = prove(pack, solver)?;
    let decided = |one: &Property| one.outcome != Found::Undecided;
    if let Some(path) = kept.filter(|_| properties.iter().all(decided)) {
        let json = serde_json::to_vec(&properties).unwrap_or_default();
        // Without it the same is proved again next time, and that is all.
        let _ = write::atomically(&path, &json);
    }
    Ok(properties)
}

/// Has the component decide each request that breaks an invariant: the solver's word alone is not enough.
fn replay(pack: &Pack, properties: &[Property], runtime: &Runtime) -> Outcome<()> {
    let mut policy = None;
    for (property, example) in properties.iter().filter_map(shown) {
        let policy = match &policy {
            Some(policy) => policy,
            None => {
                let on_facts = pack.on_facts();
                policy.insert(open::compiled(on_facts.as_ref().unwrap_or(pack), runtime)?)
            }
        };
        let json = serde_json::to_vec(example).unwrap_or_default();
        let unreadable = |problem: &dyn std::fmt::Display| {
            let id = &property.id;
            miette!(
                code = "counterexample",
                help = "report this, with the pack: the solver and the component must agree",
                "the request that is to break `{id}` does not: {problem}"
            )
        };
        let request = Request::from_json(&json).map_err(|error| unreadable(&error.problem))?;
        let verdict = policy.try_decide(&request)?;
        let wrong = match property.kind {
            Kind::AlwaysAllowed => Effect::Deny,
            _ => Effect::Allow,
        };
        if verdict.effect != wrong {
            return Err(unreadable(&"the component decides otherwise").into());
        }
    }
    Ok(())
}

/// The request that breaks an invariant.
fn shown(property: &Property) -> Option<(&Property, &Counterexample)> {
    match (&property.outcome, property.kind) {
        (
            Found::Broken {
                counterexample: Some(example),
            },
            Kind::NeverAllowed | Kind::AlwaysAllowed,
        ) => Some((property, example)),
        _ => None,
    }
}

/// A case on facts for each request that breaks an invariant.
fn save(pack: &Pack, path: &Path, properties: &[Property], output: &Output) -> Outcome<()> {
    for (property, example) in properties.iter().filter_map(shown) {
        let folder = match property.kind {
            Kind::AlwaysAllowed => "allow",
            _ => "deny",
        };
        let rule = pack.invariants().iter().find(|rule| rule.id == property.id);
        let reason = rule.and_then(|rule| rule.annotations.get("reason"));
        let mut case = json!({
            "description": reason.unwrap_or(&property.id),
            "request": example,
            "expect": {},
        });
        if let Some(case) = case.as_object_mut().filter(|_| pack.on_facts().is_some()) {
            case.insert("facts".to_owned(), true.into());
        }
        let file = path.join("cases").join(folder);
        let file = file.join(format!("invariant-{}.json", property.id));
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| Failure::file("make", folder, &error))?;
        }
        let text = serde_json::to_string_pretty(&case).unwrap_or_default() + "\n";
        write::atomically(&file, text.as_bytes())?;
        output.note(&format!("wrote `{}`", file.display()));
    }
    Ok(())
}

/// All that an answer depends on.
fn question(pack: &Pack, solver: &str) -> Outcome<String> {
    let bundle = pack.bundle();
    let known = sod_prove::definitions(&bundle)?;
    let known: String = known.iter().map(ToString::to_string).collect();
    let invariants = pack.invariants().iter();
    let invariants: String = invariants.map(|rule| rule.text.as_str()).collect();
    let own: Vec<&str> = pack.own_rules().map(|rule| rule.id.as_str()).collect();
    let (own, policies) = (own.join(" "), bundle.digest());
    Ok(format!(
        "{REVISION}\n{solver}\n{policies}\n{own}\n{known}\n{invariants}"
    ))
}

impl<'a> Report<'a> {
    fn new(packs: Vec<Proved<'a>>) -> Self {
        let outcomes = packs.iter().flat_map(|pack| &pack.properties);
        let outcomes: Vec<&Found> = outcomes.map(|property| &property.outcome).collect();
        let count = |is: fn(&Found) -> bool| outcomes.iter().filter(|one| is(one)).count();
        Report {
            proved: count(|one| matches!(one, Found::Proved { .. })),
            broken: count(|one| matches!(one, Found::Broken { .. })),
            undecided: count(|one| matches!(one, Found::Undecided)),
            packs,
        }
    }

    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.packs.iter().flat_map(|pack| &pack.findings)
    }

    fn explain(&self, page: &mut Page) {
        self.packs.iter().for_each(|pack| pack.explain(page));
        page.line(&format!(
            "{} proved, {} broken, {} undecided",
            self.proved, self.broken, self.undecided
        ));
    }
}

impl Proved<'_> {
    /// A test for each property.
    fn suite(&self) -> TestSuite {
        let mut suite = TestSuite::new(self.name.as_str());
        for property in &self.properties {
            let (id, kind) = (&property.id, property.kind.as_str());
            let outcome = match &property.outcome {
                Found::Proved { .. } => Ok(()),
                Found::Undecided => Err((kind, "the solver does not know".to_owned())),
                Found::Broken { counterexample } => {
                    let example = serde_json::to_string_pretty(counterexample);
                    Err((kind, example.unwrap_or_default()))
                }
            };
            suite.add_test_case(junit::case(&self.name, &format!("{id}/{kind}"), outcome));
        }
        suite
    }

    fn explain(&self, page: &mut Page) {
        if !self.findings.is_empty() {
            page.block(&self.findings.render(false));
        }
        for property in &self.properties {
            if let Found::Broken {
                counterexample: Some(example),
            } = &property.outcome
            {
                page.line(&format!(
                    "`{}` is broken, for example, by this request:",
                    property.id
                ));
                counterexample::explain(page, example);
                page.end();
            }
        }
        let failed = !self.findings.is_empty();
        let (look, word) = match failed {
            true => (Look::Bad, "FAIL"),
            false => (Look::Good, "ok"),
        };
        page.put(look, word);
        page.line(&format!("  {}: {}", self.path.display(), self.counts()));
    }

    /// `3 invariants, 2 of them whatever a pack on top adds; 36 properties of rules`
    fn counts(&self) -> String {
        let of_invariants = |one: &&Property| is_of_invariants(one.kind);
        let invariant = |one: &&Property| of_invariants(one) && one.kind != Kind::SaysSomething;
        let lasting = |one: &&Property| {
            let for_ever = Found::Proved {
                whatever_is_added: true,
            };
            one.outcome == for_ever
        };
        let invariants = self.properties.iter().filter(invariant).count();
        let lasting = match self.properties.iter().filter(lasting).count() {
            0 => String::new(),
            lasting => format!(", {lasting} of them whatever a pack on top adds"),
        };
        let plural = if invariants == 1 { "" } else { "s" };
        let rules = self.properties.len() - self.properties.iter().filter(of_invariants).count();
        format!("{invariants} invariant{plural}{lasting}; {rules} properties of rules")
    }
}

fn is_of_invariants(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::NeverAllowed | Kind::AlwaysAllowed | Kind::SaysSomething
    )
}

/// What is wrong, at the rule or invariant that it is about; `None` if it holds.
fn finding(pack: &Pack, property: &Property) -> Option<Finding> {
    let rules = match is_of_invariants(property.kind) {
        true => pack.invariants(),
        false => pack.rules(),
    };
    let rule = rules.iter().find(|rule| rule.id == property.id)?;
    match &property.outcome {
        Found::Proved { .. } => None,
        // Said once, of the promise itself.
        Found::Undecided if property.kind == Kind::SaysSomething => None,
        Found::Undecided => Some(undecided(rule)),
        Found::Broken { .. } => Some(broken(rule, property.kind)),
    }
}

fn undecided(rule: &Rule) -> Finding {
    let message = format!(
        "the solver does not know whether `{}` holds, or not in time",
        rule.id
    );
    rule.finding(Code::PropertyUndecided, message)
        .help("say it in simpler words, or split it: fewer conditions in one rule")
}

fn broken(rule: &Rule, kind: Kind) -> Finding {
    let id = &rule.id;
    let (code, message, help) = match kind {
        Kind::NeverAllowed => (
            Code::InvariantBroken,
            format!("`{id}` does not hold: the pack allows a request that it rules out"),
            "add a forbid of such requests, or narrow the permit that allows them; `sod explain --facts` says which",
        ),
        Kind::AlwaysAllowed => (
            Code::InvariantBroken,
            format!("`{id}` does not hold: the pack denies a request that it promises"),
            "add a permit of such requests, or narrow the forbid that denies them; `sod explain --facts` says which",
        ),
        Kind::SaysSomething => (
            Code::RuleNeverApplies,
            format!("no request whatever is matched by `{id}`, so it promises nothing"),
            "its conditions contradict each other, or what facts always are: correct them, or delete the invariant",
        ),
        Kind::NeverErrs => (
            Code::RuleErrs,
            format!("`{id}` errs on some requests, and an error denies"),
            "compare numbers without adding or multiplying them, or bound them first",
        ),
        Kind::CanApply => (
            Code::RuleNeverApplies,
            format!("no request whatever is matched by `{id}`"),
            "its conditions contradict each other, or what facts always are: correct them, or delete the rule",
        ),
        Kind::CanPermit => (
            Code::RuleWithoutEffect,
            format!("whatever `{id}` permits is forbidden by other rules"),
            "narrow the forbid that covers it, or delete the rule",
        ),
        Kind::CanForbid => (
            Code::RuleWithoutEffect,
            format!("whatever `{id}` forbids is forbidden by other rules, too"),
            "correct its conditions, or delete it: a rule that decides nothing misleads",
        ),
    };
    rule.finding(code, message).help(help)
}
