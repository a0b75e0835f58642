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
export function refusal(error: import("./errors.js").DecideError, policyDigest: string, evidenceDigest: string): Verdict;
export type Entity = import("./entity.js").Entity;
export type Effect = "allow" | "deny";
/**
 * one reason for the effect
 */
export type Reason = {
    /**
     * stable and kebab-case: the component's (docs/facts.md) or the host's
     */
    code: string;
    /**
     * `@id` of the policy, where one policy is the reason
     */
    policy: string | null;
    /**
     * in plain words
     */
    message: string;
    /**
     * the policy's annotations but `@id`
     */
    annotations: Record<string, string>;
};
/**
 * a need of a quorum that is not met
 */
export type Missing = {
    /**
     * its name
     */
    quorum: string;
    /**
     * the change or deployment that lacks it
     */
    resource: Entity;
    /**
     * the role whose signature is missing
     */
    role: string;
    /**
     * how many more different people
     */
    count: number;
    /**
     * ids of people who could fill it, sorted, at most 50
     */
    candidates: string[];
    /**
     * there are more than listed
     */
    more_candidates: boolean;
};
/**
 * what became of one approval in the evidence
 */
export type Approval = {
    /**
     * the change or deployment that it was found on
     */
    resource: Entity;
    /**
     * position in that resource's list, from 0
     */
    index: number;
    /**
     * the account that gave it
     */
    account: string;
    /**
     * the person behind it
     */
    person: string | null;
    /**
     * `counted`, or the code why not
     */
    code: string;
    /**
     * policies that refused the approver
     */
    policies: string[];
};
/**
 * what the host must do if it acts on the verdict
 */
export type Obligation = {
    /**
     * `@id` of the policy
     */
    policy: string;
    /**
     * the value of its `@obligation`
     */
    obligation: string;
};
/**
 * the whole answer, complete enough to be the audit record; only `"allow"` is permission
 */
export type Verdict = {
    effect: Effect;
    /**
     * why; never empty
     */
    reasons: Reason[];
    /**
     * what would have to be added
     */
    missing: Missing[];
    /**
     * what became of every approval that concerns the resource
     */
    approvals: Approval[];
    /**
     * what the host must do besides
     */
    obligations: Obligation[];
    /**
     * fields of the evidence, by path, that the engine does not know
     */
    warnings: string[];
    /**
     * digest of policies, schema and quorums
     */
    policy_digest: string;
    /**
     * digest of evidence, entities and context
     */
    evidence_digest: string;
};
/**
 * what a component says that it is
 */
export type Description = {
    name: string;
    version: string;
    engine: string;
    /**
     * which requests it takes
     */
    mode: "evidence" | "cedar";
    policy_digest: string;
    policies: {
        id: string;
        pack: string;
        effect: Effect;
        annotations: Record<string, string>;
        digest: string;
    }[];
    quorums: {
        name: string;
        of: string;
        needs: {
            role: string;
            count: number;
        }[];
    }[];
    actions: {
        action: Entity;
        principals: string[];
        resources: string[];
    }[];
};
