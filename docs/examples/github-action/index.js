/** The step: decides from an evidence file, sets outputs, and fails unless it is allowed. */

import { randomUUID } from "node:crypto";
import { appendFile, readFile } from "node:fs/promises";

import { load } from "sod-policy";

/** The runner passes `with: expect-digest` on as `INPUT_EXPECT-DIGEST`. */
function input(name) {
    const value = (process.env[`INPUT_${name.toUpperCase()}`] ?? "").trim();
    if (value === "" && name !== "now") throw new Error(`the input \`${name}\` is missing`);
    return value;
}

/** A value of several lines needs an end that is not in it: nobody can guess this one. */
async function output(name, value) {
    const end = randomUUID();
    await appendFile(process.env.GITHUB_OUTPUT, `${name}<<${end}\n${value}\n${end}\n`);
}

/** What people wrote must not become a command of the runner's. */
function annotate(message) {
    const escaped = message.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
    console.log(`::error title=Separation of duties::${escaped}`);
}

async function main() {
    const policy = await load(input("component"), { expectDigest: input("expect-digest") });
    const verdict = await policy.decide({
        principal: input("principal"),
        action: input("action"),
        resource: input("resource"),
        now: input("now") || new Date(),
        evidence: await readFile(input("evidence"), "utf8"),
    });
    await policy.close();
    await output("effect", verdict.effect);
    await output("verdict", JSON.stringify(verdict));
    for (const need of verdict.missing) {
        annotate(`lacks ${need.count} of ${need.role}: ${need.candidates.join(", ")}`);
    }
    for (const reason of verdict.effect === "allow" ? [] : verdict.reasons) annotate(reason.message);
    return verdict.effect === "allow" ? 0 : 1;
}

// The step has failed until it has succeeded.
process.exitCode = 1;
try {
    process.exitCode = await main();
} catch (error) {
    annotate(error.message);
}
