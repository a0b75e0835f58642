//! SARIF 2.1.0 (OASIS): what forges and editors read findings from.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use serde_sarif::sarif::{
    ArtifactLocation, Location, Message, MultiformatMessageString, PhysicalLocation, Region,
    ReportingConfiguration, ReportingDescriptor, Result, ResultLevel, Run, SCHEMA_URL, Sarif, Tool,
    ToolComponent,
};
use sod_pack::{Code, Finding, Severity};

use super::{Place, distinct, place};

/// One run, with what each code in it means.
pub(crate) fn sarif<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Sarif {
    let findings = distinct(findings);
    let codes: BTreeMap<Code, Severity> = findings
        .iter()
        .map(|finding| (finding.code, finding.severity))
        .collect();
    let index: BTreeMap<Code, i64> = codes.keys().copied().zip(0..).collect();
    let results: Vec<Result> = findings
        .into_iter()
        .map(|finding| result(finding, index.get(&finding.code).copied()))
        .collect();
    let driver = ToolComponent::builder()
        .name("sod")
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .rules(codes.into_iter().map(rule).collect::<Vec<_>>())
        .build();
    let run = Run::builder()
        .tool(Tool::from(driver))
        // Columns are counted in characters, and not in halves of some.
        .column_kind(Value::from("unicodeCodePoints"))
        .results(results)
        .build();
    Sarif::builder()
        .schema(SCHEMA_URL)
        .version(Value::from("2.1.0"))
        .runs(vec![run])
        .build()
}

fn rule((code, severity): (Code, Severity)) -> ReportingDescriptor {
    let explanation = code.explanation();
    let first = explanation.split("\n\n").next().unwrap_or_default();
    let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
    let level = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    ReportingDescriptor::builder()
        .id(code.to_string())
        .short_description(&first)
        .help(
            MultiformatMessageString::builder()
                .text(explanation)
                .markdown(explanation)
                .build(),
        )
        .default_configuration(
            ReportingConfiguration::builder()
                .level(Value::from(level))
                .build(),
        )
        .build()
}

fn result(finding: &Finding, rule_index: Option<i64>) -> Result {
    let message = match &finding.help {
        Some(help) => format!("{}\nhelp: {help}", finding.message),
        None => finding.message.clone(),
    };
    Result::builder()
        .rule_id(finding.code.to_string())
        .rule_index(rule_index.unwrap_or(-1))
        .level(match finding.severity {
            Severity::Error => ResultLevel::Error,
            Severity::Warning => ResultLevel::Warning,
        })
        .message(Message::from(&message))
        .locations(location(finding).into_iter().collect::<Vec<_>>())
        .build()
}

/// `None`: it is about no file.
fn location(finding: &Finding) -> Option<Location> {
    let artifact = artifact(&place(finding.file.as_ref()?));
    let physical = match region(finding) {
        Some(region) => PhysicalLocation::builder()
            .artifact_location(artifact)
            .region(region)
            .build(),
        None => PhysicalLocation::builder()
            .artifact_location(artifact)
            .build(),
    };
    Some(Location::builder().physical_location(physical).build())
}

fn artifact(place: &Place) -> ArtifactLocation {
    match place {
        Place::Inside(path) => ArtifactLocation::builder()
            .uri(encoded(path))
            .uri_base_id("%SRCROOT%")
            .build(),
        Place::Outside(path) => ArtifactLocation::builder()
            .uri(format!("file://{}", encoded(&slashes(path))))
            .build(),
    }
}

fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// A path as a URI has it (RFC 3986): all but letters, digits, `-._~` and `/` as bytes.
fn encoded(path: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    path.bytes().map(encode).collect()
}

fn region(finding: &Finding) -> Option<Region> {
    let number = |number: usize| i64::try_from(number).ok();
    let (end_line, end_column) = finding.end()?;
    Some(
        Region::builder()
            .start_line(number(finding.line?)?)
            .start_column(number(finding.column?)?)
            .end_line(number(end_line)?)
            .end_column(number(end_column)?)
            .build(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri() {
        assert_eq!(encoded("a b/ü%.cedar"), "a%20b/%C3%BC%25.cedar");
    }
}
