//! The end of the chain: each line is tied to the one before it, and written with those that wait beside it.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Arc, OnceLock};

use sod_host::Digest;
use uuid::Uuid;

use super::event::{Event, Gap};
use super::folder::Folder;
use super::id::Ids;
use super::line::{Happened, Link, Unlinked, rfc3339};
use super::tail::End;

/// So many bytes are written without waiting for more.
const ENOUGH: usize = 64 << 10;

/// Where lines go.
#[derive(Debug)]
pub(super) enum Sink {
    /// Into files.
    Folder(Box<Folder>),
    /// To whoever started the server. A line that broke off is ended before the next one.
    Stdout { torn: bool },
    /// Nowhere: every write fails.
    Closed,
}

/// What has to be done one line after the other.
#[derive(Debug)]
pub(super) struct Writer {
    sink: Sink,
    /// Of the last line that is written, as is `head`.
    seq: u64,
    head: Option<Digest>,
    ids: Ids,
    gap: Option<Gap>,
    waiting: Batch,
}

/// Lines behind the last one that is written, to be written at once: all of them, or none.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    lines: u64,
    /// Digest of the last of them.
    head: Option<Digest>,
    /// What one of them tells to be lost.
    gap: Option<Gap>,
    /// When the last of them came.
    now: i64,
    outcome: Outcome,
}

/// What became of the lines of a batch, once they were written or could not be.
type Outcome = Arc<OnceLock<Result<(), (io::ErrorKind, String)>>>;

/// A line that waits to be written.
#[derive(Debug)]
pub(super) struct Queued {
    /// Its id.
    pub(super) id: Uuid,
    /// Its number.
    pub(super) seq: u64,
    outcome: Outcome,
}

impl Queued {
    /// Whether it was written, if that is known.
    pub(super) fn outcome(&self) -> Option<io::Result<()>> {
        let outcome = self.outcome.get()?.clone();
        Some(outcome.map_err(|(kind, problem)| io::Error::new(kind, problem)))
    }
}

impl Writer {
    /// Goes on where the log ends.
    pub(super) fn new(sink: Sink, end: &End) -> Self {
        let last = end.last.as_ref();
        Writer {
            sink,
            seq: last.map_or(0, |(link, _)| link.seq),
            head: last.map(|(_, digest)| *digest),
            ids: last.map_or_else(Ids::default, |(link, _)| Ids::after(&link.id)),
            gap: None,
            waiting: Batch::default(),
        }
    }

