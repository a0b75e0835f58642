export class Thread {
    /**
     * @param {{ glue: string, module: WebAssembly.Module }} data
     * @param {number} timeout milliseconds for one call
     */
    constructor(data: {
        glue: string;
        module: WebAssembly.Module;
    }, timeout: number);
    /**
     * @param {number} output
     * @returns {Promise<Outcome<import("./answer.js").GuestDescription>>}
     */
    describe(output: number): Promise<Outcome<import("./answer.js").GuestDescription>>;
    /**
     * @param {import("./request.js").Request} request
     * @param {number} output
     * @returns {Promise<Outcome<import("./answer.js").GuestVerdict>>}
     */
    decide(request: import("./request.js").Request, output: number): Promise<Outcome<import("./answer.js").GuestVerdict>>;
    close(): Promise<void>;
    #private;
}
export type Outcome<T> = import("./sandbox.js").Outcome<T>;
