//! What `sod explain` says is so: of each rule what Cedar says, and of what would turn a verdict that it does.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sod_core::cedar::{Authorizer, Entities, Policy, PolicyId, PolicySet, Schema};
use sod_core::{Effect, Program, Request};
use sod_pack::Pack;
use sod_pack::cases;
use sod_pack::explain::{
    Applied, Change, ChangeKind, Conjunct, ExplainedRule, Explainer, Made, Outcome, Part, Truth,
};
use sod_tests::core_request;
use sod_tests::native::cedar_request;

use crate::advice::sign;
use crate::engines::{open, tested_packs};

/// The packs of every case with its requests.
fn asked() -> Vec<(Pack, Vec<(String, Request)>)> {
    let mut asked = Vec::new();
    for folder in tested_packs() {
        let pack = open(&folder);
        let cases = cases::read(&pack).unwrap();
        for (chosen, cases) in cases::by_choice(&pack, &cases) {
            let request = |case: &&cases::Case| {
                let request = sod_host::Request::from_json(case.request.to_string().as_bytes());
                Some((
                    format!("{} {}", pack.name(), case.name),
                    core_request(&request.ok()?),
                ))
            };
            asked.push((chosen, cases.iter().filter_map(request).collect()));
        }
    }
    asked
}

/// What Cedar itself says of one rule.
fn applied(
    rule: &sod_pack::Rule,
    request: &Request,
    schema: &Schema,
    entities: &Entities,
) -> Applied {
    let policy = Policy::parse(Some(PolicyId::new(&rule.id)), &rule.text).unwrap();
    let set = PolicySet::from_policies([policy]).unwrap();
    let request = cedar_request(request, schema);
    let response = Authorizer::new().is_authorized(&request, &set, entities);
    let diagnostics = response.diagnostics();
    match (diagnostics.errors().count(), diagnostics.reason().count()) {
        (0, 0) => Applied::DoesNotApply,
        (0, _) => Applied::Applies,
        _ => Applied::Error,
    }
}

/// What a part must come to by what its parts came to.
fn put_together(part: &Part) -> Truth {
    let truths: Vec<Truth> = part.parts.iter().map(|part| part.truth).collect();
    let first = |other: Truth| {
        truths
            .iter()
            .copied()
            .find(|truth| *truth != other)
            .unwrap_or(other)
    };
    match part.made {
        Made::Whole => part.truth,
        Made::AllOf => first(Truth::True),
        Made::OneOf => first(Truth::False),
        Made::Not => match truths[0] {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            other => other,
        },
        Made::Choice => match truths[0] {
            Truth::True => truths[1],
            Truth::False => truths[2],
            other => other,
        },
    }
}

fn check_parts(case: &str, part: &Part) {
    if part.truth != Truth::NotReached {
        assert_eq!(part.truth, put_together(part), "{case}: {}", part.text);
    }
    let truths = part.parts.iter().map(|part| part.truth);
    let asked = truths.filter(|truth| *truth != Truth::NotReached).count();
    match part.made {
        // Up to the first that settles it; of the two ways of a choice, one.
        Made::AllOf | Made::OneOf => {
            let on = if part.made == Made::AllOf {
                Truth::True
            } else {
                Truth::False
            };
            let through = part
                .parts
                .iter()
                .take_while(|part| part.truth == on)
                .count();
            let settled = part
                .parts
                .get(through)
                .is_some_and(|p| p.truth != Truth::NotReached);
            assert_eq!(
                asked,
                through + usize::from(settled),
                "{case}: {}",
                part.text
            );
        }
        Made::Choice => assert!(asked <= 2, "{case}: {}", part.text),
        Made::Whole | Made::Not => {}
    }
    for inner in &part.parts {
        assert!(part.truth != Truth::NotReached || inner.truth == Truth::NotReached);
        check_parts(case, inner);
    }
}

/// Held up to the first that did not, and none was reached after it.
fn check_conjuncts(case: &str, rule: &ExplainedRule) {
    let outcomes: Vec<Outcome> = rule
        .conjuncts
        .iter()
        .map(|c: &Conjunct| c.outcome)
        .collect();
    let held = outcomes.iter().take_while(|o| **o == Outcome::Held).count();
    let expected = match outcomes.get(held) {
        None => Applied::Applies,
        Some(Outcome::DidNotHold) => Applied::DoesNotApply,
        Some(Outcome::Error) => Applied::Error,
        Some(other) => panic!("{case}, {}: {other:?} after what held", rule.id),
    };
    assert_eq!(rule.applied, expected, "{case}: {}", rule.id);
    let mut after = outcomes.iter().skip(held + 1);
    assert!(
        after.all(|o| *o == Outcome::NotReached),
        "{case}: {}",
        rule.id
    );
    for conjunct in &rule.conjuncts {
        check_parts(case, &conjunct.part);
    }
}

