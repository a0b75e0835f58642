/**
 * From what a component returned to what the host believes: host/runtime/src/answer.rs.
 *
 * A component is sandboxed, not trusted. Whatever in its answer can be checked without knowing the policies is
 * checked here, and an answer that fails a check is no answer.
 */

import { INVALID_ANSWER } from "./code.js";
import { isDigest } from "./digest.js";
import { DecideError } from "./errors.js";

/**
 * @typedef {import("../types/contract/sod-policy-authorizer.js").Verdict} GuestVerdict
 * @typedef {import("../types/contract/sod-policy-authorizer.js").Description} GuestDescription
 * @typedef {import("../types/contract/sod-policy-authorizer.js").Annotation} Annotation
 * @typedef {import("./verdict.js").Verdict} Verdict
 * @typedef {import("./verdict.js").Description} Description
 */

/**
 * @param {string} problem
 * @returns {never}
 */
function doubt(problem) {
    throw new DecideError(INVALID_ANSWER, `the component's answer is invalid: ${problem}`);
}

/**
 * A verdict on a request with this evidence digest by the component so described.
 *
 * @param {GuestVerdict} answer
 * @param {string} evidenceDigest
 * @param {Description} by
 * @returns {Verdict}
 */
export function verdict(answer, evidenceDigest, by) {
    /** @type {Verdict} */
    const verdict = {
        effect: answer.effect,
        reasons: answer.reasons.map((reason) => ({
            code: code(reason.code),
            policy: reason.policy ?? null,
            message: reason.message,
            annotations: annotations(reason.annotations),
        })),
        missing: answer.missing.map((need) => ({
            quorum: need.quorum,
            resource: uid(need.resource),
            role: need.role,
            count: need.count,
            candidates: need.candidates,
            more_candidates: need.moreCandidates,
        })),
        approvals: answer.approvals.map((approval) => ({
            resource: uid(approval.resource),
            index: approval.index,
            account: approval.account,
            person: approval.person ?? null,
            code: approval.code,
            policies: approval.policies,
        })),
        obligations: answer.obligations.map(({ policy, obligation }) => ({ policy, obligation })),
        warnings: answer.warnings,
        policy_digest: digest(answer.policyDigest, "policy digest"),
        evidence_digest: digest(answer.evidenceDigest, "evidence digest"),
    };
    if (verdict.reasons.length === 0) doubt("it gives no reason");
    if (verdict.policy_digest !== by.policy_digest) {
        doubt("its policy digest is not the one that the component describes itself with");
    }
    if (verdict.evidence_digest !== evidenceDigest) doubt("its evidence digest is not that of the request");
    if (verdict.effect === "allow") allow(verdict, by);
    else if (verdict.effect !== "deny") doubt("it neither allows nor denies");
    return verdict;
}

/**
 * An allow has to follow from a permit, and nothing may stand against it.
 *
 * @param {Verdict} verdict
 * @param {Description} by
 */
function allow(verdict, by) {
    const effect = new Map(by.policies.map((policy) => [policy.id, policy.effect]));
    const effects = verdict.reasons.map((reason) => (reason.policy === null ? undefined : effect.get(reason.policy)));
    if (verdict.missing.length > 0) doubt("it allows although a quorum is not met");
    if (effects.includes("deny")) doubt("it allows and gives a forbid as a reason");
    if (!effects.includes("allow")) doubt("it allows without a permit of this component as a reason");
}

/**
 * @param {GuestDescription} answer
 * @returns {Description}
 */
export function description(answer) {
    const policies = answer.policies.map((policy) => ({
        id: policy.id,
        pack: policy.pack,
        effect: policy.effect,
        annotations: annotations(policy.annotations),
        digest: digest(policy.digest, "digest of a policy"),
    }));
    // Policies are looked up by id when an allow is checked: one that is permit and forbid would be either.
    const sorted = policies.every((policy, at) => at === 0 || before(policies[at - 1]?.id ?? "", policy.id));
    if (!sorted) doubt("its policies are not sorted by id, each id once");
    return {
        name: answer.name,
        version: answer.version,
        engine: answer.engine,
        mode: answer.mode,
        policy_digest: digest(answer.policyDigest, "policy digest"),
        policies,
        quorums: answer.quorums.map(({ name, of, needs }) => ({
            name,
            of,
            needs: needs.map(({ role, count }) => ({ role, count })),
        })),
        actions: answer.actions.map(({ action, principals, resources }) => ({
            action: uid(action),
            principals,
            resources,
        })),
    };
}

/**
 * In the order of UTF-8, which is that of code points and not that of UTF-16.
 *
 * @param {string} a
 * @param {string} b
 */
function before(a, b) {
    const [left, right] = [Array.from(a), Array.from(b)];
    const at = left.findIndex((character, at) => character !== right[at]);
    if (at < 0) return left.length < right.length;
    const [first, second] = [left[at]?.codePointAt(0) ?? 0, right[at]?.codePointAt(0)];
    return second !== undefined && first < second;
}

/** @param {string} text */
function code(text) {
    return /^[a-z0-9-]+$/.test(text) ? text : doubt(`\`${text.slice(0, 80)}\` is no reason code`);
}

/**
 * By name. Cedar's names are identifiers; JavaScript would put others, such as numbers, into an order of its own.
 *
 * @param {Annotation[]} list
 * @returns {Record<string, string>}
 */
function annotations(list) {
    const names = new Set();
    for (const { name } of list) {
        if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) doubt(`\`${name.slice(0, 80)}\` is no annotation's name`);
        if (names.has(name)) doubt(`the annotation \`${name}\` is there twice`);
        names.add(name);
    }
    const sorted = list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return Object.assign(Object.create(null), Object.fromEntries(sorted.map(({ name, value }) => [name, value])));
}

/** @param {{ type: string, id: string }} uid */
const uid = ({ type, id }) => ({ type, id });

/**
 * @param {string} text
 * @param {string} what
 */
function digest(text, what) {
    return isDigest(text) ? text : doubt(`its ${what} is \`${text.slice(0, 80)}\`, no digest`);
}
