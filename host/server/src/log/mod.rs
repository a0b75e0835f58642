//! The decision log: one line of JSON for each decision, written before its answer leaves.
//!
//! A line (`line`) is made from a record without waiting for anybody (`entry`, `mask`, `keep`).
//! Then, one after the other, each is tied to the line before it (`writer`) and written into the present file
//! (`folder`). docs/decision-log.md has the format, the settings, and what they are worth.

mod entry;
pub(crate) mod event;
pub(crate) mod file;
mod folder;
mod id;
pub(crate) mod keep;
pub(crate) mod line;
mod loss;
pub(crate) mod mask;
mod probe;
mod settings;
mod tail;
mod writer;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use miette::Diagnostic;
use sod_host::Digest;
use thiserror::Error;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::packs::OpenPack;
use crate::record::Record;
use entry::Form;
use folder::Folder;
use keep::Keep;
use loss::Losses;
use settings::Valid;
use tail::End;
use writer::{Sink, Writer};

pub(crate) use folder::lock;

pub use event::{Event, Gap};
pub use loss::Counts;
pub use mask::{Rule, With};
pub use settings::{Durability, Kept, OnFailure, Settings};

/// A log that cannot be opened or written.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum LogError {
    /// `[log]` cannot be followed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Settings(#[from] ConfigError),
    /// The folder, or a file in it.
    #[error("the decision log: cannot {doing} `{}`: {source}", path.display())]
    #[diagnostic(
        code("log-folder"),
        help("`log.directory` has to be a folder that this user may write to")
    )]
    Folder {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// Somebody else writes this log.
    #[error("the decision log: another server writes to `{}`", path.display())]
    #[diagnostic(
        code("log-locked"),
        help("give each server a `log.directory` of its own")
    )]
    Locked { path: PathBuf },
    /// A record is not in the log.
    #[error("the decision log: {0}")]
    #[diagnostic(
        code("log-unwritten"),
        help("make room on the disk, or mend the folder: the next decision tries again")
    )]
    Unwritten(#[from] io::Error),
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    /// Its id.
    pub(crate) id: Uuid,
    /// It is not in the log, or may not stay there, and the configuration lets its answer leave all the same.
    pub(crate) lost: bool,
}

/// A record that has its place in the log.
#[derive(Debug)]
#[must_use]
pub(crate) struct Queued<'a> {
    log: &'a DecisionLog,
    time: i64,
    line: io::Result<writer::Queued>,
}

impl Queued<'_> {
    /// Writes it, and whatever else waits, unless somebody else did.
    ///
    /// # Errors
    /// It is not written, and no decision leaves without a record.
    pub(crate) fn written(self) -> Result<Appended, LogError> {
        self.log.written(self.line, self.time)
    }
}

/// Where records go.
#[derive(Debug)]
pub struct DecisionLog {
    form: Form,
    components: Option<Keep>,
    clock: Clock,
    on_failure: OnFailure,
    durability: Durability,
    writer: Mutex<Writer>,
    /// Number of the last line that is on the disk.
    synced: Mutex<u64>,
    /// Which packs the log has told of, by digest and the name that they are served as.
    told: Mutex<HashMap<Digest, HashSet<String>>>,
    losses: Losses,
}

impl DecisionLog {
    /// Opens the log as the configuration has it, and writes that a server started.
    ///
    /// # Errors
    /// Settings that make no sense, a folder that cannot be written to, or that another server writes to.
    pub fn open(config: &Config, clock: &Clock) -> Result<Self, LogError> {
        let valid = Valid::of(config)?;
        let folder = valid.directory.clone();
        let (sink, end) = match &folder {
            Some(path) => {
                let (folder, end) = Folder::open(path, &valid.settings)?;
                (Sink::Folder(Box::new(folder)), end)
            }
            None => (Sink::Stdout { torn: false }, End::default()),
        };
        let writer = Writer::new(sink, &end);
        let log = DecisionLog::new(valid, writer, clock.clone())?;
        log.begin(config, end)?;
        Ok(log)
    }

    /// A log that is as the configuration has it and is not opened: no record can be written, so no decision leaves.
    /// For whoever wants to know whether the configuration makes sense, while another server may be writing the log.
    ///
    /// # Errors
    /// Settings that make no sense, a folder that cannot be written to.
    pub fn closed(config: &Config, clock: &Clock) -> Result<Self, LogError> {
        let valid = Valid::of(config)?;
        if let Some(directory) = &valid.directory {
            probe::writable(directory)?;
        }
        let valid = Valid {
            directory: None,
            ..valid
        };
        let writer = Writer::new(Sink::Closed, &End::default());
        DecisionLog::new(valid, writer, clock.clone())
    }

    fn new(valid: Valid, writer: Writer, clock: Clock) -> Result<Self, LogError> {
        let settings = valid.settings;
        let disk = settings.durability == Durability::Disk;
        let keep = |name: &str, extension, disk| {
            let folder = valid.directory.as_ref().map(|folder| folder.join(name));
            let open = |path: PathBuf| {
                Keep::open(path.clone(), extension, disk).map_err(|source| LogError::Folder {
                    doing: "create",
                    path,
                    source,
                })
            };
            folder.map(open).transpose()
        };
        Ok(DecisionLog {
            components: match settings.components {
                true => keep(file::COMPONENTS, "wasm", true)?,
                false => None,
            },
            form: Form {
                evidence: match settings.evidence {
                    Kept::File => keep(file::EVIDENCE, "json", disk)?,
                    _ => None,
                },
                masks: valid.masks,
                documents: settings.evidence,
            },
            clock,
            on_failure: settings.on_failure,
            durability: settings.durability,
            writer: Mutex::new(writer),
            synced: Mutex::default(),
            told: Mutex::default(),
            losses: Losses::default(),
        })
    }

