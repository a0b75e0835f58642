//! The packs that are served: each by its name, replaced as a whole or not at all.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use miette::Diagnostic;
use serde::Deserialize;
use sod_host::{Digest, OpenError, Policy, Runtime};
use thiserror::Error;

use crate::config::ConfigError;
use crate::http::authzen::{Adapter, Mapping};
use crate::record::PackId;

/// `[pack.NAME]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// A component file.
    pub component: Option<PathBuf>,
    /// A pack folder, compiled when it is loaded.
    pub folder: Option<PathBuf>,
    /// The component is used only if it has this digest.
    pub digest: Option<String>,
    /// `[pack.NAME.authzen]`: what AuthZEN's words mean to this pack.
    pub authzen: Mapping,
}

impl Settings {
    /// The digest that the component must have.
    pub(crate) fn pin(&self, name: &str) -> Result<Option<Digest>, ConfigError> {
        let parse = |digest: &String| {
            digest.parse().map_err(|_| {
                let key = format!("pack.{name}.digest");
                let help = "`sha256:` and 64 hexadecimal digits, as `sod build` and `sod inspect` print it";
                ConfigError::contradiction(key, format!("`{digest}` is no digest"), help)
            })
        };
        self.digest.as_ref().map(parse).transpose()
    }
}

/// Where a component comes from, each time it is loaded.
pub trait Source: Send + Sync {
    /// The component's bytes.
    ///
    /// # Errors
    /// Why there is none, in words for the operator.
    fn read(&self) -> Result<Vec<u8>, String>;

    /// Files and folders whose change is a reason to load it again.
    fn watched(&self) -> Vec<PathBuf>;
}

/// A source for each pack, by `NAME` of `[pack.NAME]`.
pub type Sources = BTreeMap<String, Box<dyn Source>>;

/// A pack that decides. It never changes; its successor takes its place.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpenPack {
    /// `NAME` of `[pack.NAME]`.
    pub name: String,
    /// Which component it is, as records have it.
    pub id: PackId,
    /// What decides.
    pub policy: Policy,
    /// The component, kept for replays.
    pub component: Arc<[u8]>,
    /// What the configuration says of it.
    pub settings: Arc<Settings>,
    /// What AuthZEN's words mean to it.
    pub(crate) authzen: Arc<Adapter>,
}

/// Why a pack is not served.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum PackError {
    /// There is no component.
    #[error("pack `{name}`: {message}")]
    #[diagnostic(code("pack-source"))]
    Source { name: String, message: String },
    /// The component is none to be trusted.
    #[error("pack `{name}`")]
    #[diagnostic(code("pack-refused"))]
    Refused {
        name: String,
        digest: Digest,
        #[source]
        #[diagnostic_source]
        source: OpenError,
    },
    /// The configuration does not fit the pack, or names a file that is not as it should be.
    #[error("`pack.{name}.authzen.{key}`: {problem}")]
    #[diagnostic(code("pack-mapping"), help("{advice}"))]
    Mapping {
        name: String,
        digest: Digest,
        key: String,
        problem: String,
        advice: String,
    },
}

impl PackError {
    /// Digest of the component, if there was one.
    pub fn digest(&self) -> Option<Digest> {
        match self {
            PackError::Source { .. } => None,
            PackError::Refused { digest, .. } | PackError::Mapping { digest, .. } => Some(*digest),
        }
    }
}

struct Served {
    source: Box<dyn Source>,
    settings: Arc<Settings>,
    expected: Option<Digest>,
}

type Current = BTreeMap<String, Arc<OpenPack>>;

/// The packs that are served. Whoever decides takes an [`Arc`] of one and keeps it to the end of the decision.
pub struct Packs {
    runtime: Runtime,
    served: Mutex<BTreeMap<String, Arc<Served>>>,
    current: ArcSwap<Current>,
}

impl Packs {
    /// None yet.
    pub fn new(runtime: Runtime) -> Self {
        Packs {
            runtime,
            served: Mutex::default(),
            current: ArcSwap::default(),
        }
    }

