//! `sod evidence`: what a source of truth holds, as raw evidence for `sod decide`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use miette::miette;
use sod_evidence::evidence::Evidence;
use sod_evidence::git::{self, DeploymentOptions, Directory, GitOptions};

use crate::exit;
use crate::failure::Outcome;
use crate::output::Output;
use crate::write;

/// Collect raw evidence, to decide on, or say of what form it is
///
/// Evidence is always JSON, whatever `--format` says. A collector reports what it observed and concludes
/// nothing; what it cannot read in full is an error.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    source: Source,
}

#[derive(Debug, Subcommand)]
enum Source {
    Git(Box<GitArguments>),
    Schema(SchemaArguments),
}

/// Print the JSON Schema of evidence, for collectors and editors
///
/// Evidence of this form is read; whether it is complete and consistent is for a decision to say. A field that the
/// schema does not have is no error: it is left out of account, and a verdict warns of it.
#[derive(Debug, Args)]
struct SchemaArguments {
    /// That of a whole request file, which refers to that of the evidence
    #[arg(long)]
    request: bool,
}

pub(crate) const EVIDENCE_SCHEMA: &str = include_str!("../../../docs/schema/evidence.schema.json");
const REQUEST_SCHEMA: &str = include_str!("../../../docs/schema/request.schema.json");

/// Collect the commits and files of a change from a git repository
///
/// Git knows who wrote what. It does not know who pushed, who approved, and which account belongs to whom: that
/// comes from files. docs/evidence-git.md describes each with an example.
///
/// REV is a branch, a tag or a commit id, with `~N` or `^N` after it if need be.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("people"),
    after_long_help = "\
Examples:
  # What is on HEAD and not on main, with the reviews and the directory from files.
  sod evidence git --repo . --base origin/main --head HEAD \\
      --approvals approvals.json --directory directory.json -o evidence.json

  # A deployment of what was built from main, where v1.4 is live.
  sod evidence git --repo . --base v1.4 --head feature --merge-commit main \\
      --directory directory.json --artifact sha256:122d... --revision main \\
      --environment production --tier production --live v1.4

  # A first look at a repository without a directory. Not for enforcement.
  sod evidence git --repo . --base main~20 --head main \\
      --assume-emails-are-people --role developer"
)]
struct GitArguments {
    /// The top folder of a work tree, or a bare repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,

    /// The commit of the target branch that the change is compared with
    #[arg(long, value_name = "REV")]
    base: String,

    /// The newest commit of the change
    #[arg(long, value_name = "REV")]
    head: String,

    /// Id of the change [default: REPOSITORY@HEAD]
    #[arg(long, value_name = "ID")]
    change: Option<String>,

    /// Name of the repository, as approvals name it [default: the folder's name]
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,

    /// The branch that the change goes to [default: main]
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,

    /// The commit that brought the change into its target branch, by a merge or a squash
    #[arg(long, value_name = "REV")]
    merge_commit: Option<String>,

    /// The reviews of the change; without it nobody reviewed it
    #[arg(long, value_name = "FILE")]
    approvals: Option<PathBuf>,

    /// The pushes to the change, as the server saw them; without it nobody observed them
    #[arg(long, value_name = "FILE")]
    pushes: Option<PathBuf>,

    /// Whose rules the CODEOWNERS file of the base follows; its `@user` is an account of this forge
    #[arg(long, value_enum, value_name = "FORGE", default_value_t = Forge::Github)]
    forge: Forge,

    /// Path of the CODEOWNERS file in the repository [default: where the forge looks for it]
    #[arg(long, value_name = "PATH")]
    owners: Option<String>,

    /// Read no content of files, for a clone that has none: no owners, no patch id, no fresh merges
    #[arg(long, conflicts_with = "owners")]
    without_blobs: bool,

    /// The people, the machines, and whose account is whose; without it every account belongs to nobody
    #[arg(long, value_name = "FILE", group = "people")]
    directory: Option<PathBuf>,

    /// For trials, never for enforcement: take every e-mail address for an active person
    ///
    /// Whoever writes a commit chooses its addresses, and so who they are.
    #[arg(long, group = "people")]
    assume_emails_are_people: bool,

    /// A role that each of these people has; may be given more than once
    #[arg(long, value_name = "ROLE", requires = "assume_emails_are_people")]
    role: Vec<String>,

    #[command(flatten)]
    deployment: DeploymentArguments,

    /// Where to write the evidence to [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Whose rules a file follows.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Forge {
    Github,
    Gitlab,
}

/// A deployment that ships the change.
#[derive(Debug, Args)]
#[command(next_help_heading = "A deployment that ships the change")]
struct DeploymentArguments {
    /// SHA-256 digest of the artifact, `sha256:...`
    #[arg(long, value_name = "DIGEST", requires_all = ["revision", "environment", "tier"])]
    artifact: Option<String>,

