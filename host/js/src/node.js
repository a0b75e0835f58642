/** Decides by a policy component, in Node. See README.md. */

import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { digestOf, isDigest } from "./digest.js";
import { OpenError } from "./errors.js";
import { importGlue } from "./glue.js";
import { limits } from "./limits.js";
import { Policy } from "./policy.js";
import { Sandbox } from "./sandbox.js";
import { Thread } from "./thread.js";
import { transpile } from "./transpile.js";

export { DecideError, OpenError, RequestError } from "./errors.js";
export { LIMITS } from "./limits.js";
export { Policy } from "./policy.js";

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
export async function load(source, options = {}) {
    const bounds = limits(options.limits);
    const { digest, component } = await pinned(source, options.expectDigest, bounds.component);
    const { glue, core } = await transpile(component, bounds.memory);
    const module = await WebAssembly.compile(core);
    const sandbox =
        bounds.timeout > 0 ? new Thread({ glue, module }, bounds.timeout) : new Sandbox(await importGlue(glue), module);
    return Policy.open(sandbox, digest, bounds);
}

/**
 * Writes what a browser loads: `policy.js`, `policy.core.wasm`, and `policy.json` with their digests.
 *
 * @param {string | URL | Uint8Array} source a component's file, or its bytes
 * @param {string} folder
 * @param {Options} [options]
 * @returns {Promise<string>} digest of `policy.json`, for the browser to expect
 * @throws {OpenError}
 */
export async function prepare(source, folder, options = {}) {
    const bounds = limits(options.limits);
    const { digest, component } = await pinned(source, options.expectDigest, bounds.component);
    const { glue, core } = await transpile(component, bounds.memory);
    const script = new TextEncoder().encode(glue);
    const manifest = {
        component: digest,
        files: { "policy.js": await digestOf(script), "policy.core.wasm": await digestOf(core) },
    };
    const json = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "policy.js"), script);
    await writeFile(join(folder, "policy.core.wasm"), core);
    await writeFile(join(folder, "policy.json"), json);
    return digestOf(json);
}

/**
 * The component, if it is the one that is expected.
 *
 * @param {string | URL | Uint8Array} source
 * @param {string | undefined} expected
 * @param {number} limit
 */
async function pinned(source, expected, limit) {
    if (expected !== undefined && !isDigest(expected)) {
        throw new TypeError(`\`expectDigest\` is \`${expected}\`, not \`sha256:\` and 64 lower-case hex digits`);
    }
    const component = source instanceof Uint8Array ? Uint8Array.from(source) : await file(source, limit);
    if (component.length > limit) throw new OpenError("component-too-large", `the component has more than ${limit} bytes`);
    const digest = await digestOf(component);
    if (expected !== undefined && digest !== expected) {
        throw new OpenError("digest-mismatch", `the component is ${digest}, expected was ${expected}`);
    }
    return { digest, component };
}

/**
 * @param {string | URL} path
 * @param {number} limit
 */
async function file(path, limit) {
    const handle = await open(path).catch((error) => {
        throw new OpenError("component-unreadable", `cannot read \`${path}\`: ${error.code}`);
    });
    try {
        const { size } = await handle.stat();
        if (size > limit) throw new OpenError("component-too-large", `the component has more than ${limit} bytes`);
        return new Uint8Array(await handle.readFile());
    } finally {
        await handle.close();
    }
}
