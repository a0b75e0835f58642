//! `sod test --watch`: the packs that a change of a file concerns, run again, until Ctrl-C.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use miette::miette;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use sod_host::Runtime;
use sod_pack::Pack;

use super::{Arguments, report, test};
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;

/// An editor writes a file in several steps; this long after the last of them it is done.
const QUIET: Duration = Duration::from_millis(200);
/// How often a folder that is not there is looked for.
const AGAIN: Duration = Duration::from_secs(2);

/// A pack, and the folders that it was read from when it last could be.
struct Watched<'a> {
    path: &'a Path,
    folders: BTreeSet<PathBuf>,
    due: bool,
}

pub(crate) fn watch(arguments: &Arguments, runtime: &Runtime, output: &Output) -> Outcome<u8> {
    let (sender, events) = channel();
    // Whoever would be told of an error here is gone.
    let mut watcher = notify::recommended_watcher(move |event| drop(sender.send(event)))
        .map_err(|error| cannot_watch(&error))?;
    let mut packs: Vec<Watched<'_>> = arguments
        .packs
        .iter()
        .map(|path| Watched::new(path))
        .collect();
    loop {
        let mut tested = Vec::new();
        for pack in packs.iter_mut().filter(|pack| pack.due) {
            match pack.test(arguments, runtime) {
                Ok(one) => tested.push(one),
                // A broken pack is what one is just mending.
                Err(failure) => output.report(failure.report.as_ref()),
            }
        }
        if !tested.is_empty() {
            report(tested, output)?;
        }
        packs.iter_mut().for_each(|pack| pack.due = false);
        let mut missing = look_at(&mut watcher, &packs);
        output.note("waiting for a file to change; Ctrl-C ends");
        while !packs.iter().any(|pack| pack.due) {
            let changed = changed(&events, missing.is_empty())?;
            let now_missing = look_at(&mut watcher, &packs);
            let appeared = missing.difference(&now_missing).cloned();
            let changed: Vec<PathBuf> = changed.into_iter().chain(appeared).collect();
            missing = now_missing;
            for pack in &mut packs {
                pack.due = changed.iter().any(|path| pack.is_of(path));
            }
        }
    }
}

fn cannot_watch(error: &notify::Error) -> Failure {
    let help = "run `sod test` without `--watch`";
    miette!(help = help, "files cannot be watched: {error}").into()
}

/// Watches every folder, as it is now, and tells which are not there.
fn look_at(watcher: &mut RecommendedWatcher, packs: &[Watched<'_>]) -> BTreeSet<PathBuf> {
    let folders = packs.iter().flat_map(|pack| &pack.folders);
    let missing = folders.filter(|folder| watcher.watch(folder, RecursiveMode::Recursive).is_err());
    missing.cloned().collect()
}

/// What changed, once nothing more does. Nothing, if it is time to look for what is not there.
fn changed(events: &Receiver<notify::Result<Event>>, all_there: bool) -> Outcome<Vec<PathBuf>> {
    let mut changed = Vec::new();
    let mut wait = match all_there {
        true => Duration::MAX,
        false => AGAIN,
    };
    loop {
        match events.recv_timeout(wait) {
            Ok(Ok(event)) if is_change(&event) => {
                changed.extend(event.paths);
                wait = QUIET;
            }
            // To read a file is an event, too.
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(cannot_watch(&error)),
            Err(RecvTimeoutError::Timeout) => return Ok(changed),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(miette!("files are not watched any more").into());
            }
        }
    }
}

fn is_change(event: &Event) -> bool {
    !matches!(event.kind, EventKind::Access(_))
}

impl<'a> Watched<'a> {
    fn new(path: &'a Path) -> Self {
        Watched {
            path,
            folders: BTreeSet::from([real(path)]),
            due: true,
        }
    }

    fn test(&mut self, arguments: &Arguments, runtime: &Runtime) -> Outcome<super::Tested> {
        let pack: Pack = open::pack(self.path)?;
        self.folders
            .extend(pack.folders().iter().map(|folder| real(folder)));
        test(self.path, &pack, runtime, arguments)
    }

    fn is_of(&self, path: &Path) -> bool {
        self.folders.iter().any(|folder| path.starts_with(folder))
    }
}

/// As the system names it in its events.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
