//! Where a log ends, and what a crash has left behind its last whole line.

use std::fs::File;
use std::io::{
    self, BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _,
};
use std::path::{Path, PathBuf};

use sod_host::Digest;
use uuid::Uuid;

use super::event::Event;
use super::file;
use super::line::Link;

/// The end of a log.
#[derive(Debug, Default)]
pub(super) struct End {
    /// The file to go on with, and its size.
    pub(super) file: Option<(PathBuf, u64)>,
    /// The last line's link and digest.
    pub(super) last: Option<(Link, Digest)>,
    /// What was set aside.
    pub(super) recovered: Option<Event>,
}

/// Finds the end of the log in this folder. What is no line behind the last one is put into a file of its own.
pub(super) fn end(folder: &Path) -> io::Result<End> {
    let mut files = file::list(folder)?;
    let Some(path) = files.pop() else {
        return Ok(End::default());
    };
    let mut file = file::append(&path)?;
    let length = file.metadata()?.len();
    let found = last_line(&mut file, length)?;
    let whole = found.as_ref().map_or(0, |found| found.end);
    let recovered = match whole < length {
        true => Some(set_aside(folder, &path, &mut file, whole)?),
        false => None,
    };
    let mut last = found.map(|found| (found.link, found.digest));
    // A file without a line goes on from the one before it.
    while let (None, Some(path)) = (&last, files.pop()) {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        last = last_line(&mut file, length)?.map(|found| (found.link, found.digest));
    }
    Ok(End {
        file: Some((path, whole)),
        last,
        recovered,
    })
}

/// The link of the first line of a file.
pub(super) fn first(path: &Path) -> io::Result<Link> {
    let mut line = Vec::new();
    BufReader::new(File::open(path)?).read_until(b'\n', &mut line)?;
    serde_json::from_slice(&line).map_err(Into::into)
}

/// The link of the last line of a file.
pub(super) fn last(path: &Path) -> io::Result<Option<Link>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok(last_line(&mut file, length)?.map(|found| found.link))
}

struct Found {
    link: Link,
    digest: Digest,
    /// Behind its line feed.
    end: u64,
}

/// The last line that is one.
fn last_line(file: &mut File, length: u64) -> io::Result<Option<Found>> {
    let mut end = length;
    while let Some((start, line)) = line_before(file, end)? {
        if let Ok(link) = serde_json::from_slice(&line) {
            return Ok(Some(Found {
                link,
                digest: Digest::of(&line),
                end: start + line.len() as u64 + 1,
            }));
        }
        end = start;
    }
    Ok(None)
}

/// The last line that ends in a line feed before `end`, and where it starts.
fn line_before(file: &mut File, end: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    let mut window = 64 << 10;
    loop {
        let from = end.saturating_sub(window);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.take(end - from).read_to_end(&mut bytes)?;
        let feed = bytes.iter().rposition(|&byte| byte == b'\n');
        bytes.truncate(feed.unwrap_or(0));
        let before = bytes.iter().rposition(|&byte| byte == b'\n');
        match (feed, before) {
            (Some(_), Some(before)) => {
                let line = bytes.split_off(before + 1);
                return Ok(Some((from + before as u64 + 1, line)));
            }
            (Some(_), None) if from == 0 => return Ok(Some((0, bytes))),
            (None, _) if from == 0 => return Ok(None),
            _ => window *= 4,
        }
    }
}

/// Copies what is behind the last whole line into a file of its own, and only then cuts it off.
fn set_aside(folder: &Path, path: &Path, file: &mut File, whole: u64) -> io::Result<Event> {
    let mut torn = Vec::new();
    file.seek(SeekFrom::Start(whole))?;
    file.read_to_end(&mut torn)?;
    if torn.is_empty() {
        return Err(io::Error::new(ErrorKind::UnexpectedEof, "the file shrinks"));
    }
    let name = format!("torn-{}.part", Uuid::now_v7());
    let mut aside = file::create(&folder.join(&name))?;
    aside.write_all(&torn)?;
    aside.sync_all()?;
    file.set_len(whole)?;
    file.sync_all()?;
    Ok(Event::Recovered {
        file: file::named(path),
        offset: whole,
        bytes: torn.len() as u64,
        digest: Digest::of(&torn),
        set_aside: name,
    })
}
