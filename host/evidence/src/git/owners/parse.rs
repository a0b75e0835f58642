//! The lines of a CODEOWNERS file.

use gix::bstr::ByteSlice;

use super::pattern::Pattern;
use super::{Forge, Owned};
use crate::git::identity::email_account;
use crate::git::text;
use crate::git::trial::is_address;

/// Rules of which the last that matches a file has its say, whatever other
/// sections say. GitHub has one.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// Compared without case.
    name: String,
    /// Nobody has to sign for it.
    optional: bool,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    /// None: what matches is out of this section, whatever follows.
    owned: Option<Owned>,
}

impl Section {
    /// Who owns a file; None if the section has no say.
    pub(super) fn of(&self, path: &[u8]) -> Option<Owned> {
        let mut last = None;
        for rule in self.rules.iter().filter(|rule| rule.pattern.matches(path)) {
            last = Some(rule.owned.as_ref()?);
        }
        last.cloned()
    }
}

/// The line, from 1, and what is wrong there.
type Mistake = (usize, String);

/// Reads a file. Sections that are optional are left out.
pub(super) fn sections(forge: Forge, content: &[u8]) -> Result<Vec<Section>, Mistake> {
    let mut reader = Reader {
        forge,
        sections: vec![Section::default()],
        current: 0,
        default: Owned::default(),
    };
    for (nth, line) in content.lines().enumerate() {
        let read = reader.line(line.trim());
        read.map_err(|message| (nth + 1, message))?;
    }
    let mut sections = reader.sections;
    sections.retain(|section| !section.optional);
    Ok(sections)
}

struct Reader {
    forge: Forge,
    sections: Vec<Section>,
    /// Of the section that rules go to.
    current: usize,
    /// Owners of rules in it that name none.
    default: Owned,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(());
        }
        if line.starts_with("\u{feff}".as_bytes()) || line.iter().any(|b| *b < b' ' && *b != b'\t')
        {
            return Err("there is a byte order mark or a control character".to_owned());
        }
        if self.forge == Forge::GitLab && (line.starts_with(b"[") || line.starts_with(b"^[")) {
            return self.heading(line);
        }
        self.rule(line)
    }

    /// `[Name]`, `^[Name]`, `[Name][2]`, each with default owners after it.
    fn heading(&mut self, line: &[u8]) -> Result<(), String> {
        let unreadable = || format!("`{}` is not a heading of a section", text::escape(line));
        let (optional, rest) = match line.strip_prefix(b"^") {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (name, rest) = rest
            .strip_prefix(b"[")
            .and_then(|rest| rest.split_once_str(b"]"))
            .ok_or_else(unreadable)?;
        let (count, rest) = match rest.strip_prefix(b"[") {
            Some(rest) => rest.split_once_str(b"]").ok_or_else(unreadable)?,
            None => (b"1".as_slice(), rest),
        };
        if name.trim().is_empty() || !(rest.is_empty() || rest.starts_with_str(" ")) {
            return Err(unreadable());
        }
        if count != b"1" {
            return Err(format!(
                "the evidence cannot say that `{}` owners have to sign; ask for a number of approvals in the policy",
                text::escape(count)
            ));
        }
        self.default = self.owners(rest.fields())?;
        let name = text::escape(name.trim()).to_lowercase();
        self.current = match self.sections.iter().position(|s| s.name == name) {
            Some(known) => known,
            None => {
                self.sections.push(Section {
                    name,
                    optional,
                    rules: Vec::new(),
                });
                self.sections.len() - 1
            }
        };
        if let Some(section) = self.sections.get_mut(self.current) {
            // Required, if one of several headings says so.
            section.optional &= optional;
        }
        Ok(())
    }

    fn rule(&mut self, line: &[u8]) -> Result<(), String> {
        let (pattern, rest) = split_pattern(line);
        let excluded = match pattern.strip_prefix(b"!") {
            Some(rest) if self.forge == Forge::GitLab => Some(rest),
            _ => None,
        };
        let pattern = Pattern::new(self.forge, excluded.unwrap_or(pattern)).map_err(|cause| {
            format!(
                "the pattern `{}` is not understood: {cause}",
                text::escape(pattern)
            )
        })?;
        let mut owned = self.owners(rest.fields())?;
        let named = owned != Owned::default();
        if self.forge == Forge::GitLab && excluded.is_none() && !named {
            owned = self.default.clone();
            if owned == Owned::default() {
                return Err("it names no owner, and its section has none by default".to_owned());
            }
        }
        if excluded.is_some() && named {
            return Err("what is excluded with `!` has no owners".to_owned());
        }
        let owned = excluded.is_none().then_some(owned);
        if let Some(section) = self.sections.get_mut(self.current) {
            section.rules.push(Rule { pattern, owned });
        }
        Ok(())
    }

    fn owners<'l>(&self, words: impl Iterator<Item = &'l [u8]>) -> Result<Owned, String> {
        let mut owned = Owned::default();
        let mut in_comment = false;
        for word in words {
            in_comment |= word.starts_with(b"#");
            // GitLab finds owners in a comment, too; other words it passes over.
            let is_remark = match self.forge {
                Forge::GitHub => in_comment,
                Forge::GitLab => in_comment && !word.contains(&b'@'),
            };
            if !is_remark {
                self.owner(word, &mut owned)?;
            }
        }
        Ok(owned)
    }

    fn owner(&self, word: &[u8], owned: &mut Owned) -> Result<(), String> {
        let shown = text::escape(word);
        let unknown = || {
            Err(format!(
                "`{shown}` is neither a `@user`, a `@team` nor an e-mail address"
            ))
        };
        let Some(name) = shown.strip_prefix('@') else {
            if !is_address(&shown) {
                return unknown();
            }
            owned.accounts.push(email_account(word));
            return Ok(());
        };
        if name.starts_with('@') {
            return Err(format!(
                "`{shown}` is a role, and who has it only GitLab knows; name a group"
            ));
        }
        let parts: Vec<&str> = name.split('/').collect();
        let is_name = |part: &&str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !part.is_empty() && part.chars().all(is_plain)
        };
        if !parts.iter().all(is_name) {
            return unknown();
        }
        let account = || format!("{}:{name}", self.forge.issuer());
        match (self.forge, parts.len()) {
            (Forge::GitHub, 1) => owned.accounts.push(account()),
            (Forge::GitHub, 2) => owned.teams.push(name.to_owned()),
            (Forge::GitHub, _) => return unknown(),
            // A user or a group of that name: there cannot be both.
            (Forge::GitLab, 1) => {
                owned.accounts.push(account());
                owned.teams.push(name.to_owned());
            }
            (Forge::GitLab, _) => owned.teams.push(name.to_owned()),
        }
        Ok(())
    }
}

/// The pattern ends at the first white space that has no backslash before it.
fn split_pattern(line: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    let end = line.iter().position(|b| {
        let ends = !escaped && matches!(b, b' ' | b'\t');
        escaped = !escaped && *b == b'\\';
        ends
    });
    line.split_at(end.unwrap_or(line.len()))
}
