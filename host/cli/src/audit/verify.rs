//! `sod audit verify`: is the log whole?

use clap::Args;
use sod_host::Digest;
use sod_server::audit::{self, Verified};

use super::{Place, counted};
use crate::command_line::Format;
use crate::exit;
use crate::failure::Outcome;
use crate::output::Output;
use crate::page::{Look, Page};

/// Is the log whole: nothing changed, taken out or put in?
///
/// Each line has the digest of the line before it, a number without holes and an id that only grows; each of that is
/// followed through all files. The digest of the last line is printed as `head`: write it down where nobody who can
/// write to the log can change it. What was cut off at the end is invisible to everybody who has no such digest.
///
/// The exit code is 0 if the log is whole, 5 if it is not, 1 if it cannot be read.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod audit verify /var/lib/sod/decisions

  # Everything up to what was written down last month is still there, and unchanged.
  sod audit verify /var/lib/sod/decisions --head sha256:9f86...")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,

    /// The digest of a line that has to be in the log; may be given more than once
    #[arg(long, value_name = "DIGEST")]
    head: Vec<Digest>,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let verified = audit::verify(&arguments.place.open()?, &arguments.head)?;
    match output.format {
        Format::Json => output.json(&verified)?,
        _ => output.text(&page(&verified, output))?,
    }
    Ok(match verified.whole {
        true => exit::OK,
        false => exit::INTEGRITY,
    })
}

fn page(verified: &Verified, output: &Output) -> Page {
    let mut page = output.page();
    let records = counted(verified.records, "record", "records");
    match verified.whole {
        true => page.put(Look::Good, "WHOLE").line(&format!("  {records}")),
        false => {
            let places = counted(verified.broken, "place", "places");
            page.put(Look::Bad, "BROKEN")
                .line(&format!("  in {places}, {records}"));
        }
    }
    summary(&mut page, verified);
    breaks(&mut page, verified);
    page
}

fn summary(page: &mut Page, verified: &Verified) {
    if let (Some(first), Some(last)) = (verified.first_seq, verified.last_seq) {
        page.entry("numbers", &format!("{first} to {last}"));
    }
    if let (Some(from), Some(to)) = (&verified.from, &verified.to) {
        page.entry("time", &format!("{from} to {to}"));
    }
    let Verified {
        decisions,
        allows,
        denies,
        ..
    } = verified;
    let shadowed = match verified.shadowed {
        0 => String::new(),
        number => format!(" ({number} let pass in shadow mode)"),
    };
    let decisions = counted(*decisions, "decision", "decisions");
    page.entry(
        "decided",
        &format!("{decisions}: {allows} allow, {denies} deny{shadowed}"),
    );
    if verified.searches > 0 {
        page.entry("searched", &counted(verified.searches, "time", "times"));
    }
    page.entry("started", &counted(verified.starts, "time", "times"));
    if verified.recovered > 0 {
        let times = counted(verified.recovered, "time", "times");
        page.entry("torn", &format!("{times}, set aside"));
    }
    if verified.lost > 0 {
        let lost = counted(verified.lost, "decision", "decisions");
        page.entry("lost", &format!("{lost} left without a record"));
    }
    if let Some(head) = &verified.head {
        page.entry("head", &head.to_string());
    }
    for (digest, pack) in &verified.packs {
        page.heading(&format!("{} {}", pack.name, pack.version));
        page.entry("digest", digest);
        page.entry(
            "decided",
            &format!("{} allow, {} deny", pack.allows, pack.denies),
        );
    }
}

fn breaks(page: &mut Page, verified: &Verified) {
    if verified.breaks.is_empty() {
        return;
    }
    page.heading("Where it breaks");
    for at in &verified.breaks {
        page.line(&format!("  {}:{}: {}", at.file, at.line, at.problem));
    }
    let more = verified.broken.saturating_sub(verified.breaks.len() as u64);
    if more > 0 {
        page.line(&format!("  and {}", counted(more, "more", "more")));
    }
}
