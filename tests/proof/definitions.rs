//! What proofs take for known of every request is true of the facts that the engine derives.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use serde_json::{Value, json};
use sod_core::cedar::{
    Authorizer, Context, Decision, Entities, EntityUid, Policy, PolicySet, Request, Schema,
};
use sod_core::{Bundle, Mode, Program};
use sod_pack::cases;
use sod_prove::definitions;

use crate::engines::{open, tested_packs};

/// What is known, and a permit of everything: what is then denied contradicts it.
struct Known {
    schema: Schema,
    policies: PolicySet,
}

impl Known {
    fn new(bundle: &Bundle) -> Self {
        let (schema, _) = Schema::from_cedarschema_str(&bundle.schema).unwrap();
        let anything = Policy::from_str("permit (principal, action, resource);").unwrap();
        let policies = definitions(bundle).unwrap().into_iter().chain([anything]);
        Known {
            schema,
            policies: PolicySet::from_policies(policies).unwrap(),
        }
    }

    /// The definitions that facts contradict.
    fn contradicted(&self, facts: &sod_core::Request) -> Vec<String> {
        let uid = |uid: &sod_core::EntityUid| {
            EntityUid::from_json(json!({"type": uid.type_name, "id": uid.id})).unwrap()
        };
        let parse = |json: &Option<_>| -> Value {
            let text: &str = Option::as_deref(json).unwrap();
            serde_json::from_str(text).unwrap()
        };
        let action = uid(&facts.action);
        let context =
            Context::from_json_value(parse(&facts.context), Some((&self.schema, &action)));
        let entities = Entities::from_json_value(parse(&facts.entities), Some(&self.schema));
        let (principal, resource) = (uid(&facts.principal), uid(&facts.resource));
        let request = Request::new(
            principal,
            action,
            resource,
            context.unwrap(),
            Some(&self.schema),
        );
        let answer =
            Authorizer::new().is_authorized(&request.unwrap(), &self.policies, &entities.unwrap());
        assert_eq!(answer.diagnostics().errors().count(), 0);
        match answer.decision() {
            Decision::Allow => Vec::new(),
            Decision::Deny => {
                let reasons = answer.diagnostics().reason();
                reasons
                    .map(|id| self.policies.policy(id).unwrap().to_string())
                    .collect()
            }
        }
    }
}

/// Of each case the request as it is, and the same of everybody else in its directory.
fn requests(request: &Value) -> Vec<sod_core::Request> {
    let people = request
        .pointer("/evidence/people")
        .and_then(Value::as_array);
    let people = people.into_iter().flatten();
    let people = people.filter_map(|person| Some(format!("Person::{}", person.get("id")?)));
    let principals = people.chain([request["principal"].as_str().unwrap().to_owned()]);
    let principals: BTreeSet<String> = principals.collect();
    let asked = principals.into_iter().filter_map(|principal| {
        let mut request = request.clone();
        request["principal"] = principal.into();
        let json = serde_json::to_vec(&request).unwrap();
        let request = sod_host::Request::from_json(&json).ok()?;
        Some(sod_tests::core_request(&request))
    });
    asked.collect()
}

#[test]
fn definitions_are_true_of_the_facts_of_every_case() {
    let mut questions = 0;
    for folder in tested_packs() {
        let pack = open(&folder);
        if pack.mode() == Mode::Cedar {
            continue;
        }
        let known = Known::new(&pack.bundle());
        let cases = cases::read(&pack).unwrap();
        for (chosen, cases) in cases::by_choice(&pack, &cases) {
            let program = Program::load(chosen.bundle()).unwrap();
            for case in cases.into_iter().filter(|case| !case.facts) {
                for request in requests(&case.request) {
                    let Ok(Some(facts)) = program.facts(&request) else {
                        continue;
                    };
                    questions += 1;
                    let asked = [facts.request].into_iter();
                    for facts in asked.chain(facts.signing.into_iter().map(|one| one.request)) {
                        let contradicted = known.contradicted(&facts);
                        let name = &case.name;
                        assert!(
                            contradicted.is_empty(),
                            "{name}: {contradicted:?} {facts:?}"
                        );
                    }
                }
            }
        }
    }
    assert!(questions > 5_000, "{questions}");
}

/// The comparison sees a fact that no evidence leads to.
#[test]
fn a_fact_that_cannot_be_is_seen() {
    let folder = tested_packs()
        .into_iter()
        .find(|path| path.ends_with("two-person-change"));
    let pack = open(&folder.unwrap());
    let known = Known::new(&pack.bundle());
    let program = Program::load(pack.bundle()).unwrap();
    let cases = cases::read(&pack).unwrap();
    let mut merges = cases.iter().filter(|case| case.name.starts_with("allow/"));
    let facts = merges.find_map(|case| {
        let request = requests(&case.request).pop()?;
        let facts = program.facts(&request).ok()??.request;
        facts
            .context
            .as_ref()?
            .contains("signer_count")
            .then_some(facts)
    });
    let facts = facts.unwrap();
    let mut context: Value = serde_json::from_str(facts.context.as_deref().unwrap()).unwrap();
    for (field, value) in [("signer_count", json!(-1)), ("approvers", json!([]))] {
        let mut other = context.clone();
        other[field] = value;
        let other = sod_core::Request {
            context: Some(other.to_string()),
            ..facts.clone()
        };
        assert!(!known.contradicted(&other).is_empty(), "{field}");
    }
    context["signer_count"] = json!(1);
    context["quorum"]["two_person"] = json!(true);
    let other = sod_core::Request {
        context: Some(context.to_string()),
        ..facts
    };
    assert!(!known.contradicted(&other).is_empty());
}
