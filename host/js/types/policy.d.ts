export class Policy {
    /**
     * A policy is open once it has said what it is.
     *
     * @param {Calls} sandbox
     * @param {string} digest
     * @param {import("./limits.js").Limits} limits
     */
    static open(sandbox: Calls, digest: string, limits: import("./limits.js").Limits): Promise<Policy>;
    /**
     * Not for callers: see `load`.
     *
     * @param {Calls} sandbox
     * @param {Description} description
     * @param {string} digest
     * @param {import("./limits.js").Limits} limits
     */
    constructor(sandbox: Calls, description: Description, digest: string, limits: import("./limits.js").Limits);
    /**
     * The digest of the component's bytes. Record it with each verdict.
     *
     * @readonly
     */
    readonly digest: string;
    /** What the component is, in its own words. */
    describe(): import("./verdict.js").Description;
    /**
     * Decides. Whatever goes wrong with a request that can be read is a deny, and its reason has one of the host's own
     * codes. Only `effect: "allow"` is permission.
     *
     * @param {string | Uint8Array | RequestObject} request
     * @returns {Promise<Verdict>}
     * @throws {import("./errors.js").RequestError} a request that cannot be read, on which there is no verdict
     */
    decide(request: string | Uint8Array | RequestObject): Promise<Verdict>;
    /** Ends the thread that decides, if there is one. What is decided afterwards is denied. */
    close(): Promise<void>;
    #private;
}
export type Verdict = import("./verdict.js").Verdict;
export type Description = import("./verdict.js").Description;
export type Request = import("./request.js").Request;
export type RequestObject = import("./request.js").RequestObject;
export type Calls = Pick<import("./sandbox.js").Sandbox, "describe" | "decide" | "close">;
