//! What a new pack includes: packs that came with `sod`, copied, and others where they lie.

use std::collections::BTreeSet;
use std::path::Path;

use miette::miette;
use sod_pack::{Mode, Pack};

use super::Draft;
use crate::failure::{Failure, Outcome};
use crate::{open, shipped};

/// A pack that the new one includes.
pub(super) struct Included {
    /// Its name.
    pub(super) name: String,
    /// As the manifest has it.
    pub(super) path: String,
}

/// Copies a shipped pack, by its name, or finds the way to any other. `place` is where the new pack will be.
pub(super) fn include(from: &Path, draft: &mut Draft, place: &Path) -> Outcome<Included> {
    let names = shipped::names();
    let (pack, path) = match from.to_str().filter(|name| names.contains(name)) {
        Some(name) => {
            vendor(name, draft)?;
            let path = format!("vendor/{name}");
            (open::pack(&draft.path().join(&path))?, path)
        }
        None => {
            let real = from.canonicalize().map_err(|_| absent(from, &names))?;
            (open::pack(from)?, relative(place, &real, from)?)
        }
    };
    fits(&pack, place)?;
    Ok(Included {
        name: pack.name().to_owned(),
        path,
    })
}

/// The pack and what it includes lie side by side, as where they come from.
fn vendor(name: &str, draft: &mut Draft) -> Outcome<()> {
    for pack in shipped::with_includes(name)? {
        for (file, contents) in shipped::files(pack) {
            draft.put(&format!("vendor/{pack}/{file}"), contents)?;
        }
    }
    Ok(())
}

fn absent(from: &Path, names: &BTreeSet<&str>) -> Failure {
    let names: Vec<&str> = names.iter().copied().collect();
    let help = format!("a path, or one of `{}`", names.join("`, `"));
    let from = from.display();
    miette!(code = "file", help = help, "there is no pack `{from}`").into()
}

/// From one real folder to another, as a manifest has it.
fn relative(place: &Path, real: &Path, from: &Path) -> Outcome<String> {
    let (up, down): (Vec<_>, Vec<_>) = (place.components().collect(), real.components().collect());
    let same = up.iter().zip(&down).take_while(|(a, b)| a == b).count();
    let up = up.iter().skip(same).map(|_| Some(".."));
    let down = down.iter().skip(same).map(|part| part.as_os_str().to_str());
    let parts: Option<Vec<&str>> = up.chain(down).collect();
    match parts {
        Some(parts) if same > 0 => Ok(parts.join("/")),
        _ => Err(Failure::usage(
            format!("no relative path leads to `{}`", from.display()),
            "have both on one drive, in folders with names in UTF-8",
        )),
    }
}

fn fits(pack: &Pack, place: &Path) -> Outcome<()> {
    if pack.mode() != Mode::Evidence {
        let message = format!(
            "`{}` decides plain Cedar requests, without evidence",
            pack.name()
        );
        let help = "what `sod new` makes decides on evidence; write a `pack.toml` with `mode = \"cedar\"` yourself";
        return Err(Failure::usage(message, help));
    }
    let name = place.file_name().and_then(|name| name.to_str());
    let taken = |other: &str| Some(other) == name;
    if taken(pack.name()) || pack.rules().iter().any(|rule| taken(&rule.pack)) {
        let message = "a pack that is to be included has this name itself";
        return Err(Failure::usage(
            message,
            "choose another name for the new one",
        ));
    }
    Ok(())
}
