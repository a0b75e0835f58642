//! Packs, routes, certificates, keys and tokens, loaded anew when their files change or somebody says so.
//!
//! What cannot be used is refused, and what there was stays.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use miette::{Diagnostic as _, Report};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use sod_host::Digest;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::guard::Guard;
use super::stamp::Stamp;
use super::tls::{self, Tls};
use crate::config::{Config, ConfigError};
use crate::gate::{Gate, Meanings};
use crate::log::{Event, LogError};
use crate::packs::{OpenPack, Sources};
use crate::service::Service;

/// A file is written in several steps; this long after the last of them it is whole.
const QUIET: Duration = Duration::from_millis(100);
/// Somebody who never stops writing is not waited for any longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often is looked even if nothing was heard: some file systems tell nothing.
const AGAIN: Duration = Duration::from_secs(5);

/// Reads the configuration once more, with the sources of its packs.
pub type Reread = Box<dyn Fn() -> Result<(Config, Sources), Report> + Send + Sync>;

/// What is loaded anew, and how it looked when it last was.
#[derive(Debug)]
pub(super) struct Reloader {
    service: Service,
    gate: Gate,
    config: Config,
    tls: Option<(Arc<Tls>, tls::Settings)>,
    guard: Option<Arc<Guard>>,
    seen: Mutex<Vec<(What, Stamp)>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Pack(String),
    /// Whose tokens are believed, and who may sign for evidence.
    Keys,
    Tls,
    Tokens,
}

impl Reloader {
    pub(super) fn new(
        service: Service,
        gate: Gate,
        config: Config,
        tls: Option<Arc<Tls>>,
        guard: Option<Arc<Guard>>,
    ) -> Self {
        let tls = tls.zip(config.server.tls.clone());
        let reloader = Reloader {
            service,
            gate,
            config,
            tls,
            guard,
            seen: Mutex::default(),
        };
        let seen = reloader.stamps();
        Reloader {
            seen: Mutex::new(seen),
            ..reloader
        }
    }

    fn watched(&self) -> Vec<(What, Vec<PathBuf>)> {
        let packs = self.service.packs().watched().into_iter();
        let packs = packs.map(|(name, paths)| (What::Pack(name), paths));
        let tls = self.tls.iter();
        let tls = tls.map(|(_, settings)| (What::Tls, settings.files(&self.config)));
        let guard = self.guard.iter();
        let tokens = guard.map(|guard| (What::Tokens, vec![guard.path().to_owned()]));
        let keys = Some(self.gate.files()).filter(|files| !files.is_empty());
        let keys = keys.map(|files| (What::Keys, files));
        packs.chain(keys).chain(tls).chain(tokens).collect()
    }

    fn stamps(&self) -> Vec<(What, Stamp)> {
        let watched = self.watched().into_iter();
        watched
            .map(|(what, paths)| (what, Stamp::of(&paths)))
            .collect()
    }

    /// Loads what has changed since it was last looked at; all of it if it is `forced`.
    pub(super) fn look(&self, forced: bool) {
        // Held to the end, so that nobody loads the older of two versions later.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Before anything is read: what changes while it is read will have changed again.
        let now = self.stamps();
        for one in &now {
            if forced || !seen.contains(one) {
                self.reload(&one.0);
            }
        }
        *seen = now;
    }

    fn reload(&self, what: &What) {
        let (name, outcome) = match what {
            What::Pack(name) => return self.reload_pack(name),
            What::Keys => ("keys", self.gate.reload()),
            What::Tls => {
                let tls = self.tls.as_ref();
                let reload = |(tls, settings): &(Arc<Tls>, tls::Settings)| {
                    tls.reload(settings, &self.config)
                };
                ("tls", tls.map_or(Ok(()), reload))
            }
            What::Tokens => {
                let guard = self.guard.as_ref();
                ("tokens", guard.map_or(Ok(()), |guard| guard.reload()))
            }
        };
        self.report(name, outcome);
    }

    fn report(&self, what: &str, outcome: Result<(), ConfigError>) {
        let metrics = self.service.metrics();
        match outcome {
            Ok(()) => {
                metrics.reloaded(what, "ok");
                tracing::info!(what, "loaded anew");
            }
            Err(error) => {
                metrics.reloaded(what, "refused");
                tracing::error!(what, error = chain(&error), "refused; what there was stays");
            }
        }
    }

    fn reload_pack(&self, name: &str) {
        let packs = self.service.packs();
        let metrics = self.service.metrics();
        match packs.reload(name) {
            Ok(None) => metrics.reloaded(name, "unchanged"),
            Ok(Some(pack)) => self.took(&pack),
            Err(error) => self.refused(name, error.digest(), &chain(&error)),
        }
    }

    fn took(&self, pack: &OpenPack) {
        let metrics = self.service.metrics();
        metrics.reloaded(&pack.name, "ok");
        metrics.serving(&self.service.packs().all());
        tracing::info!(pack = pack.name, digest = %pack.policy.digest(), "loaded anew");
        self.recorded(self.service.log().loaded(pack));
    }

    fn refused(&self, name: &str, digest: Option<Digest>, error: &str) {
        let shown = digest.map(tracing::field::display);
        tracing::error!(
            pack = name,
            digest = shown,
            error,
            "refused; the pack that there was stays"
        );
        self.recorded(self.service.log().refused(name, digest, error));
        self.service.metrics().reloaded(name, "refused");
    }

