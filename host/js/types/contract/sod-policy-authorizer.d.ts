/** @module Interface sod:policy/authorizer@0.1.0 **/
/**
 * Decide one request.
 */
export function decide(request: Request): Verdict;
/**
 * Decide many requests in order, each as `decide` would by itself.
 */
export function decideBatch(requests: Array<Request>): Array<Result<Verdict, Fault>>;
/**
 * Say what this component is.
 */
export function describe(): Description;
/**
 * Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
 */
export type Timestamp = bigint;
/**
 * A Cedar entity, for example `Person::"ana"`.
 */
export interface EntityUid {
  /**
   * Entity type, with its namespace if it has one: `Person`, `Bank::Person`.
   */
  type: string,
  /**
   * Entity id, unescaped, without quotes.
   */
  id: string,
}
/**
 * One question: may `principal` do `action` to `resource` now?
 *
 * A pack is of one of two modes, and says so in `describe`:
 *
 * - `evidence`: pass `now` and `evidence`. `entities` and `context` are
 *   only for what the pack's own schema adds to the base schema.
 * - `cedar`: a plain Cedar request with the pack's own schema. Pass
 *   `entities` and `context` as Cedar's JSON formats; no `evidence`.
 */
export interface Request {
  /**
   * Who asks. In mode `evidence` the type is `Person`, `Machine`, or
   * `Account` (`github:octocat`, `email:ana@bank.example`), which the
   * component resolves through the directory in the evidence.
   */
  principal: EntityUid,
  /**
   * What they want to do: `Action::"merge"`.
   */
  action: EntityUid,
  /**
   * What they want to do it to: `Change::"bank/payments#42"`.
   */
  resource: EntityUid,
  /**
   * The time of the decision. A component has no clock of its own.
   */
  now?: Timestamp,
  /**
   * Raw evidence as JSON, as collected and not summarised; its format
   * is in docs/facts.md. At most 128 levels of nesting.
   */
  evidence?: string,
  /**
   * Cedar entities as JSON: an array of `{uid, attrs, parents}`.
   */
  entities?: string,
  /**
   * Cedar context as JSON: an object.
   */
  context?: string,
}
/**
 * What was decided.
 * # Variants
 *
 * ## `"allow"`
 *
 * Go ahead.
 * ## `"deny"`
 *
 * Do not.
 */
export type Effect = 'allow' | 'deny';
/**
 * An annotation that a policy's author wrote: `@control("SOX ITGC")`.
 */
export interface Annotation {
  /**
   * `control`
   */
  name: string,
  /**
   * `SOX ITGC`; empty if the annotation has no value.
   */
  value: string,
}
/**
 * One reason for the effect.
 */
export interface Reason {
  /**
   * Stable, kebab-case, listed in docs/facts.md. Hosts must expect
   * codes that they do not know.
   */
  code: string,
  /**
   * `@id` of the policy, where one policy is the reason.
   */
  policy?: string,
  /**
   * In plain words.
   */
  message: string,
  /**
   * Annotations of that policy but `@id`, sorted by name.
   */
  annotations: Array<Annotation>,
}
/**
 * A need of a quorum that is not met, and whose policies it holds back.
 */
export interface Missing {
  /**
   * Name of the quorum in pack.toml.
   */
  quorum: string,
  /**
   * The change or deployment that lacks it.
   */
  resource: EntityUid,
  /**
   * The role whose signature is missing.
   */
  role: string,
  /**
   * How many more different people are needed in this role.
   */
  count: number,
  /**
   * Ids of people of the directory who could fill it: they hold the
   * role, the pack's `approve` rules permit them, and they have not
   * been counted yet. Sorted; at most 50.
   */
  candidates: Array<string>,
  /**
   * There are more candidates than listed.
   */
  moreCandidates: boolean,
}
/**
 * What became of one approval in the evidence.
 */
export interface Approval {
  /**
   * The change or deployment that it was found on.
   */
  resource: EntityUid,
  /**
   * Its position in that resource's list, from 0.
   */
  index: number,
  /**
   * The account that gave it.
   */
  account: string,
  /**
   * The person behind that account, if there is one.
   */
  person?: string,
  /**
   * `counted`, or the code why not.
   */
  code: string,
  /**
   * Ids of the policies that refused the approver (code `not-permitted`).
   */
  policies: Array<string>,
}
/**
 * What a host must do if it acts on the verdict: the value of
 * `@obligation` on a policy that determined it.
 */
