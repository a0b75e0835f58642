//! A bound on nesting, measured on the text before any parser sees it.
//!
//! Cedar evaluates, and drops, an expression recursively. Its guard against
//! running out of stack does nothing inside Wasm, and parsing a hostile text
//! ends in a deep drop natively. So the depth is bounded here, on tokens, by a
//! measure that no expression tree exceeds: at every bracket that is open, the
//! operators since the last separator and the links of the present member chain.

use std::ops::Range;

/// The deepest that an expression may nest.
pub const MAX_DEPTH: usize = 64;

/// What a text is written in: in a schema `<` opens a bracket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Policy,
    Schema,
}

/// The first place that is nested deeper than [`MAX_DEPTH`].
pub(crate) fn too_deep(text: &str, language: Language) -> Option<Range<usize>> {
    deeper_than(MAX_DEPTH, text, language)
}

/// The first place that is nested deeper than `most`.
pub(crate) fn deeper_than(most: usize, text: &str, language: Language) -> Option<Range<usize>> {
    let mut depth = Depth::default();
    for (range, token) in tokens(text) {
        depth.feed(token, language);
        if depth.total() > most {
            return Some(range);
        }
    }
    None
}

/// How many policies a text has: each ends in a semicolon, and nothing else does.
pub(crate) fn policies(text: &str) -> usize {
    tokens(text).filter(|(_, token)| *token == ";").count()
}

/// Every comment, without the space around it.
pub(crate) fn comments(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter_map(|(_, piece)| piece.starts_with("//").then(|| piece.trim()))
}

#[derive(Default, Clone, Copy)]
struct Level {
    /// `&&`, `||`, `+`, ... since the last separator: a chain of them nests once per operator.
    operators: usize,
    /// `.name`, `[key]`, `(arguments)` since the last operator.
    members: usize,
}

#[derive(Default)]
struct Depth {
    /// The brackets that are open: the level around each, and the depth inside it.
    open: Vec<(Level, usize)>,
    present: Level,
    /// After a dot `in` and `has` are names of attributes.
    after_dot: bool,
}

impl Depth {
    fn total(&self) -> usize {
        let outside = self.open.last().map_or(0, |(_, depth)| *depth);
        outside + self.present.operators + self.present.members
    }

    fn feed(&mut self, token: &str, language: Language) {
        let after_dot = std::mem::replace(&mut self.after_dot, token == ".");
        match token {
            "(" | "[" | "{" => self.open(),
            ")" | "]" | "}" => self.close(),
            "<" if language == Language::Schema => self.open(),
            ">" if language == Language::Schema => self.close(),
            "," | ";" => self.present = Level::default(),
            "." => self.present.members += 1,
            _ if after_dot => {}
            "&&" | "||" | "+" | "-" | "*" | "!" | "if" => {
                self.present.operators += 1;
                self.present.members = 0;
            }
            "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "has" | "like" | "is" | "then"
            | "else" | "@" => self.present.members = 0,
            _ => {}
        }
    }

    fn open(&mut self) {
        let inside = self.total() + 1;
        self.open.push((self.present, inside));
        self.present = Level::default();
    }

    /// A bracket that has closed is one link of the member chain around it.
    fn close(&mut self) {
        let (around, _) = self.open.pop().unwrap_or_default();
        self.present = around;
        self.present.members += 1;
    }
}

/// Cedar's tokens, as far as nesting goes: strings and comments are skipped.
fn tokens(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    pieces(text).filter(|(_, piece)| {
        !piece.starts_with(char::is_whitespace)
            && !piece.starts_with('"')
            && !piece.starts_with("//")
    })
}

/// All of a text: tokens, strings, comments and space.
fn pieces(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let length = token_length(rest, rest.chars().next()?);
        let range = at..at + length;
        at = range.end;
        Some((range.clone(), text.get(range)?))
    })
}

fn token_length(rest: &str, first: char) -> usize {
    let run = |keep: fn(char) -> bool| rest.find(|c| !keep(c)).unwrap_or(rest.len());
    match first {
        _ if first.is_whitespace() => run(char::is_whitespace),
        '"' => string_length(rest),
        '/' if rest.starts_with("//") => rest.find(['\n', '\r']).unwrap_or(rest.len()),
        _ if first == '_' || first.is_ascii_alphanumeric() => {
            run(|c| c == '_' || c.is_ascii_alphanumeric())
        }
        _ if is_pair(rest) => 2,
        _ => first.len_utf8(),
    }
}

fn is_pair(rest: &str) -> bool {
    let pair = rest.get(..2).unwrap_or("");
    matches!(pair, "&&" | "||" | "==" | "!=" | "<=" | ">=" | "::")
}

/// Up to and with the closing quote; all the rest if there is none.
fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deep(text: &str) -> bool {
        too_deep(text, Language::Policy).is_some()
    }

    fn rule(condition: &str) -> String {
        format!("permit (principal, action, resource) when {{ {condition} }};")
    }

    #[test]
    fn every_way_to_nest_is_bounded() {
        let ways = [
            ("(", "true", ")"),
            ("[", "1", "]"),
            ("{a: ", "1", "}"),
            ("if true then ", "1", " else 2"),
            ("if true then 1 else ", "2", ""),
            ("true && ", "true", ""),
            ("1 + ", "1", ""),
            ("x.contains(", "1", ")"),
            ("-", "1", ""),
            ("", "x", ".a"),
            ("", "x", ".in"),
            ("", "x", "[\"a\"]"),
            ("", "x", ".f(1)"),
            ("", "true", " && (true)"),
        ];
        for (before, core, after) in ways {
            let nested = |n: usize| rule(&[&before.repeat(n), core, &after.repeat(n)].concat());
            assert!(!deep(&nested(12)), "12 levels of `{before}{core}{after}`");
            assert!(deep(&nested(70)), "70 levels of `{before}{core}{after}`");
        }
    }

    #[test]
    fn length_is_not_depth() {
        let elements = "a.b.c, ".repeat(1000);
        assert!(!deep(&rule(&format!("[{elements} 1].contains(x)"))));
        assert!(!deep(&rule("x == 1").repeat(1000)));
        assert!(!deep(&rule(&format!(
            "\"{}\" == x // (((",
            "(".repeat(100)
        ))));
        assert!(!deep(&format!("// {}\n", "(".repeat(100))));
        assert!(!deep(&rule(r#""\"((((" == x"#)));
    }

    #[test]
    fn any_bytes_are_measured_without_a_panic() {
        for text in ["\"", "\"\\", "/", ")]}>", "é(ü", "\u{1F4A9}", "a\0b", "<<<"] {
            assert_eq!(too_deep(text, Language::Policy), None, "{text:?}");
        }
        assert!(too_deep(&"Set<".repeat(70), Language::Schema).is_some());
    }
}
