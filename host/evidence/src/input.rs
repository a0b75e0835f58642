//! The files beside the repository: approvals, pushes and the directory.

use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::evidence::{Account, Listing, Machine, Person};

/// A file that cannot be taken as it is.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum InputError {
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    #[diagnostic(
        code("input-unreadable"),
        help("check that the file exists and may be read")
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// It is not JSON of the expected form.
    #[error("{}:{line}:{column}: {message}", path.display())]
    #[diagnostic(code("input-malformed"))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// In bytes, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
        /// What the file should be.
        #[help]
        help: &'static str,
        /// The text of the file.
        #[source_code]
        text: NamedSource<String>,
        /// The place in the text.
        #[label("here")]
        span: SourceSpan,
    },
}

/// The people, machines and accounts of a directory file.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryFile {
    /// Human beings.
    #[serde(default)]
    pub people: Vec<Person>,
    /// Machines.
    #[serde(default)]
    pub machines: Vec<Machine>,
    /// Which account belongs to whom.
    #[serde(default)]
    pub accounts: Vec<Account>,
}

impl DirectoryFile {
    const HELP: &'static str = "a directory is a JSON object with the lists `people`, `machines` and `accounts`; docs/evidence-git.md has an example";

    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, Box<InputError>> {
        read_json(path, Self::HELP)
    }
}

impl<T: DeserializeOwned> Listing<T> {
    /// Reads a list from a file: an array, which is all there is, or
    /// `{"complete": ..., "items": [...]}`.
    pub fn read(path: &Path) -> Result<Self, Box<InputError>> {
        const HELP: &str = "a list is a JSON array, or an object with `complete` and `items`; docs/evidence-git.md has an example of each kind of item";
        read_json(path, HELP)
    }
}

/// Written by hand, since an untagged enum would report every mistake without its place.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Listing<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListingVisitor(PhantomData))
    }
}

struct ListingVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListingVisitor<T> {
    type Value = Listing<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array, or an object with `complete` and `items`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Listing::complete)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Spelled<T> {
            complete: bool,
            items: Vec<T>,
        }
        let Spelled { complete, items } = Spelled::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Listing { complete, items })
    }
}

fn read_json<T: DeserializeOwned>(path: &Path, help: &'static str) -> Result<T, Box<InputError>> {
    let bytes = std::fs::read(path).map_err(|source| {
        Box::new(InputError::Unreadable {
            path: path.to_owned(),
            source,
        })
    })?;
    serde_json::from_slice(&bytes).map_err(|error| malformed(path, &bytes, &error, help))
}

fn malformed(
    path: &Path,
    bytes: &[u8],
    error: &serde_json::Error,
    help: &'static str,
) -> Box<InputError> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    // serde_json counts columns from 0 at the start of a line; people count from 1.
    let (line, column) = (error.line().max(1), error.column().max(1));
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = error.to_string();
    Box::new(InputError::Malformed {
        path: path.to_owned(),
        line,
        column,
        message: message.strip_suffix(&place).unwrap_or(&message).to_owned(),
        help,
        span: SourceSpan::from(offset(&text, line, column)),
        text: NamedSource::new(path.display().to_string(), text),
    })
}

/// Byte offset of a line and column counted in bytes.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let lines_before = text.split_inclusive('\n').take(line - 1);
    let line_start: usize = lines_before.map(str::len).sum();
    text.floor_char_boundary(line_start + column - 1)
}
