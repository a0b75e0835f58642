//! Rules laid out as Cedar's own formatter does it. What they mean stays the same, and so do their comments.

use std::path::{Path, PathBuf};

use cedar_policy_formatter::{Config, policies_str_to_pretty};
use sod_core::cedar::PolicySet;

use crate::cedar_findings::from_diagnostic;
use crate::code::Code;
use crate::finding::{Finding, Findings};
use crate::folder::list;
use crate::manifest::MANIFEST;
use crate::nesting::{Language, comments, too_deep};
use crate::rules::nesting_too_deep;
use crate::source::{MAX_TEXT, Source, display};

/// As wide as the shipped rules.
const WIDTH: usize = 120;
/// Cedar's own.
const INDENT: isize = 2;

/// A file of rules, as it is and as it should be laid out.
#[derive(Debug)]
pub struct Formatted {
    /// The file.
    pub path: PathBuf,
    /// What is in it.
    pub before: String,
    /// What should be.
    pub after: String,
}

/// The files of a pack that have a layout: its own rules and invariants, by name.
///
/// # Errors
/// It is no pack, or cannot be read.
pub fn files(pack: &Path) -> Result<Vec<PathBuf>, Findings> {
    if !pack.join(MANIFEST).is_file() {
        let message = format!("`{}` is no pack: it has no `{MANIFEST}`", display(pack));
        let finding = Finding::new(Code::ManifestMissing, message).in_file(display(pack));
        return Err(finding
            .help("name the folder of a pack, or a `.cedar` file")
            .into());
    }
    let mut files = Vec::new();
    for folder in ["rules", "invariants"].map(|name| pack.join(name)) {
        let is_cedar = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "cedar");
        match list(&folder) {
            Ok(paths) => files.extend(paths.into_iter().filter(is_cedar)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(crate::source::unreadable(&folder, &error, Code::Unreadable).into());
            }
        }
    }
    Ok(files)
}

/// Lays one file out, and writes nothing.
///
/// # Errors
/// It cannot be read, or does not parse.
pub fn format(path: &Path) -> Result<Formatted, Findings> {
    let source = Source::read(path, MAX_TEXT, Code::Unreadable)?;
    if let Some(at) = too_deep(&source.text, Language::Policy) {
        return Err(nesting_too_deep(&source, at).into());
    }
    let after = match source.text.parse::<PolicySet>() {
        Ok(set) if set.is_empty() => source.text.to_string(),
        Ok(_) => lay_out(&source)?,
        Err(errors) => {
            let mut findings = Findings::default();
            let errors = errors.iter();
            findings.extend(
                errors.map(|error| from_diagnostic(Code::PolicySyntax, error, &source, 0..0)),
            );
            return Err(findings.sorted());
        }
    };
    Ok(Formatted {
        path: path.to_owned(),
        before: source.text.to_string(),
        after,
    })
}

fn lay_out(source: &Source) -> Result<String, Finding> {
    let config = Config {
        line_width: WIDTH,
        indent_width: INDENT,
    };
    let refused = |why: String| {
        let message = format!("Cedar's formatter cannot lay this file out: {why}");
        let finding = Finding::new(Code::PolicyInvalid, message).in_file(&source.name);
        finding.help("nothing is wrong with its rules: leave its layout as it is")
    };
    let after = policies_str_to_pretty(&source.text, &config)
        .map_err(|error| refused(error.to_string()))?;
    if !comments(&source.text).eq(comments(&after)) {
        return Err(refused("a comment would be lost".to_owned()));
    }
    Ok(after)
}
