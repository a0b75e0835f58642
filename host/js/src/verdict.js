/** The answer, once it has been found credible. As JSON it is byte for byte what the Rust host writes. */

/**
 * @typedef {import("./entity.js").Entity} Entity
 * @typedef {"allow" | "deny"} Effect
 */

/**
 * @typedef {object} Reason one reason for the effect
 * @property {string} code stable and kebab-case: the component's (docs/facts.md) or the host's
 * @property {string | null} policy `@id` of the policy, where one policy is the reason
 * @property {string} message in plain words
 * @property {Record<string, string>} annotations the policy's annotations but `@id`
 */

/**
 * @typedef {object} Missing a need of a quorum that is not met
 * @property {string} quorum its name
 * @property {Entity} resource the change or deployment that lacks it
 * @property {string} role the role whose signature is missing
 * @property {number} count how many more different people
 * @property {string[]} candidates ids of people who could fill it, sorted, at most 50
 * @property {boolean} more_candidates there are more than listed
 */

/**
 * @typedef {object} Approval what became of one approval in the evidence
 * @property {Entity} resource the change or deployment that it was found on
 * @property {number} index position in that resource's list, from 0
 * @property {string} account the account that gave it
 * @property {string | null} person the person behind it
 * @property {string} code `counted`, or the code why not
 * @property {string[]} policies policies that refused the approver
 */

/**
 * @typedef {object} Obligation what the host must do if it acts on the verdict
 * @property {string} policy `@id` of the policy
 * @property {string} obligation the value of its `@obligation`
 */

/**
 * @typedef {object} Verdict the whole answer, complete enough to be the audit record; only `"allow"` is permission
 * @property {Effect} effect
 * @property {Reason[]} reasons why; never empty
 * @property {Missing[]} missing what would have to be added
 * @property {Approval[]} approvals what became of every approval that concerns the resource
 * @property {Obligation[]} obligations what the host must do besides
 * @property {string[]} warnings fields of the evidence, by path, that the engine does not know
 * @property {string} policy_digest digest of policies, schema and quorums
 * @property {string} evidence_digest digest of evidence, entities and context
 */

/**
 * @typedef {object} Description what a component says that it is
 * @property {string} name
 * @property {string} version
 * @property {string} engine
 * @property {"evidence" | "cedar"} mode which requests it takes
 * @property {string} policy_digest
 * @property {{ id: string, pack: string, effect: Effect, annotations: Record<string, string>, digest: string }[]} policies
 * @property {{ name: string, of: string, needs: { role: string, count: number }[] }[]} quorums
 * @property {{ action: Entity, principals: string[], resources: string[] }[]} actions
 */

/**
 * The deny that an error becomes.
 *
 * @param {import("./errors.js").DecideError} error
 * @param {string} policyDigest
 * @param {string} evidenceDigest
 * @returns {Verdict}
 */
export function refusal(error, policyDigest, evidenceDigest) {
    return {
        effect: "deny",
        reasons: [{ code: error.code, policy: null, message: error.message, annotations: {} }],
        missing: [],
        approvals: [],
        obligations: [],
        warnings: [],
        policy_digest: policyDigest,
        evidence_digest: evidenceDigest,
    };
}
