//! An explanation in plain words.

use sod_host::{Request, Verdict};
use sod_pack::explain::{
    Applied, Change, ChangeKind, Clause, Conjunct, ExplainedRule, Explanation, Fact, Made, Outcome,
    Part, Place, Truth, Turning, Uncounted,
};

use super::Explained;
use crate::page::{Look, Page};
use crate::verdict;

/// Sets of changes that are printed.
const MOST_SETS: usize = 10;
/// Depth of the demands of a rule.
const DEMANDS: usize = 4;

pub(super) fn explanation(
    page: &mut Page,
    request: &Request,
    explained: &Explained<'_>,
    all: bool,
) {
    let Explained {
        verdict: decided,
        explanation,
        turning,
        ..
    } = explained;
    verdict::headline(page, request, decided);
    without_a_rule(page, decided, explanation.facts.is_some());
    if explanation.facts.is_none() {
        return;
    }
    all_rules(page, explanation, all);
    if !explanation.quorums.is_empty() {
        page.heading("Who fills which place");
        explanation
            .quorums
            .iter()
            .for_each(|place| filled(page, place));
    }
    if !explanation.uncounted.is_empty() {
        page.heading("Approvals that do not count");
        for uncounted in &explanation.uncounted {
            refused(page, decided, uncounted);
        }
    }
    if let Some(turning) = turning {
        page.heading("What would turn it");
        turns(page, turning);
    }
    page.end();
    page.line("This explains and permits nothing: only exit code 0 of `sod decide` is permission.");
}

/// Reasons that are no rule's.
fn without_a_rule(page: &mut Page, decided: &Verdict, asked: bool) {
    let reasons = decided.reasons.iter().filter(|r| r.policy.is_none());
    let reasons: Vec<_> = reasons.collect();
    if !reasons.is_empty() {
        page.heading("Why");
    }
    for reason in reasons {
        page.line(&format!("  {} ({})", reason.message, reason.code));
    }
    if !asked {
        page.line("  the decision ended before any rule was asked");
    }
}

fn all_rules(page: &mut Page, explanation: &Explanation, all: bool) {
    let (deciding, others): (Vec<_>, Vec<_>) =
        explanation.rules.iter().partition(|rule| rule.decides);
    // Where no rule permits, those that could have come first.
    let (open, others): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|rule| deciding.is_empty() && rule.permits);
    rules(page, "Rules that decide", &deciding);
    let title = "Rules that permit such requests, of each of which something does not hold";
    rules(page, title, &open);
    rules(page, "Other rules that concern the request", &others);
    let title = "Rules about other principals, actions or resources";
    if all {
        let others: Vec<_> = explanation.others.iter().collect();
        rules(page, title, &others);
    } else if !explanation.others.is_empty() {
        page.end();
        let count = explanation.others.len();
        page.line(&format!("{title}: {count} (--all lists them)"));
    }
}

fn rules(page: &mut Page, title: &str, rules: &[&ExplainedRule]) {
    if rules.is_empty() {
        return;
    }
    page.heading(title);
    for explained in rules {
        rule(page, explained, 2);
    }
}

fn rule(page: &mut Page, rule: &ExplainedRule, indent: usize) {
    let word = if rule.permits { "permit" } else { "forbid" };
    let (look, applied) = match rule.applied {
        Applied::Applies => (Look::Bold, "applies"),
        Applied::DoesNotApply => (Look::Plain, "does not apply"),
        Applied::Error => (Look::Bad, "could not be evaluated, which denies"),
    };
    page.put(Look::Plain, &" ".repeat(indent));
    page.put(look, &format!("{word} {}: {applied}", rule.id))
        .end();
    if let Some(reason) = &rule.reason {
        note(page, indent + 2, reason);
    }
    note(page, indent + 2, &format!("{}:{}", rule.file, rule.line));
    for demand in &rule.conjuncts {
        conjunct(page, demand, indent + 2);
    }
}

fn note(page: &mut Page, indent: usize, text: &str) {
    page.put(Look::Faint, &format!("{}{text}", " ".repeat(indent)))
        .end();
}

