//! Which paths a pattern of a CODEOWNERS file means.

use gix::bstr::{BStr, ByteSlice};
use gix::glob::wildmatch;

use super::Forge;

/// More of them take long to match, and give up without a word at some point.
const MAX_STARS: usize = 30;

/// A pattern: a path has to match one of these, in the language of git's own.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Vec<u8>>);

impl Pattern {
    /// Takes a pattern with its escapes. The error says what is wrong with it.
    pub(super) fn new(forge: Forge, text: &[u8]) -> Result<Self, &'static str> {
        if text.iter().filter(|b| **b == b'*').count() > MAX_STARS {
            return Err("it has more than 30 `*`");
        }
        if text.ends_with(b"\\") {
            return Err("it ends in `\\`");
        }
        if text.find(b"//").is_some() || text == b"/" {
            return Err("it has a folder without a name, so no file matches it");
        }
        match forge {
            Forge::GitHub => Self::of_github(text),
            Forge::GitLab => Self::of_gitlab(text),
        }
    }

    pub(super) fn matches(&self, path: &[u8]) -> bool {
        let mode = wildmatch::Mode::NO_MATCH_SLASH_LITERAL;
        let one = |glob: &Vec<u8>| gix::glob::wildmatch(glob.as_bstr(), BStr::new(path), mode);
        self.0.iter().any(one)
    }

    /// As in a `.gitignore`: a slash that is not the last byte ties it to the
    /// top, and what it names can be a folder. `docs/*` means no folders.
    fn of_github(text: &[u8]) -> Result<Self, &'static str> {
        if text.starts_with(b"!") {
            return Err("GitHub has no `!`; leave the owners out to say that nobody owns it");
        }
        if text.starts_with(b"\\#") {
            return Err("GitHub has no `\\#`");
        }
        if text.iter().any(|b| b"[]".contains(b)) {
            return Err("GitHub has neither `[` nor `]`; sections are GitLab's (`--forge gitlab`)");
        }
        let (body, only_inside) = match text.strip_suffix(b"/") {
            Some(body) => (body, true),
            None => (text, false),
        };
        let anchored = match body.strip_prefix(b"/") {
            Some(body) => body.to_vec(),
            None if body.contains(&b'/') => body.to_vec(),
            None => [b"**/", body].concat(),
        };
        let inside = [&anchored, b"/**".as_slice()].concat();
        let only_itself = text.ends_with(b"/*");
        Ok(Pattern(match (only_inside, only_itself) {
            (true, _) => vec![inside],
            (false, true) => vec![anchored],
            (false, false) => vec![anchored, inside],
        }))
    }

    /// As Ruby's `File.fnmatch` with the flags of GitLab: only a slash at its
    /// beginning ties a pattern to the top, and only one at its end means what
    /// is in a folder. `**` at the end is `*`.
    fn of_gitlab(text: &[u8]) -> Result<Self, &'static str> {
        if text.find(b"[:").is_some() {
            return Err("a class of characters such as `[:alpha:]` is not GitLab's");
        }
        let mut glob = match text.strip_prefix(b"/") {
            Some(rest) => rest.to_vec(),
            None => [b"**/", text].concat(),
        };
        if glob.ends_with(b"/") {
            glob.extend_from_slice(b"**/*");
        } else if glob.ends_with(b"/**") || glob == b"**" {
            glob.pop();
        }
        Ok(Pattern(vec![glob]))
    }
}