    fn begin(&self, config: &Config, end: End) -> Result<(), LogError> {
        if let Some(recovered) = &end.recovered {
            loss::recovered(recovered);
            self.event(recovered)?;
        }
        self.event(&Event::Start {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            configuration: config.digest,
        })?;
        self.writer().clear(self.clock.now());
        Ok(())
    }

    /// Whether writing a record waits for a disk.
    pub(crate) fn waits(&self) -> bool {
        self.durability == Durability::Disk
    }

    /// Whether records can be written. If the last one could not, this tries again: a server that is asked for
    /// nothing until it is ready would never find out.
    ///
    /// # Errors
    /// They cannot.
    pub fn check(&self) -> Result<(), LogError> {
        let counts = self.counts();
        if counts.failing {
            let refused = counts.refused;
            self.event(&Event::Resumed { refused })?;
            self.losses.mended();
        }
        Ok(())
    }

    /// Puts the record behind those before it. It may be written with others; see [`Queued::written`].
    pub(crate) fn queue(&self, record: &Record<'_>, pack: &OpenPack) -> Queued<'_> {
        let line = self.tell(pack).and_then(|()| {
            let line = self.form.line(record)?;
            self.writer().queue(line, record.time)
        });
        Queued {
            log: self,
            time: record.time,
            line,
        }
    }

    fn written(&self, line: io::Result<writer::Queued>, time: i64) -> Result<Appended, LogError> {
        let written = line.and_then(|line| {
            let outcome = line.outcome().or_else(|| {
                self.writer().write();
                line.outcome()
            });
            outcome.unwrap_or_else(writer::unknown).map(|()| line)
        });
        match written {
            Ok(line) => match self.sync(line.seq) {
                Ok(()) => {
                    self.losses.written();
                    let (id, lost) = (line.id, false);
                    Ok(Appended { id, lost })
                }
                // The record may be there when the power comes back, or not.
                Err(error) => self.failed(time, error).map(|lost| Appended {
                    id: line.id,
                    ..lost
                }),
            },
            Err(error) => self.failed(time, error),
        }
    }

    /// Writes that something happened.
    ///
    /// # Errors
    /// It is not written.
    pub fn event(&self, event: &Event) -> Result<(), LogError> {
        let mut writer = self.writer();
        writer.event(event, self.clock.now())?;
        let seq = writer.seq();
        drop(writer);
        Ok(self.sync(seq)?)
    }

    /// Keeps the component of a pack that decides from here on, and writes that it does.
    ///
    /// Whoever forgets to call it is no harm: a pack is told of before its first decision.
    ///
    /// # Errors
    /// It is not kept, or not written.
    pub fn loaded(&self, pack: &OpenPack) -> Result<(), LogError> {
        if let Some(components) = &self.components {
            components.put(pack.policy.digest(), &pack.component)?;
        }
        let id = pack.id.clone();
        self.event(&Event::Pack { pack: id })?;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let names = told.entry(*pack.policy.digest()).or_default();
        names.insert(pack.name.clone());
        Ok(())
    }

    /// Writes that a pack was not taken.
    ///
    /// # Errors
    /// It is not written.
    pub fn refused(
        &self,
        served_as: &str,
        digest: Option<Digest>,
        problem: &str,
    ) -> Result<(), LogError> {
        self.event(&Event::PackRefused {
            served_as: served_as.to_owned(),
            digest,
            problem: problem.to_owned(),
        })
    }

    /// Writes that the server ends as it should, and waits for the disk.
    ///
    /// # Errors
    /// It is not written.
    pub fn stop(&self) -> Result<(), LogError> {
        self.event(&Event::Stop)?;
        let file = self.writer().file();
        file.map_or(Ok(()), |file| file.sync_all())?;
        Ok(())
    }

    /// What became of the records so far: for metrics.
    pub fn counts(&self) -> Counts {
        self.losses.counts()
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // A line is counted once it is written, so what a panic left behind is found before the next one.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, pack: &OpenPack) -> io::Result<()> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let names = told.get(pack.policy.digest());
        if names.is_some_and(|names| names.contains(&pack.name)) {
            return Ok(());
        }
        drop(told);
        self.loaded(pack).map_err(|error| match error {
            LogError::Unwritten(error) => error,
            error => io::Error::other(error),
        })
    }

    /// Waits until the line with this number is on the disk. One caller syncs for all that wait.
    fn sync(&self, seq: u64) -> io::Result<()> {
        if !self.waits() {
            return Ok(());
        }
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced >= seq {
            return Ok(());
        }
        // Older files were synced when the present one was begun.
        let writer = self.writer();
        let (file, last) = (writer.file(), writer.seq());
        drop(writer);
        if let Some(file) = file {
            file.sync_data()?;
        }
        *synced = last;
        Ok(())
    }

    fn failed(&self, time: i64, error: io::Error) -> Result<Appended, LogError> {
        let mut writer = self.writer();
        let name = writer.name();
        match self.on_failure {
            OnFailure::Deny => {
                drop(writer);
                self.losses.refused(&name, &error);
                Err(LogError::Unwritten(error))
            }
            OnFailure::Degrade => {
                let id = writer.lose(time, &error.to_string());
                drop(writer);
                self.losses.lost(&name, &error);
                Ok(Appended { id, lost: true })
            }
        }
    }
}
