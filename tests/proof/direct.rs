//! What is looked up without Cedar is what Cedar says: every attribute of the schema, in every way to ask for it, on the
//! evidence of every case.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sod_core::cedar::SchemaFragment;
use sod_core::{Bundle, Mode, PolicySource, Program, Verdict};
use sod_pack::cases;

use crate::engines::{open, tested_packs};
use sod_tests::core_request;

/// How deep paths go: `resource.artifact.builder.kind`.
const DEPTH: usize = 3;

/// An attribute, or a variable, and what it is.
struct Path {
    text: String,
    kind: Value,
}

/// The schema, as Cedar writes it in JSON.
struct Schema(Value);

impl Schema {
    fn new(text: &str) -> Self {
        let (fragment, _) = SchemaFragment::from_cedarschema_str(text).unwrap();
        let mut json = fragment.to_json_value().unwrap();
        Schema(json[""].take())
    }

    /// Attributes of a record or an entity.
    fn attributes(&self, kind: &Value) -> BTreeMap<String, Value> {
        let of_record = |record: &Value| {
            let attributes = record["attributes"].as_object();
            let attributes = attributes.into_iter().flatten();
            attributes
                .map(|(name, kind)| (name.clone(), kind.clone()))
                .collect()
        };
        match kind["name"].as_str() {
            Some(name) => match self.0["commonTypes"].get(name) {
                Some(common) => self.attributes(common),
                None => of_record(&self.0["entityTypes"][name]["shape"]),
            },
            None => of_record(kind),
        }
    }

    fn paths(&self) -> Vec<Path> {
        let kind = |name: &str| serde_json::json!({"type": "EntityOrCommon", "name": name});
        let roots = [
            ("principal", "Person"),
            ("principal", "Machine"),
            ("resource", "Change"),
            ("resource", "Deployment"),
            ("context", "SigningContext"),
            ("context", "ChangeContext"),
            ("context", "DeploymentContext"),
        ];
        let mut paths = Vec::new();
        for (root, name) in roots {
            let root = Path {
                text: root.to_owned(),
                kind: kind(name),
            };
            self.below(&root, DEPTH, &mut paths);
        }
        let mut seen = BTreeSet::new();
        paths.retain(|path| seen.insert(path.text.clone()));
        paths
    }

    fn below(&self, path: &Path, depth: usize, paths: &mut Vec<Path>) {
        for (name, kind) in self.attributes(&path.kind) {
            let path = Path {
                text: format!("{}.{name}", path.text),
                kind,
            };
            if depth > 1 {
                self.below(&path, depth - 1, paths);
            }
            paths.push(path);
        }
    }
}

/// Every question that there is about a path, of its type or not.
fn questions(path: &Path, others: &[&str]) -> Vec<String> {
    let Path { text, .. } = path;
    let (of, name) = text.rsplit_once('.').unwrap();
    let mut questions: Vec<String> = [
        "PATH",
        "!PATH",
        "OF has NAME",
        "OF has other",
        "PATH == true",
        "PATH < 3",
        "PATH <= 0",
        "1 < PATH",
        "PATH == 2",
        "PATH == \"production\"",
        "\"main\" == PATH",
        "[\"production\", \"main\", \"open\"].contains(PATH)",
        "[1, 2].contains(PATH)",
        "PATH like \"*a*\"",
        "PATH == principal",
        "PATH == resource",
        "PATH is Person",
        "PATH is Environment",
        "PATH in Role::\"developer\"",
        "PATH in Team::\"payments\"",
        "PATH in resource",
        "PATH == Environment::\"production\"",
        "PATH.isEmpty()",
        "PATH.contains(principal)",
        "PATH.contains(resource)",
        "PATH.contains(resource.requester)",
        "PATH.contains(resource.artifact.builder)",
        "PATH.contains(\"build\")",
        "PATH.contains(Team::\"payments\")",
        "PATH.contains(Role::\"developer\")",
        "PATH.contains(3)",
        "if PATH then true else false",
    ]
    .map(|question| {
        let question = question.replace("PATH", text);
        question.replace("OF", of).replace("NAME", name)
    })
    .into();
    for other in others {
        questions.extend([
            format!("{text}.containsAny({other})"),
            format!("{text}.containsAll({other})"),
            format!("{text} == {other}"),
        ]);
    }
    questions
}