    fn recorded(&self, written: Result<(), LogError>) {
        if let Err(error) = written {
            tracing::error!(error = chain(&error), "a reload could not be recorded");
        }
    }

    /// Loads all anew, with what the configuration file now says of packs (their files, pins and meanings) and of routes,
    /// identities and the gate.
    pub(super) fn reread(&self, reread: &Reread) {
        let read = reread().map_err(|error| chain(error.as_ref()));
        let taken = read.and_then(|(config, sources)| self.configure(&config, sources));
        let outcome = match taken {
            Ok(()) => "ok",
            Err(error) => {
                tracing::error!(error, "the configuration is refused; what there was stays");
                "refused"
            }
        };
        self.service.metrics().reloaded("configuration", outcome);
        self.look(true);
    }

    fn configure(&self, config: &Config, sources: Sources) -> Result<(), String> {
        let serving = self.service.packs().all();
        let serving = serving.iter().map(|pack| &pack.name);
        if !config.pack.keys().eq(serving) {
            return Err("packs were added or removed, which needs a restart".to_owned());
        }
        // Before any pack is touched: routes that are wrong change nothing.
        let meanings = Meanings::read(config);
        let meanings = meanings.map_err(|error| refused(&config.locate(error)))?;
        if !self.packs(config, sources) {
            return Err("a pack of it is refused, so routes stay what they were".to_owned());
        }
        let configuration = config.digest;
        let written = self
            .service
            .log()
            .event(&Event::Configuration { configuration });
        written.map_err(|error| chain(&error))?;
        self.gate.take(meanings);
        Ok(())
    }

    /// Whether all of them were taken.
    fn packs(&self, config: &Config, mut sources: Sources) -> bool {
        let packs = self.service.packs();
        let mut all = true;
        for (name, settings) in &config.pack {
            let Some(source) = sources.remove(name) else {
                continue;
            };
            let pin = match settings.pin(name) {
                Ok(pin) => pin,
                Err(error) => {
                    self.refused(name, None, &chain(&error));
                    all = false;
                    continue;
                }
            };
            match packs.add(name, source, settings.clone(), pin) {
                Ok(pack) => self.took(&pack),
                Err(error) => {
                    self.refused(name, error.digest(), &chain(&error));
                    all = false;
                }
            }
        }
        all
    }
}

/// All that is wrong with a configuration, in one line.
fn refused(error: &ConfigError) -> String {
    let related = error.related().into_iter().flatten();
    let related: Vec<String> = related.map(ToString::to_string).collect();
    [vec![chain(error)], related].concat().join(": ")
}

/// An error with all that led to it, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

/// Looks whenever something changes, for ever.
pub(super) async fn watch(reloader: Arc<Reloader>) {
    let changed = Arc::new(Notify::new());
    let mut watching = Watching::default();
    loop {
        watching.refresh(&reloader, &changed);
        if timeout(AGAIN, changed.notified()).await.is_ok() {
            let began = Instant::now();
            while timeout(QUIET, changed.notified()).await.is_ok() {
                if began.elapsed() > PATIENCE {
                    break;
                }
            }
        }
        let reloader = Arc::clone(&reloader);
        // Compiling takes seconds, and must not hold up anybody who asks.
        let _ = tokio::task::spawn_blocking(move || reloader.look(false)).await;
    }
}

/// The kernel's messages about the files as they are now.
#[derive(Debug, Default)]
struct Watching {
    paths: Vec<PathBuf>,
    watcher: Option<RecommendedWatcher>,
}

impl Watching {
    fn refresh(&mut self, reloader: &Reloader, changed: &Arc<Notify>) {
        let watched = reloader.watched().into_iter();
        let paths: Vec<PathBuf> = watched.flat_map(|(_, paths)| paths).collect();
        if paths == self.paths {
            return;
        }
        self.watcher = watcher(&paths, changed)
            .inspect_err(
                |error| tracing::warn!(%error, "files are looked at every few seconds only"),
            )
            .ok();
        self.paths = paths;
    }
}

fn watcher(paths: &[PathBuf], changed: &Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let (of, changed) = (paths.to_owned(), Arc::clone(changed));
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access() && concerns(&event, &of)) {
            changed.notify_one();
        }
    })?;
    for path in paths {
        if path.is_dir() {
            watcher.watch(path, RecursiveMode::Recursive)?;
        }
        // A file that is replaced is another file: only its folder knows.
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        watcher.watch(
            parent.unwrap_or(Path::new(".")),
            RecursiveMode::NonRecursive,
        )?;
    }
    Ok(watcher)
}

/// Whether an event is about one of these, or about a link as Kubernetes has it for all files of a volume.
fn concerns(event: &notify::Event, paths: &[PathBuf]) -> bool {
    event.paths.iter().any(|changed| {
        let name = changed.file_name().unwrap_or_default();
        let is_link = name.as_encoded_bytes().starts_with(b"..");
        let same = |path: &PathBuf| {
            changed.starts_with(path) || path.file_name().is_some_and(|other| other == name)
        };
        is_link || paths.iter().any(same)
    })
}
