/** A fresh instance of the component for each call, in this thread. */

import { FAULT, INSTANCE, INVALID_ANSWER, OUTPUT_TOO_LARGE, STACK, TRAP } from "./code.js";

/**
 * What came of a call: an answer, or why there is none. Plain data, since it may cross threads.
 *
 * @template T
 * @typedef {{ answer: T } | { code: string, message: string }} Outcome
 */

/**
 * @typedef {typeof import("../types/contract/sod-policy-authorizer.js")} Authorizer
 * @typedef {object} Glue the module that jco makes of a component, with `PREAMBLE` before it
 * @property {(module: () => WebAssembly.Module, imports: object) => { authorizer: Authorizer }} instantiate
 * @property {(bytes: number) => void} allowText
 */

/**
 * Stands before what jco generates. Its decoder would take broken UTF-8 for something else, drop a byte order mark,
 * and read the same bytes as often as a component names them.
 */
export const PREAMBLE = `
let textLeft = 0;
export const allowText = (bytes) => { textLeft = bytes; };
class TextDecoder extends globalThis.TextDecoder {
    constructor() { super("utf-8", { fatal: true, ignoreBOM: true }); }
    decode(bytes) {
        textLeft -= bytes.byteLength;
        if (textLeft < 0) throw Object.assign(new Error(), { tooMuchText: true });
        return super.decode(bytes);
    }
}
`;

export class Sandbox {
    #glue;
    #module;

    /**
     * @param {Glue} glue
     * @param {WebAssembly.Module} module
     */
    constructor(glue, module) {
        this.#glue = glue;
        this.#module = module;
    }

    /**
     * @template T
     * @param {number} output bytes of text in the answer
     * @param {(policy: Authorizer) => T} ask
     * @returns {Outcome<T>}
     */
    #call(output, ask) {
        let policy;
        try {
            this.#glue.allowText(output);
            policy = this.#glue.instantiate(() => this.#module, {}).authorizer;
        } catch (error) {
            return { code: INSTANCE, message: `no instance of the component can be made: ${words(error)}` };
        }
        try {
            return { answer: ask(policy) };
        } catch (error) {
            return stopped(error, output);
        }
    }

    /** @param {number} output */
    async describe(output) {
        return this.#call(output, (policy) => policy.describe());
    }

    /**
     * @param {import("./request.js").Request} request
     * @param {number} output
     */
    async decide(request, output) {
        return this.#call(output, (policy) => policy.decide(request));
    }

    async close() {}
}

/** @param {unknown} error */
const words = (error) => (error instanceof Error ? error.message : String(error));

/**
 * What stopped a call into the component.
 *
 * @param {unknown} error
 * @param {number} output
 */
function stopped(error, output) {
    const { payload, tooMuchText } = /** @type {any} */ (error ?? {});
    if (payload !== undefined) {
        const code = FAULT[/** @type {keyof typeof FAULT} */ (payload.kind)] ?? INVALID_ANSWER;
        return { code, message: `the component cannot decide: ${payload.message}` };
    }
    if (tooMuchText) return { code: OUTPUT_TOO_LARGE, message: `the component's answer has more than ${output} bytes` };
    if (error instanceof WebAssembly.RuntimeError) {
        return { code: TRAP, message: `the component crashed: ${words(error)}` };
    }
    if (error instanceof RangeError && /call stack/i.test(error.message)) {
        return { code: STACK, message: "the component needs more stack than there is" };
    }
    return { code: INVALID_ANSWER, message: `the component's answer is invalid: ${words(error)}` };
}
