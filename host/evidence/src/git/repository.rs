//! A repository that may be hostile: opened without following it, read with every object hashed.

use std::path::Path;

use gix::ObjectId;
use gix::objs::{Data, Find, FindHeader, Kind};
use gix::open::Options;
use gix::sec::trust::Mapping;

use super::error::GitError;
use super::text;

/// No object is read beyond this size.
const MAX_OBJECT_BYTES: usize = 64 << 20;

/// The object database and the references, and nothing else of a repository.
pub(super) struct Repository {
    inner: gix::Repository,
}

impl Repository {
    /// Opens the repository at exactly this folder.
    pub(super) fn open(dir: &Path) -> Result<Self, GitError> {
        match gix::open_opts(dir, isolated()) {
            Ok(inner) => Ok(Self::without_namespace(inner)),
            Err(error) => Err(GitError::NotARepository {
                dir: dir.display().to_string(),
                source: error.into(),
            }),
        }
    }

    /// Opens the repository that contains this folder.
    pub(super) fn discover(dir: &Path) -> Option<Self> {
        let options = Mapping {
            full: isolated(),
            reduced: isolated(),
        };
        let inner = gix::ThreadSafeRepository::discover_opts(dir, Default::default(), options);
        Some(Self::without_namespace(inner.ok()?.into()))
    }

    /// A namespace of references can be set in the repository's own configuration.
    fn without_namespace(mut inner: gix::Repository) -> Self {
        inner.refs.namespace = None;
        Repository { inner }
    }

    pub(super) fn references(&self) -> &gix::RefStore {
        &self.inner.refs
    }

    pub(super) fn objects(&self) -> &gix::OdbHandle {
        &self.inner.objects
    }

    pub(super) fn hash_kind(&self) -> gix::hash::Kind {
        self.inner.object_hash()
    }

    /// Git keeps the commits at which a shallow clone ends in this file.
    fn is_shallow(&self) -> bool {
        self.inner.common_dir().join("shallow").exists()
    }

    /// Reads a commit.
    pub(super) fn commit<'b>(
        &self,
        id: ObjectId,
        buffer: &'b mut Vec<u8>,
    ) -> Result<&'b [u8], GitError> {
        match self.read(id, "commit", buffer)? {
            Some(Data {
                kind: Kind::Commit,
                data,
                ..
            }) => Ok(data),
            Some(other) => Err(corrupt("commit", id, format!("it is a {}", other.kind))),
            None if self.is_shallow() => Err(GitError::Shallow { id: id.to_string() }),
            None => Err(absent("commit", id)),
        }
    }

    /// Reads a tree. The empty one need not be in the database.
    pub(super) fn tree<'b>(
        &self,
        id: ObjectId,
        buffer: &'b mut Vec<u8>,
    ) -> Result<&'b [u8], GitError> {
        if id.is_empty_tree() {
            return Ok(&[]);
        }
        match self.read(id, "tree", buffer)? {
            Some(Data {
                kind: Kind::Tree,
                data,
                ..
            }) => Ok(data),
            Some(other) => Err(corrupt("tree", id, format!("it is a {}", other.kind))),
            None => Err(absent("tree", id)),
        }
    }

    /// Reads the content of a file.
    pub(super) fn blob<'b>(
        &self,
        id: ObjectId,
        buffer: &'b mut Vec<u8>,
    ) -> Result<&'b [u8], GitError> {
        let header = self.inner.objects.try_header(&id);
        let header = header.map_err(|error| corrupt("blob", id, error.to_string()))?;
        if header.is_some_and(|header| header.size > MAX_OBJECT_BYTES as u64) {
            return Err(GitError::TooLarge {
                limit: "64 MiB in one file",
            });
        }
        match self.read(id, "blob", buffer)? {
            Some(Data {
                kind: Kind::Blob,
                data,
                ..
            }) => Ok(data),
            Some(other) => Err(corrupt("blob", id, format!("it is a {}", other.kind))),
            None => Err(absent("blob", id)),
        }
    }

    /// Reads an object and checks that its content has this id.
    pub(super) fn read<'b>(
        &self,
        id: ObjectId,
        kind: &'static str,
        buffer: &'b mut Vec<u8>,
    ) -> Result<Option<Data<'b>>, GitError> {
        let data = self.inner.objects.try_find(&id, buffer);
        let Some(data) = data.map_err(|error| corrupt(kind, id, error.to_string()))? else {
            return Ok(None);
        };
        data.verify_checksum(&id)
            .map_err(|_| corrupt(kind, id, "its content has another id".to_owned()))?;
        Ok(Some(data))
    }
}

/// Neither the environment nor any configuration has a say, but for the
/// repository's object format, which the ids would contradict if it were wrong.
fn isolated() -> Options {
    Options::isolated()
        .filter_config_section(|section| section.source == gix::config::Source::Api)
        .config_overrides([
            // A replacement would show another object under the same id.
            "core.useReplaceRefs=false".to_owned(),
            format!("gitoxide.objects.allocLimit={MAX_OBJECT_BYTES}"),
        ])
}

/// The name of the folder, without `.git`.
pub(super) fn default_name(dir: &Path) -> String {
    let absolute = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let top = match absolute.file_name() {
        Some(name) if name == ".git" => absolute.parent().and_then(Path::file_name),
        name => name,
    };
    let name = top.map(|name| text::escape(name.as_encoded_bytes()));
    let name = name.unwrap_or_else(|| "repository".to_owned());
    name.strip_suffix(".git").unwrap_or(&name).to_owned()
}

fn absent(kind: &'static str, id: ObjectId) -> GitError {
    GitError::ObjectAbsent {
        kind,
        id: id.to_string(),
    }
}

pub(super) fn corrupt(kind: &'static str, id: ObjectId, cause: String) -> GitError {
    GitError::ObjectCorrupt {
        kind,
        id: id.to_string(),
        cause,
    }
}
