//! The JSON format of evidence, as a collector writes it.
//!
//! The engine's own types are the definition (docs/facts.md has each field).
//! They are repeated here because this crate must not depend on the engine; a
//! test parses what is written here with the engine's types.

use serde::{Deserialize, Serialize};

/// Everything observed that bears on one decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The directory's human beings.
    pub people: Vec<Person>,
    /// The directory's machines.
    pub machines: Vec<Machine>,
    /// Which account belongs to whom.
    pub accounts: Vec<Account>,
    /// The commits that the ranges below speak of.
    pub commits: Listing<Commit>,
    /// Changes under review or shipped.
    pub changes: Vec<Change>,
    /// Artifacts by digest.
    pub artifacts: Vec<Artifact>,
    /// Where artifacts are deployed to.
    pub environments: Vec<Environment>,
    /// Deployments asked for.
    pub deployments: Vec<Deployment>,
}

/// A list and whether it is all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listing<T> {
    /// False if something was cut off.
    pub complete: bool,
    /// First to last.
    pub items: Vec<T>,
}

impl<T> Listing<T> {
    /// A list with nothing left out.
    pub fn complete(items: Vec<T>) -> Self {
        Listing {
            complete: true,
            items,
        }
    }
}

/// One human being.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Unique among people.
    pub id: String,
    /// Still employed and not suspended.
    pub active: bool,
    /// Names of the roles held.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Names of the teams belonged to.
    #[serde(default)]
    pub teams: Vec<String>,
}

/// One machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Unique among machines.
    pub id: String,
    /// `ci`, `bot`, `agent`, `forge`, ...
    pub kind: String,
    /// Names of the roles held.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Ids of the people who control it.
    #[serde(default)]
    pub owners: Vec<String>,
}

/// An account and who is behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// `github:octocat`, `email:ana@bank.example`.
    pub account: String,
    /// Id of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Id of a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
}

/// One commit with all of its parents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Commit {
    /// Object id.
    pub id: String,
    /// Object ids of every parent, in order.
    pub parents: Vec<String>,
    /// Account of the author line.
    pub author: String,
    /// Account of the committer line.
    pub committer: String,
    /// Accounts of the `Co-authored-by` trailers, each once, in order.
    pub co_authors: Vec<String>,
    /// The signature, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// Object id of its tree: all of its content.
    pub tree: String,
    /// For a merge of two commits: object id of the tree that merging them
    /// afresh gives. Absent if that gives a conflict, or was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_tree: Option<String>,
}

/// A signature on a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// `openpgp`, `ssh`, `x509`, or `unknown`.
    pub format: String,
    /// Whether it was checked.
    pub verified: bool,
}

/// A range of commits on its way to a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Unique among changes.
    pub id: String,
    /// `bank/payments`
    pub repository: String,
    /// The branch it goes to.
    pub target: String,
    /// Commit that it is compared with.
    pub base: String,
    /// Its newest commit.
    pub head: String,
    /// Object id of the tree of `head`.
    pub tree: String,
    /// `git patch-id --verbatim` of the difference between base and head, where
    /// it says all that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch_id: Option<String>,
    /// Parents of its commits that are reachable from `base`, sorted.
    pub boundary: Vec<String>,
    /// The commit that brought it into the target branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_commit: Option<String>,
    /// Where `merge_commit` has one parent: object id of the tree that merging
    /// `head` into that parent afresh gives. Absent if that gives a conflict,
    /// would bring more than this change, or was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_tree: Option<String>,
    /// Every push as the server saw it; absent if nobody observed them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushes: Option<Listing<Push>>,
    /// Every file, and who owns it by the CODEOWNERS file of `base`; absent if
    /// there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owners: Option<Listing<OwnedPath>>,
    /// Every review.
    pub approvals: Listing<ChangeApproval>,
    /// Every file that differs between base and head, sorted by path.
    pub files: Listing<File>,
}

/// A file and its owners, one of whom has to sign; nobody, if both lists are
/// empty. A path that stands twice has to be signed for twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnedPath {
    /// Path in the repository.
    pub path: String,
    /// Accounts of owners.
    pub accounts: Vec<String>,
    /// Teams that own it; one of their members will do.
    pub teams: Vec<String>,
}

/// A push as the server saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Authenticated account that pushed.
    pub account: String,
    /// Head of the change after the push.
    pub head: CommitId,
}

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalState {
    /// In force.
    Approved,
    /// Withdrawn or dismissed.
    Dismissed,
    /// The reviewer objects.
    ChangesRequested,
    /// Neither for nor against.
    Commented,
}

/// A review of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeApproval {
    /// Account that gave it.
    pub account: String,
    /// Where it stands.
    pub state: ApprovalState,
    /// Repository that it was given in.
    pub repository: String,
    /// Target branch at the time.
    pub target: String,
    /// Head at the time.
    pub head: CommitId,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// How a file differs. A rename is a deletion and an addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileStatus {
    /// New.
    Added,
    /// Content, mode, kind, or several of them.
    Modified,
    /// Gone.
    Deleted,
}

/// A file that differs between base and head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// Path in the repository.
    pub path: String,
    /// How it differs.
    pub status: FileStatus,
    /// Mode after; before, if deleted.
    pub mode: &'static str,
    /// Mode before, where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_mode: Option<&'static str>,
}

/// Something built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// `sha256:` and 64 hex digits.
    pub digest: String,
    /// Repository of the source.
    pub repository: String,
    /// Commit that it was built from.
    pub revision: String,
    /// Account of the builder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
    /// Branch that it was built from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// Where artifacts are deployed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Environment {
    /// Unique among environments.
    pub id: String,
    /// `development`, `test`, `staging`, `production`.
    pub tier: String,
}

/// One artifact on its way to one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deployment {
    /// Unique among deployments.
    pub id: String,
    /// Id of an environment.
    pub environment: String,
    /// Digest of an artifact.
    pub artifact: String,
    /// Account that asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    /// The commit that is live there now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
    /// Parents of its commits that are reachable from `live`, sorted.
    pub boundary: Vec<String>,
    /// Ids of the changes shipped.
    pub changes: Listing<String>,
    /// Every sign-off.
    pub approvals: Listing<DeploymentApproval>,
}

/// A sign-off of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentApproval {
    /// Account that gave it.
    pub account: String,
    /// Where it stands.
    pub state: ApprovalState,
    /// Digest of the artifact that it was given for.
    pub artifact: String,
    /// Id of the environment that it was given for.
    pub environment: String,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// A full commit id in a file that somebody wrote: an abbreviated one could
/// come to mean another commit, and would never equal the head of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct CommitId(String);

impl CommitId {
    /// 40 or 64 lower-case hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CommitId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if matches!(id.len(), 40 | 64) && id.bytes().all(hex) {
            return Ok(CommitId(id));
        }
        Err(format!(
            "`{id}` is not a full commit id of 40 or 64 lower-case hex digits"
        ))
    }
}
