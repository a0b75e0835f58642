/** Made from docs/schema/evidence.schema.json by scripts/types.js. */

/**
 * An account and who is behind it: exactly one of `person` and `machine`.
 */
export type Account = {
  /**
   * `github:octocat`, `email:ana@bank.example`: the issuer, a colon, the id
   * there. Compared byte for byte, but ASCII case does not matter after `email:`.
   */
  account: string;
  /**
   * Id of a person.
   */
  person?: string | null;
  /**
   * Id of a machine.
   */
  machine?: string | null;
  [k: string]: unknown;
} & Account1;
export type Account1 =
  | {
      person: string;
      [k: string]: unknown;
    }
  | {
      machine: string;
      [k: string]: unknown;
    };

/**
 * Everything observed that bears on one decision.
 */
export interface Evidence {
  /**
   * The directory's human beings.
   */
  people?: Person[];
  /**
   * The directory's machines.
   */
  machines?: Machine[];
  /**
   * Which account belongs to whom. An account not listed belongs to nobody.
   */
  accounts?: Account[];
  commits?: ListingOf_Commit;
  /**
   * Changes under review or shipped.
   */
  changes?: Change[];
  /**
   * Artifacts by digest.
   */
  artifacts?: Artifact[];
  /**
   * Where artifacts are deployed to.
   */
  environments?: Environment[];
  /**
   * Deployments asked for.
   */
  deployments?: Deployment[];
  /**
   * Roles given for a time, first to last.
   */
  grants?: ListingOf_Grant | null;
  /**
   * Incidents that grants name.
   */
  incidents?: Incident[];
  /**
   * Who is on call when.
   */
  on_call?: OnCall[];
  /**
   * How the one who asks is signed in.
   */
  session?: Session | null;
  /**
   * Reviews of other changes, in the time that the collector looks back.
   */
  past_reviews?: ListingOf_PastReview | null;
  [k: string]: unknown;
}
/**
 * One human being in the directory.
 */
export interface Person {
  /**
   * Unique among people.
   */
  id: string;
  /**
   * Still employed and not suspended.
   */
  active: boolean;
  /**
   * RFC 3339. When somebody last confirmed that the roles are still needed.
   */
  access_reviewed_at?: string | null;
  /**
   * Account that confirmed it. Of nobody else, it confirms nothing.
   */
  access_reviewed_by?: string | null;
  /**
   * Names of the roles held.
   */
  roles?: string[];
  /**
   * Names of the teams belonged to.
   */
  teams?: string[];
  [k: string]: unknown;
}
/**
 * One machine in the directory: bot, CI, merge queue, coding agent, the forge itself.
 */
export interface Machine {
  /**
   * Unique among machines.
   */
  id: string;
  /**
   * `ci`, `bot`, `agent`, `forge`, ...
   */
  kind: string;
  /**
   * Names of the roles held.
   */
  roles?: string[];
  /**
   * Ids of the people who can change its code or use its credentials. What
   * the machine contributes, they contribute.
   */
  owners?: string[];
  [k: string]: unknown;
}
/**
 * The commits that the ranges of changes and deployments speak of, in any
 * order. More than a range needs does no harm: ranges are computed.
 */
export interface ListingOf_Commit {
  /**
   * False if the source cut the list off or could not read all of it.
   */
  complete: boolean;
  /**
   * In the order in which the server recorded them.
   */
  items: Commit[];
  [k: string]: unknown;
}
/**
 * One commit with all of its parents.
 */
