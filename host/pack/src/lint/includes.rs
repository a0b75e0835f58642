//! Which pack includes which, and what is included for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::code::Code;
use crate::finding::Finding;
use crate::folder::Folder;

/// Which packs each pack of a tree includes, by itself or through others.
pub(crate) struct Includes<'a> {
    folders: &'a [Folder],
    /// By the real path of its folder.
    reached: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    names: BTreeMap<&'a str, PathBuf>,
}

impl<'a> Includes<'a> {
    pub(super) fn of(folders: &'a [Folder]) -> Self {
        let mut includes = Includes {
            folders,
            reached: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        // What is included comes first.
        for folder in folders {
            let Ok(real) = folder.path.canonicalize() else {
                continue;
            };
            let direct = targets(folder).into_iter().flatten();
            let all = direct.flat_map(|target| {
                let further = includes.reached.get(&target).cloned().unwrap_or_default();
                further.into_iter().chain([target])
            });
            let all = all.collect();
            includes.names.insert(&folder.manifest.name, real.clone());
            includes.reached.insert(real, all);
        }
        includes
    }

    /// Did the author of one pack have the other one before them?
    pub(super) fn knows(&self, pack: &str, other: &str) -> bool {
        let reaches = || {
            let (one, other) = (self.names.get(pack)?, self.names.get(other)?);
            Some(self.reached.get(one)?.contains(other))
        };
        pack == other || reaches().unwrap_or(false)
    }

    /// What another one of the same list brings already.
    pub(super) fn shadowed(&self) -> Vec<Finding> {
        self.folders
            .iter()
            .flat_map(|folder| self.shadowed_in(folder))
            .collect()
    }

    fn shadowed_in(&self, folder: &Folder) -> Vec<Finding> {
        let manifest = &folder.manifest;
        let targets = targets(folder);
        let mut findings = Vec::new();
        for ((at, target), (text, place)) in targets.iter().enumerate().zip(&manifest.includes) {
            let Some(target) = target else {
                continue;
            };
            let mut others = targets.iter().zip(&manifest.includes).enumerate();
            let by = others.find_map(|(other_at, (other, (other_text, _)))| {
                let other = other.as_ref()?;
                let twice = other == target && other_at < at;
                let further = self
                    .reached
                    .get(other)
                    .is_some_and(|all| all.contains(target));
                (twice || further).then_some((other_text, twice))
            });
            let message = match by {
                Some((_, true)) => format!("`{text}` is included twice"),
                Some((other, false)) => format!("`{text}` is included already, by `{other}`"),
                None => continue,
            };
            let finding = Finding::new(Code::IncludeShadowed, message);
            let finding = finding.at(&manifest.source, place.clone());
            findings.push(finding.help(
                "delete it from `includes`: a pack is merged once, however often it is included",
            ));
        }
        findings
    }
}

/// The real folder of each of its includes; those that are not there were a finding before.
fn targets(folder: &Folder) -> Vec<Option<PathBuf>> {
    let includes = folder.manifest.includes.iter();
    includes
        .map(|(include, _)| folder.path.join(include).canonicalize().ok())
        .collect()
}
