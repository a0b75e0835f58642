#!/usr/bin/env node
/** `sod-policy decide` and `sod-policy transpile`. Exit codes are those of `sod`: docs/cli.md. */

import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import { load, OpenError, prepare, RequestError } from "../src/node.js";

const USAGE = `usage: sod-policy decide COMPONENT [--expect-digest DIGEST] < REQUESTS
       sod-policy transpile COMPONENT -o FOLDER [--expect-digest DIGEST]

decide reads one request a line and writes one verdict a line, both as JSON. A line that is no request is answered by
{"error": ...}, and the exit code is 1 in the end; 2 if a verdict was a deny, 0 if all were allows.
transpile writes what a browser loads, and prints the digest that the browser is to expect.`;

/** @param {string} component @param {string | undefined} expectDigest */
async function decide(component, expectDigest) {
    const policy = await load(component, { expectDigest });
    let code = 0;
    for await (const line of createInterface({ input: process.stdin })) {
        try {
            const verdict = await policy.decide(line);
            console.log(JSON.stringify(verdict));
            if (verdict.effect !== "allow" && code === 0) code = 2;
        } catch (error) {
            if (!(error instanceof RequestError)) throw error;
            console.log(JSON.stringify({ error: error.message }));
            code = 1;
        }
    }
    await policy.close();
    return code;
}

async function main() {
    let parsed;
    try {
        parsed = parseArgs({
            allowPositionals: true,
            options: { output: { type: "string", short: "o" }, "expect-digest": { type: "string" } },
        });
    } catch (error) {
        console.error(`${/** @type {Error} */ (error).message}\n${USAGE}`);
        return 64;
    }
    const { positionals, values } = parsed;
    const [verb, component, ...more] = positionals;
    const expectDigest = values["expect-digest"];
    if (component === undefined || more.length > 0) {
        console.error(USAGE);
        return 64;
    }
    if (verb === "decide" && values.output === undefined) return decide(component, expectDigest);
    if (verb === "transpile" && values.output !== undefined) {
        console.log(await prepare(component, values.output, { expectDigest }));
        return 0;
    }
    console.error(USAGE);
    return 64;
}

try {
    process.exitCode = await main();
} catch (error) {
    const { message } = /** @type {Error} */ (error);
    console.error(`error: ${message}`);
    process.exitCode = error instanceof OpenError && error.code === "digest-mismatch" ? 5 : 1;
}