export interface Commit {
  /**
   * Object id, lower-case hex.
   */
  id: string;
  /**
   * Object ids of every parent, in order; empty for a root commit.
   */
  parents: string[];
  /**
   * Account of the author line. Claimed, not proven.
   */
  author: string;
  /**
   * Account of the committer line. Claimed, not proven.
   */
  committer: string;
  /**
   * Accounts of the `Co-authored-by` trailers.
   */
  co_authors?: string[];
  /**
   * Accounts that had a machine write it: who prompted the agent, whose
   * token the pipeline used. Contributors.
   */
  on_behalf_of?: string[];
  /**
   * The signature, if there is one.
   */
  signature?: Signature | null;
  /**
   * Object id of its tree: all of its content.
   */
  tree?: string | null;
  /**
   * For a merge: object id of the tree that the collector got by merging
   * the parents afresh. Absent if that gives a conflict, or was not tried.
   */
  merged_tree?: string | null;
  [k: string]: unknown;
}
/**
 * A signature on a commit.
 */
export interface Signature {
  /**
   * `openpgp`, `ssh`, `x509`.
   */
  format: string;
  /**
   * The collector checked it against a key that it trusts.
   */
  verified: boolean;
  /**
   * Account that the key belongs to. If present it is a contributor.
   */
  signer?: string | null;
  [k: string]: unknown;
}
/**
 * A pull request, merge request, or plain range of commits on its way to a branch.
 */
export interface Change {
  /**
   * Unique among changes: `bank/payments#42`.
   */
  id: string;
  /**
   * `bank/payments`
   */
  repository: string;
  /**
   * The branch it goes to: `main`.
   */
  target: string;
  /**
   * Commit of the target branch that it is compared with.
   */
  base: string;
  /**
   * Its newest commit.
   */
  head: string;
  /**
   * Object id of the tree of `head`: all of its content.
   */
  tree?: string | null;
  /**
   * `git patch-id --verbatim` of the difference between base and head.
   */
  patch_id?: string | null;
  /**
   * Account that opened it, as the server saw it. A contributor.
   */
  opened_by?: string | null;
  /**
   * Every head that it ever had, first to last, before squashes and rebases
   * too. Absent if the source does not keep them.
   */
  iterations?: ListingOf_Iteration | null;
  /**
   * Results of checks, first to last. Absent if the source has none.
   */
  checks?: ListingOf_Check | null;
  /**
   * Commits reachable from `base` that are parents of listed commits
   * (`git rev-list --boundary`). A parent that is neither listed nor here
   * makes the evidence incomplete.
   */
  boundary?: string[];
  /**
   * The commit that brought it into the target branch, once merged.
   */
  merge_commit?: string | null;
  /**
   * Object id of the tree that the collector got by merging `head` into the
   * only parent of `merge_commit` afresh, where that was a squash. Absent
   * if that gives a conflict, or was not tried.
   */
  merged_tree?: string | null;
  /**
   * Every push to it as the server saw it, first to last. Absent if the
   * source cannot observe pushes, which policies see as `pushes_observed`.
   */
  pushes?: ListingOf_Push | null;
  /**
   * RFC 3339, by the server's clock. When approval was asked for.
   */
  requested_at?: string | null;
  /**
   * Every file, and who owns it by the base's own list of owners.
   */
  owners?: ListingOf_OwnedPath | null;
  approvals: ListingOf_ChangeApproval;
  files: ListingOf_File;
  [k: string]: unknown;
}
/**
 * A list and whether the source gave all of it. An incomplete list is a deny.
 */
export interface ListingOf_Iteration {
  /**
   * False if the source cut the list off or could not read all of it.
   */
  complete: boolean;
  /**
   * In the order in which the server recorded them.
   */
  items: Iteration[];
  [k: string]: unknown;
}
/**
 * What a change was at one time: the commits that `head` reaches and `base` does not.
 */
export interface Iteration {
  /**
   * Commit of the target branch that it was compared with.
   */
  base: string;
  /**
   * Its newest commit then.
   */
  head: string;
  /**
   * Commits reachable from `base` that are parents of listed commits.
   */
  boundary?: string[];
  [k: string]: unknown;
}
/**
 * A list and whether the source gave all of it. An incomplete list is a deny.
 */