    /// The number of the last line that is written.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// The file that the last line is in.
    pub(super) fn file(&self) -> Option<Arc<File>> {
        match &self.sink {
            Sink::Folder(folder) => folder.file(),
            Sink::Stdout { .. } | Sink::Closed => None,
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> String {
        match &self.sink {
            Sink::Folder(folder) => folder.name(),
            Sink::Stdout { .. } => "stdout".to_owned(),
            Sink::Closed => String::new(),
        }
    }

    /// Ties a line to those before it, and before it one that tells what was lost since the last one.
    pub(super) fn queue(&mut self, line: Unlinked, now: i64) -> io::Result<Queued> {
        // No more at once than there may be in a file.
        let most = match &self.sink {
            Sink::Folder(folder) => folder.rotate_bytes().min(ENOUGH),
            Sink::Stdout { .. } | Sink::Closed => ENOUGH,
        };
        if self.gap.is_some() || self.waiting.bytes.len() + line.len() > most {
            self.write();
        }
        if let Some(gap) = &self.gap {
            let line = event_line(&Event::Gap(gap.clone()), now)?;
            self.link(line, now);
            self.waiting.gap = both(self.waiting.gap.take(), self.gap.take());
        }
        Ok(self.link(line, now))
    }

    /// Writes the lines that wait. What became of them is with each.
    pub(super) fn write(&mut self) {
        let now = self.waiting.now;
        if self.put() {
            self.clear(now);
        }
    }

    /// Writes that something happened, and what waits before it.
    pub(super) fn event(&mut self, event: &Event, now: i64) -> io::Result<()> {
        let queued = self.queue(event_line(event, now)?, now)?;
        self.write();
        queued.outcome().unwrap_or_else(unknown)
    }

    /// Counts a decision that left without its record. It has an id that no record has.
    pub(super) fn lose(&mut self, now: i64, problem: &str) -> Uuid {
        let time = rfc3339(now).unwrap_or_default();
        let gap = self.gap.get_or_insert_with(|| Gap {
            lost: 0,
            from: time.clone(),
            to: String::new(),
            problem: String::new(),
        });
        gap.lost += 1;
        gap.to = time;
        problem.clone_into(&mut gap.problem);
        self.ids.next(now)
    }

    /// Removes old files. What stands against it stands against it the next time, too: nothing is lost.
    pub(super) fn clear(&mut self, now: i64) {
        let Sink::Folder(folder) = &self.sink else {
            return;
        };
        if let Ok(Some((files, event))) = folder.removable(now)
            && let Ok(line) = event_line(&event, now)
        {
            let queued = self.link(line, now);
            self.put();
            if let Some(Ok(())) = queued.outcome() {
                Folder::remove(&files);
            }
        }
    }

    fn link(&mut self, line: Unlinked, now: i64) -> Queued {
        let batch = &mut self.waiting;
        let link = Link {
            seq: self.seq + batch.lines + 1,
            id: self.ids.next(now),
            prev: batch.head.or(self.head),
        };
        let (line, digest) = line.link(&link);
        batch.bytes.extend_from_slice(&line);
        batch.lines += 1;
        batch.head = Some(digest);
        batch.now = now;
        Queued {
            id: link.id,
            seq: link.seq,
            outcome: Arc::clone(&batch.outcome),
        }
    }

    /// All that waits at once, or nothing. Says whether a file was begun with it.
    fn put(&mut self) -> bool {
        let mut batch = std::mem::take(&mut self.waiting);
        if batch.lines == 0 {
            return false;
        }
        let (first, bytes) = (self.seq + 1, &batch.bytes);
        let written = match &mut self.sink {
            Sink::Folder(folder) => folder.write(bytes, first, self.ids.milliseconds(batch.now)),
            Sink::Stdout { torn } => to_stdout(bytes, torn).map(|()| false),
            Sink::Closed => Err(io::Error::other("it was not opened")),
        };
        let (outcome, new_file) = match written {
            Ok(new_file) => {
                (self.seq, self.head) = (self.seq + batch.lines, batch.head);
                (Ok(()), new_file)
            }
            Err(error) => {
                // It is told with the next line, together with what is lost from here on.
                self.gap = both(batch.gap.take(), self.gap.take());
                (Err((error.kind(), error.to_string())), false)
            }
        };
        // Nobody else sets it.
        let _ = batch.outcome.set(outcome);
        // The room is for the next ones.
        batch.bytes.clear();
        if batch.bytes.capacity() <= 2 * ENOUGH {
            self.waiting.bytes = batch.bytes;
        }
        new_file
    }
}

/// Never: whoever writes all that waits finds what became of it.
pub(super) fn unknown() -> io::Result<()> {
    Err(io::Error::other("it was not written"))
}

/// Two gaps as one.
fn both(earlier: Option<Gap>, later: Option<Gap>) -> Option<Gap> {
    match (earlier, later) {
        (Some(earlier), Some(later)) => Some(Gap {
            lost: earlier.lost + later.lost,
            from: earlier.from,
            ..later
        }),
        (earlier, later) => earlier.or(later),
    }
}

fn event_line(event: &Event, now: i64) -> io::Result<Unlinked> {
    let happened = Happened {
        event: std::borrow::Cow::Borrowed(event),
        time: rfc3339(now).unwrap_or_default(),
    };
    Unlinked::of(&happened, 0).map_err(Into::into)
}

fn to_stdout(line: &[u8], torn: &mut bool) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if *torn {
        stdout.write_all(b"\n")?;
    }
    *torn = true;
    stdout.write_all(line)?;
    stdout.flush()?;
    *torn = false;
    Ok(())
}
