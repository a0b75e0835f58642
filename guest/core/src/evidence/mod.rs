//! Raw evidence: what a collector observed, before anything is concluded from it.
//!
//! These types are the JSON format of the request's `evidence`. A field that
//! they do not have is left out of account and reported: a collector may be
//! newer than a pack. What is misspelt is then missing, and what is missing
//! never helps. docs/facts.md has each field with its unit and its attacker.

mod check;
mod object;
mod range;
mod read;

pub(crate) use check::{EvidenceError, Identity, Index, MachineIx, PersonIx, timestamp};
pub(crate) use range::{CommitIx, Graph, Range};
pub(crate) use read::{Read, ReadError};

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// Everything observed that bears on one decision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evidence<'a> {
    /// The directory's human beings.
    #[serde(borrow, default)]
    pub people: Vec<Person<'a>>,
    /// The directory's machines.
    #[serde(borrow, default)]
    pub machines: Vec<Machine<'a>>,
    /// Which account belongs to whom. An account not listed belongs to nobody.
    #[serde(borrow, default)]
    pub accounts: Vec<Account<'a>>,
    /// The commits that the ranges of changes and deployments speak of, in any
    /// order. More than a range needs does no harm: ranges are computed.
    #[serde(borrow, default)]
    pub commits: Listing<Commit<'a>>,
    /// Changes under review or shipped.
    #[serde(borrow, default)]
    pub changes: Vec<Change<'a>>,
    /// Artifacts by digest.
    #[serde(borrow, default)]
    pub artifacts: Vec<Artifact<'a>>,
    /// Where artifacts are deployed to.
    #[serde(borrow, default)]
    pub environments: Vec<Environment<'a>>,
    /// Deployments asked for.
    #[serde(borrow, default)]
    pub deployments: Vec<Deployment<'a>>,
    /// Roles given for a time, first to last.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Listing<Grant<'a>>>,
    /// Incidents that grants name.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<Incident<'a>>,
    /// Who is on call when.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub on_call: Vec<OnCall<'a>>,
    /// How the one who asks is signed in.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session<'a>>,
    /// Reviews of other changes, in the time that the collector looks back.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub past_reviews: Option<Listing<PastReview<'a>>>,
}

/// A role given to a person for a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Grant<'a> {
    /// Unique among grants.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// Id of the person who holds it.
    #[serde(borrow)]
    pub person: Text<'a>,
    /// Name of the role.
    #[serde(borrow)]
    pub role: Text<'a>,
    /// Account that gave it.
    #[serde(borrow)]
    pub granted_by: Text<'a>,
    /// RFC 3339. Held from then on.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub from: Text<'a>,
    /// RFC 3339. Not held from then on.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub until: Text<'a>,
    /// RFC 3339. Taken back before its time: not held from then on.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub revoked_at: Option<Text<'a>>,
    /// What it was given for, in words.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<'a>>,
    /// Id of the incident that it was given for.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Text<'a>>,
    /// Account that reviewed its use afterwards.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub reviewed_by: Option<Text<'a>>,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Incident<'a> {
    /// Unique among incidents.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// Not resolved yet.
    pub open: bool,
}

/// A shift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OnCall<'a> {
    /// Id of the person.
    #[serde(borrow)]
    pub person: Text<'a>,
    /// RFC 3339. On call from then on.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub from: Text<'a>,
    /// RFC 3339. Not on call from then on.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub until: Text<'a>,
}

/// How somebody is signed in, as the identity provider says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session<'a> {
    /// Account that is signed in.
    #[serde(borrow)]
    pub account: Text<'a>,
    /// Name of the network: `office`, `vpn`, `internet`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Text<'a>>,
    /// ISO 3166-1 alpha-2: `CH`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Text<'a>>,
    /// RFC 3339. The newest proof by a second factor.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub mfa_at: Option<Text<'a>>,
    /// RFC 3339, by the server's clock. When it was used; absent: now.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub at: Option<Text<'a>>,
}

/// That somebody approved a change of somebody else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PastReview<'a> {
    /// Account that approved.
    #[serde(borrow)]
    pub reviewer: Text<'a>,
    /// Accounts that contributed.
    #[serde(borrow)]
    pub contributors: Vec<Text<'a>>,
}

/// A list and whether the source gave all of it. An incomplete list is a deny.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Listing_of_{T}"))]
pub struct Listing<T> {
    /// False if the source cut the list off or could not read all of it.
    pub complete: bool,
    /// In the order in which the server recorded them.
    pub items: Vec<T>,
}

impl<T> Default for Listing<T> {
    /// Empty, and not known to be complete.
    fn default() -> Self {
        Listing {
            complete: false,
            items: Vec::new(),
        }
    }
}

/// One human being in the directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Person<'a> {
    /// Unique among people.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// Still employed and not suspended.
    pub active: bool,
    /// RFC 3339. When somebody last confirmed that the roles are still needed.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub access_reviewed_at: Option<Text<'a>>,
    /// Account that confirmed it. Of nobody else, it confirms nothing.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub access_reviewed_by: Option<Text<'a>>,
    /// Names of the roles held.
    #[serde(borrow, default)]
    pub roles: Vec<Text<'a>>,
    /// Names of the teams belonged to.
    #[serde(borrow, default)]
    pub teams: Vec<Text<'a>>,
}

/// One machine in the directory: bot, CI, merge queue, coding agent, the forge itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Machine<'a> {
    /// Unique among machines.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// `ci`, `bot`, `agent`, `forge`, ...
    #[serde(borrow)]
    pub kind: Text<'a>,
    /// Names of the roles held.
    #[serde(borrow, default)]
    pub roles: Vec<Text<'a>>,
    /// Ids of the people who can change its code or use its credentials. What
    /// the machine contributes, they contribute.
    #[serde(borrow, default)]
    pub owners: Vec<Text<'a>>,
}

