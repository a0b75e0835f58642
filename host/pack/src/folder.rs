//! A pack folder and all that it includes, read and not yet judged.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::code::Code;
use crate::finding::{Finding, Findings};
use crate::manifest::{MANIFEST, Manifest};
use crate::source::{MAX_TEXT, Source, display, unreadable};

/// Packs that include packs that include packs: nobody reads further than this.
const MAX_INCLUDE_DEPTH: usize = 32;

/// One pack of the tree.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) schema: Option<Source>,
    pub(crate) rules: Vec<Source>,
    pub(crate) invariants: Vec<Source>,
}

/// The pack and all that it includes; what is included comes first, the pack itself last.
pub(crate) fn read_tree(path: &Path, findings: &mut Findings) -> Vec<Folder> {
    let mut tree = Tree {
        findings,
        trail: Vec::new(),
        done: BTreeSet::new(),
        folders: Vec::new(),
    };
    tree.visit(path, None);
    tree.folders
}

struct Tree<'a> {
    findings: &'a mut Findings,
    /// From the pack that was asked for to the one being read: real path, name.
    trail: Vec<(PathBuf, String)>,
    /// By real path, so that a pack reached in two ways is read once.
    done: BTreeSet<PathBuf>,
    folders: Vec<Folder>,
}

/// Where a pack was asked for.
type Asked<'a> = Option<(&'a Source, std::ops::Range<usize>)>;

impl Tree<'_> {
    fn visit(&mut self, path: &Path, asked: Asked<'_>) {
        let real = match path.canonicalize() {
            Ok(real) if real.is_dir() => real,
            Ok(_) => return self.refuse(Code::Unreadable, not_a_folder(path), asked),
            Err(error) => return self.refuse_unreadable(path, &error, asked),
        };
        if let Some(cycle) = self.cycle(&real) {
            return self.refuse(Code::IncludeCycle, cycle, asked);
        }
        if self.trail.len() >= MAX_INCLUDE_DEPTH {
            let message = format!("packs include each other more than {MAX_INCLUDE_DEPTH} deep");
            return self.refuse(Code::IncludeCycle, message, asked);
        }
        if !self.done.insert(real.clone()) {
            return;
        }
        if asked.is_some() && !path.join(MANIFEST).exists() {
            let message = format!("`{}` is no pack: it has no `{MANIFEST}`", display(path));
            return self.refuse(Code::IncludeMissing, message, asked);
        }
        let Some(manifest) = Manifest::read(path, self.findings) else {
            return;
        };
        self.trail.push((real, manifest.name.clone()));
        for (include, at) in manifest.includes.clone() {
            self.include(path, &include, (&manifest.source, at));
        }
        self.trail.pop();
        let folder = Folder {
            schema: read_schema(path, self.findings),
            rules: read_rules(path, !manifest.includes.is_empty(), self.findings),
            invariants: read_invariants(path, self.findings),
            path: path.to_owned(),
            manifest,
        };
        self.folders.push(folder);
    }

    fn include(&mut self, from: &Path, include: &str, asked: (&Source, std::ops::Range<usize>)) {
        if Path::new(include).is_relative() {
            return self.visit(&from.join(include), Some(asked));
        }
        let message = format!("`{include}` is not a relative path");
        self.refuse(Code::IncludeMissing, message, Some(asked));
    }

    /// `a -> b -> a`, if the pack is being read already.
    fn cycle(&self, real: &Path) -> Option<String> {
        let start = self.trail.iter().position(|(path, _)| path == real)?;
        let mut names: Vec<&str> = self
            .trail
            .iter()
            .skip(start)
            .map(|(_, name)| name.as_str())
            .collect();
        names.extend(names.first().copied());
        Some(format!("packs include each other: {}", names.join(" -> ")))
    }

    fn refuse_unreadable(&mut self, path: &Path, error: &std::io::Error, asked: Asked<'_>) {
        let absent = match asked {
            Some(_) => Code::IncludeMissing,
            None => Code::Unreadable,
        };
        let finding = unreadable(path, error, absent);
        self.refuse(finding.code, finding.message, asked);
    }

    fn refuse(&mut self, code: Code, message: String, asked: Asked<'_>) {
        let help = match code {
            Code::IncludeMissing => {
                Some("a path in `includes` is relative to the folder of its pack.toml")
            }
            Code::Unreadable if asked.is_some() => Some("name the folder of a pack"),
            Code::IncludeCycle => {
                Some("move what both need into a third pack, and include that in both")
            }
            _ => None,
        };
        let finding = Finding::new(code, message);
        let finding = match asked {
            Some((source, at)) => finding.at(source, at),
            None => finding,
        };
        self.findings.push(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }
}

