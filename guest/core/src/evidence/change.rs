//! Commits, changes and what was said of them.

use serde::{Deserialize, Serialize};

use super::{Listing, Session};
use crate::text::Text;

/// One commit with all of its parents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Commit<'a> {
    /// Object id, lower-case hex.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// Object ids of every parent, in order; empty for a root commit.
    #[serde(borrow)]
    pub parents: Vec<Text<'a>>,
    /// Account of the author line. Claimed, not proven.
    #[serde(borrow)]
    pub author: Text<'a>,
    /// Account of the committer line. Claimed, not proven.
    #[serde(borrow)]
    pub committer: Text<'a>,
    /// Accounts of the `Co-authored-by` trailers.
    #[serde(borrow, default)]
    pub co_authors: Vec<Text<'a>>,
    /// Accounts that had a machine write it: who prompted the agent, whose
    /// token the pipeline used. Contributors.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub on_behalf_of: Vec<Text<'a>>,
    /// The signature, if there is one.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature<'a>>,
    /// Object id of its tree: all of its content.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<Text<'a>>,
    /// For a merge: object id of the tree that the collector got by merging
    /// the parents afresh. Absent if that gives a conflict, or was not tried.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub merged_tree: Option<Text<'a>>,
}

/// A signature on a commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Signature<'a> {
    /// `openpgp`, `ssh`, `x509`.
    #[serde(borrow)]
    pub format: Text<'a>,
    /// The collector checked it against a key that it trusts.
    pub verified: bool,
    /// Account that the key belongs to. If present it is a contributor.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<Text<'a>>,
}

/// A pull request, merge request, or plain range of commits on its way to a branch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Change<'a> {
    /// Unique among changes: `bank/payments#42`.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// `bank/payments`
    #[serde(borrow)]
    pub repository: Text<'a>,
    /// The branch it goes to: `main`.
    #[serde(borrow)]
    pub target: Text<'a>,
    /// Commit of the target branch that it is compared with.
    #[serde(borrow)]
    pub base: Text<'a>,
    /// Its newest commit.
    #[serde(borrow)]
    pub head: Text<'a>,
    /// Object id of the tree of `head`: all of its content.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<Text<'a>>,
    /// `git patch-id --verbatim` of the difference between base and head.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub patch_id: Option<Text<'a>>,
    /// Account that opened it, as the server saw it. A contributor.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub opened_by: Option<Text<'a>>,
    /// Every head that it ever had, first to last, before squashes and rebases
    /// too. Absent if the source does not keep them.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<Listing<Iteration<'a>>>,
    /// Results of checks, first to last. Absent if the source has none.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Listing<Check<'a>>>,
    /// Commits reachable from `base` that are parents of listed commits
    /// (`git rev-list --boundary`). A parent that is neither listed nor here
    /// makes the evidence incomplete.
    #[serde(borrow, default)]
    pub boundary: Vec<Text<'a>>,
    /// The commit that brought it into the target branch, once merged.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub merge_commit: Option<Text<'a>>,
    /// Object id of the tree that the collector got by merging `head` into the
    /// only parent of `merge_commit` afresh, where that was a squash. Absent
    /// if that gives a conflict, or was not tried.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub merged_tree: Option<Text<'a>>,
    /// Every push to it as the server saw it, first to last. Absent if the
    /// source cannot observe pushes, which policies see as `pushes_observed`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub pushes: Option<Listing<Push<'a>>>,
    /// RFC 3339, by the server's clock. When approval was asked for.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub requested_at: Option<Text<'a>>,
    /// Every file, and who owns it by the base's own list of owners.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub owners: Option<Listing<OwnedPath<'a>>>,
    /// Every review, first to last.
    #[serde(borrow)]
    pub approvals: Listing<ChangeApproval<'a>>,
    /// Every file that differs between base and head.
    #[serde(borrow)]
    pub files: Listing<File<'a>>,
}

