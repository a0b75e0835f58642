//! `sod audit replay`: would every decision come out the same?

use std::num::NonZero;
use std::path::PathBuf;
use std::thread;

use chrono::DateTime;
use clap::Args;
use sod_host::Runtime;
use sod_server::audit::{self, Filter, Replay, Replayed, Unreplayable, Uuid};

use super::{Place, counted};
use crate::command_line::Format;
use crate::exit;
use crate::failure::Outcome;
use crate::output::Output;
use crate::page::{Look, Page};

/// Would every decision come out the same, byte for byte?
///
/// Every record is decided again by the component that decided it, found by its digest in the log's folder or among
/// the files given. What is masked in the log, or not kept, cannot be decided again: it is counted, and is not ok.
/// Whether the records themselves are as they were written is for `verify` to say.
///
/// The exit code is 0 if everything came out the same, 4 if something did not, 5 if evidence or a component beside
/// the log is not what it was, 1 if something could not be decided again for any other reason,
/// or there was nothing to decide.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod audit replay /var/lib/sod/decisions

  # One day, with a component that the log did not keep.
  sod audit replay /var/lib/sod/decisions --component protected-deploy.wasm \\
      --from 2026-03-01T00:00:00Z --to 2026-03-02T00:00:00Z")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,

    /// A component that is not in the log's folder; may be given more than once
    #[arg(long, value_name = "FILE")]
    component: Vec<PathBuf>,

    /// Only decisions made then or later, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<i64>,

    /// Only decisions made before then, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<i64>,

    /// Only the decision with this id
    #[arg(long, value_name = "ID")]
    id: Option<Uuid>,

    /// Only decisions by this pack: its name, the name that it is served as, or the digest of its component
    #[arg(long, value_name = "PACK")]
    pack: Option<String>,
}

fn time(text: &str) -> Result<i64, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.timestamp_millis())
        .map_err(|error| format!("{error}; write it as 2026-03-01T00:00:00Z"))
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let replay = Replay {
        runtime: Runtime::builder().concurrency(threads).build()?,
        components: arguments.component.clone(),
        filter: Filter {
            from: arguments.from,
            to: arguments.to,
            id: arguments.id,
            pack: arguments.pack.clone(),
        },
    };
    let replayed = audit::replay(&arguments.place.open()?, &replay)?;
    match output.format {
        Format::Json => output.json(&replayed)?,
        _ => output.text(&page(&replayed, output))?,
    }
    Ok(exit_code(&replayed))
}

fn exit_code(replayed: &Replayed) -> u8 {
    let not = &replayed.not_replayable;
    if replayed.differ > 0 {
        exit::TEST_FAILED
    } else if not.changed() > 0 {
        exit::INTEGRITY
    } else if not.total() > 0 || replayed.same == 0 {
        // That nothing was decided again is no good news either.
        exit::UNDECIDED
    } else {
        exit::OK
    }
}

fn page(replayed: &Replayed, output: &Output) -> Page {
    let mut page = output.page();
    let (look, word) = match exit_code(replayed) {
        exit::OK => (Look::Good, "SAME"),
        exit::TEST_FAILED => (Look::Bad, "DIFFERENT"),
        _ => (Look::Bad, "NOT REPLAYED"),
    };
    page.put(look, word).line(&format!(
        "  {} the same, {} different, {} not replayable, {} left out",
        replayed.same,
        replayed.differ,
        replayed.not_replayable.total(),
        replayed.left_out
    ));
    reasons(&mut page, &replayed.not_replayable);
    if !replayed.differences.is_empty() {
        page.heading("What differs");
    }
    for difference in &replayed.differences {
        let what = difference.what.join(", ");
        page.line(&format!(
            "  {}:{}: record {}, {}: {what}",
            difference.file, difference.line, difference.seq, difference.id
        ));
    }
    let more = replayed
        .differ
        .saturating_sub(replayed.differences.len() as u64);
    if more > 0 {
        page.line(&format!("  and {more} more"));
    }
    page
}

fn reasons(page: &mut Page, not: &Unreplayable) {
    let reasons = [
        (not.masked, "something that bears on it is masked"),
        (not.not_kept, "only the digest of the evidence was recorded"),
        (
            not.evidence_missing,
            "its evidence is not in the folder of the log any more",
        ),
        (not.evidence_changed, "its evidence is not what it was"),
        (
            not.component_missing,
            "its component is not kept: give it with `--component`",
        ),
        (not.component_changed, "its component is not what it was"),
        (not.unreadable, "the line is no record"),
    ];
    if not.total() > 0 {
        page.heading("Not replayable");
    }
    for (number, reason) in reasons {
        if number > 0 {
            page.line(&format!(
                "  {}: {reason}",
                counted(number, "record", "records")
            ));
        }
    }
}