export interface ListingOf_Check {
  /**
   * False if the source cut the list off or could not read all of it.
   */
  complete: boolean;
  /**
   * In the order in which the server recorded them.
   */
  items: Check[];
  [k: string]: unknown;
}
/**
 * The result of a check: a build, tests, a scan.
 */
export interface Check {
  /**
   * Its name at the source: `build`, `tests`.
   */
  name: string;
  /**
   * Commit that it ran on.
   */
  head: string;
  /**
   * How it ended.
   */
  conclusion: "success" | "failure" | "neutral" | "pending";
  /**
   * Account that reported it.
   */
  account: string;
  [k: string]: unknown;
}
/**
 * A list and whether the source gave all of it. An incomplete list is a deny.
 */
export interface ListingOf_Push {
  /**
   * False if the source cut the list off or could not read all of it.
   */
  complete: boolean;
  /**
   * In the order in which the server recorded them.
   */
  items: Push[];
  [k: string]: unknown;
}
/**
 * A push as the server saw it.
 */
export interface Push {
  /**
   * Authenticated account that pushed.
   */
  account: string;
  /**
   * Head of the change after the push.
   */
  head: string;
  /**
   * Accounts on whose behalf a machine pushed. Contributors.
   */
  on_behalf_of?: string[];
  [k: string]: unknown;
}
/**
 * A list and whether the source gave all of it. An incomplete list is a deny.
 */
export interface ListingOf_OwnedPath {
  /**
   * False if the source cut the list off or could not read all of it.
   */
  complete: boolean;
  /**
   * In the order in which the server recorded them.
   */
  items: OwnedPath[];
  [k: string]: unknown;
}
/**
 * A file and its owners; nobody, if both lists are empty.
 */
export interface OwnedPath {
  /**
   * Path in the repository.
   */
  path: string;
  /**
   * Accounts of owners; one of them has to sign.
   */
  accounts?: string[];
  /**
   * Teams that own it; one of their members will do.
   */
  teams?: string[];
  [k: string]: unknown;
}
/**
 * Every review, first to last.
 */
export interface ListingOf_ChangeApproval {
  /**
   * False if the source cut the list off or could not read all of it.
   */
  complete: boolean;
  /**
   * In the order in which the server recorded them.
   */
  items: ChangeApproval[];
  [k: string]: unknown;
}
/**
 * A review of a change.
 */
export interface ChangeApproval {
  /**
   * Account that gave it.
   */
  account: string;
  /**
   * Where it stands.
   */
  state: "approved" | "dismissed" | "changes-requested" | "commented";
  /**
   * Repository that it was given in.
   */
  repository: string;
  /**
   * Target branch at the time.
   */
  target: string;
  /**
   * Head at the time.
   */
  head: string;
  /**
   * Tree of that head, for packs in which an approval stands for content.
   */
  tree?: string | null;
  /**
   * Patch id of that head against the base at the time.
   */
  patch_id?: string | null;
  /**
   * Account that dismissed it, where `state` still says what it was.
   */
  dismissed_by?: string | null;
  /**
   * Its text was changed after it was given.
   */
  edited?: boolean;
  /**
   * How the one who gave it was signed in.
   */
  session?: Session | null;
  /**
   * Seconds between the arrival of that head and the approval, by the server's clock.
   */
  after_seconds?: number | null;
  /**
   * RFC 3339. It does not stand from then on.
   */
  expires_at?: string | null;
  [k: string]: unknown;
}
/**
 * How somebody is signed in, as the identity provider says.
 */
export interface Session {
  /**
   * Account that is signed in.
   */
  account: string;
  /**
   * Name of the network: `office`, `vpn`, `internet`.
   */
  network?: string | null;
  /**
   * ISO 3166-1 alpha-2: `CH`.
   */
  country?: string | null;
  /**
   * RFC 3339. The newest proof by a second factor.
   */
  mfa_at?: string | null;
  /**
   * RFC 3339, by the server's clock. When it was used; absent: now.
   */
  at?: string | null;
  [k: string]: unknown;
}
/**
 * Every file that differs between base and head.
 */
