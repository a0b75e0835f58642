//! The end of the chain: each line is tied to the one before it and written.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;

use sod_host::Digest;
use uuid::Uuid;

use super::event::{Event, Gap};
use super::folder::Folder;
use super::id::Ids;
use super::line::{Happened, Link, Unlinked, rfc3339};
use super::tail::End;

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
    seq: u64,
    head: Option<Digest>,
    ids: Ids,
    gap: Option<Gap>,
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
        }
    }

    /// The number of the last line.
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

    /// Writes a line, and with it what was lost since the last one.
    pub(super) fn write(&mut self, line: Unlinked, now: i64) -> io::Result<Uuid> {
        let gap = self.gap.as_ref().map(|gap| Event::Gap(gap.clone()));
        let gap = gap.map(|gap| event_line(&gap, now)).transpose()?;
        let (id, new_file) = self.put(gap, line, now)?;
        self.gap = None;
        if new_file {
            self.clear(now);
        }
        Ok(id)
    }

    /// Writes that something happened.
    pub(super) fn event(&mut self, event: &Event, now: i64) -> io::Result<()> {
        self.write(event_line(event, now)?, now).map(drop)
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
            && self.put(None, line, now).is_ok()
        {
            Folder::remove(&files);
        }
    }

    /// All of it at once, or nothing. Says whether a file was begun with it.
    fn put(&mut self, gap: Option<Unlinked>, line: Unlinked, now: i64) -> io::Result<(Uuid, bool)> {
        let (mut seq, mut head, mut id) = (self.seq, self.head, Uuid::nil());
        let mut bytes = Vec::new();
        for line in gap.into_iter().chain([line]) {
            seq += 1;
            id = self.ids.next(now);
            let (line, digest) = line.link(&Link {
                seq,
                id,
                prev: head,
            });
            head = Some(digest);
            if bytes.is_empty() {
                bytes = line;
            } else {
                bytes.extend_from_slice(&line);
            }
        }
        let first = self.seq + 1;
        let new_file = match &mut self.sink {
            Sink::Folder(folder) => folder.write(&bytes, first, self.ids.milliseconds(now))?,
            Sink::Stdout { torn } => to_stdout(&bytes, torn).map(|()| false)?,
            Sink::Closed => return Err(io::Error::other("it was not opened")),
        };
        (self.seq, self.head) = (seq, head);
        Ok((id, new_file))
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