export interface Obligation {
  /**
   * `@id` of the policy.
   */
  policy: string,
  /**
   * The value of its `@obligation`.
   */
  obligation: string,
}
/**
 * The answer, complete enough to be the audit record.
 */
export interface Verdict {
  /**
   * Allow or deny. Nothing else in the record changes this.
   */
  effect: Effect,
  /**
   * Why. Never empty.
   */
  reasons: Array<Reason>,
  /**
   * What would have to be added. Empty on allow.
   */
  missing: Array<Missing>,
  /**
   * Every approval in the evidence that concerns the resource.
   */
  approvals: Array<Approval>,
  /**
   * What the host must do besides.
   */
  obligations: Array<Obligation>,
  /**
   * What in the evidence was not understood and had no part in this:
   * the path of each field that the engine does not know.
   */
  warnings: Array<string>,
  /**
   * `sha256:` and 64 hex digits: the policies, schema and quorums.
   */
  policyDigest: string,
  /**
   * `sha256:` and 64 hex digits over `evidence`, `entities` and
   * `context`, each as a little-endian 64-bit length (2^64-1 where
   * absent) and its bytes.
   */
  evidenceDigest: string,
}
/**
 * Why no verdict could be reached at all.
 * # Variants
 *
 * ## `"invalid-request"`
 *
 * The request is not of the form that this pack takes.
 * ## `"limit"`
 *
 * The request goes beyond a fixed bound of the component.
 * ## `"internal"`
 *
 * A defect of the component.
 */
export type FaultKind = 'invalid-request' | 'limit' | 'internal';
/**
 * A request that could not be decided. A deny.
 */
export interface Fault {
  /**
   * Which of the closed set.
   */
  kind: FaultKind,
  /**
   * What is wrong, where, and what to do about it.
   */
  message: string,
}
/**
 * Whether the component takes evidence or plain Cedar requests.
 * # Variants
 *
 * ## `"evidence"`
 *
 * Facts are derived from raw evidence.
 * ## `"cedar"`
 *
 * Plain Cedar requests; a policy error still denies.
 */
export type Mode = 'evidence' | 'cedar';
/**
 * One policy of the pack.
 */
export interface PolicyInfo {
  /**
   * `@id`
   */
  id: string,
  /**
   * Name of the pack that it comes from.
   */
  pack: string,
  /**
   * What it does when it applies.
   */
  effect: Effect,
  /**
   * Its annotations but `@id`, sorted by name.
   */
  annotations: Array<Annotation>,
  /**
   * `sha256:` and 64 hex digits of its Cedar text.
   */
  digest: string,
}
/**
 * One need of a quorum.
 */
export interface Need {
  /**
   * A role.
   */
  role: string,
  /**
   * How many different people.
   */
  count: number,
}
/**
 * One quorum of the pack.
 */
export interface QuorumInfo {
  /**
   * `context.quorum.<name>` in policies.
   */
  name: string,
  /**
   * `change` or `deployment`: whose approvals are counted.
   */
  of: string,
  /**
   * Different people by role.
   */
  needs: Array<Need>,
}
/**
 * One action of the pack's schema.
 */
export interface ActionInfo {
  /**
   * `Action::"merge"`
   */
  action: EntityUid,
  /**
   * Types that may do it, sorted.
   */
  principals: Array<string>,
  /**
   * Types that it may be done to, sorted.
   */
  resources: Array<string>,
}
/**
 * What a component is.
 */
export interface Description {
  /**
   * Name of the pack.
   */
  name: string,
  /**
   * Version of the pack.
   */
  version: string,
  /**
   * Version of the engine inside.
   */
  engine: string,
  /**
   * Which requests it takes.
   */
  mode: Mode,
  /**
   * As in every verdict.
   */
  policyDigest: string,
  /**
   * Sorted by id.
   */
  policies: Array<PolicyInfo>,
  /**
   * Sorted by name.
   */
  quorums: Array<QuorumInfo>,
  /**
   * Sorted by action. Groups of actions are left out: nobody does them.
   */
  actions: Array<ActionInfo>,
}
export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