export interface ListingOf_File {
  /**
   * False if the source cut the list off or could not read all of it.
   */
  complete: boolean;
  /**
   * In the order in which the server recorded them.
   */
  items: File[];
  [k: string]: unknown;
}
/**
 * A file that differs between base and head.
 */
export interface File {
  /**
   * Path in the repository, `/` between its parts.
   */
  path: string;
  /**
   * How it differs.
   */
  status: "added" | "modified" | "deleted" | "renamed" | "copied";
  /**
   * Git file mode after (before, if deleted), six octal digits: `100644`, `100755`, `120000`, `160000`.
   */
  mode: string;
  /**
   * Mode before, where it differs.
   */
  old_mode?: string | null;
  /**
   * Path before, where it differs.
   */
  old_path?: string | null;
  [k: string]: unknown;
}
/**
 * Something built.
 */
export interface Artifact {
  /**
   * `sha256:` and 64 hex digits; unique among artifacts.
   */
  digest: string;
  /**
   * Repository of the source, by its provenance.
   */
  repository: string;
  /**
   * Commit that it was built from, by its provenance.
   */
  revision: string;
  /**
   * Account of the builder, by its provenance.
   */
  builder?: string | null;
  /**
   * Branch that it was built from, by its provenance.
   */
  branch?: string | null;
  /**
   * Withdrawn by its owners. Absent if the source does not record it.
   */
  yanked?: boolean | null;
  /**
   * What is known against it. Absent if nobody looked.
   */
  vulnerabilities?: ListingOf_Vulnerability | null;
  [k: string]: unknown;
}
/**
 * A list and whether the source gave all of it. An incomplete list is a deny.
 */
export interface ListingOf_Vulnerability {
  /**
   * False if the source cut the list off or could not read all of it.
   */
  complete: boolean;
  /**
   * In the order in which the server recorded them.
   */
  items: Vulnerability[];
  [k: string]: unknown;
}
/**
 * A known vulnerability.
 */
export interface Vulnerability {
  /**
   * `CVE-2026-0001`
   */
  id: string;
  /**
   * `low`, `medium`, `high`, `critical`, as the source rates it.
   */
  severity: string;
  [k: string]: unknown;
}
/**
 * Where artifacts are deployed to.
 */
export interface Environment {
  /**
   * Unique among environments.
   */
  id: string;
  /**
   * `development`, `test`, `staging`, `production`.
   */
  tier: string;
  /**
   * What was deployed there, first to last, as the environment recorded it.
   */
  history?: ListingOf_Deployed | null;
  [k: string]: unknown;
}
/**
 * A list and whether the source gave all of it. An incomplete list is a deny.
 */
export interface ListingOf_Deployed {
  /**
   * False if the source cut the list off or could not read all of it.
   */
  complete: boolean;
  /**
   * In the order in which the server recorded them.
   */
  items: Deployed[];
  [k: string]: unknown;
}
/**
 * A deployment that was.
 */
export interface Deployed {
  /**
   * Digest of the artifact.
   */
  artifact: string;
  /**
   * Account that carried it out.
   */
  account: string;
  [k: string]: unknown;
}
/**
 * One artifact on its way to one environment.
 */
export interface Deployment {
  /**
   * Unique among deployments.
   */
  id: string;
  /**
   * Id of an environment.
   */
  environment: string;
  /**
   * Digest of an artifact.
   */
  artifact: string;
  /**
   * Account that asked for it.
   */
  requester?: string | null;
  /**
   * The commit that is live there now; absent if nothing is.
   */
  live?: string | null;
  /**
   * Commits reachable from `live` that are parents of listed commits.
   */
  boundary?: string[];
  /**
   * RFC 3339, by the server's clock. When approval was asked for.
   */
  requested_at?: string | null;
  changes: ListingOfString;
  approvals: ListingOf_DeploymentApproval;
  [k: string]: unknown;
}
/**
 * Ids of every change between what is live and the artifact.
 */
