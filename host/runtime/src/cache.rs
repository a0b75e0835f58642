//! Compiled code on disk, so that a component is compiled once per machine.
//!
//! Compiled code runs outside the sandbox's proof: wasmtime checks that an
//! entry fits the engine, not that it is honest. So the directory has to be
//! beyond anybody else's reach, which is checked. An entry ends in a checksum
//! against damage (who could forge one could forge any), which is verified
//! before the entry is mapped. An entry that is not in order is as good as absent.

use std::ffi::OsString;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use tempfile::NamedTempFile;
use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::digest::Digest;

const EXTENSION: &str = "cwasm";
/// What all entries together may take up: some two dozen components.
const MOST_BYTES: u64 = 256 << 20;

/// Where compiled code is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CacheLocation {
    /// `$XDG_CACHE_HOME/sod` or `~/.cache/sod`. If that cannot be used there
    /// is no cache; [`Runtime::cache`](crate::Runtime::cache) says why.
    #[default]
    User,
    /// This directory. If it cannot be used there is no runtime.
    Directory(PathBuf),
    /// Nowhere: every component is compiled when it is opened.
    Nowhere,
}

/// Why there is no cache.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum CacheError {
    /// As asked for.
    #[error("no cache is wanted")]
    #[diagnostic(code("cache-disabled"), help("choose another cache location"))]
    Disabled,
    /// The environment does not say where.
    #[error("neither XDG_CACHE_HOME nor HOME is an absolute path")]
    #[diagnostic(
        code("cache-homeless"),
        help("set one of them, or name a cache directory")
    )]
    Homeless,
    /// The directory cannot be made or looked at.
    #[error("cannot use the cache directory `{}`", path.display())]
    #[diagnostic(
        code("cache-unusable"),
        help("name a directory that this user may make or write to")
    )]
    Unusable { path: PathBuf, source: io::Error },
    /// Somebody else could put code there, and it would be run.
    #[error("the cache directory `{}` is not safe: {problem}", path.display())]
    #[diagnostic(
        code("cache-unsafe"),
        help(
            "own it and `chmod 700` it; above it only root or you may write, but for sticky directories as /tmp"
        )
    )]
    Unsafe {
        path: PathBuf,
        problem: &'static str,
    },
}

/// A directory that only we can write to.
#[derive(Debug)]
pub(crate) struct Cache {
    directory: PathBuf,
    /// Names the engine's configuration in file names.
    engine: u64,
    code: Code,
}

/// What becomes of the code of an entry.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Code {
    /// Mapped: what is not run is not read.
    #[default]
    Mapped,
    /// Read into memory.
    Read,
}

impl Cache {
    pub(crate) fn open(
        location: CacheLocation,
        code: Code,
        engine: &Engine,
    ) -> Result<Self, CacheError> {
        let path = match location {
            CacheLocation::User => {
                user_directory(|name| std::env::var_os(name)).ok_or(CacheError::Homeless)?
            }
            CacheLocation::Directory(path) => path,
            CacheLocation::Nowhere => return Err(CacheError::Disabled),
        };
        let unusable = |source| CacheError::Unusable {
            path: path.clone(),
            source,
        };
        create(&path).map_err(unusable)?;
        let directory = path.canonicalize().map_err(unusable)?;
        check(&directory)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Cache {
            directory,
            engine: hasher.finish(),
            code,
        })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The compiled component, if there is a sound entry for it.
    pub(crate) fn load(&self, engine: &Engine, component: &Digest) -> Option<Component> {
        let path = self.entry(component);
        verify(&path, component).ok()?;
        let read = match self.code {
            Code::Mapped => None,
            Code::Read => Some(fs::read(&path).ok()?),
        };
        // SAFETY: these must be bytes that wasmtime itself has written. Only
        // this user can write to the directory or swap it (`check`), what this
        // crate writes there is what `Component::serialize` returned, whole
        // (`store`), and it has not been damaged since (`verify`). Entries are
        // replaced, never changed, so the mapping stays as it is.
        #[expect(unsafe_code, reason = "compiled code is loaded, not compiled again")]
        let loaded = unsafe {
            match read {
                Some(code) => Component::deserialize(engine, code),
                None => Component::deserialize_file(engine, path),
            }
        };
        loaded.ok()
    }

    /// Keeps the compiled component. If that fails it is compiled again next time.
    pub(crate) fn store(&self, component: &Digest, compiled: &Component) {
        // Nothing depends on it: a full disk costs time, not correctness.
        let _ = self.write(component, compiled);
    }