#[test]
fn what_is_said_of_each_demand_adds_up_to_what_cedar_says_of_the_rule() {
    let (mut rules, mut held, mut uncounted) = (0, 0, 0);
    for (pack, requests) in asked() {
        let explainer = Explainer::new(&pack).unwrap();
        let (schema, _) = Schema::from_cedarschema_str(pack.schema()).unwrap();
        for (case, request) in &requests {
            let Ok(explanation) = explainer.explain(request) else {
                continue;
            };
            let Some(facts) = &explanation.facts else {
                continue;
            };
            let request = sod_host::Request::from_json(&serde_json::to_vec(facts).unwrap());
            let request = core_request(&request.unwrap());
            let entities = request.entities.as_deref().unwrap();
            let entities = Entities::from_json_str(entities, Some(&schema)).unwrap();
            let all = explanation.rules.iter().chain(&explanation.others);
            let explained: Vec<&ExplainedRule> = all.collect();
            assert_eq!(explained.len(), pack.rules().len());
            for said in explained {
                let rule = pack.rules().iter().find(|rule| rule.id == said.id).unwrap();
                let cedar = applied(rule, &request, &schema, &entities);
                assert_eq!(said.applied, cedar, "{case}: {}", said.id);
                check_conjuncts(case, said);
                rules += 1;
                held += usize::from(said.applied == Applied::Applies);
            }
            for other in &explanation.others {
                assert_eq!(other.applied, Applied::DoesNotApply, "{case}: {}", other.id);
            }
            for refused in &explanation.uncounted {
                // Counting asked the same question: who was refused by rules was so by rules that apply.
                let applies = |rule: &ExplainedRule| rule.applied == Applied::Applies;
                let forbid = refused.rules.iter().filter(|rule| !rule.permits);
                assert!(forbid.clone().all(applies), "{case}: {refused:?}");
                let mut permits = refused.rules.iter().filter(|rule| rule.permits);
                assert!(
                    forbid.count() > 0 || !permits.any(applies),
                    "{case}: {refused:?}"
                );
                assert_eq!(
                    refused.code == "not-permitted",
                    !refused.rules.is_empty(),
                    "{case}: {refused:?}"
                );
                uncounted += usize::from(!refused.rules.is_empty());
            }
        }
    }
    assert!(
        rules > 20_000 && held > 1_000 && uncounted > 50,
        "{rules} rules, {held} of them apply, {uncounted} refusals"
    );
}

#[test]
fn the_same_rules_say_the_same_of_the_facts_as_of_the_evidence() {
    let mut same = 0;
    for (pack, requests) in asked() {
        let Some(on_facts) = pack.on_facts() else {
            continue;
        };
        assert_ne!(on_facts.bundle().digest(), pack.bundle().digest());
        let program = Program::load(pack.bundle()).unwrap();
        let on_facts = Program::load(on_facts.bundle()).unwrap();
        let forbids: BTreeSet<&str> = pack
            .rules()
            .iter()
            .filter(|rule| rule.effect == Effect::Deny)
            .map(|rule| rule.id.as_str())
            .collect();
        for (case, request) in &requests {
            let Ok(verdict) = program.decide(request) else {
                continue;
            };
            let Some(facts) = program.facts(request).unwrap() else {
                continue;
            };
            let said = on_facts.decide(&facts.request).unwrap();
            assert_eq!(said.effect, verdict.effect, "{case}");
            let ids = |verdict: &sod_core::Verdict| -> BTreeSet<String> {
                let ids = verdict
                    .reasons
                    .iter()
                    .filter_map(|reason| reason.policy.clone());
                // A permit that waits for signatures is no reason where signatures are given facts.
                ids.filter(|id| verdict.effect == Effect::Allow || forbids.contains(id.as_str()))
                    .collect()
            };
            assert_eq!(ids(&said), ids(&verdict), "{case}");
            same += 1;
        }
    }
    assert!(same > 1_000, "{same}");
}

/// A denied request in both forms, to make changes to as their words say.
struct Denied<'p> {
    program: &'p Program,
    on_facts: &'p Program,
    request: Value,
    rest: Request,
}

impl Denied<'_> {
    fn allows_with(&self, changes: &[&Change]) -> bool {
        let mut request = json!({ "evidence": self.request });
        for change in changes.iter().filter(|c| c.kind == ChangeKind::Signature) {
            let (person, resource) = change.words.split_once("` approved `").unwrap();
            let resource: sod_host::EntityUid = resource.trim_end_matches('`').parse().unwrap();
            let resource = serde_json::to_value(&resource).unwrap();
            sign(&mut request, &resource, person.trim_start_matches('`'));
        }
        let request = Request {
            evidence: Some(request["evidence"].to_string()),
            ..self.rest.clone()
        };
        let facts: Vec<&&Change> = changes
            .iter()
            .filter(|c| c.kind == ChangeKind::Fact)
            .collect();
        let verdict = if facts.is_empty() {
            self.program.decide(&request).unwrap()
        } else {
            let mut asked = self.program.facts(&request).unwrap().unwrap().request;
            for change in facts {
                asked = otherwise(&asked, &change.words);
            }
            self.on_facts.decide(&asked).unwrap()
        };
        verdict.effect == Effect::Allow
    }
}

