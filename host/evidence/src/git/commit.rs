//! A commit object, read as git reads it.

use gix::ObjectId;

/// Which commits and which tree a commit object names.
pub(super) struct Links {
    pub(super) tree: ObjectId,
    pub(super) parents: Vec<ObjectId>,
}

/// What else a commit object says.
pub(super) struct Details<'a> {
    /// `Name <address> seconds offset`
    pub(super) author: &'a [u8],
    pub(super) committer: &'a [u8],
    /// First line of the signature.
    pub(super) signature: Option<&'a [u8]>,
    pub(super) message: &'a [u8],
}

/// Reads `tree` and the `parent` lines that follow it. Git takes a `parent`
/// line anywhere else for a header that it does not know.
pub(super) fn links(data: &[u8], hash: gix::hash::Kind) -> Result<(Links, &[u8]), String> {
    let (tree, mut rest) = link(data, b"tree ", hash)?.ok_or("it does not begin with a tree")?;
    let mut parents = Vec::new();
    while let Some((parent, after)) = link(rest, b"parent ", hash)? {
        parents.push(parent);
        rest = after;
    }
    Ok((Links { tree, parents }, rest))
}

type Link<'a> = Option<(ObjectId, &'a [u8])>;

fn link<'a>(data: &'a [u8], label: &[u8], hash: gix::hash::Kind) -> Result<Link<'a>, String> {
    let Some(rest) = data.strip_prefix(label) else {
        return Ok(None);
    };
    let (hex, rest) = split_line(rest);
    let id = ObjectId::from_hex(hex).ok();
    match id.filter(|id| id.kind() == hash) {
        Some(id) => Ok(Some((id, rest))),
        None => Err(format!(
            "`{}` is not an object id",
            super::text::escape(hex)
        )),
    }
}

/// Reads what follows the parents. A header that would let two readers see
/// two different commits is an error.
pub(super) fn details(mut rest: &[u8]) -> Result<Details<'_>, String> {
    let (mut author, mut committer, mut signature) = (None, None, None);
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        rest = after;
        if line.is_empty() {
            break;
        }
        let slot = match header(line) {
            (b"author", value) => author.replace(value),
            (b"committer", value) => committer.replace(value),
            (b"gpgsig" | b"gpgsig-sha256", value) => {
                signature.get_or_insert(value);
                continue;
            }
            (b"tree" | b"parent", _) => Some(line),
            _ => continue,
        };
        if slot.is_some() {
            let line = super::text::escape(line);
            return Err(format!("the header `{line}` is out of place"));
        }
    }
    Ok(Details {
        author: author.ok_or("it has no author")?,
        committer: committer.ok_or("it has no committer")?,
        signature,
        message: rest,
    })
}

/// A continuation line begins with a space: its name is empty.
fn header(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|b| *b == b' ') {
        Some(space) => {
            let (name, value) = line.split_at(space);
            (name, value.get(1..).unwrap_or_default())
        }
        None => (line, b""),
    }
}

fn split_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|b| *b == b'\n') {
        Some(end) => {
            let (line, rest) = data.split_at(end);
            (line, rest.get(1..).unwrap_or_default())
        }
        None => (data, b""),
    }
}
