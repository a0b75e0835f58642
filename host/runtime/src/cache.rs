//! Compiled code on disk, so that a component is compiled once per machine.
//!
//! Compiled code runs outside the sandbox's proof: wasmtime checks that an
//! entry fits the engine, not that it is honest. So the directory has to be
//! beyond anybody else's reach, which is checked, and an entry ends in a
//! checksum against damage, which is verified before the entry is mapped.
//! An entry that is not in order is as good as absent.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::digest::Digest;

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
    #[diagnostic(code("cache-unusable"), help("{source}"))]
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
}

impl Cache {
    pub(crate) fn open(location: CacheLocation, engine: &Engine) -> Result<Self, CacheError> {
        let path = match location {
            CacheLocation::User => user_directory().ok_or(CacheError::Homeless)?,
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
        })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The compiled component, if there is a sound entry for it.
    pub(crate) fn load(&self, engine: &Engine, component: &Digest) -> Option<Component> {
        let path = self.entry(component);
        verify(&path, component).ok()?;
        // SAFETY: these must be bytes that wasmtime itself has written. Only
        // this user can write to the directory or swap it (`check`), what this
        // crate writes there is what `Component::serialize` returned, whole
        // (`store`), and it has not been damaged since (`verify`). Entries are
        // replaced, never changed, so the mapping stays as it is.
        #[expect(unsafe_code, reason = "compiled code is mapped, not compiled again")]
        let loaded = unsafe { Component::deserialize_file(engine, path) };
        loaded.ok()
    }

    /// Keeps the compiled component. If that fails it is compiled again next time.
    pub(crate) fn store(&self, component: &Digest, compiled: &Component) {
        // Nothing depends on it: a full disk costs time, not correctness.
        let _ = self.write(component, compiled);
    }

    fn write(&self, component: &Digest, compiled: &Component) -> io::Result<()> {
        let code = compiled.serialize().map_err(io::Error::other)?;
        let mut file = NamedTempFile::new_in(&self.directory)?;
        file.write_all(&code)?;
        file.write_all(&checksum(component, &code))?;
        file.persist(self.entry(component))?;
        Ok(())
    }

    fn entry(&self, component: &Digest) -> PathBuf {
        self.directory
            .join(format!("{}-{:016x}.cwasm", component.hex(), self.engine))
    }
}

/// Compares the checksum at the end of an entry with what precedes it.
fn verify(path: &Path, component: &Digest) -> io::Result<()> {
    let entry = fs::read(path)?;
    let (code, sum) = entry
        .split_last_chunk()
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    if checksum(component, code) == *sum {
        Ok(())
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// Of the code, and of which component it is the code.
fn checksum(component: &Digest, code: &[u8]) -> [u8; 32] {
    Sha256::new_with_prefix(component.as_bytes())
        .chain_update(code)
        .finalize()
        .into()
}

/// An empty or relative variable counts as unset, as the XDG specification has it.
fn user_directory() -> Option<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base =
        absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
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
