/** The same as a sandbox, in a thread of its own that is ended when its time is up or its memory is used up. */

import { Worker } from "node:worker_threads";

import { DEADLINE, INSTANCE, MEMORY } from "./code.js";

/**
 * @template T
 * @typedef {import("./sandbox.js").Outcome<T>} Outcome
 */

/** An answer that fills the thread's memory is one. */
const TOO_LARGE = { code: MEMORY, message: "the component's answer takes too much memory" };

/** MiB of JavaScript objects: what an answer may become before it is found too large. */
const HEAP = 128;

export class Thread {
    #data;
    #timeout;
    /** @type {Worker | undefined} */
    #worker;
    #closed = false;
    /** @type {(said: any) => void} */
    #heard = () => {};
    /** @type {Promise<unknown>} The call before. */
    #before = Promise.resolve();

    /**
     * @param {{ glue: string, module: WebAssembly.Module }} data
     * @param {number} timeout milliseconds for one call
     */
    constructor(data, timeout) {
        this.#data = data;
        this.#timeout = timeout;
    }

    /**
     * @param {number} output
     * @returns {Promise<Outcome<import("./answer.js").GuestDescription>>}
     */
    describe(output) {
        return this.#queue({ output });
    }

    /**
     * @param {import("./request.js").Request} request
     * @param {number} output
     * @returns {Promise<Outcome<import("./answer.js").GuestVerdict>>}
     */
    decide(request, output) {
        return this.#queue({ request, output });
    }

    async close() {
        this.#closed = true;
        await this.#stop();
    }

    /**
     * One call after the other: each has the thread, and its time, for itself.
     *
     * @param {object} call
     * @returns {Promise<Outcome<any>>}
     */
    #queue(call) {
        const done = this.#before.then(() => this.#call(call));
        this.#before = done.catch(() => {});
        return done;
    }

    /**
     * @param {object} call
     * @returns {Promise<Outcome<any>>}
     */
    async #call(call) {
        let worker;
        try {
            worker = await this.#started();
        } catch (error) {
            await this.#stop();
            return { code: INSTANCE, message: `no instance of the component can be made: ${error}` };
        }
        worker.ref();
        const outcome = await this.#answer(worker, call);
        if (outcome === undefined) await this.#stop();
        else worker.unref();
        const message = `the component was not done after ${this.#timeout} ms`;
        return outcome ?? { code: DEADLINE, message };
    }

    /**
     * What the thread answers; nothing if its time is up.
     *
     * @param {Worker} worker
     * @param {object} call
     * @returns {Promise<Outcome<any> | undefined>}
     */
    async #answer(worker, call) {
        let timer;
        const late = new Promise((resolve) => (timer = setTimeout(resolve, this.#timeout)));
        const said = this.#next();
        worker.postMessage(call);
        const outcome = await Promise.race([said, late]);
        clearTimeout(timer);
        return outcome;
    }

    /**
     * The next thing that the thread says, or that it is gone.
     *
     * @returns {Promise<any>}
     */
    #next() {
        return new Promise((resolve) => (this.#heard = resolve));
    }

    /** @param {Worker} worker */
    #listen(worker) {
        /** @param {unknown} said */
        const hear = (said) => {
            if (this.#worker === worker) this.#heard(said);
        };
        worker.on("message", hear);
        worker.on("error", (/** @type {Error & { code?: string }} */ { code, message }) => {
            const memory = code === "ERR_WORKER_OUT_OF_MEMORY";
            hear(memory ? TOO_LARGE : { code: INSTANCE, message: `the component's thread failed: ${message}` });
        });
        worker.on("exit", () => {
            hear({ code: INSTANCE, message: "the component's thread ended" });
            // The next call starts another.
            if (this.#worker === worker) this.#worker = undefined;
        });
    }

    /** @returns {Promise<Worker>} */
    async #started() {
        if (this.#closed) throw new Error("the policy is closed");
        if (this.#worker) return this.#worker;
        const worker = new Worker(new URL("./worker.js", import.meta.url), {
            workerData: this.#data,
            resourceLimits: { maxOldGenerationSizeMb: HEAP },
            env: {},
            execArgv: [],
        });
        this.#worker = worker;
        this.#listen(worker);
        const said = await this.#next();
        if (said !== "ready") throw new Error(said.message);
        return worker;
    }

    async #stop() {
        const worker = this.#worker;
        this.#worker = undefined;
        await worker?.terminate();
    }
}