/// An account and who is behind it: exactly one of `person` and `machine`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("oneOf" = [
    { "required": ["person"], "properties": { "person": { "type": "string" } } },
    { "required": ["machine"], "properties": { "machine": { "type": "string" } } },
])))]
pub struct Account<'a> {
    /// `github:octocat`, `email:ana@bank.example`: the issuer, a colon, the id
    /// there. Compared byte for byte, but ASCII case does not matter after `email:`.
    #[serde(borrow)]
    pub account: Text<'a>,
    /// Id of a person.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Text<'a>>,
    /// Id of a machine.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Text<'a>>,
}

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

/// Something built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Artifact<'a> {
    /// `sha256:` and 64 hex digits; unique among artifacts.
    #[serde(borrow)]
    pub digest: Text<'a>,
    /// Repository of the source, by its provenance.
    #[serde(borrow)]
    pub repository: Text<'a>,
    /// Commit that it was built from, by its provenance.
    #[serde(borrow)]
    pub revision: Text<'a>,
    /// Account of the builder, by its provenance.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<Text<'a>>,
    /// Branch that it was built from, by its provenance.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<Text<'a>>,
    /// Withdrawn by its owners. Absent if the source does not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yanked: Option<bool>,
    /// What is known against it. Absent if nobody looked.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub vulnerabilities: Option<Listing<Vulnerability<'a>>>,
}

/// Where artifacts are deployed to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Environment<'a> {
    /// Unique among environments.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// `development`, `test`, `staging`, `production`.
    #[serde(borrow)]
    pub tier: Text<'a>,
    /// What was deployed there, first to last, as the environment recorded it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Listing<Deployed<'a>>>,
}

/// A deployment that was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deployed<'a> {
    /// Digest of the artifact.
    #[serde(borrow)]
    pub artifact: Text<'a>,
    /// Account that carried it out.
    #[serde(borrow)]
    pub account: Text<'a>,
}

/// A known vulnerability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Vulnerability<'a> {
    /// `CVE-2026-0001`
    #[serde(borrow)]
    pub id: Text<'a>,
    /// `low`, `medium`, `high`, `critical`, as the source rates it.
    #[serde(borrow)]
    pub severity: Text<'a>,
}

/// One artifact on its way to one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deployment<'a> {
    /// Unique among deployments.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// Id of an environment.
    #[serde(borrow)]
    pub environment: Text<'a>,
    /// Digest of an artifact.
    #[serde(borrow)]
    pub artifact: Text<'a>,
    /// Account that asked for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<Text<'a>>,
    /// The commit that is live there now; absent if nothing is.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Text<'a>>,
    /// Commits reachable from `live` that are parents of listed commits.
    #[serde(borrow, default)]
    pub boundary: Vec<Text<'a>>,
    /// RFC 3339, by the server's clock. When approval was asked for.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub requested_at: Option<Text<'a>>,
    /// Ids of every change between what is live and the artifact.
    #[serde(borrow)]
    pub changes: Listing<Text<'a>>,
    /// Every sign-off, first to last.
    #[serde(borrow)]
    pub approvals: Listing<DeploymentApproval<'a>>,
}

/// A sign-off of a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeploymentApproval<'a> {
    /// Account that gave it.
    #[serde(borrow)]
    pub account: Text<'a>,
    /// Where it stands.
    pub state: ApprovalState,
    /// Digest of the artifact that it was given for.
    #[serde(borrow)]
    pub artifact: Text<'a>,
    /// Id of the environment that it was given for.
    #[serde(borrow)]
    pub environment: Text<'a>,
    /// The action that it was given for: `deploy`, `rollback`. Absent: any.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Text<'a>>,
    /// Account that dismissed it, where `state` still says what it was.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub dismissed_by: Option<Text<'a>>,
    /// Its text was changed after it was given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
    /// How the one who gave it was signed in.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session<'a>>,
    /// RFC 3339. It does not stand from then on.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub expires_at: Option<Text<'a>>,
}

object::objects_only! {
    ['de, T: Deserialize<'de>] [T: Serialize] Listing<T>;
    ['de: 'a, 'a] ['a] Evidence<'a>;
    ['de: 'a, 'a] ['a] Person<'a>;
    ['de: 'a, 'a] ['a] Machine<'a>;
    ['de: 'a, 'a] ['a] Account<'a>;
    ['de: 'a, 'a] ['a] Commit<'a>;
    ['de: 'a, 'a] ['a] Signature<'a>;
    ['de: 'a, 'a] ['a] Change<'a>;
    ['de: 'a, 'a] ['a] Push<'a>;
    ['de: 'a, 'a] ['a] OwnedPath<'a>;
    ['de: 'a, 'a] ['a] PastReview<'a>;
    ['de: 'a, 'a] ['a] Session<'a>;
    ['de: 'a, 'a] ['a] OnCall<'a>;
    ['de: 'a, 'a] ['a] Incident<'a>;
    ['de: 'a, 'a] ['a] Grant<'a>;
    ['de: 'a, 'a] ['a] Vulnerability<'a>;
    ['de: 'a, 'a] ['a] Deployed<'a>;
    ['de: 'a, 'a] ['a] Check<'a>;
    ['de: 'a, 'a] ['a] Iteration<'a>;
    ['de: 'a, 'a] ['a] ChangeApproval<'a>;
    ['de: 'a, 'a] ['a] File<'a>;
    ['de: 'a, 'a] ['a] Artifact<'a>;
    ['de: 'a, 'a] ['a] Environment<'a>;
    ['de: 'a, 'a] ['a] Deployment<'a>;
    ['de: 'a, 'a] ['a] DeploymentApproval<'a>;
}
