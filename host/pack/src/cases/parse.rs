//! Files of cases, in JSON or YAML, with the place of what is wrong.

use serde::Deserialize;

use crate::code::Code;
use crate::finding::Finding;
use crate::source::Source;

/// By the end of the file's name.
pub(crate) fn case<T: for<'de> Deserialize<'de>>(
    source: &Source,
    code: Code,
) -> Result<T, Finding> {
    match source.name.ends_with(".yaml") {
        true => yaml(source, code),
        false => json(source, code),
    }
}

pub(crate) fn json<T: for<'de> Deserialize<'de>>(
    source: &Source,
    code: Code,
) -> Result<T, Finding> {
    serde_json::from_str(&source.text).map_err(|error| {
        let message = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let message = message.strip_suffix(&place).unwrap_or(&message);
        // Its columns count bytes.
        let lines = source.text.split_inclusive('\n');
        let before: usize = lines
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        let at = (before + error.column().saturating_sub(1)).min(source.text.len());
        let at = source.text.floor_char_boundary(at);
        Finding::new(code, message).at(source, at..at)
    })
}

/// YAML 1.2, and so JSON too. Only `true` and `false` are Bools, and a key stands once.
pub(crate) fn yaml<T: for<'de> Deserialize<'de>>(
    source: &Source,
    code: Code,
) -> Result<T, Finding> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(&source.text, options).map_err(|error| {
        let error = error.without_snippet();
        let message = match error {
            // Its own words name a type of Rust.
            serde_saphyr::Error::InvalidScalar { .. } => "a number is expected here".to_owned(),
            error => error.render_with_formatter(&serde_saphyr::UserMessageFormatter),
        };
        let Some(place) = error.location() else {
            return Finding::new(code, message).at(source, 0..0);
        };
        let suffix = format!(" at line {}, column {}", place.line(), place.column());
        let message = message.strip_suffix(&suffix).unwrap_or(&message);
        let at = offset(source, place.line(), place.column());
        Finding::new(code, message).at(source, at..at)
    })
}

/// Of a line and a column in characters, both from 1.
pub(crate) fn offset(source: &Source, line: u64, column: u64) -> usize {
    let index = |number: u64| {
        usize::try_from(number)
            .unwrap_or(usize::MAX)
            .saturating_sub(1)
    };
    let mut lines = source.text.split_inclusive('\n');
    let before: usize = lines.by_ref().take(index(line)).map(str::len).sum();
    let within = lines
        .next()
        .unwrap_or_default()
        .char_indices()
        .nth(index(column));
    let rest = source.text.get(before..).unwrap_or_default();
    let line_end = rest.find('\n').unwrap_or(rest.len());
    before + within.map_or(line_end, |(at, _)| at)
}
