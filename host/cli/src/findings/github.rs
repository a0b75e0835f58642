//! Workflow commands: what a job of GitHub Actions prints to have a note put beside a line of a change.

use std::fmt::Write as _;

use sod_pack::{Finding, Severity};

use super::{Place, distinct, place};

/// One command for each finding, each on a line of its own.
pub(crate) fn github<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> String {
    let commands = distinct(findings).into_iter().map(command);
    commands.map(|command| command + "\n").collect()
}

fn command(finding: &Finding) -> String {
    let mut properties = Vec::new();
    if let Some(file) = &finding.file {
        properties.push((
            "file",
            match place(file) {
                Place::Inside(path) => path,
                Place::Outside(path) => path.display().to_string(),
            },
        ));
    }
    let numbers = [
        ("line", finding.line),
        ("col", finding.column),
        ("endLine", finding.end().map(|(line, _)| line)),
        ("endColumn", finding.end().map(|(_, column)| column)),
    ];
    let numbers = numbers
        .into_iter()
        .filter_map(|(name, number)| Some((name, number?)));
    properties.extend(numbers.map(|(name, number)| (name, number.to_string())));
    properties.push(("title", finding.code.to_string()));
    let mut command = match finding.severity {
        Severity::Error => "::error".to_owned(),
        Severity::Warning => "::warning".to_owned(),
    };
    for (at, (name, value)) in properties.iter().enumerate() {
        let before = if at == 0 { ' ' } else { ',' };
        // Writing to a string cannot fail.
        let _ = write!(command, "{before}{name}={}", property(value));
    }
    let help = finding.help.as_ref().map(|help| format!("\nhelp: {help}"));
    let message = format!("{}{}", finding.message, help.unwrap_or_default());
    command + "::" + &data(&message)
}

/// What follows the second pair of colons.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A value before them.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `@actions/core` escapes them, whose reader is the runner.
    #[test]
    fn nothing_in_a_text_ends_a_command_or_starts_one() {
        assert_eq!(data("100%\r\n::error::x"), "100%25%0D%0A::error::x");
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
    }
}