fn not_a_folder(path: &Path) -> String {
    format!("`{}` is not a folder", display(path))
}

fn read_schema(folder: &Path, findings: &mut Findings) -> Option<Source> {
    let path = folder.join("schema.cedarschema");
    match Source::read_inside(folder, &path, MAX_TEXT, Code::SchemaMissing) {
        Err(finding) if finding.code == Code::SchemaMissing => None,
        result => findings.note(result),
    }
}

/// Every `.cedar` file of the folder `rules`, by name.
fn read_rules(folder: &Path, has_includes: bool, findings: &mut Findings) -> Vec<Source> {
    let rules = folder.join("rules");
    let paths = match list(&rules) {
        Ok(paths) => paths,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && has_includes => {
            return Vec::new();
        }
        Err(_) if rules.is_file() => {
            let message = format!("`{}` is a file and not a folder", display(&rules));
            let finding = Finding::new(Code::Unreadable, message).in_file(display(&rules));
            findings.push(finding.help(RULES_HELP));
            return Vec::new();
        }
        Err(error) => {
            findings.push(unreadable(&rules, &error, Code::RulesMissing).help(RULES_HELP));
            return Vec::new();
        }
    };
    let sources = read_cedar(folder, paths, findings);
    if sources.is_none() {
        let message = format!("`{}` has no rules", display(&rules));
        findings.push(
            Finding::new(Code::RulesMissing, message)
                .in_file(display(&rules))
                .help(RULES_HELP),
        );
    }
    sources.unwrap_or_default()
}

/// Every `.cedar` file of the folder `invariants`, by name. A pack may do without.
fn read_invariants(folder: &Path, findings: &mut Findings) -> Vec<Source> {
    let invariants = folder.join("invariants");
    match list(&invariants) {
        Ok(paths) => read_cedar(folder, paths, findings).unwrap_or_default(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            findings.push(unreadable(&invariants, &error, Code::Unreadable));
            Vec::new()
        }
    }
}

/// `None` if no file among them is Cedar.
fn read_cedar(folder: &Path, paths: Vec<PathBuf>, findings: &mut Findings) -> Option<Vec<Source>> {
    let (files, stray): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| {
        path.extension()
            .is_some_and(|extension| extension == "cedar")
    });
    findings.extend(stray.iter().map(|path| stray_file(path)));
    let sources = files.iter().filter_map(|path| {
        findings.note(Source::read_inside(
            folder,
            path,
            MAX_TEXT,
            Code::Unreadable,
        ))
    });
    let sources = sources.collect();
    (!files.is_empty()).then_some(sources)
}

const RULES_HELP: &str = "a rule is a Cedar policy in a file `rules/NAME.cedar`";

/// A rule in a misnamed file is a rule that silently does not hold.
fn stray_file(path: &Path) -> Finding {
    let name = display(path);
    Finding::new(
        Code::StrayFile,
        format!("`{name}` is not read: it is no `.cedar` file"),
    )
    .in_file(name)
    .help("rename it to `NAME.cedar`, or move it out of the folder")
}

/// What is in a folder, by name, without what starts with a dot.
pub(crate) fn list(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}
