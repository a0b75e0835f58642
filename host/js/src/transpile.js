/** From a component to what JavaScript can load: jco's module, and the core module inside. */

import { readFile } from "node:fs/promises";

import { transpileBytes } from "@bytecodealliance/jco-transpile";

import { bounded } from "./bounds.js";
import { OpenError } from "./errors.js";
import { glue } from "./glue.js";

/**
 * @typedef {object} Transpiled
 * @property {string} glue text of the module that lifts and lowers
 * @property {Uint8Array<ArrayBuffer>} core the core module, its memory and tables capped
 */

const CONTRACT = new URL("../types/contract/sod-policy-authorizer.d.ts", import.meta.url);
const EXPORTS = ["authorizer", "sod:policy/authorizer@0.1.0"];
const MODULE = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const COMPONENT = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];

/**
 * @param {Uint8Array} component
 * @param {number} memory bytes that it may have
 * @returns {Promise<Transpiled>}
 */
export async function transpile(component, memory) {
    checkHeader(component);
    const { files, imports, exports } = await generate(component);
    if (imports.length > 0) {
        const names = imports.join("`, `");
        throw new OpenError("component-imports", `the component imports \`${names}\`, a policy component imports nothing`);
    }
    await checkContract(exports, files["interfaces/sod-policy-authorizer.d.ts"]);
    const cores = Object.keys(files).filter((name) => name.endsWith(".wasm"));
    const core = files["policy.core.wasm"];
    if (core === undefined || cores.length !== 1) {
        throw new OpenError("component-invalid", `the component has ${cores.length} core modules, not one`);
    }
    await checkNames(core);
    return { glue: glue(text(files["policy.js"])), core: bounded(core, memory) };
}

/** @param {Uint8Array | undefined} bytes */
const text = (bytes) => new TextDecoder().decode(bytes);

/** @param {Uint8Array} component */
async function generate(component) {
    try {
        return await transpileBytes(component, {
            name: "policy",
            instantiation: "sync",
            nodejsCompat: false,
            noComponentErrorWrapping: false,
            emitTypescriptDeclarations: true,
        });
    } catch (error) {
        throw new OpenError("component-invalid", `not a valid component: ${/** @type {Error} */ (error).message ?? error}`);
    }
}

/**
 * What the first eight bytes say.
 *
 * @param {Uint8Array} bytes
 */
function checkHeader(bytes) {
    /** @param {number[]} header */
    const begins = (header) => header.every((byte, at) => bytes[at] === byte);
    if (begins(COMPONENT)) return;
    const found = begins(MODULE) ? "it is a core module" : bytes.length === 0 ? "it is empty" : "it is something else";
    throw new OpenError("not-a-component", `not a WebAssembly component: ${found}`);
}

/**
 * It exports one interface, and the declarations that jco makes of that are those that it makes of wit/policy.wit.
 *
 * @param {[string, string][]} exports
 * @param {Uint8Array | undefined} declarations
 */
async function checkContract(exports, declarations) {
    const names = exports.map(([name]) => name).sort();
    const expected = await readFile(CONTRACT, "utf8");
    if (`${names}` !== `${EXPORTS}` || code(text(declarations)) !== code(expected)) {
        const message = "not a policy component: it does not export the interface of wit/policy.wit, to the letter";
        throw new OpenError("not-a-policy", message);
    }
}

/**
 * Declarations without their comments.
 *
 * @param {string} declarations
 */
const code = (declarations) => declarations.replace(/\/\*\*.*?\*\//gs, "").replace(/\s*\n\s*/g, "\n").trim();

/**
 * jco writes the names of a core module's exports into the text of a module as they are, so that a name with a quote in
 * it would become code outside of the sandbox.
 *
 * @param {Uint8Array} core
 */
async function checkNames(core) {
    let module;
    try {
        module = await WebAssembly.compile(/** @type {Uint8Array<ArrayBuffer>} */ (core));
    } catch (error) {
        throw new OpenError("component-invalid", `not a valid component: ${/** @type {Error} */ (error).message}`);
    }
    const exports = WebAssembly.Module.exports(module).map(({ name }) => name);
    const odd = exports.find((name) => !/^[\w:/@.#-]+$/.test(name));
    if (odd !== undefined || WebAssembly.Module.imports(module).length > 0) {
        throw new OpenError("component-invalid", "not a valid component: its core module has imports or odd names");
    }
}
