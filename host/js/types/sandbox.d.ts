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
export const PREAMBLE: "\nlet textLeft = 0;\nexport const allowText = (bytes) => { textLeft = bytes; };\nclass TextDecoder extends globalThis.TextDecoder {\n    constructor() { super(\"utf-8\", { fatal: true, ignoreBOM: true }); }\n    decode(bytes) {\n        textLeft -= bytes.byteLength;\n        if (textLeft < 0) throw Object.assign(new Error(), { tooMuchText: true });\n        return super.decode(bytes);\n    }\n}\n";
export class Sandbox {
    /**
     * @param {Glue} glue
     * @param {WebAssembly.Module} module
     */
    constructor(glue: Glue, module: WebAssembly.Module);
    /** @param {number} output */
    describe(output: number): Promise<Outcome<import("../types/contract/sod-policy-authorizer.js").Description>>;
    /**
     * @param {import("./request.js").Request} request
     * @param {number} output
     */
    decide(request: import("./request.js").Request, output: number): Promise<Outcome<import("../types/contract/sod-policy-authorizer.js").Verdict>>;
    close(): Promise<void>;
    #private;
}
/**
 * What came of a call: an answer, or why there is none. Plain data, since it may cross threads.
 */
export type Outcome<T> = {
    answer: T;
} | {
    code: string;
    message: string;
};
export type Authorizer = typeof import("../types/contract/sod-policy-authorizer.js");
/**
 * the module that jco makes of a component, with `PREAMBLE` before it
 */
export type Glue = {
    instantiate: (module: () => WebAssembly.Module, imports: object) => {
        authorizer: Authorizer;
    };
    allowText: (bytes: number) => void;
};
