//! Files: which classes of paths a change touches, and whether it touches nothing else.

use std::collections::BTreeMap;

use fast_glob::glob_match;

use crate::bundle::PathClass;
use crate::evidence::File;

/// For each class of the pack, by name.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// Some file is in it, or is of a path that may be anything.
    pub(crate) touches: BTreeMap<String, bool>,
    /// There are files, and each is in it and is a plain one, before and after.
    pub(crate) only: BTreeMap<String, bool>,
}

pub(crate) fn paths(classes: &[PathClass], files: &[File<'_>]) -> Paths {
    let mut paths = Paths::default();
    for class in classes {
        let touches = files
            .iter()
            .any(|file| names(file).any(|path| !is_plain_path(path) || contains(class, path)));
        let within = |file: &File<'_>| {
            is_plain_file(file) && names(file).all(|p| is_plain_path(p) && contains(class, p))
        };
        let only = !files.is_empty() && files.iter().all(within);
        paths.touches.insert(class.name.clone(), touches);
        paths.only.insert(class.name.clone(), only);
    }
    paths
}

/// A file is where it is, and where it was.
fn names<'f>(file: &'f File<'_>) -> impl Iterator<Item = &'f str> {
    let before = file.old_path.as_deref();
    std::iter::once(file.path.as_str()).chain(before)
}

fn contains(class: &PathClass, path: &str) -> bool {
    let matches = |globs: &[String]| globs.iter().any(|glob| glob_match(glob, path));
    matches(&class.include) && !matches(&class.exclude)
}

/// Neither executable, nor a link, nor a submodule; nor was it.
fn is_plain_file(file: &File<'_>) -> bool {
    let before = file.old_mode.as_deref();
    std::iter::once(file.mode.as_str())
        .chain(before)
        .all(|mode| mode == "100644")
}

/// A path that means what it says, whoever reads it.
fn is_plain_path(path: &str) -> bool {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..");
    !path.contains('\\') && !path.chars().any(char::is_control) && path.split('/').all(is_plain)
}
