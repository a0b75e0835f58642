//! Files that appear whole or not at all.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::Builder;

use crate::failure::{Failure, Outcome};

/// Writes a file under another name beside its place, and then puts it there.
pub(crate) fn atomically(path: &Path, bytes: &[u8]) -> Outcome<()> {
    refuse_special(path)?;
    place(path, bytes).map_err(|error| Failure::file("write", path, &error))
}

/// A device or a pipe would be replaced, not written to.
fn refuse_special(path: &Path) -> Outcome<()> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            let message = format!("`{}` exists and is not a file", path.display());
            Err(Failure::usage(message, "name a file to be written"))
        }
        _ => Ok(()),
    }
}

fn place(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = Builder::new();
    // As any program would create it; the default is for the owner alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".sod-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}
