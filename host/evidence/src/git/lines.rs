//! What differs between two texts, line by line, and a merge of two texts made from one.

use std::ops::Range;

use gix_imara_diff::{Algorithm, Diff, Hunk, InternedInput};

/// The lines of a text, each with its line end.
pub(super) fn split(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|b| *b == b'\n').collect()
}

/// As git tells: whether one of the first bytes is NUL.
pub(super) fn is_binary(content: &[u8]) -> bool {
    content.iter().take(8000).any(|b| *b == 0)
}

/// The differences that `git diff` shows.
pub(super) fn shown(before: &[&[u8]], after: &[&[u8]]) -> Vec<Hunk> {
    let input = interned(before, after);
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_lines(&input);
    diff.hunks().collect()
}

fn interned<'t>(before: &[&'t [u8]], after: &[&'t [u8]]) -> InternedInput<&'t [u8]> {
    let mut input = InternedInput::default();
    input.update_before(before.iter().copied());
    input.update_after(after.iter().copied());
    input
}

/// One side of a merge: its lines, and where they differ from those of the base.
struct Side<'t> {
    lines: Vec<&'t [u8]>,
    hunks: std::iter::Peekable<std::vec::IntoIter<Hunk>>,
    /// How far its lines are behind those of the base, modulo 2^32.
    shift: u32,
}

impl<'t> Side<'t> {
    /// Differences that `git merge` goes by.
    fn new(base: &[&'t [u8]], text: &'t [u8]) -> Self {
        let lines = split(text);
        let input = interned(base, &lines);
        let mut diff = Diff::compute(Algorithm::Histogram, &input);
        diff.postprocess_no_heuristic(&input);
        let hunks: Vec<Hunk> = diff.hunks().collect();
        Side {
            lines,
            hunks: hunks.into_iter().peekable(),
            shift: 0,
        }
    }

    /// Where the next difference begins in the base.
    fn next(&mut self) -> Option<u32> {
        self.hunks.peek().map(|hunk| hunk.before.start)
    }

    /// Extends a region of the base by every difference that it meets or
    /// touches. Returns whether there was one.
    fn extend(&mut self, region: &mut Range<u32>) -> bool {
        let mut extended = false;
        while let Some(hunk) = self.hunks.next_if(|hunk| hunk.before.start <= region.end) {
            region.end = region.end.max(hunk.before.end);
            self.shift = hunk.after.end.wrapping_sub(hunk.before.end);
            extended = true;
        }
        extended
    }

    /// Its lines from `start` to where the base has `end`.
    fn lines(&self, start: u32, end: u32) -> Option<&[&'t [u8]]> {
        let range = start as usize..end.wrapping_add(self.shift) as usize;
        self.lines.get(range)
    }
}

/// Merges two texts that were made from one. None where both differ from it in
/// one place, or in places that touch, and not in the same way.
pub(super) fn merge(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
    let lines = split(base);
    let (mut ours, mut theirs) = (Side::new(&lines, ours), Side::new(&lines, theirs));
    let mut merged = Vec::with_capacity(base.len());
    let mut done = 0;
    loop {
        let start = match (ours.next(), theirs.next()) {
            (Some(ours), Some(theirs)) => ours.min(theirs),
            (Some(start), None) | (None, Some(start)) => start,
            (None, None) => break,
        };
        for line in lines.get(done as usize..start as usize)? {
            merged.extend_from_slice(line);
        }
        let from = (
            start.wrapping_add(ours.shift),
            start.wrapping_add(theirs.shift),
        );
        let mut region = start..start;
        let (mut by_ours, mut by_theirs) = (false, false);
        loop {
            let more = (ours.extend(&mut region), theirs.extend(&mut region));
            by_ours |= more.0;
            by_theirs |= more.1;
            if !more.0 && !more.1 {
                break;
            }
        }
        let result = (
            ours.lines(from.0, region.end)?,
            theirs.lines(from.1, region.end)?,
        );
        let chosen = match (by_ours, by_theirs) {
            (true, true) if result.0 != result.1 => return None,
            (true, _) => result.0,
            (false, _) => result.1,
        };
        merged.extend(chosen.iter().copied().flatten());
        done = region.end;
    }
    for line in lines.get(done as usize..)? {
        merged.extend_from_slice(line);
    }
    Some(merged)
}
