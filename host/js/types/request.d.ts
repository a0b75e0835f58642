/**
 * Reads a request from its JSON text, as bytes or as a string, or from an object.
 *
 * @param {string | Uint8Array | RequestObject} request
 * @returns {Request}
 */
export function read(request: string | Uint8Array | RequestObject): Request;
export function documents(request: Request): (string | undefined)[];
/**
 * A request as a program has it. Each document is JSON text, which goes to the component byte for byte, or a value,
 * which is written as JSON once.
 */
export type RequestObject = {
    /**
     * who asks
     */
    principal: string | import("./entity.js").Entity;
    /**
     * what they want to do
     */
    action: string | import("./entity.js").Entity;
    /**
     * what they want to do it to
     */
    resource: string | import("./entity.js").Entity;
    /**
     * the time of the decision, RFC 3339
     */
    now?: string | Date | null | undefined;
    /**
     * raw evidence
     */
    evidence?: string | import("../types/schema/evidence.js").Evidence | null | undefined;
    /**
     * entities besides those of the evidence
     */
    entities?: string | object[] | null | undefined;
    /**
     * context besides what the component derives
     */
    context?: string | object | null | undefined;
};
/**
 * A request, read.
 */
export type Request = {
    principal: import("./entity.js").Entity;
    action: import("./entity.js").Entity;
    resource: import("./entity.js").Entity;
    /**
     * milliseconds since the Unix epoch
     */
    now?: bigint | undefined;
    evidence?: string | undefined;
    entities?: string | undefined;
    context?: string | undefined;
};