/// So many of them, others for each `n`.
fn some<'p>(of: &[&'p Path], n: usize, count: usize) -> Vec<&'p str> {
    let paths = of.iter().cycle().skip(n * 7).step_by(5);
    let paths = paths.take(count.min(of.len()));
    paths.map(|path| path.text.as_str()).collect()
}

/// The pack with two rules more for every question: one fails where the answer is yes, the other where it is no. Of what
/// fails a verdict has all, and a wrong answer keeps one of the two from failing. Rules on signatures are left as they
/// are.
fn asking(mut bundle: Bundle, questions: &[String]) -> Bundle {
    let rule = |name: String, question: String| PolicySource {
        text: format!(
            "@id(\"{name}\") forbid (principal, action, resource) when {{ \
             (!(context has counting) || !context.counting) && {question} && context.absent }};"
        ),
        id: name,
        pack: bundle.name.clone(),
    };
    let rules = questions.iter().enumerate().flat_map(|(n, question)| {
        [
            rule(format!("question-{n}-yes"), format!("({question})")),
            rule(format!("question-{n}-no"), format!("!({question})")),
        ]
    });
    let rules: Vec<PolicySource> = rules.collect();
    bundle.policies.extend(rules);
    bundle
}

/// The same rules, where Cedar is asked all of it.
fn by_cedar(mut bundle: Bundle) -> Bundle {
    bundle.mode = Mode::Cedar;
    bundle.quorums = Vec::new();
    bundle.data = Default::default();
    bundle
}

/// Which rules failed, and how.
fn failed(verdict: &Verdict) -> BTreeSet<(String, String)> {
    let reasons = verdict.reasons.iter().filter_map(|reason| {
        let policy = reason.policy.as_ref()?;
        let asked = policy.starts_with("question-") && reason.code == "policy-error";
        asked.then(|| (policy.clone(), reason.message.clone()))
    });
    reasons.collect()
}

#[test]
fn whatever_is_asked_of_facts_is_answered_as_by_cedar() {
    let (mut yes, mut no, mut errors) = (0, 0, 0);
    for folder in tested_packs() {
        let pack = open(&folder);
        if pack.mode() == Mode::Cedar {
            continue;
        }
        let paths = Schema::new(pack.schema()).paths();
        let sets: Vec<&Path> = paths.iter().filter(|p| p.kind["type"] == "Set").collect();
        let mut list = Vec::new();
        for (n, path) in paths.iter().enumerate() {
            let (alike, unlike): (Vec<&Path>, Vec<&Path>) =
                sets.iter().partition(|other| other.kind == path.kind);
            let others = [some(&alike, n, 6), some(&unlike, n, 2)].concat();
            list.extend(questions(path, &others));
        }
        for (n, part) in list.chunks(400).enumerate() {
            let bundle = asking(pack.bundle(), part);
            let program = Program::load(bundle.clone()).unwrap();
            let cedar = Program::load(by_cedar(bundle)).unwrap();
            let cases = cases::read(&pack).unwrap();
            let cases = cases.iter().filter(|case| !case.facts);
            for case in cases.skip(n % 41).step_by(41) {
                let json = serde_json::to_vec(&case.request).unwrap();
                let Ok(request) = sod_host::Request::from_json(&json) else {
                    continue;
                };
                let request = core_request(&request);
                let Ok(Some(facts)) = program.facts(&request) else {
                    continue;
                };
                let said = failed(&program.decide(&request).unwrap());
                let expected = failed(&cedar.decide(&facts.request).unwrap());
                let differ: Vec<_> = said.symmetric_difference(&expected).collect();
                assert!(differ.is_empty(), "{}: {differ:?}", case.name);
                let of = |end: &str| said.iter().filter(|(rule, _)| rule.ends_with(end)).count();
                // Where the question itself fails both do.
                let both = (of("-yes") + of("-no")).saturating_sub(part.len());
                yes += of("-yes") - both;
                no += of("-no") - both;
                errors += both;
            }
        }
    }
    assert!(
        yes > 5_000 && no > 20_000 && errors > 20_000,
        "{yes} yes, {no} no, {errors} errors"
    );
}
