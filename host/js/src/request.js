/** The question, as docs/schema/request.schema.json has it. */

import { action, entity, wellFormed } from "./entity.js";
import { RequestError } from "./errors.js";

/**
 * A request as a program has it. Each document is JSON text, which goes to the component byte for byte, or a value,
 * which is written as JSON once.
 *
 * @typedef {object} RequestObject
 * @property {string | import("./entity.js").Entity} principal who asks
 * @property {string | import("./entity.js").Entity} action what they want to do
 * @property {string | import("./entity.js").Entity} resource what they want to do it to
 * @property {string | Date | null} [now] the time of the decision, RFC 3339
 * @property {string | import("../types/schema/evidence.js").Evidence | null} [evidence] raw evidence
 * @property {string | object[] | null} [entities] entities besides those of the evidence
 * @property {string | object | null} [context] context besides what the component derives
 */

/**
 * A request, read.
 *
 * @typedef {object} Request
 * @property {import("./entity.js").Entity} principal
 * @property {import("./entity.js").Entity} action
 * @property {import("./entity.js").Entity} resource
 * @property {bigint} [now] milliseconds since the Unix epoch
 * @property {string} [evidence]
 * @property {string} [entities]
 * @property {string} [context]
 */

const DOCUMENTS = /** @type {const} */ (["evidence", "entities", "context"]);
const KEYS = ["principal", "action", "resource", "now", ...DOCUMENTS];

/**
 * Reads a request from its JSON text, as bytes or as a string, or from an object.
 *
 * @param {string | Uint8Array | RequestObject} request
 * @returns {Request}
 */
export function read(request) {
    if (typeof request === "string") return fromText(request);
    if (request instanceof Uint8Array) return fromText(decode(request));
    if (typeof request !== "object" || request === null || Array.isArray(request)) {
        throw new RequestError("a request is its JSON text, or an object with `principal`, `action` and `resource`");
    }
    return fromFields(/** @type {Record<string, unknown>} */ ({ ...request }), (key, value) => {
        return typeof value === "string" ? value : JSON.stringify(value);
    });
}

/**
 * The documents, in the order of their digest.
 *
 * @param {Request} request
 */
export const documents = (request) => DOCUMENTS.map((key) => request[key]);

/** @param {Uint8Array} bytes */
function decode(bytes) {
    try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
        throw new RequestError("the request is not UTF-8");
    }
}

/** @param {string} text */
function fromText(text) {
    wellFormed(text, "request");
    let value;
    try {
        value = JSON.parse(text);
    } catch (error) {
        throw new RequestError(`the request is not JSON: ${/** @type {Error} */ (error).message}`);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
        throw new RequestError("a request is an object with `principal`, `action` and `resource`");
    }
    const spans = members(text, "");
    for (const key of ["principal", "action", "resource"]) {
        const span = spans.get(key);
        if (span?.startsWith("{")) members(span, `${key}.`);
    }
    return fromFields(value, (key) => spans.get(key));
}

/**
 * @param {Record<string, unknown>} fields
 * @param {(key: string, value: unknown) => string | undefined} document the text of a document
 * @returns {Request}
 */
function fromFields(fields, document) {
    for (const key of Object.keys(fields)) {
        if (!KEYS.includes(key)) throw new RequestError(`the request has the unknown field \`${key}\``);
    }
    for (const key of ["principal", "action", "resource"]) {
        if (fields[key] === undefined) throw new RequestError(`the request lacks \`${key}\``);
    }
    /** @type {Request} */
    const request = {
        principal: entity(fields.principal, "principal"),
        action: action(fields.action),
        resource: entity(fields.resource, "resource"),
    };
    const now = time(fields.now);
    if (now !== undefined) request.now = now;
    for (const key of DOCUMENTS) {
        if (fields[key] === undefined || fields[key] === null) continue;
        const text = document(key, fields[key]);
        if (typeof text !== "string") throw new RequestError(`\`${key}\` cannot be written as JSON`);
        request[key] = wellFormed(text, key);
    }
    return request;
}

const RFC3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * Milliseconds since the Unix epoch.
 *
 * @param {unknown} now
 */
function time(now) {
    if (now === undefined || now === null) return undefined;
    const text = now instanceof Date && !Number.isNaN(now.getTime()) ? now.toISOString() : now;
    if (typeof text !== "string") throw new RequestError("`now` is no RFC 3339 time");
    const [, day, clock, fraction = "", zone = ""] = RFC3339.exec(text) ?? [];
    const local = Date.parse(`${day}T${clock}.${fraction.padEnd(3, "0").slice(0, 3)}Z`);
    const [hours, minutes] = zone.length > 1 ? zone.slice(1).split(":").map(Number) : [0, 0];
    // A day that is not in its month comes out as another one.
    const real = !Number.isNaN(local) && new Date(local).toISOString().startsWith(`${day}T${clock}`);
    if (!real || hours === undefined || minutes === undefined || hours > 23 || minutes > 59) {
        throw new RequestError(`\`now\` is \`${text.slice(0, 80)}\`, not an RFC 3339 time`);
    }
    const offset = (hours * 60 + minutes) * 60_000;
    return BigInt(zone.startsWith("-") ? local + offset : local - offset);
}

/**
 * The text of each member of an object, as it stands. The text is known to be JSON.
 *
 * @param {string} text
 * @param {string} path of the object
 * @returns {Map<string, string>}
 */
function members(text, path) {
    const found = new Map();
    let at = skip(text, text.indexOf("{") + 1, SPACE);
    while (text[at] === '"') {
        const end = string(text, at);
        const key = JSON.parse(text.slice(at, end));
        if (found.has(key)) throw new RequestError(`the request has the field \`${path}${key}\` twice`);
        const start = skip(text, skip(text, end, SPACE) + 1, SPACE);
        at = value(text, start);
        found.set(key, text.slice(start, at));
        at = skip(text, at, SPACE);
        if (text[at] === ",") at = skip(text, at + 1, SPACE);
    }
    return found;
}

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /[^ \t\n\r,\]}]*/y;
const STRUCTURE = /[^"[\]{}]*/y;

/**
 * Where a match of the pattern at this place ends.
 *
 * @param {string} text
 * @param {number} at
 * @param {RegExp} pattern sticky
 */
function skip(text, at, pattern) {
    pattern.lastIndex = at;
    return pattern.test(text) ? pattern.lastIndex : at;
}

/**
 * Where the value at this place ends.
 *
 * @param {string} text
 * @param {number} at
 */
function value(text, at) {
    if (text[at] === '"') return string(text, at);
    if (text[at] !== "{" && text[at] !== "[") return skip(text, at, SCALAR);
    let depth = 0;
    do {
        const character = text[at];
        if (character === '"') {
            at = string(text, at);
        } else {
            depth += character === "{" || character === "[" ? 1 : -1;
            at += 1;
        }
        if (depth > 0) at = skip(text, at, STRUCTURE);
    } while (depth > 0);
    return at;
}

/**
 * Where the string at this place ends. No pattern: one that may go back would need a stack as deep as it is long.
 *
 * @param {string} text
 * @param {number} at
 */
function string(text, at) {
    for (at += 1; text[at] !== '"'; at += 1) if (text[at] === "\\") at += 1;
    return at + 1;
}
