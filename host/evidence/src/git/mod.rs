//! Evidence of a change, and of a deployment that ships it, from a git repository.
//!
//! What a commit says is taken from bytes whose hash is its id: whoever knows
//! the ids of base and head can rely on everything between them, even if the
//! repository's folder is hostile.

mod commit;
mod deployment;
mod diff;
mod error;
mod export;
mod history;
mod identity;
mod lines;
mod merge;
mod owners;
mod patch_id;
mod range;
mod repository;
mod revision;
mod text;
mod trial;

use std::path::{Path, PathBuf};

pub use deployment::DeploymentOptions;
pub use error::GitError;
pub use export::export;
pub use owners::Forge;

use crate::evidence::{Change, Evidence, Listing};
use crate::input::DirectoryFile;
use diff::Difference;
use history::History;
use merge::Merges;
use owners::Owners;
use range::Range;
use repository::Repository;
use revision::Revision;

/// What to collect, and what git cannot know.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GitOptions {
    /// The top folder of a work tree, or a bare repository.
    pub dir: PathBuf,
    /// REV of the target branch that the change is compared with, taken as it
    /// is and not moved to a merge base.
    pub base: String,
    /// REV of the newest commit of the change.
    pub head: String,
    /// Id of the change; default `REPOSITORY@HEAD` with the full commit id.
    pub change: Option<String>,
    /// Name of the repository, as approvals name it; default the folder's name.
    pub repository: Option<String>,
    /// The branch that the change goes to; default `main`.
    pub target: Option<String>,
    /// REV of the commit that brought the change into its target branch.
    pub merge_commit: Option<String>,
    /// File with the reviews of the change; without it nobody reviewed it.
    pub approvals: Option<PathBuf>,
    /// File with the pushes to the change; without it nobody observed them.
    pub pushes: Option<PathBuf>,
    /// Whose rules the CODEOWNERS file follows; default GitHub's.
    pub forge: Forge,
    /// Path of the CODEOWNERS file in the repository; default where the forge looks for it.
    pub owners: Option<String>,
    /// Read no content of files, for a clone that has none: no patch id, no
    /// fresh merges, no owners.
    pub without_blobs: bool,
    /// Who is who.
    pub directory: Directory,
    /// A deployment that ships the change.
    pub deployment: Option<DeploymentOptions>,
}

/// Where people, machines and accounts come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directory {
    /// No directory: every account belongs to nobody.
    Empty,
    /// A file with `people`, `machines` and `accounts`.
    File(PathBuf),
    /// **Unsafe for enforcement**, for trials only: every well-formed e-mail
    /// address in the evidence is an active person of that name with these
    /// roles. Whoever writes a commit chooses its addresses.
    AssumeEmailsArePeople {
        /// Roles that every one of them gets.
        roles: Vec<String>,
    },
}

impl GitOptions {
    /// The change from `base` to `head` of the repository in `dir`, and nothing else.
    pub fn new(dir: impl Into<PathBuf>, base: impl Into<String>, head: impl Into<String>) -> Self {
        GitOptions {
            dir: dir.into(),
            base: base.into(),
            head: head.into(),
            change: None,
            repository: None,
            target: None,
            merge_commit: None,
            approvals: None,
            pushes: None,
            forge: Forge::GitHub,
            owners: None,
            without_blobs: false,
            directory: Directory::Empty,
            deployment: None,
        }
    }
}

/// Collects the evidence of one change. Every list in it is complete, unless a
/// file that was read says otherwise; what cannot be read in full is an error.
///
/// The same repository and options give the same evidence in the same order.
pub fn collect(options: &GitOptions) -> Result<Evidence, GitError> {
    let repository = Repository::open(&options.dir)?;
    let repository_name = match &options.repository {
        Some(name) => name.clone(),
        None => repository::default_name(&options.dir),
    };
    let mut history = History::new(&repository);
    let mut merges = Merges::new(options.without_blobs);
    let (change, range) = change(options, &mut history, &mut merges, &repository_name)?;
    let mut evidence = Evidence {
        people: Vec::new(),
        machines: Vec::new(),
        accounts: Vec::new(),
        commits: Listing::complete(range.commits),
        changes: vec![change],
        artifacts: Vec::new(),
        environments: Vec::new(),
        deployments: Vec::new(),
    };
    if let Some(deployment) = &options.deployment {
        deployment::add(
            deployment,
            &mut history,
            &mut merges,
            &repository_name,
            &mut evidence,
        )?;
    }
    add_directory(&options.directory, &mut evidence)?;
    Ok(evidence)
}

/// Commit id of `HEAD` of the repository that contains `dir`: where a build
/// was made from. `None` outside of a repository and before its first commit.
///
/// Changes in the work tree are not looked for: that would mean reading every
/// file of it, and following its filters.
pub fn head_revision(dir: &Path) -> Option<String> {
    let repository = Repository::discover(dir)?;
    let head = Revision::new("HEAD", "HEAD").resolve(&repository).ok()?;
    Some(head.to_string())
}

fn change(
    options: &GitOptions,
    history: &mut History<'_>,
    merges: &mut Merges,
    repository_name: &str,
) -> Result<(Change, Range), GitError> {
    let repository = history.repository;
    let base = Revision::new("base", &options.base).resolve(repository)?;
    let head = Revision::new("head", &options.head).resolve(repository)?;
    let merge_commit = match &options.merge_commit {
        Some(rev) => Some(Revision::new("merge commit", rev).resolve(repository)?),
        None => None,
    };
    let range = Range::collect(history, merges, Some(base), head)?;
    let merged_tree = match merge_commit {
        Some(commit) => merges.squash(history, [base, head], commit)?,
        None => None,
    };
    let (before, after) = (history.tree(base)?, history.tree(head)?);
    let differences = diff::trees(repository, before, after)?;
    let (patch_id, owners) = if options.without_blobs {
        (None, None)
    } else {
        let owners = Owners::read(repository, before, options)?;
        (
            patch_id::verbatim(repository, &differences)?,
            owners.map(|owners| owners.of(&differences)),
        )
    };
    let change = Change {
        id: match &options.change {
            Some(id) => id.clone(),
            None => format!("{repository_name}@{head}"),
        },
        repository: repository_name.to_owned(),
        target: options.target.clone().unwrap_or_else(|| "main".to_owned()),
        base: base.to_string(),
        head: head.to_string(),
        tree: after.to_string(),
        patch_id,
        boundary: range.boundary.clone(),
        merge_commit: merge_commit.map(|id| id.to_string()),
        merged_tree: merged_tree.map(|id| id.to_string()),
        pushes: match &options.pushes {
            Some(path) => Some(Listing::read(path)?),
            None => None,
        },
        owners,
        approvals: approvals(options.approvals.as_deref())?,
        files: Listing::complete(differences.iter().filter_map(Difference::file).collect()),
    };
    Ok((change, range))
}

fn approvals<T: serde::de::DeserializeOwned>(path: Option<&Path>) -> Result<Listing<T>, GitError> {
    match path {
        Some(path) => Ok(Listing::read(path)?),
        None => Ok(Listing::complete(Vec::new())),
    }
}

fn add_directory(directory: &Directory, evidence: &mut Evidence) -> Result<(), GitError> {
    match directory {
        Directory::Empty => {}
        Directory::File(path) => {
            let file = DirectoryFile::read(path)?;
            evidence.people = file.people;
            evidence.machines = file.machines;
            evidence.accounts = file.accounts;
        }
        Directory::AssumeEmailsArePeople { roles } => trial::assume(roles, evidence),
    }
    Ok(())
}
