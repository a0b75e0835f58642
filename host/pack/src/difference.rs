//! What differs between two texts, as a unified diff.

use std::fmt::Write as _;
use std::ops::Range;

/// Lines around a difference.
const CONTEXT: usize = 3;
/// Beyond this many pairs of lines all that lies between the first and the last difference is one.
const MAX_PAIRS: usize = 16_000_000;

/// From one text to another, each with its name. `None`: they are the same.
pub fn difference((old_name, old): (&str, &str), (new_name, new): (&str, &str)) -> Option<String> {
    if old == new {
        return None;
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (lines(old), lines(new));
    let edits = edits(&old, &new);
    let mut out = format!("--- {old_name}\n+++ {new_name}\n");
    for hunk in hunks(&edits) {
        render(edits.get(hunk).unwrap_or_default(), &mut out);
    }
    Some(out)
}

/// A file without its last line break, or with other ones, is another file.
fn lines(text: &str) -> Vec<&str> {
    text.split('\n').collect()
}

/// One line, with its position in each text.
struct Edit<'a> {
    sign: char,
    text: &'a str,
    old: usize,
    new: usize,
}

/// By the longest common subsequence.
fn edits<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Edit<'a>> {
    let rest = lengths(old, new);
    let length = |i: usize, j: usize| rest.as_ref().and_then(|rest| rest.get(i)?.get(j).copied());
    let (mut i, mut j) = (0, 0);
    let mut edits = Vec::new();
    loop {
        let (sign, text) = match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) if a == b => (' ', *a),
            (Some(a), Some(_)) if length(i + 1, j) >= length(i, j + 1) => ('-', *a),
            (_, Some(b)) => ('+', *b),
            (Some(a), None) => ('-', *a),
            (None, None) => return edits,
        };
        let (old, new) = (i, j);
        edits.push(Edit {
            sign,
            text,
            old,
            new,
        });
        i += usize::from(sign != '+');
        j += usize::from(sign != '-');
    }
}

/// Of the longest common subsequence of what is left from each pair of lines on.
fn lengths(old: &[&str], new: &[&str]) -> Option<Vec<Vec<u32>>> {
    if old.len().saturating_mul(new.len()) > MAX_PAIRS {
        return None;
    }
    let mut below = vec![0; new.len() + 1];
    let mut rows = vec![below.clone()];
    for a in old.iter().rev() {
        let mut row = vec![0; new.len() + 1];
        let mut right = 0;
        for (j, b) in new.iter().enumerate().rev() {
            let at = |j: usize| below.get(j).copied().unwrap_or(0);
            right = if a == b {
                at(j + 1) + 1
            } else {
                right.max(at(j))
            };
            if let Some(place) = row.get_mut(j) {
                *place = right;
            }
        }
        rows.push(row.clone());
        below = row;
    }
    rows.reverse();
    Some(rows)
}

/// Differences with what is around them; those close to each other are one.
fn hunks(edits: &[Edit<'_>]) -> Vec<Range<usize>> {
    let mut hunks: Vec<Range<usize>> = Vec::new();
    for (at, _) in edits
        .iter()
        .enumerate()
        .filter(|(_, edit)| edit.sign != ' ')
    {
        let around = at.saturating_sub(CONTEXT)..(at + CONTEXT + 1).min(edits.len());
        match hunks.last_mut() {
            Some(last) if around.start <= last.end => last.end = around.end,
            _ => hunks.push(around),
        }
    }
    hunks
}

fn render(hunk: &[Edit<'_>], out: &mut String) {
    let count = |other: char| hunk.iter().filter(|edit| edit.sign != other).count();
    let first = hunk
        .first()
        .map_or((0, 0), |edit| (edit.old + 1, edit.new + 1));
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "@@ -{},{} +{},{} @@",
        first.0,
        count('+'),
        first.1,
        count('-')
    );
    for edit in hunk {
        let _ = writeln!(out, "{}{}", edit.sign, edit.text);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::difference as between;

    fn difference(old: &str, new: &str) -> Option<String> {
        between(("matrix.txt", old), ("as the pack decides now", new))
    }

    #[test]
    fn the_same_is_no_difference() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("", ""), None);
    }

    #[test]
    fn a_changed_line_stands_between_its_neighbours() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = old.replace("5\n", "five\n");
        let shown = difference(old, &new).unwrap();
        let (_, hunks) = shown.split_once("now\n").unwrap();
        assert_eq!(
            hunks,
            "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        );
    }

    #[test]
    fn what_is_far_apart_is_apart() {
        let old: String = (0..30).map(|n| format!("{n}\n")).collect();
        let new = old.replace("\n3\n", "\n").replace("\n25\n", "\nx\n25\n");
        let shown = difference(&old, &new).unwrap();
        assert_eq!(shown.matches("@@ -").count(), 2, "{shown}");
        assert!(
            shown.contains("\n-3\n") && shown.contains("\n+x\n"),
            "{shown}"
        );
        assert_eq!(
            shown
                .lines()
                .filter(|line| line.starts_with(['-', '+']))
                .count(),
            4
        );
    }

    #[test]
    fn line_breaks_are_part_of_it() {
        for (old, new) in [("a\n", "a"), ("a\n", "a\r\n"), ("", "a")] {
            assert!(difference(old, new).is_some(), "{old:?} {new:?}");
        }
    }

    #[test]
    fn what_is_too_much_to_compare_is_still_different() {
        let old = "a\n".repeat(5000);
        let new = format!("{}b\n", "a\n".repeat(4999));
        assert!(difference(&old, &new).unwrap().contains("+b\n"));
    }
}