/// The facts as the words have them, read without any of the code that wrote them.
fn otherwise(asked: &Request, words: &str) -> Request {
    let quoted: Vec<&str> = words.split('`').collect();
    let (path, relation) = (quoted[1], quoted[2].trim());
    let mut context: Value = serde_json::from_str(asked.context.as_deref().unwrap()).unwrap();
    let mut entities: Value = serde_json::from_str(asked.entities.as_deref().unwrap()).unwrap();
    let mut names = path.split('.');
    let root = names.next().unwrap();
    let names: Vec<&str> = names.collect();
    let at = |entities: &Value, uid: &Value| {
        let list = entities.as_array().unwrap();
        list.iter().position(|entity| {
            entity["uid"]["type"] == uid["type"] && entity["uid"]["id"] == uid["id"]
        })
    };
    let uid = |uid: &sod_core::EntityUid| json!({"type": uid.type_name, "id": uid.id});
    let mut entity = match root {
        "principal" => at(&entities, &uid(&asked.principal)),
        "resource" => at(&entities, &uid(&asked.resource)),
        _ => None,
    };
    if relation == "were in" || relation == "were not in" {
        let group: sod_host::EntityUid = quoted[3].parse().unwrap();
        let group = serde_json::to_value(group).unwrap();
        let parents = entities[entity.unwrap()]["parents"].as_array_mut().unwrap();
        parents.retain(|parent| parent["id"] != group["id"] || parent["type"] != group["type"]);
        if relation == "were in" {
            parents.push(group);
        }
    } else {
        let mut pointer = String::new();
        for (nth, name) in names.iter().enumerate() {
            pointer = format!("{pointer}/{name}");
            let value = match entity {
                Some(at) => entities[at]["attrs"].pointer(&pointer),
                None => context.pointer(&pointer),
            };
            if let Some(uid) = value.and_then(|value| value.get("__entity"))
                && nth + 1 < names.len()
            {
                entity = at(&entities, uid);
                pointer.clear();
            }
        }
        let record = match entity {
            Some(at) => &mut entities[at]["attrs"],
            None => &mut context,
        };
        let (before, last) = pointer.rsplit_once('/').unwrap();
        let record = record.pointer_mut(before).unwrap().as_object_mut().unwrap();
        let value = || -> Value {
            match quoted[3].parse::<sod_host::EntityUid>() {
                Ok(uid) => json!({"__entity": serde_json::to_value(uid).unwrap()}),
                Err(_) => serde_json::from_str(quoted[3]).unwrap(),
            }
        };
        match relation {
            "were" => drop(record.insert(last.to_owned(), value())),
            "were empty" => drop(record.insert(last.to_owned(), json!([]))),
            "were absent" => drop(record.remove(last).unwrap()),
            "held" => record[last].as_array_mut().unwrap().push(value()),
            "did not hold" => {
                let (gone, items) = (value(), record[last].as_array_mut().unwrap());
                assert!(items.contains(&gone), "{words}");
                items.retain(|item| *item != gone);
            }
            // Of what it held more than that is gone, and all the more so.
            "held none of" => drop(record.insert(last.to_owned(), json!([]))),
            other => panic!("{other}: {words}"),
        }
    }
    Request {
        context: Some(context.to_string()),
        entities: Some(entities.to_string()),
        ..asked.clone()
    }
}

#[test]
fn the_smallest_sets_turn_the_verdict_and_no_part_of_them_does() {
    let (mut turned, mut signatures, mut together) = (0, 0, 0);
    for (pack, requests) in asked() {
        let Some(facts_pack) = pack.on_facts() else {
            continue;
        };
        let explainer = Explainer::new(&pack).unwrap();
        let program = Program::load(pack.bundle()).unwrap();
        let on_facts = Program::load(facts_pack.bundle()).unwrap();
        for (case, request) in requests.iter().step_by(EVERY) {
            let Some(Some(turning)) = explainer.turning(request).ok() else {
                continue;
            };
            let denied = Denied {
                program: &program,
                on_facts: &on_facts,
                request: serde_json::from_str(request.evidence.as_deref().unwrap()).unwrap(),
                rest: request.clone(),
            };
            for set in turning.sets.iter().take(8) {
                let all: Vec<&Change> = set.iter().collect();
                assert!(denied.allows_with(&all), "{case}: {all:?} does not turn it");
                for kept in 0..(1_usize << all.len()) - 1 {
                    let of = all.iter().enumerate();
                    let fewer = of.filter(|(nth, _)| kept >> nth & 1 == 1);
                    let fewer: Vec<&Change> = fewer.map(|(_, change)| *change).collect();
                    assert!(!denied.allows_with(&fewer), "{case}: {fewer:?} is enough");
                }
                turned += 1;
                signatures += usize::from(set.iter().any(|c| c.kind == ChangeKind::Signature));
                together += usize::from(set.len() > 1);
            }
        }
    }
    assert!(
        turned > 100 && signatures > 20 && together > 20,
        "{turned} sets, {signatures} with signatures, {together} of several changes"
    );
}

/// Searching decides hundreds of times: a part of the cases is enough.
const EVERY: usize = 3;