    /// Loads a pack and serves it, in the place of the one of that name if there is one. If it cannot be loaded,
    /// nothing changes.
    ///
    /// # Errors
    /// A component that is not to be had or not to be trusted.
    pub fn add(
        &self,
        name: &str,
        source: Box<dyn Source>,
        settings: Settings,
        expected: Option<Digest>,
    ) -> Result<Arc<OpenPack>, PackError> {
        let served = Served {
            source,
            settings: Arc::new(settings),
            expected,
        };
        let bytes = served.read(name)?;
        let opened = Arc::new(self.open(name, &served, bytes)?);
        self.served().insert(name.to_owned(), Arc::new(served));
        self.set(&opened);
        Ok(opened)
    }

    /// Loads a pack anew. If that fails the one that is served stays; if it is the same component, nothing happens.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn reload(&self, name: &str) -> Result<Option<Arc<OpenPack>>, PackError> {
        let Some(served) = self.served().get(name).cloned() else {
            return Ok(None);
        };
        let bytes = served.read(name)?;
        let digest = Digest::of(&bytes);
        let same = |pack: Arc<OpenPack>| *pack.policy.digest() == digest;
        let mapped = !served.settings.authzen.files().is_empty();
        if !mapped && self.get(Some(name)).is_some_and(same) {
            return Ok(None);
        }
        let opened = Arc::new(self.open(name, &served, bytes)?);
        self.set(&opened);
        Ok(Some(opened))
    }

    fn set(&self, opened: &Arc<OpenPack>) {
        self.current.rcu(|current| {
            let mut next = Current::clone(current);
            next.insert(opened.name.clone(), Arc::clone(opened));
            next
        });
    }

    fn served(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Served>>> {
        // The map is whole at every moment, so poison means nothing here.
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, name: &str, served: &Served, bytes: Vec<u8>) -> Result<OpenPack, PackError> {
        let policy = match &served.expected {
            Some(digest) => self.runtime.load_pinned(&bytes, digest),
            None => self.runtime.load(&bytes),
        };
        let policy = policy.map_err(|source| PackError::Refused {
            name: name.to_owned(),
            digest: Digest::of(&bytes),
            source,
        })?;
        let authzen = Adapter::load(&served.settings.authzen, &policy);
        let authzen = authzen.map_err(|misfit| PackError::Mapping {
            name: name.to_owned(),
            digest: *policy.digest(),
            key: misfit.key,
            problem: misfit.problem,
            advice: misfit.help,
        })?;
        Ok(OpenPack {
            name: name.to_owned(),
            id: PackId::of(name, &policy),
            authzen: Arc::new(authzen),
            policy,
            component: bytes.into(),
            settings: Arc::clone(&served.settings),
        })
    }

    /// The pack of that name; without a name the only one there is.
    pub fn get(&self, name: Option<&str>) -> Option<Arc<OpenPack>> {
        let current = self.current.load();
        match name {
            Some(name) => current.get(name).cloned(),
            None => {
                let mut all = current.values();
                all.next().filter(|_| all.next().is_none()).cloned()
            }
        }
    }

    /// All that is served now, by name.
    pub fn all(&self) -> Vec<Arc<OpenPack>> {
        self.current.load().values().cloned().collect()
    }

    /// What to watch for changes, by the name of the pack.
    pub fn watched(&self) -> Vec<(String, Vec<PathBuf>)> {
        let served = self.served();
        let paths = |(name, served): (&String, &Arc<Served>)| {
            let files = served.settings.authzen.files();
            let paths = served.source.watched().into_iter().chain(files);
            (name.clone(), paths.collect())
        };
        served.iter().map(paths).collect()
    }
}

impl Served {
    fn read(&self, name: &str) -> Result<Vec<u8>, PackError> {
        self.source.read().map_err(|message| PackError::Source {
            name: name.to_owned(),
            message,
        })
    }
}

impl fmt::Debug for Packs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.served().keys()).finish()
    }
}
