//! Text for people, in which names from elsewhere cannot steer the terminal.

use std::fmt::Write as _;

use sod_pack::harmless;

/// How a piece of text looks where there is colour.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Look {
    Plain,
    Bold,
    Faint,
    Good,
    Bad,
}

/// Lines of text, built piece by piece.
///
/// Names in evidence and texts in packs are other people's. Printed raw they
/// could clear the screen or add a line that says `ALLOW`. Each piece is made
/// [harmless], and only a page itself ends lines and sets colours.
#[derive(Debug)]
pub(crate) struct Page {
    text: String,
    colour: bool,
}

impl Page {
    pub(crate) fn new(colour: bool) -> Self {
        Page {
            text: String::new(),
            colour,
        }
    }

    /// Appends to the present line.
    pub(crate) fn put(&mut self, look: Look, piece: &str) -> &mut Self {
        let piece = harmless(piece);
        let code = match look {
            _ if !self.colour => None,
            Look::Plain => None,
            Look::Bold => Some("1"),
            Look::Faint => Some("2"),
            Look::Good => Some("1;32"),
            Look::Bad => Some("1;31"),
        };
        // Writing to a string has no way to fail.
        let _ = match code {
            Some(code) => write!(self.text, "\u{1b}[{code}m{piece}\u{1b}[0m"),
            None => write!(self.text, "{piece}"),
        };
        self
    }

    /// Ends the present line.
    pub(crate) fn end(&mut self) {
        self.text.push('\n');
    }

    /// One line.
    pub(crate) fn line(&mut self, piece: &str) {
        self.put(Look::Plain, piece).end();
    }

    /// An empty line and a heading.
    pub(crate) fn heading(&mut self, title: &str) {
        self.end();
        self.put(Look::Bold, title).end();
    }

    /// A word and what it means, indented and aligned with others.
    pub(crate) fn entry(&mut self, word: &str, meaning: &str) {
        self.put(Look::Faint, &format!("      {word:<9}"));
        self.line(meaning);
    }

    /// Text that somebody else has laid out, made harmless line by line.
    pub(crate) fn block(&mut self, text: &str) {
        for line in text.lines() {
            self.line(line);
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    //! What gets to a terminal.

    use super::*;

    #[test]
    fn a_piece_neither_ends_lines_nor_steers_the_terminal() {
        for (hostile, shown) in [
            ("x\u{1b}[2Jy", "x\\u{1b}[2Jy"),
            ("x\u{1b}]0;title\u{7}", "x\\u{1b}]0;title\\u{7}"),
            ("x\u{1b}[1;32mALLOW", "x\\u{1b}[1;32mALLOW"),
            ("deny\rallow\nallow", "deny\\u{d}allow\\u{a}allow"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("\u{202e}wolla\u{2028}", "\\u{202e}wolla\\u{2028}"),
            ("\u{8}\u{7f}\0\t", "\\u{8}\\u{7f}\\u{0}\\u{9}"),
            ("é — 人", "é — 人"),
        ] {
            let mut page = Page::new(false);
            page.put(Look::Bad, hostile);
            assert_eq!(page.as_str(), shown);
        }
    }

    #[test]
    fn colour_is_the_page_s_own() {
        let mut page = Page::new(true);
        page.put(Look::Good, "ok\u{1b}").end();
        assert_eq!(page.as_str(), "\u{1b}[1;32mok\\u{1b}\u{1b}[0m\n");
    }
}
