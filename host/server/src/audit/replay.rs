//! Would every decision come out the same?

mod again;
mod components;

use std::fmt;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde::Serialize;
use sod_host::Runtime;
use uuid::Uuid;

use super::read::Lines;
use super::{AuditError, Filter, Log};
use again::{Again, Outcome};
use components::Components;

/// So many differences are listed; all are counted.
const LISTED: usize = 100;
/// Lines that wait for a thread that decides.
const WAITING: usize = 64;

/// How to replay.
#[derive(Clone)]
pub struct Replay {
    /// What the components run in.
    pub runtime: Runtime,
    /// Component files besides those that the log kept.
    pub components: Vec<PathBuf>,
    /// Which records.
    pub filter: Filter,
}

/// What came of it.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Replayed {
    /// Decisions that came out the same, to the byte. A search is one.
    pub same: u64,
    /// Decisions that did not.
    pub differ: u64,
    /// The first hundred of them.
    pub differences: Vec<Difference>,
    /// Decisions that could not be made again, by the reason why.
    pub not_replayable: Unreplayable,
    /// Decisions that were not asked about.
    pub left_out: u64,
}

/// Why decisions cannot be made again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unreplayable {
    /// Something that bears on the decision was masked.
    pub masked: u64,
    /// The log has only the digest of the evidence.
    pub not_kept: u64,
    /// A file with evidence is gone.
    pub evidence_missing: u64,
    /// A file with evidence is not what it was.
    pub evidence_changed: u64,
    /// The component is neither in the log's folder nor among the files given.
    pub component_missing: u64,
    /// The component in the log's folder is not what it was, or cannot be used.
    pub component_changed: u64,
    /// The line is no record.
    pub unreadable: u64,
}

impl Unreplayable {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.masked
            + self.not_kept
            + self.evidence_missing
            + self.component_missing
            + self.unreadable
            + self.changed()
    }

    /// Those for a file that was changed since.
    pub fn changed(&self) -> u64 {
        self.evidence_changed + self.component_changed
    }
}

/// A decision that came out differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// Number of the record.
    pub seq: u64,
    /// Its id.
    pub id: Uuid,
    /// What differs: keys of the verdict, with both values where they are short.
    pub what: Vec<String>,
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replay({:?})", self.filter)
    }
}

struct Job {
    file: String,
    number: u64,
    bytes: Vec<u8>,
}

/// Decides every record again, on all processors.
///
/// # Errors
/// A file that cannot be read, or a component among those given that is none.
pub fn replay(log: &Log, replay: &Replay) -> Result<Replayed, AuditError> {
    let components = Components::new(&log.folder, replay)?;
    let again = Again::new(&log.folder, &components, &replay.filter);
    let report = Mutex::new(Replayed::default());
    let (send, receive) = sync_channel(WAITING);
    let receive = Mutex::new(receive);
    let read = thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        for _ in 0..threads {
            scope.spawn(|| work(&receive, &again, &report));
        }
        let read = hand_out(log, &send);
        // Whoever waits for more ends.
        drop(send);
        read
    });
    read?;
    let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.differences.sort_by_key(|difference| difference.seq);
    report.differences.truncate(LISTED);
    Ok(report)
}

fn hand_out(log: &Log, send: &SyncSender<Job>) -> Result<(), AuditError> {
    let mut lines = Lines::new(&log.files);
    while let Some(line) = lines.next()? {
        let job = Job {
            file: line.file.to_owned(),
            number: line.number,
            bytes: line.bytes.to_vec(),
        };
        if send.send(job).is_err() {
            break;
        }
    }
    Ok(())
}

fn work(receive: &Mutex<Receiver<Job>>, again: &Again<'_>, report: &Mutex<Replayed>) {
    let next = || {
        let receive = receive.lock().unwrap_or_else(PoisonError::into_inner);
        receive.recv().ok()
    };
    while let Some(job) = next() {
        let outcome = again.decide(&job.bytes);
        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
        report.count(&job, outcome);
    }
}

impl Replayed {
    fn count(&mut self, job: &Job, outcome: Outcome) {
        let not = &mut self.not_replayable;
        let counter = match outcome {
            Outcome::Event => return,
            Outcome::LeftOut => &mut self.left_out,
            Outcome::Same => &mut self.same,
            Outcome::Masked => &mut not.masked,
            Outcome::NotKept => &mut not.not_kept,
            Outcome::EvidenceMissing => &mut not.evidence_missing,
            Outcome::EvidenceChanged => &mut not.evidence_changed,
            Outcome::ComponentMissing => &mut not.component_missing,
            Outcome::ComponentChanged => &mut not.component_changed,
            Outcome::Unreadable => &mut not.unreadable,
            Outcome::Differs { seq, id, what } => {
                // Twice as many as are listed: threads do not come back in order.
                if self.differences.len() < 2 * LISTED {
                    self.differences.push(Difference {
                        file: job.file.clone(),
                        line: job.number,
                        seq,
                        id,
                        what,
                    });
                }
                &mut self.differ
            }
        };
        *counter += 1;
    }
}
