/**
 * What this host makes of components: `node outcomes.js FOLDER`, with components and `request.json` in the folder, prints
 * a line for each, `{name, refused}` or `{name, effect, codes}`. For tests/hosts/suspicion.rs.
 */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { load, OpenError } from "../src/node.js";

const folder = process.argv[2] ?? ".";
// Small bounds, as in the tests of the Rust host, so that it takes little to exceed them.
const limits = { timeout: 500, memory: 1 << 20, input: 1 << 17, output: 1 << 16 };
const request = await readFile(join(folder, "request.json"));

/** @param {string} name */
async function outcome(name) {
    let policy;
    try {
        policy = await load(join(folder, name), { limits });
    } catch (error) {
        if (!(error instanceof OpenError)) throw error;
        return { name, refused: error.code, message: error.message };
    }
    const { effect, reasons } = await policy.decide(request);
    await policy.close();
    return { name, effect, codes: reasons.map(({ code }) => code), message: reasons[0]?.message };
}

for (const name of await readdir(folder)) {
    if (name !== "request.json") console.log(JSON.stringify(await outcome(name)));
}
