/**
 * Writes the declarations into a folder: `contract` from wit/policy.wit, `schema` from docs/schema, the rest from src.
 *
 *     node scripts/types.js FOLDER
 */

import { execFileSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { $init, generateTypes } from "@bytecodealliance/jco-transpile/component";
import { compileFromFile } from "json-schema-to-typescript";

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const folder = process.argv[2] ?? here("../types");
const decoder = new TextDecoder();

/** @param {string} name @param {string} contents */
async function write(name, contents) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    // Only what a declaration says: comments of generated code end in spaces.
    await writeFile(path, contents.replace(/[ \t]+$/gm, ""));
}

await $init;
const contract = generateTypes("policy", {
    wit: { tag: "source", val: await readFile(here("../../../wit/policy.wit"), "utf8") },
    world: "policy",
    instantiation: { tag: "sync" },
});
for (const [name, bytes] of contract) await write(name.replace(/^interfaces/, "contract"), decoder.decode(bytes));

for (const name of ["evidence", "request"]) {
    const schema = here(`../../../docs/schema/${name}.schema.json`);
    const bannerComment = `/** Made from docs/schema/${name}.schema.json by scripts/types.js. */`;
    await write(`schema/${name}.d.ts`, await compileFromFile(schema, { bannerComment, cwd: dirname(schema) }));
}
const tsc = here("../node_modules/typescript/bin/tsc");
execFileSync(process.execPath, [tsc, "--project", here("../tsconfig.json"), "--outDir", folder], { stdio: "inherit" });
