/** What can go wrong before there is anything to decide. */

/** A file or some bytes that are no policy component to be trusted. `code` is one of those of the Rust host. */
export class OpenError extends Error {
    /**
     * @param {string} code `digest-mismatch`, `not-a-component`, `component-too-large`, `component-invalid`,
     *   `component-imports`, `not-a-policy` or `component-broken`
     * @param {string} message
     */
    constructor(code, message) {
        super(message);
        this.name = "OpenError";
        this.code = code;
    }
}

/** A request that cannot be read. There is no verdict on it, and so no permission. */
export class RequestError extends Error {
    /** @param {string} message */
    constructor(message) {
        super(message);
        this.name = "RequestError";
        this.code = "request-invalid";
    }
}

/** No decision was reached. It becomes a deny with this code. */
export class DecideError extends Error {
    /**
     * @param {string} code
     * @param {string} message
     */
    constructor(code, message) {
        super(message);
        this.name = "DecideError";
        this.code = code;
    }
}
