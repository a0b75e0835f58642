/**
 * @typedef {import("./limits.js").Limits} Limits
 * @typedef {import("./verdict.js").Verdict} Verdict
 * @typedef {import("./verdict.js").Description} Description
 * @typedef {import("./request.js").RequestObject} RequestObject
 *
 * @typedef {object} Options
 * @property {string} [expectDigest] `sha256:` and 64 hex digits: nothing else is looked at before the component has it
 * @property {Partial<Limits>} [limits]
 */
/**
 * Opens a component.
 *
 * @param {string | URL | Uint8Array} source its file, or its bytes
 * @param {Options} [options]
 * @returns {Promise<Policy>}
 * @throws {OpenError}
 */
export function load(source: string | URL | Uint8Array, options?: Options): Promise<Policy>;
/**
 * Writes what a browser loads: `policy.js`, `policy.core.wasm`, and `policy.json` with their digests.
 *
 * @param {string | URL | Uint8Array} source a component's file, or its bytes
 * @param {string} folder
 * @param {Options} [options]
 * @returns {Promise<string>} digest of `policy.json`, for the browser to expect
 * @throws {OpenError}
 */
export function prepare(source: string | URL | Uint8Array, folder: string, options?: Options): Promise<string>;
export { LIMITS } from "./limits.js";
export { Policy } from "./policy.js";
export type Limits = import("./limits.js").Limits;
export type Verdict = import("./verdict.js").Verdict;
export type Description = import("./verdict.js").Description;
export type RequestObject = import("./request.js").RequestObject;
export type Options = {
    /**
     * `sha256:` and 64 hex digits: nothing else is looked at before the component has it
     */
    expectDigest?: string | undefined;
    limits?: Partial<import("./limits.js").Limits> | undefined;
};
import { Policy } from "./policy.js";
export { DecideError, OpenError, RequestError } from "./errors.js";
