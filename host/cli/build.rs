//! Lists the packs of `policies` with all their files, to be inside the binary: an installed `sod` has no folder beside
//! it that `sod new --from` could copy them from.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let policies = Path::new(&env::var("CARGO_MANIFEST_DIR")?)
        .join("../../policies")
        .canonicalize()?;
    println!("cargo::rerun-if-changed={}", policies.display());
    let mut files = Vec::new();
    for pack in entries(&policies)? {
        if pack.join("pack.toml").is_file() {
            collect(&pack, &mut files)?;
        }
    }
    let mut list = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&policies)?.to_str().ok_or("no UTF-8")?;
        let name = name.replace('\\', "/");
        writeln!(list, "    ({name:?}, include_str!({file:?})),")?;
    }
    list.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("shipped.rs"), list)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for path in entries(folder)? {
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// By name, so that the same files give the same binary.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}
