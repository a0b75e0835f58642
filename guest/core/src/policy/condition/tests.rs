//! Taken apart, a condition says what Cedar says of the whole.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use cedar_policy_core::ast::{Context, EntityUID};
use cedar_policy_core::entities::Entities;

use super::*;
use crate::policy::Question;

/// True, false, an error, no Bool, and what the pack has chosen.
const PARTS: [&str; 6] = [
    "context.yes",
    "context.no",
    "context.absent",
    "context.number",
    "context.option.approver.anybody",
    "context.option.approver.nobody",
];

fn options() -> Vec<PackOption> {
    let value = |chosen: &str| OptionValue::Word {
        chosen: chosen.to_owned(),
        of: vec!["nobody".to_owned(), "anybody".to_owned()],
    };
    vec![
        PackOption {
            name: "approver".to_owned(),
            value: value("anybody"),
        },
        PackOption {
            name: "days".to_owned(),
            value: OptionValue::Number(3),
        },
    ]
}

fn value(bool: bool) -> Value {
    Value::from(bool)
}

fn context() -> Context {
    let approver = [("anybody", value(true)), ("nobody", value(false))];
    let option = [("approver", Value::record(approver, None))];
    let pairs = [
        ("yes", value(true)),
        ("no", value(false)),
        ("number", Value::from(5)),
        ("option", Value::record(option, None)),
    ];
    let pairs = pairs.into_iter();
    Context::Value(std::sync::Arc::new(
        pairs.map(|(name, value)| (name.into(), value)).collect(),
    ))
}

fn question() -> Question {
    let entity = |text: &str| text.parse::<EntityUID>().unwrap();
    Question {
        principal: entity("P::\"p\""),
        action: entity("Action::\"a\""),
        resource: entity("R::\"r\""),
        context: context(),
    }
}

#[test]
fn cedar_says_the_same_of_the_whole() {
    let negated = |part: &str| [part.to_owned(), format!("!({part})")];
    let simple: Vec<String> = PARTS.into_iter().flat_map(negated).collect();
    let mut all = simple.clone();
    for (left, right) in simple
        .iter()
        .flat_map(|l| simple.iter().map(move |r| (l, r)))
    {
        for word in ["&&", "||"] {
            all.push(format!("({left}) {word} ({right})"));
            for (third, other) in PARTS.into_iter().flat_map(|t| [(t, "&&"), (t, "||")]) {
                all.push(format!("(({left}) {word} ({right})) {other} ({third})"));
                all.push(format!("({third}) {other} !(({left}) {word} ({right}))"));
            }
        }
    }
    let conditions: Vec<Expr> = all.iter().map(|text| text.parse().unwrap()).collect();
    let (question, entities) = (question(), Entities::new());
    let extensions = Extensions::all_available();
    let plain = Evaluator::new(question.request(), &entities, extensions);
    let expected = |whole: &Expr| match plain.interpret(whole, &HashMap::new()) {
        Ok(value) => bool_of(&value).ok_or_else(|| "a condition is no Bool".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let options = options();
    let mut anatomy = Anatomy::new(&options, conditions.iter());
    let taken_apart: Vec<Condition> = conditions.iter().map(|c| anatomy.take_apart(c)).collect();
    assert!(anatomy.places() > 0);
    let world = (&question, &entities);
    let mut answers = Answers::new(&world, anatomy.places());
    let mut said = [0; 3];
    for (text, (whole, condition)) in all.iter().zip(conditions.iter().zip(&taken_apart)) {
        let expected = expected(whole);
        let whether = answers.whether(condition, whole).unwrap();
        assert_eq!(whether, expected, "{text}");
        let kind = match expected {
            Ok(true) => 0,
            Ok(false) => 1,
            Err(_) => 2,
        };
        said[kind] += 1;
    }
    assert!(said.iter().all(|count| *count > 500), "{said:?}");
}

#[test]
fn only_a_word_that_the_pack_can_choose_is_known() {
    let options = options();
    let known = |text: &str| chosen(&options, &text.parse().unwrap());
    assert_eq!(known("context.option.approver.anybody"), Some(true));
    assert_eq!(known("context.option.approver.nobody"), Some(false));
    for other in [
        "context.option.approver.somebody",
        "context.option.approver",
        "context.option.days",
        "context.option.days.anybody",
        "context.option.other.anybody",
        "context.options.approver.anybody",
        "principal.option.approver.anybody",
        "context.more.option.approver.anybody",
        "{\"option\": context}.option.approver.anybody",
    ] {
        assert_eq!(known(other), None, "{other}");
    }
}