export interface ListingOfString {
  /**
   * False if the source cut the list off or could not read all of it.
   */
  complete: boolean;
  /**
   * In the order in which the server recorded them.
   */
  items: string[];
  [k: string]: unknown;
}
/**
 * Every sign-off, first to last.
 */
export interface ListingOf_DeploymentApproval {
  /**
   * False if the source cut the list off or could not read all of it.
   */
  complete: boolean;
  /**
   * In the order in which the server recorded them.
   */
  items: DeploymentApproval[];
  [k: string]: unknown;
}
/**
 * A sign-off of a deployment.
 */
export interface DeploymentApproval {
  /**
   * Account that gave it.
   */
  account: string;
  /**
   * Where it stands.
   */
  state: "approved" | "dismissed" | "changes-requested" | "commented";
  /**
   * Digest of the artifact that it was given for.
   */
  artifact: string;
  /**
   * Id of the environment that it was given for.
   */
  environment: string;
  /**
   * The action that it was given for: `deploy`, `rollback`. Absent: any.
   */
  action?: string | null;
  /**
   * Account that dismissed it, where `state` still says what it was.
   */
  dismissed_by?: string | null;
  /**
   * Its text was changed after it was given.
   */
  edited?: boolean;
  /**
   * How the one who gave it was signed in.
   */
  session?: Session | null;
  /**
   * RFC 3339. It does not stand from then on.
   */
  expires_at?: string | null;
  [k: string]: unknown;
}
/**
 * A list and whether the source gave all of it. An incomplete list is a deny.
 */
export interface ListingOf_Grant {
  /**
   * False if the source cut the list off or could not read all of it.
   */
  complete: boolean;
  /**
   * In the order in which the server recorded them.
   */
  items: Grant[];
  [k: string]: unknown;
}
/**
 * A role given to a person for a time.
 */
export interface Grant {
  /**
   * Unique among grants.
   */
  id: string;
  /**
   * Id of the person who holds it.
   */
  person: string;
  /**
   * Name of the role.
   */
  role: string;
  /**
   * Account that gave it.
   */
  granted_by: string;
  /**
   * RFC 3339. Held from then on.
   */
  from: string;
  /**
   * RFC 3339. Not held from then on.
   */
  until: string;
  /**
   * RFC 3339. Taken back before its time: not held from then on.
   */
  revoked_at?: string | null;
  /**
   * What it was given for, in words.
   */
  reason?: string | null;
  /**
   * Id of the incident that it was given for.
   */
  incident?: string | null;
  /**
   * Account that reviewed its use afterwards.
   */
  reviewed_by?: string | null;
  [k: string]: unknown;
}
/**
 * Something that went wrong.
 */
export interface Incident {
  /**
   * Unique among incidents.
   */
  id: string;
  /**
   * Not resolved yet.
   */
  open: boolean;
  [k: string]: unknown;
}
/**
 * A shift.
 */
export interface OnCall {
  /**
   * Id of the person.
   */
  person: string;
  /**
   * RFC 3339. On call from then on.
   */
  from: string;
  /**
   * RFC 3339. Not on call from then on.
   */
  until: string;
  [k: string]: unknown;
}
/**
 * A list and whether the source gave all of it. An incomplete list is a deny.
 */
export interface ListingOf_PastReview {
  /**
   * False if the source cut the list off or could not read all of it.
   */
  complete: boolean;
  /**
   * In the order in which the server recorded them.
   */
  items: PastReview[];
  [k: string]: unknown;
}
/**
 * That somebody approved a change of somebody else.
 */
export interface PastReview {
  /**
   * Account that approved.
   */
  reviewer: string;
  /**
   * Accounts that contributed.
   */
  contributors: string[];
  [k: string]: unknown;
}