    /// The commit that the artifact was built from, by its provenance
    #[arg(long, value_name = "REV", requires = "artifact")]
    revision: Option<String>,

    /// Id of the environment
    #[arg(long, value_name = "ID", requires = "artifact")]
    environment: Option<String>,

    /// Its tier: development, test, staging, production
    #[arg(long, value_name = "TIER", requires = "artifact")]
    tier: Option<String>,

    /// The commit that is live there now; without it nothing is, and all history is shipped
    #[arg(long, value_name = "REV", requires = "artifact")]
    live: Option<String>,

    /// Id of the deployment [default: ENVIRONMENT@ARTIFACT]
    #[arg(long, value_name = "ID", requires = "artifact")]
    deployment: Option<String>,

    /// The account that asked for it
    #[arg(long, value_name = "ACCOUNT", requires = "artifact")]
    requester: Option<String>,

    /// The account of the builder, by the artifact's provenance
    #[arg(long, value_name = "ACCOUNT", requires = "artifact")]
    builder: Option<String>,

    /// The branch that the artifact was built from, by its provenance
    #[arg(long, value_name = "BRANCH", requires = "artifact")]
    branch: Option<String>,

    /// The sign-offs; without it nobody signed off
    #[arg(long, value_name = "FILE", requires = "artifact")]
    sign_offs: Option<PathBuf>,
}

pub(crate) fn run(arguments: Arguments, output: &Output) -> Outcome<u8> {
    match arguments.source {
        Source::Git(arguments) => collect(*arguments, output),
        Source::Schema(SchemaArguments { request }) => {
            let schema = if request {
                REQUEST_SCHEMA
            } else {
                EVIDENCE_SCHEMA
            };
            output.bytes(schema.as_bytes())?;
            Ok(exit::OK)
        }
    }
}

fn collect(arguments: GitArguments, output: &Output) -> Outcome<u8> {
    let file = arguments.output.clone();
    let evidence = git::collect(&options(arguments))?;
    remark(&evidence, output);
    match file {
        Some(file) => write::atomically(&file, &json(&evidence)?)?,
        None => output.bytes(&json(&evidence)?)?,
    }
    Ok(exit::OK)
}

fn options(arguments: GitArguments) -> GitOptions {
    let mut options = GitOptions::new(arguments.repo, arguments.base, arguments.head);
    options.change = arguments.change;
    options.repository = arguments.repository;
    options.target = arguments.target;
    options.merge_commit = arguments.merge_commit;
    options.approvals = arguments.approvals;
    options.pushes = arguments.pushes;
    options.forge = match arguments.forge {
        Forge::Github => git::Forge::GitHub,
        Forge::Gitlab => git::Forge::GitLab,
    };
    options.owners = arguments.owners;
    options.without_blobs = arguments.without_blobs;
    options.directory = match arguments.directory {
        Some(file) => Directory::File(file),
        None if arguments.assume_emails_are_people => Directory::AssumeEmailsArePeople {
            roles: arguments.role,
        },
        None => Directory::Empty,
    };
    options.deployment = deployment(arguments.deployment);
    options
}

/// The grammar above asks for all four or for none.
fn deployment(arguments: DeploymentArguments) -> Option<DeploymentOptions> {
    let mut options = DeploymentOptions::new(
        arguments.artifact?,
        arguments.revision?,
        arguments.environment?,
        arguments.tier?,
    );
    options.live = arguments.live;
    options.deployment = arguments.deployment;
    options.requester = arguments.requester;
    options.builder = arguments.builder;
    options.branch = arguments.branch;
    options.approvals = arguments.sign_offs;
    Some(options)
}

/// What the evidence has no word of, said before a verdict has to.
fn remark(evidence: &Evidence, output: &Output) {
    let names: Vec<String> = evidence
        .changes
        .iter()
        .map(|change| format!("Change::\"{}\"", change.id))
        .collect();
    let (commits, resources) = (evidence.commits.items.len(), names.join(", "));
    output.note(&format!("{commits} commits; the change is {resources}"));
    if evidence.people.is_empty() {
        output
            .note("nobody is in the directory, so no account belongs to anybody; pass --directory");
    }
    if evidence
        .changes
        .iter()
        .any(|change| change.pushes.is_none())
    {
        output.note("nobody observed who pushed; pass --pushes if the server recorded it");
    }
    if evidence
        .changes
        .iter()
        .any(|change| change.owners.is_none())
    {
        output
            .note("no CODEOWNERS file of the base was read; --forge and --owners say which one is");
    }
}

fn json(evidence: &Evidence) -> Outcome<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(evidence)
        .map_err(|error| miette!("the evidence cannot be written as JSON: {error}"))?;
    json.push(b'\n');
    Ok(json)
}
