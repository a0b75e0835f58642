//! `sod new`: a pack that works, to start from.

mod include;
mod template;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use clap::Args;
use miette::miette;
use serde::Serialize;
use sod_host::{Effect, Policy, Request, Verdict};
use sod_pack::cases::{self, Case};
use sod_pack::{FACTS, MANIFEST, Pack, is_name, matrix};
use tempfile::TempDir;

use crate::command_line::Format;
use crate::evidence::EVIDENCE_SCHEMA;
use crate::failure::{Failure, Outcome};
use crate::matrix::answer;
use crate::output::Output;
use crate::page::Look;
use crate::{exit, open, shipped, write};
use include::{Included, include};
use template::{BOTH, File, ON_TOP, PLAIN, REASONS, Words};

/// Make a pack that works, to start from
///
/// It has rules, an invariant, cases with a fixture, a matrix, a page for auditors, and settings with which the Cedar
/// extension of Visual Studio Code knows all that a rule can speak of. It passes `sod check` and `sod test` as it is.
///
/// Without --from its rules are its own: a change is merged once somebody else approved it. With --from it adds one
/// rule to the packs named. One that comes with sod is copied into the folder `vendor` of the new pack, with all that
/// it includes; any other is included where it lies.
///
/// The folder appears whole or not at all, and never in the place of another.
#[derive(Debug, Args)]
#[command(after_long_help = format!("\
Examples:
  sod new our-changes
  sod new our-deployments --from protected-deploy
  sod new our-nights --from protected-deploy --from unusual
  sod new payments --from ./our-changes

Packs that come with sod:
{}", shipped::table()))]
pub(crate) struct Arguments {
    /// The folder to make. Its last part is the name of the pack: lower-case letters, digits and single hyphens
    #[arg(value_name = "NAME")]
    folder: PathBuf,

    /// A pack to add to; may be given more than once. The name of one that comes with sod, or a path: `./NAME`
    #[arg(long, value_name = "PACK")]
    from: Vec<PathBuf>,
}

/// What was made.
#[derive(Serialize)]
struct Made<'a> {
    path: &'a Path,
    name: &'a str,
    includes: Vec<String>,
    /// From the folder, with `/`.
    files: BTreeSet<String>,
    next: String,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let name = name(&arguments.folder)?;
    let parent = free(&arguments.folder)?;
    let unmade = |error| Failure::file("make a folder in", &parent, &error);
    let place = parent.canonicalize().map_err(unmade)?.join(name);
    let draft = Draft {
        folder: temporary(&parent).map_err(unmade)?,
        files: BTreeSet::new(),
    };
    let (Draft { folder, files }, included) = fill(draft, &arguments.from, &place, output)?;
    fs::rename(folder.path(), &place)
        .map_err(|error| Failure::file("make", &arguments.folder, &error))?;
    let made = Made {
        path: &arguments.folder,
        name,
        includes: included.into_iter().map(|pack| pack.path).collect(),
        files,
        next: format!("sod test {}", quoted(&arguments.folder)),
    };
    print(&made, output)?;
    Ok(exit::OK)
}

/// The last part of the path, if a pack can be called so.
fn name(folder: &Path) -> Outcome<&str> {
    let name = match folder.components().next_back() {
        Some(Component::Normal(name)) => name.to_string_lossy(),
        _ => folder.to_string_lossy(),
    };
    // Its rules begin with it, and an id has its bounds too.
    const LONGEST: usize = 64;
    match folder.file_name().and_then(|name| name.to_str()) {
        Some(name) if is_name(name) && name.len() <= LONGEST => Ok(name),
        _ => Err(Failure::usage(
            format!("`{name}` is not a name for a pack"),
            "lower-case letters, digits and single hyphens, at most 64: `our-changes`",
        )),
    }
}

/// The folder that the new one goes into, which must be there when the new one must not.
fn free(folder: &Path) -> Outcome<PathBuf> {
    if folder.symlink_metadata().is_ok() {
        let help = "choose another name, or move what is there out of the way";
        let folder = folder.display();
        return Err(miette!(code = "file", help = help, "`{folder}` exists already").into());
    }
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !parent.is_dir() {
        let help = format!("make it first: `mkdir -p {}`", parent.display());
        let parent = parent.display();
        return Err(miette!(code = "file", help = help, "`{parent}` is not a folder").into());
    }
    Ok(parent.to_owned())
}

/// Beside its later place, so that it gets there by its name alone, and what it includes is as far away as then.
fn temporary(parent: &Path) -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    // As any program would create it; the default is for the owner alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    builder.prefix(".sod-").tempdir_in(parent)
}

/// A pack that is being written. Unless it is finished, it is gone.
struct Draft {
    folder: TempDir,
    files: BTreeSet<String>,
}

impl Draft {
    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn put(&mut self, file: &str, contents: &str) -> Outcome<()> {
        let path = self.path().join(file);
        let parent = path.parent().unwrap_or(self.path());
        fs::create_dir_all(parent).map_err(|error| Failure::file("make", parent, &error))?;
        write::atomically(&path, contents.as_bytes())?;
        self.files.insert(file.to_owned());
        Ok(())
    }

