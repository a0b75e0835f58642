//! The patch id of a difference, as `git patch-id --verbatim` computes it from `git diff-tree -p`.
//!
//! White space is part of it: to some languages it means something, and an approval stands for what was read.

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::hash::{Hasher, hasher};
use gix::objs::tree::EntryKind;

use super::diff::{self, Difference, Entry};
use super::error::GitError;
use super::lines;
use super::repository::{Repository, corrupt};

/// Lines around a difference that belong to it.
const CONTEXT: u32 = 3;

/// The patch id, or None where it would not say all that differs.
///
/// Git's algorithm passes over the paths of some binary files and over what
/// follows a NUL on a line. An approval that stands for a patch id would then
/// stand for something else, too, so such a difference has none.
pub(super) fn verbatim(
    repository: &Repository,
    differences: &[Difference],
) -> Result<Option<String>, GitError> {
    let mut patch = Patch::new(repository);
    for difference in differences {
        if !patch.add(difference)? {
            return Ok(None);
        }
    }
    patch.finish()
}

struct Patch<'r> {
    repository: &'r Repository,
    /// Over the files since the last one that has differing lines.
    hasher: Hasher,
    /// Of the hashes of the files, with carry, so that their order plays no part.
    sum: Vec<u8>,
    is_empty: bool,
    /// The file before has differing lines: its part ends where the next begins.
    had_lines: bool,
}

impl<'r> Patch<'r> {
    fn new(repository: &'r Repository) -> Self {
        let hash = repository.hash_kind();
        Patch {
            repository,
            hasher: hasher(hash),
            sum: vec![0; hash.len_in_bytes()],
            is_empty: true,
            had_lines: false,
        }
    }

    /// Adds a file, or two where its kind differs. False if it cannot be said in lines.
    fn add(&mut self, difference: &Difference) -> Result<bool, GitError> {
        let path = difference.path.as_bstr();
        match (difference.before, difference.after) {
            (Some(before), Some(after)) if type_of(before) != type_of(after) => {
                Ok(self.file(path, Some(before), None)? && self.file(path, None, Some(after))?)
            }
            (before, after) => self.file(path, before, after),
        }
    }

    fn file(
        &mut self,
        path: &gix::bstr::BStr,
        before: Option<Entry>,
        after: Option<Entry>,
    ) -> Result<bool, GitError> {
        let contents = [self.content(before)?, self.content(after)?];
        if contents.iter().any(|content| content.contains(&0)) {
            return Ok(false);
        }
        if self.had_lines {
            self.end_of_file()?;
            self.had_lines = false;
        }
        let (old, new) = (quoted(b"a/", path), quoted(b"b/", path));
        self.header(&[b"diff --git ", &old, b" ", &new]);
        let mode = |entry: Entry| diff::mode(entry.0).as_bytes();
        match (before, after) {
            (None, Some(after)) => self.header(&[b"new file mode ", mode(after)]),
            (Some(before), None) => self.header(&[b"deleted file mode ", mode(before)]),
            (Some(before), Some(after)) if before.0 != after.0 => {
                self.header(&[b"old mode ", mode(before)]);
                self.header(&[b"new mode ", mode(after)]);
            }
            _ => {}
        }
        let [before_text, after_text] = contents;
        if before_text == after_text {
            return Ok(true);
        }
        self.had_lines = true;
        let nothing = b"/dev/null".to_vec();
        self.side(b"--- ", before.map_or(&nothing, |_| &old));
        self.side(b"+++ ", after.map_or(&nothing, |_| &new));
        self.hunks(&lines::split(&before_text), &lines::split(&after_text));
        Ok(true)
    }

    /// What git shows of a file: its content, or the commit of a submodule.
    fn content(&self, entry: Option<Entry>) -> Result<Vec<u8>, GitError> {
        match entry {
            None => Ok(Vec::new()),
            Some((EntryKind::Commit, id)) => Ok(format!("Subproject commit {id}\n").into_bytes()),
            Some((_, id)) => Ok(self.repository.blob(id, &mut Vec::new())?.to_vec()),
        }
    }

    /// Differing lines and those around them, each once.
    fn hunks(&mut self, before: &[&[u8]], after: &[&[u8]]) {
        let mut done = 0;
        let hunks = lines::shown(before, after);
        for (nth, hunk) in hunks.iter().enumerate() {
            let start = hunk.before.start.saturating_sub(CONTEXT).max(done);
            self.lines(b" ", before, start..hunk.before.start);
            self.lines(b"-", before, hunk.before.clone());
            self.lines(b"+", after, hunk.after.clone());
            let end = match hunks.get(nth + 1) {
                Some(next) => next.before.start.min(hunk.before.end + CONTEXT),
                None => hunk.before.end + CONTEXT,
            };
            self.lines(b" ", before, hunk.before.end..end.min(before.len() as u32));
            done = end;
        }
    }

    fn lines(&mut self, sign: &[u8], text: &[&[u8]], range: std::ops::Range<u32>) {
        let lines = text.get(range.start as usize..range.end as usize);
        for line in lines.unwrap_or_default() {
            self.update(&[sign, line]);
            if !line.ends_with(b"\n") {
                self.update(&[b"\n\\ No newline at end of file\n"]);
            }
        }
    }

    fn header(&mut self, words: &[&[u8]]) {
        self.update(words);
        self.update(&[b"\n"]);
    }

    /// Git ends a name with a space in it by a tab.
    fn side(&mut self, sign: &[u8], name: &[u8]) {
        let tab: &[u8] = if name.contains(&b' ') { b"\t" } else { b"" };
        self.header(&[sign, name, tab]);
    }

    fn update(&mut self, parts: &[&[u8]]) {
        self.is_empty = false;
        parts.iter().for_each(|part| self.hasher.update(part));
    }

    fn end_of_file(&mut self) -> Result<(), GitError> {
        let kind = self.repository.hash_kind();
        let hasher = std::mem::replace(&mut self.hasher, hasher(kind));
        let hash = hasher.try_finalize();
        let hash =
            hash.map_err(|error| corrupt("object", ObjectId::null(kind), error.to_string()))?;
        let mut carry = 0;
        for (sum, byte) in self.sum.iter_mut().zip(hash.as_slice()) {
            let total = carry + u16::from(*sum) + u16::from(*byte);
            let [low, high] = total.to_le_bytes();
            (*sum, carry) = (low, u16::from(high));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Option<String>, GitError> {
        if self.is_empty {
            return Ok(None);
        }
        self.end_of_file()?;
        let sum = ObjectId::try_from(self.sum.as_slice());
        Ok(sum.ok().map(|id| id.to_string()))
    }
}

/// Git shows a file that becomes a link as one deleted and one added.
fn type_of((kind, _): Entry) -> EntryKind {
    match kind {
        EntryKind::BlobExecutable => EntryKind::Blob,
        kind => kind,
    }
}

/// A path as git prints it: in quotes if a byte of it is not plain.
fn quoted(prefix: &[u8], path: &[u8]) -> Vec<u8> {
    let is_plain = |b: &u8| (0x20..0x7f).contains(b) && !b"\"\\".contains(b);
    let mut out = prefix.to_vec();
    if path.iter().all(is_plain) {
        out.extend_from_slice(path);
        return out;
    }
    out.insert(0, b'"');
    for byte in path {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            7 => out.extend_from_slice(b"\\a"),
            8 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            11 => out.extend_from_slice(b"\\v"),
            12 => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            plain if is_plain(plain) => out.push(*plain),
            other => out.extend_from_slice(format!("\\{other:03o}").as_bytes()),
        }
    }
    out.push(b'"');
    out
}