fn conjunct(page: &mut Page, demand: &Conjunct, indent: usize) {
    let (look, outcome) = match demand.outcome {
        Outcome::Held => (Look::Plain, "held"),
        Outcome::DidNotHold => (Look::Bold, "did not hold"),
        Outcome::NotReached => (Look::Faint, "not reached"),
        Outcome::Error => (Look::Bad, "error"),
    };
    let clause = match demand.clause {
        Clause::Scope => "",
        Clause::When => "when ",
        Clause::Unless => "unless ",
    };
    // What is excepted reads the other way round, so it is said which way it went.
    let so = match (demand.clause, demand.part.truth) {
        (Clause::Unless, Truth::True) => ": it is so",
        (Clause::Unless, Truth::False) => ": it is not so",
        _ => "",
    };
    let indented = " ".repeat(indent);
    let text = format!("{indented}{outcome:<14}{clause}{}{so}", demand.part.text);
    page.put(look, &text).end();
    inside(page, &demand.part, indent + 14);
}

/// What a part looked at, and the parts that it is put together from.
fn inside(page: &mut Page, part: &Part, indent: usize) {
    if let Some(message) = &part.message {
        note(page, indent, message);
    }
    for fact in &part.facts {
        note(page, indent, &told(fact));
    }
    if part.truth == Truth::NotReached {
        return;
    }
    for (at, inner) in part.parts.iter().enumerate() {
        let truth = match inner.truth {
            Truth::True => "true",
            Truth::False => "false",
            Truth::NotReached => "not reached",
            Truth::Error => "error",
        };
        let joint = match (part.made, at) {
            (Made::Not, _) => "not ",
            (Made::OneOf, 1..) => "or ",
            (Made::AllOf, 1..) => "and ",
            (Made::Choice, 0) => "if ",
            (Made::Choice, 1) => "then ",
            (Made::Choice, _) => "else ",
            (Made::Whole | Made::OneOf | Made::AllOf, _) => "",
        };
        let text = format!("{}{truth:<13}{joint}{}", " ".repeat(indent), inner.text);
        page.line(&text);
        inside(page, inner, indent + 13);
    }
}

/// `resource.contributors = {ana, bo}`
fn told(fact: &Fact) -> String {
    let relation = match fact.relation {
        "is" => "=",
        other => other,
    };
    format!("{} {relation} {}", fact.of, fact.value)
}

fn filled(page: &mut Page, place: &Place) {
    let people = match place.people.is_empty() {
        true => "nobody".to_owned(),
        false => place.people.join(", "),
    };
    page.line(&format!(
        "  {} of {}: `{}` {} of {}: {people}",
        place.quorum,
        place.resource,
        place.need,
        place.people.len(),
        place.count,
    ));
}

fn refused(page: &mut Page, decided: &Verdict, uncounted: &Uncounted) {
    let same = |approval: &&sod_host::Approval| {
        approval.index == uncounted.index && approval.resource.to_string() == uncounted.resource
    };
    if let Some(approval) = decided.approvals.iter().find(same) {
        verdict::counted(page, approval);
    }
    for fact in &uncounted.facts {
        note(page, DEMANDS, &told(fact));
    }
    for explained in &uncounted.rules {
        rule(page, explained, DEMANDS);
    }
}

fn turns(page: &mut Page, turning: &Turning) {
    let changes = match turning.up_to {
        1 => "one change".to_owned(),
        most => format!("up to {most} changes"),
    };
    let more = if turning.cut_off {
        ", and there are more"
    } else {
        ""
    };
    let sets = if turning.tried == 1 { "set" } else { "sets" };
    let tried = format!("tried: {} {sets} of {changes}{more}", turning.tried);
    if turning.sets.is_empty() {
        page.line(&format!("  nothing that was found: {tried}"));
        return;
    }
    for set in turning.sets.iter().take(MOST_SETS) {
        let all: Vec<&str> = set.iter().map(|change| change.words.as_str()).collect();
        page.put(Look::Plain, &format!("  - if {}", all.join(" and ")));
        let label = match set.iter().filter(|change| is_fact(change)).count() {
            0 => "",
            1 => "  (a fact, not something to ask for)",
            _ => "  (facts, not something to ask for)",
        };
        page.put(Look::Faint, label);
        page.end();
    }
    if let more @ 1.. = turning.sets.len().saturating_sub(MOST_SETS) {
        page.line(&format!(
            "  - or by {more} other sets of as many (--format json has them)"
        ));
    }
    page.line(&format!("  {tried}"));
}

fn is_fact(change: &Change) -> bool {
    change.kind == ChangeKind::Fact
}
