//! The file by which an editor knows what rules can speak of.

use std::path::Path;

use crate::code::Code;
use crate::finding::{Finding, Findings};
use crate::source::{MAX_TEXT, Source, display};

/// The whole schema of a pack, in its folder: what an editor completes and checks rules with.
pub const FACTS: &str = ".vscode/facts.cedarschema";

/// An editor that knows another schema calls right what is wrong. A pack may do without the file.
pub(crate) fn check(folder: &Path, schema: &str, findings: &mut Findings) {
    let path = folder.join(FACTS);
    if path.symlink_metadata().is_err() {
        return;
    }
    let written = Source::read(&path, MAX_TEXT, Code::Unreadable);
    let same = written.is_ok_and(|source| source.text.lines().eq(schema.lines()));
    if !same {
        let (folder, path) = (display(folder), display(&path));
        let message = "an editor reads here what rules can speak of, and that has changed since";
        let finding = Finding::new(Code::EditorSchema, message).in_file(&path);
        findings.push(finding.help(format!("`sod schema {folder} -o {path}` writes it anew")));
    }
}