    fn put_all(&mut self, files: &[File], words: &Words<'_>) -> Outcome<()> {
        let mut files = files.iter();
        files.try_for_each(|(file, contents)| self.put(file, &words.fill_in(contents)))
    }
}

/// Everything that is in the folder; and what the pack includes.
fn fill(
    mut draft: Draft,
    from: &[PathBuf],
    place: &Path,
    output: &Output,
) -> Outcome<(Draft, Vec<Included>)> {
    let included = from.iter().map(|from| include(from, &mut draft, place));
    let included = included.collect::<Outcome<Vec<Included>>>()?;
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let words = Words::new(&name, &included);
    let own = if from.is_empty() { PLAIN } else { ON_TOP };
    draft.put_all(BOTH, &words)?;
    draft.put_all(own, &words)?;
    let apart = |findings| Failure::from(findings).about("these packs do not go together");
    let pack = Pack::open(draft.path()).map_err(apart)?;
    if !from.is_empty() {
        let manifest = words.fill_in(template::manifest(own)) + &template::open_options(&pack);
        draft.put(MANIFEST, &manifest)?;
    }
    draft.put(FACTS, pack.schema_as_written())?;
    draft.put(template::EVIDENCE, EVIDENCE_SCHEMA)?;
    let policy = open::compiled(&pack, &open::runtime(output)?)?;
    settle_cases(&mut draft, &pack, &policy, output)?;
    if let Some(questions) = matrix::read(&pack)? {
        draft.put(matrix::GOLDEN, &answer(&questions, &policy)?.to_text())?;
    }
    Ok((draft, included))
}

/// What included packs say of the example is theirs to know: they are asked, and it is written down.
fn settle_cases(draft: &mut Draft, pack: &Pack, policy: &Policy, output: &Output) -> Outcome<()> {
    let mut allowed = 0;
    for case in cases::read(pack)? {
        let verdict = decide(&case, policy)?;
        allowed += usize::from(verdict.effect == Effect::Allow);
        settle(draft, &case, &verdict)?;
    }
    let undecided = cases::undecided(pack, &cases::read(pack)?);
    if undecided.has_errors() {
        return Err(Failure::from(undecided).about("the example does not fit the included packs"));
    }
    if allowed == 0 {
        output.note(
            "the included packs ask for more than the example has, so no case is allowed: write one into `cases/allow`",
        );
    }
    Ok(())
}

fn decide(case: &Case, policy: &Policy) -> Outcome<Verdict> {
    let request = Request::from_json(case.request.to_string().as_bytes());
    let request = request.map_err(|error| miette!("a case is not a request: {}", error.problem))?;
    Ok(policy.decide(&request))
}

/// Fills in the reasons of a case that leaves them open, and puts it where its effect says.
fn settle(draft: &mut Draft, case: &Case, verdict: &Verdict) -> Outcome<()> {
    let file = format!("cases/{}.json", case.name);
    let path = draft.path().join(&file);
    let text = fs::read_to_string(&path).map_err(|error| Failure::file("read", &path, &error))?;
    if !text.contains(REASONS) {
        return Ok(());
    }
    let reasons: BTreeSet<String> = verdict.reasons.iter().map(template::reason).collect();
    let reasons = serde_json::to_string(&reasons).map_err(|error| miette!("{error}"))?;
    fs::remove_file(&path).map_err(|error| Failure::file("move", &path, &error))?;
    draft.files.remove(&file);
    let effect = match verdict.effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    };
    let stem = case.name.rsplit('/').next().unwrap_or(&case.name);
    let text = text.replace(REASONS, &reasons.replace("\",\"", "\", \""));
    draft.put(&format!("cases/{effect}/{stem}.json"), &text)
}

/// As a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/\\:".contains(c);
    match path.chars().all(plain) {
        true => path,
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}

/// What is in the folder, for people: the rest they see when they open it.
const CONTENTS: [(&str, &str); 7] = [
    ("pack.toml", "its name, what it includes, who must sign"),
    ("rules", "what is permitted and what is forbidden, in Cedar"),
    ("invariants", "what no request may ever be allowed"),
    ("cases", "requests, each with the verdict that it must get"),
    ("matrix.txt", "who may do what in which state, as a table"),
    ("README.md", "the rules in an auditor's words"),
    ("vendor", "what it includes, as it came with sod"),
];

fn print(made: &Made<'_>, output: &Output) -> Outcome<()> {
    if output.format == Format::Json {
        return output.json(made);
    }
    let mut page = output.page();
    page.put(Look::Good, "made").put(Look::Plain, "  ");
    page.put(Look::Bold, &made.path.display().to_string()).end();
    for (what, meaning) in CONTENTS {
        if made.files.iter().any(|file| file.starts_with(what)) {
            page.put(Look::Faint, &format!("      {what:<12}"));
            page.line(meaning);
        }
    }
    page.heading("What to do next");
    page.line(&format!("  {}", made.next));
    output.text(&page)
}