    fn write(&self, component: &Digest, compiled: &Component) -> io::Result<()> {
        let code = compiled.serialize().map_err(io::Error::other)?;
        let mut sum = start_checksum(component);
        sum.update(&code);
        let mut file = NamedTempFile::new_in(&self.directory)?;
        file.write_all(&code)?;
        file.write_all(&sum.finalize().to_le_bytes())?;
        file.persist(self.entry(component))?;
        self.trim()
    }

    /// Removes the oldest entries beyond what the cache may take up. A process
    /// that has one mapped keeps it.
    fn trim(&self) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry
                .path()
                .extension()
                .is_some_and(|extension| extension == EXTENSION)
            {
                let metadata = entry.metadata()?;
                entries.push((metadata.modified()?, metadata.len(), entry.path()));
            }
        }
        entries.sort_unstable_by(|a, b| b.cmp(a));
        let mut total = 0;
        for (_, length, path) in entries {
            total += length;
            if total > MOST_BYTES {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn entry(&self, component: &Digest) -> PathBuf {
        self.directory.join(format!(
            "{}-{:016x}.{EXTENSION}",
            component.hex(),
            self.engine
        ))
    }
}

/// Compares the checksum at the end of an entry with what precedes it.
fn verify(path: &Path, component: &Digest) -> io::Result<()> {
    let mut file = File::open(path)?;
    let length = file
        .metadata()?
        .len()
        .checked_sub(4)
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut sum = start_checksum(component);
    let mut chunk = vec![0; 128 << 10];
    let mut code = Read::take(&mut file, length);
    loop {
        let read = code.read(&mut chunk)?;
        match chunk.get(..read) {
            Some(bytes) if read > 0 => sum.update(bytes),
            _ => break,
        }
    }
    let mut stored = Vec::new();
    file.read_to_end(&mut stored)?;
    if stored == sum.finalize().to_le_bytes() {
        Ok(())
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// A checksum of code, and of which component it is the code.
fn start_checksum(component: &Digest) -> crc32fast::Hasher {
    let mut sum = crc32fast::Hasher::new();
    sum.update(component.as_bytes());
    sum
}

/// An empty or relative variable counts as unset, as the XDG specification has it.
fn user_directory(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(base.join("sod"))
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// Nobody but us may be able to change what is in the directory, nor to put
/// another one in its place.
#[cfg(unix)]
fn check(directory: &Path) -> Result<(), CacheError> {
    use std::os::unix::fs::MetadataExt as _;
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    const STICKY: u32 = 0o1000;

    let us = rustix::process::geteuid().as_raw();
    for path in directory.ancestors() {
        let unsafe_because = |problem| CacheError::Unsafe {
            path: path.to_owned(),
            problem,
        };
        let metadata = fs::metadata(path).map_err(|source| CacheError::Unusable {
            path: path.to_owned(),
            source,
        })?;
        let own = path == directory;
        let (owner, mode) = (metadata.uid(), metadata.mode());
        if !metadata.is_dir() {
            return Err(unsafe_because("it is no directory"));
        }
        if owner != us && (own || owner != 0) {
            return Err(unsafe_because("it belongs to somebody else"));
        }
        if mode & WRITABLE_BY_OTHERS != 0 && (own || mode & STICKY == 0) {
            return Err(unsafe_because("its group or everybody can write to it"));
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn create(_: &Path) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "whose directory it is cannot be found out on this system",
    ))
}

#[cfg(not(unix))]
fn check(directory: &Path) -> Result<(), CacheError> {
    Err(CacheError::Unsafe {
        path: directory.to_owned(),
        problem: "its owner cannot be found out on this system",
    })
}

#[cfg(test)]
mod tests {
    //! Where the user's cache is.

    use super::*;

    #[test]
    fn only_absolute_variables_count() {
        let cases = [
            (["/x/cache", "/home/ana"], Some("/x/cache/sod")),
            (["", "/home/ana"], Some("/home/ana/.cache/sod")),
            (["cache", "/home/ana"], Some("/home/ana/.cache/sod")),
            (["", "ana"], None),
            (["", ""], None),
        ];
        for ([cache, home], expected) in cases {
            let variable = |name: &str| Some(if name == "HOME" { home } else { cache }.into());
            assert_eq!(user_directory(variable), expected.map(PathBuf::from));
        }
        assert_eq!(user_directory(|_| None), None);
    }
}
