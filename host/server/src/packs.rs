//! The packs that are served: each by its name, replaced as a whole or not at all.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use miette::Diagnostic;
use serde::Deserialize;
use sod_host::{Digest, OpenError, Policy, Runtime};
use thiserror::Error;

use crate::http::authzen::{Adapter, Mapping};

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

/// A pack that decides. It never changes; its successor takes its place.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpenPack {
    /// `NAME` of `[pack.NAME]`.
    pub name: String,
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
        #[source]
        #[diagnostic_source]
        source: OpenError,
    },
    /// The configuration does not fit the pack, or names a file that is not as it should be.
    #[error("`pack.{name}.authzen.{key}`: {problem}")]
    #[diagnostic(code("pack-mapping"), help("{advice}"))]
    Mapping {
        name: String,
        key: String,
        problem: String,
        advice: String,
    },
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
    served: BTreeMap<String, Served>,
    current: ArcSwap<Current>,
}

impl Packs {
    /// None yet.
    pub fn new(runtime: Runtime) -> Self {
        Packs {
            runtime,
            served: BTreeMap::new(),
            current: ArcSwap::default(),
        }
    }

    /// Adds a pack and loads it.
    ///
    /// # Errors
    /// A component that is not to be had or not to be trusted.
    pub fn add(
        &mut self,
        name: &str,
        source: Box<dyn Source>,
        settings: Settings,
        expected: Option<Digest>,
    ) -> Result<(), PackError> {
        let served = Served {
            source,
            settings: Arc::new(settings),
            expected,
        };
        self.served.insert(name.to_owned(), served);
        self.reload(name).map(drop)
    }

    /// Loads a pack anew. If that fails the one that is served stays.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn reload(&self, name: &str) -> Result<Option<Arc<OpenPack>>, PackError> {
        let Some(served) = self.served.get(name) else {
            return Ok(None);
        };
        let opened = Arc::new(self.open(name, served)?);
        self.current.rcu(|current| {
            let mut next = Current::clone(current);
            next.insert(name.to_owned(), Arc::clone(&opened));
            next
        });
        Ok(Some(opened))
    }

    fn open(&self, name: &str, served: &Served) -> Result<OpenPack, PackError> {
        let bytes = served.source.read().map_err(|message| PackError::Source {
            name: name.to_owned(),
            message,
        })?;
        let policy = match &served.expected {
            Some(digest) => self.runtime.load_pinned(&bytes, digest),
            None => self.runtime.load(&bytes),
        };
        let policy = policy.map_err(|source| PackError::Refused {
            name: name.to_owned(),
            source,
        })?;
        let authzen = Adapter::load(&served.settings.authzen, &policy);
        let authzen = authzen.map_err(|misfit| PackError::Mapping {
            name: name.to_owned(),
            key: misfit.key,
            problem: misfit.problem,
            advice: misfit.help,
        })?;
        Ok(OpenPack {
            name: name.to_owned(),
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

    /// What to watch for changes, with the name of the pack.
    pub fn watched(&self) -> Vec<(String, PathBuf)> {
        let paths = |(name, served): (&String, &Served)| {
            let name = name.clone();
            let files = served.settings.authzen.files();
            let paths = served.source.watched().into_iter().chain(files);
            paths.map(move |path| (name.clone(), path))
        };
        self.served.iter().flat_map(paths).collect()
    }
}

impl fmt::Debug for Packs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.served.keys()).finish()
    }
}
