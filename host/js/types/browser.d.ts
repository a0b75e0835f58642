/**
 * Opens a component that was prepared. There is no limit on time: a loop without end hangs the page, or the worker that
 * this is called in.
 *
 * @param {string | URL} folder its address
 * @param {object} options
 * @param {string} options.expectDigest digest of `policy.json`, which has those of the other files
 * @param {Partial<Omit<import("./limits.js").Limits, "timeout" | "memory">>} [options.limits]
 * @returns {Promise<Policy>}
 * @throws {OpenError}
 */
export function load(folder: string | URL, { expectDigest, limits: changed }: {
    expectDigest: string;
    limits?: Partial<Omit<import("./limits.js").Limits, "memory" | "timeout">> | undefined;
}): Promise<Policy>;
export { Policy } from "./policy.js";
import { Policy } from "./policy.js";
export { DecideError, OpenError, RequestError } from "./errors.js";
