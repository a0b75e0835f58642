//! The files of a new pack, and the words that are filled into them.

use std::fmt::Write as _;

use sod_host::Reason;
use sod_pack::{Choice, MANIFEST, Pack};

use super::include::Included;

/// Path from the pack's folder, and contents.
pub(super) type File = (&'static str, &'static str);

/// The JSON Schema with which an editor completes fixtures.
pub(super) const EVIDENCE: &str = ".vscode/evidence.schema.json";

/// In a case whose reasons depend on what is included.
pub(super) const REASONS: &str = "[\"unknown\"]";

macro_rules! files {
    ($from:literal: $($file:literal)+) => {
        &[$(($file, include_str!(concat!($from, "/", $file)))),+]
    };
}

/// Of every pack.
pub(super) const BOTH: &[File] = files! { "both":
    ".vscode/settings.json"
    ".vscode/extensions.json"
    "cases/fixtures/change.json"
};

/// Of a pack by itself.
pub(super) const PLAIN: &[File] = files! { "plain":
    "README.md"
    "cases/allow/author-merges.json"
    "cases/allow/developer-merges.json"
    "cases/allow/reviewer-approves.json"
    "cases/deny/author-approves.json"
    "cases/deny/developer-approves.json"
    "cases/deny/machine-approves.json"
    "cases/deny/machine-merges.json"
    "cases/deny/merge-without-an-approval.json"
    "cases/deny/pushed-by-a-machine-of-nobody.json"
    "cases/deny/pushed-by-a-stranger.json"
    "cases/deny/pushes-unknown.json"
    "cases/deny/reviewer-merges.json"
    "cases/deny/reviewer-signs-a-deployment.json"
    "cases/deny/whoever-left-approves.json"
    "cases/deny/whoever-left-merges.json"
    "invariants/review.cedar"
    "matrix.toml"
    "pack.toml"
    "rules/approve.cedar"
    "rules/authors.cedar"
    "rules/merge.cedar"
};

/// Of a pack that adds to others.
pub(super) const ON_TOP: &[File] = files! { "on-top":
    "README.md"
    "cases/deny/merge-to-main.json"
    "cases/deny/merge-to-release.json"
    "invariants/release.cedar"
    "matrix.toml"
    "pack.toml"
    "rules/release.cedar"
};

/// The manifest among them.
pub(super) fn manifest(files: &[File]) -> &'static str {
    let manifest = files.iter().find(|(file, _)| *file == MANIFEST);
    manifest.map_or("", |(_, contents)| contents)
}

/// What is filled into a template. No name of a pack has a brace in it, and a path comes last.
pub(super) struct Words<'a> {
    name: &'a str,
    /// In prose.
    included: String,
    /// In TOML.
    includes: String,
}

impl<'a> Words<'a> {
    pub(super) fn new(name: &'a str, included: &[Included]) -> Self {
        let names = included.iter().map(|pack| format!("`{}`", pack.name));
        // The escapes of a string in JSON are those of one in TOML.
        let paths = included
            .iter()
            .map(|pack| serde_json::json!(pack.path).to_string());
        Words {
            name,
            included: names.collect::<Vec<_>>().join(" and "),
            includes: paths.collect::<Vec<_>>().join(", "),
        }
    }

    pub(super) fn fill_in(&self, contents: &str) -> String {
        contents
            .replace("{{name}}", self.name)
            .replace("{{included}}", &self.included)
            .replace("{{includes}}", &self.includes)
    }
}

/// For the end of a manifest: what the included packs leave open, to choose by taking the `#` away.
pub(super) fn open_options(pack: &Pack) -> String {
    let options = pack.options();
    if options.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\n# What the included packs leave open, and what it is now. Take the `#` away to choose; of several packs that \
         choose,\n# the strictest counts.\n# [choose]\n",
    );
    for option in options {
        let value = match &option.value {
            Choice::Word(word) => format!("\"{word}\""),
            Choice::Number(number) => number.to_string(),
        };
        // Writing to a string has no way to fail.
        let _ = writeln!(text, "# {} = {value} # {}", option.name, option.takes);
    }
    text
}

/// As a case names it.
pub(super) fn reason(reason: &Reason) -> String {
    match &reason.policy {
        Some(policy) => format!("{}:{policy}", reason.code),
        None => reason.code.clone(),
    }
}
