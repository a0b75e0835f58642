//! The lines of a log, one after the other through all files.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::AuditError;
use crate::log::file::named;

/// No record is as long: evidence has at most some megabytes.
const LONGEST: u64 = 128 << 20;
const BUFFER: usize = 1 << 20;
const ATTEMPTS: usize = 10;
const PAUSE: Duration = Duration::from_millis(10);

/// Reads line by line.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    rest: &'a [PathBuf],
    open: Option<Open<'a>>,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Open<'a> {
    path: &'a PathBuf,
    name: String,
    number: u64,
    reader: BufReader<File>,
}

/// One line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// Name of its file.
    pub(super) file: &'a str,
    /// From 1, in its file.
    pub(super) number: u64,
    /// Without its line feed.
    pub(super) bytes: &'a [u8],
    /// Whether it has one.
    pub(super) whole: bool,
}

impl<'a> Lines<'a> {
    pub(super) fn new(files: &'a [PathBuf]) -> Self {
        Lines {
            rest: files,
            open: None,
            bytes: Vec::new(),
        }
    }

    /// The next line of all files, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>, AuditError> {
        while !self.read()? {
            let Some((path, rest)) = self.rest.split_first() else {
                return Ok(None);
            };
            self.rest = rest;
            let file = File::open(path).map_err(|source| unreadable(path, source))?;
            self.open = Some(Open {
                path,
                name: named(path),
                number: 0,
                reader: BufReader::with_capacity(BUFFER, file),
            });
        }
        let whole = self.bytes.pop_if(|byte| *byte == b'\n').is_some();
        Ok(self.open.as_ref().map(|open| Line {
            file: &open.name,
            number: open.number,
            bytes: &self.bytes,
            whole,
        }))
    }

    /// A server may be in the middle of writing the last line: what is missing of it comes at once, or never.
    fn read(&mut self) -> Result<bool, AuditError> {
        let Some(open) = &mut self.open else {
            return Ok(false);
        };
        self.bytes.clear();
        for _ in 0..ATTEMPTS {
            open.read(&mut self.bytes)?;
            if self.bytes.is_empty() || self.bytes.ends_with(b"\n") || is_too_long(&self.bytes) {
                break;
            }
            thread::sleep(PAUSE);
        }
        open.number += 1;
        Ok(!self.bytes.is_empty())
    }
}

impl Open<'_> {
    fn read(&mut self, into: &mut Vec<u8>) -> Result<(), AuditError> {
        let mut limited = (&mut self.reader).take(LONGEST);
        let read = limited.read_until(b'\n', into);
        read.map(drop)
            .map_err(|source| unreadable(self.path, source))
    }
}

/// It was there when the log was opened.
fn unreadable(path: &Path, source: io::Error) -> AuditError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::NotFound => AuditError::Removed { path },
        _ => AuditError::Unreadable { path, source },
    }
}

fn is_too_long(bytes: &[u8]) -> bool {
    bytes.len() as u64 >= LONGEST
}
