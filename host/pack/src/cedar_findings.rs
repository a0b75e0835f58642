//! What Cedar says about a text, as findings.

use std::ops::Range;

use miette::Diagnostic;
use sod_core::cedar::{ValidationError, ValidationWarning};

use crate::code::Code;
use crate::finding::Finding;
use crate::source::Source;

/// A finding from Cedar's own diagnostic, whose labels are offsets into `source`.
pub(crate) fn from_diagnostic(
    code: Code,
    diagnostic: &dyn Diagnostic,
    source: &Source,
    otherwise: Range<usize>,
) -> Finding {
    let labels: Vec<_> = diagnostic.labels().into_iter().flatten().collect();
    let mut message = tidy(&diagnostic.to_string());
    for detail in labels.iter().filter_map(|label| label.label()) {
        message.push_str(": ");
        message.push_str(detail);
    }
    let at = labels.first().map_or(otherwise, |label| {
        label.offset()..label.offset() + label.len()
    });
    let finding = Finding::new(code, message).at(source, source.first_line(at));
    // Some help is for those who call Cedar from a program.
    let help = diagnostic.help().map(|help| tidy(&help.to_string()));
    match help.filter(|help| !help.contains("this API")) {
        Some(help) => finding.help(help),
        None => match own_help(code, &finding.message) {
            Some(help) => finding.help(help),
            None => finding,
        },
    }
}

/// A diagnostic and those that came with it. Cedar shows the first of many as the whole.
pub(crate) fn with_related(diagnostic: &dyn Diagnostic) -> impl Iterator<Item = &dyn Diagnostic> {
    std::iter::once(diagnostic).chain(diagnostic.related().into_iter().flatten())
}

/// Cedar's words without the id of the policy or the kind of text before them: a finding shows the place.
pub(crate) fn tidy(message: &str) -> String {
    let message = message
        .strip_prefix("error parsing schema: ")
        .unwrap_or(message);
    let rest = message
        .strip_prefix("for policy `")
        .and_then(|rest| rest.split_once("`, "));
    let rest = rest.map_or(message, |(_, rest)| rest).trim_end_matches('.');
    // A capital starts a sentence, unless it starts a name.
    match rest.strip_prefix("The ") {
        Some(rest) => format!("the {rest}"),
        None => rest.to_owned(),
    }
}

/// The code of a validation error.
pub(crate) fn code_of_error(error: &ValidationError) -> Code {
    match error {
        ValidationError::UnrecognizedEntityType(_) => Code::UnknownEntityType,
        ValidationError::UnrecognizedActionId(_) => Code::UnknownAction,
        ValidationError::UnsafeAttributeAccess(_) => Code::UnknownAttribute,
        ValidationError::UnsafeOptionalAttributeAccess(_) => Code::UnguardedAttribute,
        ValidationError::UnexpectedType(_) | ValidationError::IncompatibleTypes(_) => {
            Code::TypeMismatch
        }
        _ => Code::PolicyInvalid,
    }
}

/// The code of a validation warning.
pub(crate) fn code_of_warning(warning: &ValidationWarning) -> Code {
    match warning {
        ValidationWarning::ImpossiblePolicy(_) | ValidationWarning::InvalidActionApplication(_) => {
            Code::PolicyImpossible
        }
        _ => Code::PolicySuspicious,
    }
}

/// Where Cedar has no help and sod knows more.
fn own_help(code: Code, message: &str) -> Option<&'static str> {
    match code {
        Code::UnknownAttribute if message.contains("quorum") => Some(
            "a quorum is a table `[quorum.NAME]` in pack.toml; `merge` sees those of changes, `deploy` and `rollback` \
             all, `review` and `approve` none",
        ),
        Code::UnknownAttribute => Some("docs/facts.md has every fact, with its type"),
        Code::UnknownAction => Some(
            "actions are declared in a schema; those of the base schema are `review`, `approve`, `merge`, `deploy` and \
             `rollback`",
        ),
        Code::SchemaSyntax if message.contains("unexpected token `{`") => Some(
            "a schema is written in Cedar's schema syntax and not as JSON: `entity Page = { secret: Bool };`",
        ),
        Code::PolicySyntax
            if ["`and`", "`or`", "`not`"]
                .iter()
                .any(|word| message.starts_with(&format!("unexpected token {word}"))) =>
        {
            Some("Cedar writes `&&` for and, `||` for or, `!` for not")
        }
        Code::PolicySyntax if message.ends_with("is not a valid method") => Some(
            "texts are compared with `like \"release/*\"`; sets have `contains`, `containsAll`, `containsAny` and `isEmpty`",
        ),
        Code::PolicyImpossible => {
            Some("a rule that never applies protects nothing: correct its scope, or delete it")
        }
        _ => None,
    }
}
