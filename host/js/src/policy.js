/** One opened component, and its decisions. */

import * as answer from "./answer.js";
import { INPUT_TOO_LARGE, INVALID_ANSWER, OUTPUT_TOO_LARGE } from "./code.js";
import { digestOfParts } from "./digest.js";
import { DecideError, OpenError } from "./errors.js";
import { DESCRIPTION_BYTES } from "./limits.js";
import { documents, read } from "./request.js";
import { refusal } from "./verdict.js";

/**
 * @typedef {import("./verdict.js").Verdict} Verdict
 * @typedef {import("./verdict.js").Description} Description
 * @typedef {import("./request.js").Request} Request
 * @typedef {import("./request.js").RequestObject} RequestObject
 * @typedef {Pick<import("./sandbox.js").Sandbox, "describe" | "decide" | "close">} Calls
 */

/**
 * What a call gave, or the error that it ended in.
 *
 * @template T
 * @param {import("./sandbox.js").Outcome<T>} outcome
 * @returns {T}
 */
function answered(outcome) {
    if ("answer" in outcome) return outcome.answer;
    throw new DecideError(outcome.code, outcome.message);
}

export class Policy {
    #sandbox;
    #description;
    #limits;

    /**
     * The digest of the component's bytes. Record it with each verdict.
     *
     * @readonly
     */
    digest;

    /**
     * Not for callers: see `load`.
     *
     * @param {Calls} sandbox
     * @param {Description} description
     * @param {string} digest
     * @param {import("./limits.js").Limits} limits
     */
    constructor(sandbox, description, digest, limits) {
        this.#sandbox = sandbox;
        this.#description = description;
        this.#limits = limits;
        this.digest = digest;
    }

    /**
     * A policy is open once it has said what it is.
     *
     * @param {Calls} sandbox
     * @param {string} digest
     * @param {import("./limits.js").Limits} limits
     */
    static async open(sandbox, digest, limits) {
        try {
            const description = answer.description(answered(await sandbox.describe(DESCRIPTION_BYTES)));
            return new Policy(sandbox, description, digest, limits);
        } catch (error) {
            await sandbox.close();
            const { message } = /** @type {Error} */ (error);
            throw new OpenError("component-broken", `the component cannot describe itself: ${message}`);
        }
    }

    /** What the component is, in its own words. */
    describe() {
        return this.#description;
    }

    /**
     * Decides. Whatever goes wrong with a request that can be read is a deny, and its reason has one of the host's own
     * codes. Only `effect: "allow"` is permission.
     *
     * @param {string | Uint8Array | RequestObject} request
     * @returns {Promise<Verdict>}
     * @throws {import("./errors.js").RequestError} a request that cannot be read, on which there is no verdict
     */
    async decide(request) {
        const asked = read(request);
        const evidenceDigest = await digestOfParts(documents(asked));
        try {
            return await this.#decide(asked, evidenceDigest);
        } catch (error) {
            const known = error instanceof DecideError;
            const told = known ? error : new DecideError(INVALID_ANSWER, `the component's answer is invalid: ${error}`);
            return refusal(told, this.#description.policy_digest, evidenceDigest);
        }
    }

    /**
     * @param {Request} request
     * @param {string} evidenceDigest
     */
    async #decide(request, evidenceDigest) {
        const { input, output } = this.#limits;
        const size = bytes(request);
        if (size > input) throw new DecideError(INPUT_TOO_LARGE, `the request has ${size} bytes, more than ${input}`);
        const said = answered(await this.#sandbox.decide(request, output));
        const verdict = answer.verdict(said, evidenceDigest, this.#description);
        if (length(JSON.stringify(verdict)) > output) {
            throw new DecideError(OUTPUT_TOO_LARGE, `the component's answer has more than ${output} bytes`);
        }
        return verdict;
    }

    /** Ends the thread that decides, if there is one. What is decided afterwards is denied. */
    async close() {
        await this.#sandbox.close();
    }
}

const encoder = new TextEncoder();

/** @param {string} text */
const length = (text) => encoder.encode(text).length;

/**
 * Of all strings together.
 *
 * @param {Request} request
 */
function bytes(request) {
    const uids = [request.principal, request.action, request.resource].flatMap(({ type, id }) => [type, id]);
    return [...uids, ...documents(request)].reduce((sum, text) => sum + length(text ?? ""), 0);
}
