//! Files as an author names them, read with care.

use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::code::Code;
use crate::finding::Finding;

/// Rules, schemas and manifests are written by people. A megabyte is beyond all of them.
pub(crate) const MAX_TEXT: u64 = 1 << 20;
/// Cases carry evidence.
pub(crate) const MAX_CASE: u64 = 16 << 20;

/// A text with the name that an author knows it by.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: Arc<str>,
    /// Where each line begins.
    lines: Arc<[usize]>,
}

impl Source {
    pub(crate) fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Source {
            name: name.into(),
            lines: std::iter::once(0)
                .chain(breaks.map(|(at, _)| at + 1))
                .collect(),
            text,
        }
    }

    /// Reads a file of a pack, which has to be in the pack's folder: what lies elsewhere is not on another machine.
    pub(crate) fn read_inside(
        folder: &Path,
        path: &Path,
        limit: u64,
        absent: Code,
    ) -> Result<Self, Finding> {
        let real = (folder.canonicalize(), path.canonicalize());
        if let (Ok(folder), Ok(real)) = real
            && !real.starts_with(&folder)
        {
            let name = display(path);
            let message = format!("`{name}` is a link to something outside of the pack");
            let finding = Finding::new(Code::LinkOutside, message).in_file(name);
            return Err(finding.help("copy the file, or include the pack that it belongs to"));
        }
        Source::read(path, limit, absent)
    }

    /// Reads a file; what is wrong with it is a finding with the given code.
    pub(crate) fn read(path: &Path, limit: u64, absent: Code) -> Result<Self, Finding> {
        let name = display(path);
        let bytes = read_bytes(path, limit, absent)?;
        if let Some(encoding) = other_encoding(&bytes) {
            let message = format!("`{name}` {encoding}");
            return Err(Finding::new(Code::NotUtf8, message)
                .in_file(name)
                .help("save the file as UTF-8 without a byte order mark"));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Source::new(name, text)),
            Err(error) => Err(not_utf8(name, &error)),
        }
    }

    /// 1-based line and column of an offset; columns count characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|line| self.lines.get(line));
        let before = start.and_then(|start| self.text.get(*start..offset));
        (line, before.unwrap_or("").chars().count() + 1)
    }

    /// `file:line` of an offset.
    pub(crate) fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.name, self.position(offset).0)
    }

    /// The part of a range on its first line, so that a finding about a whole rule shows its head.
    pub(crate) fn first_line(&self, range: Range<usize>) -> Range<usize> {
        let text = self.text.get(range.clone()).unwrap_or("");
        let line = text.split('\n').next().unwrap_or("").trim_end();
        range.start..range.start + line.len()
    }
}

/// What editors write in the place of UTF-8, and what a reader would take for strange characters.
fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xEF, 0xBB, 0xBF, ..] => Some("begins with a byte order mark"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some("is UTF-16"),
        _ if bytes.contains(&0) => Some("has zero bytes in it, as UTF-16 does"),
        _ => None,
    }
}

fn read_bytes(path: &Path, limit: u64, absent: Code) -> Result<Vec<u8>, Finding> {
    let unreadable = |error: std::io::Error| unreadable(path, &error, absent);
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    let name = display(path);
    if !metadata.is_file() {
        let message = format!("`{name}` is not a file");
        return Err(Finding::new(Code::Unreadable, message).in_file(name));
    }
    if metadata.len() > limit {
        let message = format!("`{name}` has {} bytes", metadata.len());
        return Err(Finding::new(Code::TooLarge, message)
            .in_file(name)
            .help(format!("at most {limit} bytes are read")));
    }
    std::fs::read(path).map_err(unreadable)
}

/// A finding about a path that cannot be read; `absent` is its code if it does not exist.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error, absent: Code) -> Finding {
    let name = display(path);
    if path.is_symlink() && !path.exists() {
        let message = format!("`{name}` is a link that leads nowhere");
        return Finding::new(Code::Unreadable, message).in_file(name);
    }
    if error.kind() == std::io::ErrorKind::NotFound {
        return Finding::new(absent, format!("`{name}` does not exist")).in_file(name);
    }
    Finding::new(
        Code::Unreadable,
        format!("`{name}` cannot be read: {error}"),
    )
    .in_file(name)
}

fn not_utf8(name: String, error: &std::string::FromUtf8Error) -> Finding {
    let at = error.utf8_error().valid_up_to();
    let before = error.as_bytes().get(..at).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    Finding::new(
        Code::NotUtf8,
        format!("`{name}` is not UTF-8: invalid byte at offset {at}, line {line}"),
    )
    .in_file(name)
    .help("save the file as UTF-8")
}

/// A path as an author would write it: `/` between its parts, no `a/../`.
pub(crate) fn display(path: &Path) -> String {
    tidy(path).to_string_lossy().replace('\\', "/")
}

/// Takes out `.` and `name/..`. With symbolic links among what is taken out the result may be another file.
pub(crate) fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() {
        out.push(".");
    }
    out
}
