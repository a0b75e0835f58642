//! The packs that come with `sod`, each with its cases and its matrix: the folder `policies`, inside the binary.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use miette::miette;
use serde::Deserialize;

use crate::failure::Outcome;

/// Every file of every pack by its path from `policies`, with its contents.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// What of a manifest bears on copying a pack.
#[derive(Deserialize)]
struct Manifest {
    description: String,
    #[serde(default)]
    includes: Vec<String>,
}

/// The names of all packs, in order.
pub(crate) fn names() -> BTreeSet<&'static str> {
    let packs = FILES.iter().filter_map(|(path, _)| path.split_once('/'));
    packs.map(|(pack, _)| pack).collect()
}

/// The pack and all that it includes.
pub(crate) fn with_includes(pack: &str) -> Outcome<BTreeSet<&'static str>> {
    let names = names();
    let mut wanted = vec![pack.to_owned()];
    let mut found = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        let Some(known) = names.get(name.as_str()) else {
            return Err(miette!("no pack `{name}` came with this `sod`").into());
        };
        if found.insert(*known) {
            let includes = manifest(known)?.includes;
            // They lie side by side.
            let siblings = includes.iter().map(|path| path.trim_start_matches("../"));
            wanted.extend(siblings.map(str::to_owned));
        }
    }
    Ok(found)
}

/// The files of a pack by their path from its own folder.
pub(crate) fn files(pack: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().filter_map(move |(path, contents)| {
        let inside = path.strip_prefix(pack)?.strip_prefix('/')?;
        Some((inside, *contents))
    })
}

fn manifest(pack: &str) -> Outcome<Manifest> {
    let text = files(pack).find(|(path, _)| *path == sod_pack::MANIFEST);
    let manifest = toml::from_str(text.map_or("", |(_, text)| text));
    Ok(manifest.map_err(|error| miette!("`{pack}`, as it came with this `sod`: {error}"))?)
}

/// Names and what they are for, a line each.
pub(crate) fn table() -> String {
    let mut table = String::new();
    for name in names() {
        let description = manifest(name).map(|manifest| manifest.description);
        // Writing to a string has no way to fail.
        let _ = writeln!(table, "  {name:<18} {}", description.unwrap_or_default());
    }
    table
}
