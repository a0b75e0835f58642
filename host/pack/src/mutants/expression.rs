//! What small slips could make of a condition, on Cedar's JSON form of it.
//!
//! To take a condition for true is to leave it out of what it is joined with by `&&`, to take it for false is to leave
//! it out of what it is joined with by `||`; so neither is an operator of its own.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A condition that differs in one place.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    /// The whole of it.
    pub(crate) expression: Value,
    /// Which slip.
    pub(crate) operator: &'static str,
    /// What became what.
    pub(crate) before: Value,
    /// Nothing: it is left out.
    pub(crate) after: Option<Value>,
}

/// Names that could be taken for each other, by what they are names of: the attribute in front of them, or
/// `option.NAME`.
pub(crate) type Names = BTreeMap<String, Vec<String>>;

/// A comparison, what it could be taken for, and on which side of the number the other boundary is.
const COMPARISONS: [(&str, &str, i64); 4] = [
    ("<", "<=", -1),
    ("<=", "<", 1),
    (">", ">=", 1),
    (">=", ">", -1),
];

/// All that differ from `expression` in one place.
pub(crate) fn variants(expression: &Value, names: &Names) -> Vec<Variant> {
    let Some((operator, body)) = operation(expression) else {
        return Vec::new();
    };
    let mut list = match operator {
        "&&" | "||" => return in_chain(operator, &operands(operator, expression), names),
        "Value" | "Var" => return Vec::new(),
        "." => other_names(expression, names),
        "Set" => elements_left_out(body),
        _ => comparisons(operator, body),
    };
    list.extend(in_parts(operator, body, names));
    list
}

/// `!x` as `x`, and anything else with a `!` before it.
pub(crate) fn negated(expression: &Value) -> Value {
    match operation(expression) {
        Some(("!", body)) => body.get("arg").cloned().unwrap_or_default(),
        _ => json!({"!": {"arg": expression}}),
    }
}

/// What is joined by `operator`, however it is bracketed.
pub(crate) fn operands(operator: &str, expression: &Value) -> Vec<Value> {
    match operation(expression) {
        Some((found, body)) if found == operator => {
            let side = |name| body.get(name).map(|side| operands(operator, side));
            let sides = ["left", "right"].into_iter().filter_map(side);
            sides.flatten().collect()
        }
        _ => vec![expression.clone()],
    }
}

fn operation(expression: &Value) -> Option<(&str, &Value)> {
    let (operator, body) = expression.as_object()?.iter().next()?;
    Some((operator, body))
}

fn joined(operator: &str, operands: impl IntoIterator<Item = Value>) -> Option<Value> {
    let join = |left, right| json!({ operator: {"left": left, "right": right} });
    operands.into_iter().reduce(join)
}

fn in_chain(operator: &str, operands: &[Value], names: &Names) -> Vec<Variant> {
    let mut list = Vec::new();
    for (at, operand) in operands.iter().enumerate() {
        let with = |other: Option<Value>| {
            let others = operands.iter().enumerate();
            let others = others.filter_map(|(ix, one)| match ix == at {
                true => other.clone(),
                false => Some(one.clone()),
            });
            joined(operator, others)
        };
        let of_operand = [
            slip("left-out", operand, None),
            slip("turned-round", operand, Some(negated(operand))),
        ];
        list.extend(of_operand.into_iter().filter_map(|one| {
            let expression = with(one.after.clone())?;
            Some(Variant { expression, ..one })
        }));
        list.extend(variants(operand, names).into_iter().filter_map(|one| {
            let expression = with(Some(one.expression))?;
            Some(Variant { expression, ..one })
        }));
    }
    list
}

fn slip(operator: &'static str, before: &Value, after: Option<Value>) -> Variant {
    Variant {
        expression: after.clone().unwrap_or_default(),
        operator,
        before: before.clone(),
        after,
    }
}

fn in_parts(operator: &str, body: &Value, names: &Names) -> Vec<Variant> {
    let whole = |part: &dyn Fn(Value) -> Value, one: Variant| Variant {
        expression: json!({ operator: part(one.expression.clone()) }),
        ..one
    };
    let mut list = Vec::new();
    match body {
        Value::Object(fields) => {
            for (name, field) in fields {
                let with = |value| {
                    let mut fields: Map<String, Value> = fields.clone();
                    fields.insert(name.clone(), value);
                    Value::Object(fields)
                };
                list.extend(
                    variants(field, names)
                        .into_iter()
                        .map(|one| whole(&with, one)),
                );
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let with = |value: Value| {
                    let others = items.iter().enumerate();
                    let others = others.map(|(ix, one)| match ix == at {
                        true => value.clone(),
                        false => one.clone(),
                    });
                    Value::Array(others.collect())
                };
                list.extend(
                    variants(item, names)
                        .into_iter()
                        .map(|one| whole(&with, one)),
                );
            }
        }
        _ => {}
    }
    list
}

/// The comparison at its boundary, and the number beyond its other boundary.
fn comparisons(operator: &str, body: &Value) -> Vec<Variant> {
    let found = COMPARISONS.iter().find(|(from, ..)| *from == operator);
    let Some((from, to, step)) = found else {
        return Vec::new();
    };
    let before = json!({ *from: body });
    let mut list = vec![slip("comparison", &before, Some(json!({ *to: body })))];
    for (side, step) in [("right", *step), ("left", -step)] {
        let number = body
            .get(side)
            .and_then(|side| side.get("Value"))
            .and_then(Value::as_i64);
        if let Some(number) = number.and_then(|number| number.checked_add(step)) {
            let mut body = body.clone();
            if let Some(side) = body.get_mut(side) {
                *side = json!({ "Value": number });
            }
            list.push(slip("number", &before, Some(json!({ *from: body }))));
        }
    }
    list
}

/// A set without one of its elements. One that would be empty has no type.
fn elements_left_out(body: &Value) -> Vec<Variant> {
    let items = body.as_array().map_or(&[][..], Vec::as_slice);
    if items.len() < 2 {
        return Vec::new();
    }
    let before = json!({ "Set": items });
    let without = |at: usize| {
        let others = items.iter().enumerate().filter(|(ix, _)| *ix != at);
        let others: Vec<&Value> = others.map(|(_, item)| item).collect();
        slip("element", &before, Some(json!({ "Set": others })))
    };
    (0..items.len()).map(without).collect()
}

/// `context.quorum.a` as `context.quorum.b`, and so on.
fn other_names(expression: &Value, names: &Names) -> Vec<Variant> {
    let Some((left, name)) = attribute(expression) else {
        return Vec::new();
    };
    let kind = attribute(left).map(|(before, kind)| match attribute(before) {
        Some((_, "option")) => format!("option.{kind}"),
        _ => kind.to_owned(),
    });
    let of_kind = kind.and_then(|kind| names.get(&kind));
    let alike = of_kind.filter(|alike| alike.iter().any(|one| one == name));
    let others = alike.into_iter().flatten().filter(|other| *other != name);
    let named = |other: &String| json!({".": {"left": left, "attr": other}});
    others
        .map(|other| slip("name", expression, Some(named(other))))
        .collect()
}

/// `left.name`
fn attribute(expression: &Value) -> Option<(&Value, &str)> {
    let body = expression.get(".")?;
    Some((body.get("left")?, body.get("attr")?.as_str()?))
}
