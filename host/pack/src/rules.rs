//! Rules as Cedar reads them: each with its `@id` and its place.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde::Serialize;
use sod_core::Effect;
use sod_core::cedar::{self, Policy, PolicyId, PolicySet};

use crate::cedar_findings::from_diagnostic;
use crate::code::Code;
use crate::finding::{Finding, Findings};
use crate::manifest::is_kebab_case;
use crate::nesting::{Language, MAX_DEPTH, too_deep};
use crate::source::Source;

/// One rule of a pack.
#[derive(Debug, Clone, Serialize)]
pub struct Rule {
    /// `@id`
    pub id: String,
    /// Name of the pack that it comes from.
    pub pack: String,
    /// What it does when it applies.
    pub effect: Effect,
    /// Its annotations but `@id`.
    pub annotations: BTreeMap<String, String>,
    /// Its file, as reached from the path that was asked for.
    pub file: String,
    /// Its first line in the file, from 1.
    pub line: usize,
    /// Canonical Cedar text: without comments, the annotations sorted.
    pub text: String,
    #[serde(skip)]
    pub(crate) at: Range<usize>,
    #[serde(skip)]
    pub(crate) source: Source,
    #[serde(skip)]
    pub(crate) policy: Policy,
}

impl Rule {
    /// A finding that shows the head of the rule.
    pub fn finding(&self, code: Code, message: impl Into<String>) -> Finding {
        Finding::new(code, message).at(&self.source, self.at.clone())
    }
}

/// The rules of one file. What has no usable `@id` is a finding and left out.
pub(crate) fn parse(source: &Source, pack: &str, findings: &mut Findings) -> Vec<Rule> {
    if let Some(at) = too_deep(&source.text, Language::Policy) {
        findings.push(nesting_too_deep(source, at));
        return Vec::new();
    }
    let set = match source.text.parse::<PolicySet>() {
        Ok(set) => set,
        Err(errors) => {
            let errors = errors.iter();
            findings.extend(
                errors.map(|error| from_diagnostic(Code::PolicySyntax, error, source, 0..0)),
            );
            return Vec::new();
        }
    };
    if set.is_empty() {
        let finding = Finding::new(Code::RulesMissing, "no rule in this file");
        findings.push(
            finding
                .at(source, 0..0)
                .help("write a policy, or delete the file"),
        );
    }
    findings.extend(
        set.templates()
            .map(|template| is_template(source, template)),
    );
    let policies = set.policies();
    policies
        .filter_map(|policy| rule(source, pack, policy, findings))
        .collect()
}

pub(crate) fn nesting_too_deep(source: &Source, at: Range<usize>) -> Finding {
    Finding::new(
        Code::NestingTooDeep,
        format!("nested more than {MAX_DEPTH} deep"),
    )
    .at(source, at)
    .help("split the rule in two, or put alternatives into a set: `[a, b].contains(x)`")
}

fn is_template(source: &Source, template: &cedar::Template) -> Finding {
    let at = template
        .as_ref()
        .loc()
        .map_or(0..0, |loc| loc.start()..loc.end());
    let mut slots: Vec<String> = template.slots().map(|slot| format!("`{slot}`")).collect();
    slots.sort();
    let slots = slots.join(" and ");
    Finding::new(
        Code::PolicyTemplate,
        format!("the rule leaves {slots} open"),
    )
    .at(source, source.first_line(at))
    .help("a pack decides by itself: write the entity in the place of the slot")
}

fn rule(source: &Source, pack: &str, policy: &Policy, findings: &mut Findings) -> Option<Rule> {
    let whole = policy
        .as_ref()
        .loc()
        .map_or(0..0, |loc| loc.start()..loc.end());
    let head = source.first_line(whole);
    let Some(id) = policy.annotation("id") else {
        let finding = Finding::new(Code::IdMissing, "the rule has no `@id`").at(source, head);
        findings.push(
            finding.help("put `@id(\"what-it-demands\")` before it: verdicts and cases name it"),
        );
        return None;
    };
    if !is_kebab_case(id) {
        let finding = Finding::new(Code::IdInvalid, format!("`{id}` is not an id for a rule"));
        findings.push(
            finding
                .at(source, head)
                .help("lower-case letters, digits and single hyphens"),
        );
        return None;
    }
    let policy = policy.new_id(PolicyId::new(id));
    let rule = Rule {
        id: id.to_owned(),
        pack: pack.to_owned(),
        effect: match policy.effect() {
            cedar::Effect::Permit => Effect::Allow,
            cedar::Effect::Forbid => Effect::Deny,
        },
        annotations: annotations(&policy),
        file: source.name.clone(),
        line: source.position(head.start).0,
        text: canonical(&policy),
        at: head,
        source: source.clone(),
        policy,
    };
    if rule
        .annotations
        .get("reason")
        .is_none_or(|reason| reason.trim().is_empty())
    {
        let finding = rule.finding(
            Code::ReasonMissing,
            format!("rule `{}` has no `@reason`", rule.id),
        );
        findings
            .push(finding.help(
                "say in plain words what it demands: verdicts show it to those they concern",
            ));
    }
    Some(rule)
}

fn annotations(policy: &Policy) -> BTreeMap<String, String> {
    let others = policy.annotations().filter(|(name, _)| *name != "id");
    others
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// As Cedar prints the syntax tree. Falls back to the text as written, should that not read back as the same.
pub(crate) fn canonical(policy: &Policy) -> String {
    let printed = Policy::from(policy.as_ref().clone()).to_string();
    let read = printed
        .parse::<Policy>()
        .map(|read| read.new_id(policy.id().clone()));
    match read {
        Ok(read) if read == *policy => printed,
        _ => policy.to_string(),
    }
}

/// Two rules with the same `@id` are a finding at both places; the first stays.
pub(crate) fn refuse_duplicates(rules: Vec<Rule>, findings: &mut Findings) -> Vec<Rule> {
    let mut first: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<Rule> = Vec::new();
    for rule in rules {
        let Some(other) = first.get(&rule.id).and_then(|at| kept.get(*at)) else {
            first.insert(rule.id.clone(), kept.len());
            kept.push(rule);
            continue;
        };
        findings.push(duplicate(&rule, other));
        findings.push(duplicate(other, &rule));
    }
    kept
}

fn duplicate(rule: &Rule, other: &Rule) -> Finding {
    let place = other.source.place(other.at.start);
    rule.finding(
        Code::IdDuplicate,
        format!("`@id(\"{}\")` is also at {place}", rule.id),
    )
    .help("every rule of a pack and of what it includes has an id of its own")
}
