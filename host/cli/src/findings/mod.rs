//! Findings for machines that show them beside the lines that they are about.

mod github;
mod sarif;

use std::collections::BTreeSet;
use std::env;
use std::path::{Component, Path, PathBuf};

use sod_pack::Finding;

pub(crate) use github::github;
pub(crate) use sarif::sarif;

/// Each thing once: packs that include the same pack have its findings in common.
fn distinct<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Vec<&'f Finding> {
    let mut seen = BTreeSet::new();
    let new = |finding: &&Finding| {
        let Finding {
            code,
            file,
            span,
            message,
            ..
        } = finding;
        seen.insert((file.clone(), *span, *code, message.clone()))
    };
    findings.into_iter().filter(new).collect()
}

/// Where a file is, for whoever has the repository and not this machine.
enum Place {
    /// From the top of the checkout, with `/` between its parts.
    Inside(String),
    /// Somewhere else on this machine.
    Outside(PathBuf),
}

/// The top is `GITHUB_WORKSPACE` where that is set, and the current folder elsewhere.
fn place(file: &str) -> Place {
    let here = env::current_dir().unwrap_or_default();
    let top = env::var_os("GITHUB_WORKSPACE").filter(|top| !top.is_empty());
    let top = top.map_or_else(|| here.clone(), PathBuf::from);
    place_from(&top, &without_dots(&here.join(file)))
}

fn place_from(top: &Path, path: &Path) -> Place {
    let Ok(inside) = path.strip_prefix(top) else {
        return Place::Outside(path.to_owned());
    };
    let parts = inside
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    Place::Inside(parts.collect::<Vec<_>>().join("/"))
}

fn without_dots(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_from_the_top_of_the_checkout() {
        for (path, expected) in [
            ("/top/a/b.cedar", Some("a/b.cedar")),
            ("/top/x/../a/./b.cedar", Some("a/b.cedar")),
            ("/top/../elsewhere/b.cedar", None),
            ("/topmost/b.cedar", None),
        ] {
            let found = match place_from(Path::new("/top"), &without_dots(Path::new(path))) {
                Place::Inside(inside) => Some(inside),
                Place::Outside(_) => None,
            };
            assert_eq!(found.as_deref(), expected, "{path}");
        }
    }
}