/// A file and its owners; nobody, if both lists are empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OwnedPath<'a> {
    /// Path in the repository.
    #[serde(borrow)]
    pub path: Text<'a>,
    /// Accounts of owners; one of them has to sign.
    #[serde(borrow, default)]
    pub accounts: Vec<Text<'a>>,
    /// Teams that own it; one of their members will do.
    #[serde(borrow, default)]
    pub teams: Vec<Text<'a>>,
}

/// A push as the server saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Push<'a> {
    /// Authenticated account that pushed.
    #[serde(borrow)]
    pub account: Text<'a>,
    /// Head of the change after the push.
    #[serde(borrow)]
    pub head: Text<'a>,
    /// Accounts on whose behalf a machine pushed. Contributors.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub on_behalf_of: Vec<Text<'a>>,
}

/// What a change was at one time: the commits that `head` reaches and `base` does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Iteration<'a> {
    /// Commit of the target branch that it was compared with.
    #[serde(borrow)]
    pub base: Text<'a>,
    /// Its newest commit then.
    #[serde(borrow)]
    pub head: Text<'a>,
    /// Commits reachable from `base` that are parents of listed commits.
    #[serde(borrow, default)]
    pub boundary: Vec<Text<'a>>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Conclusion {
    /// Passed.
    Success,
    /// Failed, broke off or ran out of time.
    Failure,
    /// Did not run or did not judge.
    Neutral,
    /// Not ended yet.
    Pending,
}

/// The result of a check: a build, tests, a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check<'a> {
    /// Its name at the source: `build`, `tests`.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// Commit that it ran on.
    #[serde(borrow)]
    pub head: Text<'a>,
    /// How it ended.
    pub conclusion: Conclusion,
    /// Account that reported it.
    #[serde(borrow)]
    pub account: Text<'a>,
}

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ApprovalState {
    /// In force as far as the forge is concerned.
    Approved,
    /// Withdrawn or dismissed.
    Dismissed,
    /// The reviewer objects; takes back an earlier approval of the same person.
    ChangesRequested,
    /// A comment, neither for nor against.
    Commented,
}

/// A review of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangeApproval<'a> {
    /// Account that gave it.
    #[serde(borrow)]
    pub account: Text<'a>,
    /// Where it stands.
    pub state: ApprovalState,
    /// Repository that it was given in.
    #[serde(borrow)]
    pub repository: Text<'a>,
    /// Target branch at the time.
    #[serde(borrow)]
    pub target: Text<'a>,
    /// Head at the time.
    #[serde(borrow)]
    pub head: Text<'a>,
    /// Tree of that head, for packs in which an approval stands for content.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<Text<'a>>,
    /// Patch id of that head against the base at the time.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub patch_id: Option<Text<'a>>,
    /// Account that dismissed it, where `state` still says what it was.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub dismissed_by: Option<Text<'a>>,
    /// Its text was changed after it was given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
    /// How the one who gave it was signed in.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session<'a>>,
    /// Seconds between the arrival of that head and the approval, by the server's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_seconds: Option<u32>,
    /// RFC 3339. It does not stand from then on.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub expires_at: Option<Text<'a>>,
}

/// How a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FileStatus {
    /// New.
    Added,
    /// Content, mode or both.
    Modified,
    /// Gone.
    Deleted,
    /// From `old_path`.
    Renamed,
    /// From `old_path`, which stays.
    Copied,
}

/// A file that differs between base and head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct File<'a> {
    /// Path in the repository, `/` between its parts.
    #[serde(borrow)]
    pub path: Text<'a>,
    /// How it differs.
    pub status: FileStatus,
    /// Git file mode after (before, if deleted), six octal digits: `100644`, `100755`, `120000`, `160000`.
    #[serde(borrow)]
    pub mode: Text<'a>,
    /// Mode before, where it differs.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub old_mode: Option<Text<'a>>,
    /// Path before, where it differs.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub old_path: Option<Text<'a>>,
}
