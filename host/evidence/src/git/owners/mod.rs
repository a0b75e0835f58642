//! Who owns the files of a change, by the CODEOWNERS file of its base.
//!
//! Of the base, since the head may have been written by the one who wants to
//! be the owner. Whatever is not understood is an error: the forges pass over
//! a line that they cannot read, and what it protects is then nobody's.

mod parse;
mod pattern;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree::EntryKind;

use super::diff::{self, Difference};
use super::error::GitError;
use super::repository::Repository;
use super::{GitOptions, text};
use crate::evidence::{Listing, OwnedPath};
use parse::Section;

/// GitHub does not load a larger file, and nobody writes one.
const MAX_BYTES: usize = 3 << 20;

/// Whose rules a CODEOWNERS file follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forge {
    /// <https://docs.github.com/articles/about-code-owners>
    GitHub,
    /// <https://docs.gitlab.com/user/project/codeowners/reference/>
    GitLab,
}

impl Forge {
    /// Where the forge looks for the file, the first one that is there counts.
    fn places(self) -> [&'static str; 3] {
        match self {
            Forge::GitHub => [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"],
            Forge::GitLab => ["CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"],
        }
    }

    /// The issuer of its accounts.
    fn issuer(self) -> &'static str {
        match self {
            Forge::GitHub => "github",
            Forge::GitLab => "gitlab",
        }
    }
}

/// A CODEOWNERS file.
pub(super) struct Owners {
    sections: Vec<Section>,
}

/// Who owns a file by one section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Owned {
    accounts: Vec<String>,
    teams: Vec<String>,
}

impl Owners {
    /// Reads the file of a tree; None if it has none.
    pub(super) fn read(
        repository: &Repository,
        tree: ObjectId,
        options: &GitOptions,
    ) -> Result<Option<Self>, GitError> {
        let (path, id) = match &options.owners {
            Some(path) => match find(repository, tree, path)? {
                Some(id) => (path.as_str(), id),
                None => return Err(GitError::OwnersAbsent { path: path.clone() }),
            },
            None => {
                let mut found = None;
                for path in options.forge.places() {
                    if let Some(id) = find(repository, tree, path)? {
                        found = Some((path, id));
                        break;
                    }
                }
                match found {
                    Some(found) => found,
                    None => return Ok(None),
                }
            }
        };
        let mut buffer = Vec::new();
        let content = repository.blob(id, &mut buffer)?;
        if content.len() >= MAX_BYTES {
            return Err(malformed(path, 0, "the file is not under 3 MB"));
        }
        let sections = parse::sections(options.forge, content)
            .map_err(|(line, message)| malformed(path, line, message))?;
        Ok(Some(Owners { sections }))
    }

    /// Who owns each file: one entry for each section that has a say, all of
    /// which have to sign; an empty one if none has.
    pub(super) fn of(&self, differences: &[Difference]) -> Listing<OwnedPath> {
        let mut items = Vec::with_capacity(differences.len());
        for difference in differences {
            let owned = self.sections.iter().filter_map(|s| s.of(&difference.path));
            let mut owned: Vec<Owned> = owned.collect();
            if owned.is_empty() {
                owned.push(Owned::default());
            }
            items.extend(owned.into_iter().map(|owned| OwnedPath {
                path: text::escape(difference.path.as_bytes()),
                accounts: owned.accounts,
                teams: owned.teams,
            }));
        }
        Listing::complete(items)
    }
}

/// The file at a path of a tree. A link or a folder in its place is an error:
/// what a forge makes of it is not documented.
fn find(repository: &Repository, tree: ObjectId, path: &str) -> Result<Option<ObjectId>, GitError> {
    let mut parts = path.split('/').peekable();
    let mut folder = tree;
    while let Some(name) = parts.next() {
        let mut buffer = Vec::new();
        let mut entries = diff::entries(folder, repository.tree(folder, &mut buffer)?)?;
        match (entries.remove(name.as_bytes().as_bstr()), parts.peek()) {
            (None, _) => return Ok(None),
            (Some((EntryKind::Tree, id)), Some(_)) => folder = id,
            (Some((EntryKind::Blob | EntryKind::BlobExecutable, id)), None) => {
                return Ok(Some(id));
            }
            (Some(_), _) => {
                return Err(malformed(path, 0, "it is not a regular file in folders"));
            }
        }
    }
    Ok(None)
}

fn malformed(path: &str, line: usize, message: impl Into<String>) -> GitError {
    GitError::OwnersMalformed {
        path: path.to_owned(),
        line,
        message: message.into(),
    }
}
