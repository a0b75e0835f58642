/** Decides by a policy component, in a browser: what `prepare` or `sod-policy transpile` wrote, from its address. */

import { digestOf, isDigest } from "./digest.js";
import { OpenError } from "./errors.js";
import { importGlue } from "./glue.js";
import { limits } from "./limits.js";
import { Policy } from "./policy.js";
import { Sandbox } from "./sandbox.js";

export { DecideError, OpenError, RequestError } from "./errors.js";
export { Policy } from "./policy.js";

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
export async function load(folder, { expectDigest, limits: changed }) {
    if (!isDigest(expectDigest)) throw new TypeError(`\`expectDigest\` is \`${expectDigest}\`, no digest`);
    const bounds = limits(changed);
    const base = new URL(`${folder}`.replace(/\/?$/, "/"), globalThis.location?.href);
    /** @param {string} name @param {string} digest */
    const pinned = (name, digest) => download(new URL(name, base), bounds.component, digest);
    const decoder = new TextDecoder();
    const { component, files } = JSON.parse(decoder.decode(await pinned("policy.json", expectDigest)));
    const glue = decoder.decode(await pinned("policy.js", files["policy.js"]));
    const module = await WebAssembly.compile(await pinned("policy.core.wasm", files["policy.core.wasm"]));
    return Policy.open(new Sandbox(await importGlue(glue), module), component, bounds);
}

/**
 * @param {URL} address
 * @param {number} limit
 * @param {string} expected
 */
async function download(address, limit, expected) {
    const response = await fetch(address);
    if (!response.ok) throw new OpenError("component-unreadable", `\`${address}\` answered ${response.status}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length > limit) throw new OpenError("component-too-large", `\`${address}\` has more than ${limit} bytes`);
    const actual = await digestOf(bytes);
    if (actual !== expected) throw new OpenError("digest-mismatch", `\`${address}\` is ${actual}, expected was ${expected}`);
    return bytes;
}
