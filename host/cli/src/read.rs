//! Files that are named on the command line, `-` being stdin.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use miette::miette;
use sod_host::RawValue;

use crate::failure::{Failure, Outcome};

/// More than any request that is decided, and far less than the machine's memory.
const MOST: u64 = 64 << 20;

/// Every byte of a file.
pub(crate) fn bytes(path: &Path) -> Outcome<Vec<u8>> {
    let unreadable = |error| Failure::file("read", path, &error);
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(unreadable)?)
    };
    let mut bytes = Vec::new();
    source
        .take(MOST + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MOST {
        let help = "leave out of the evidence what does not bear on this resource";
        let path = path.display();
        return Err(miette!(
            code = "file",
            help = help,
            "`{path}` has more than {MOST} bytes"
        )
        .into());
    }
    Ok(bytes)
}

/// One JSON document, byte for byte.
pub(crate) fn json(path: &Path) -> Outcome<Box<RawValue>> {
    let malformed = |error: String| {
        let path = path.display();
        Failure::from(miette!(code = "json", "`{path}` is not JSON: {error}"))
    };
    let text = String::from_utf8(bytes(path)?).map_err(|error| malformed(error.to_string()))?;
    RawValue::from_string(text).map_err(|error| malformed(error.to_string()))
}
