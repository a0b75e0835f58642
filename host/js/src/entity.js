/** Who, what, and to what: `Person::"ana"`. */

import { RequestError } from "./errors.js";

/** @typedef {{ type: string, id: string }} Entity */

const ESCAPES = /** @type {Record<string, string>} */ ({
    n: "\n", r: "\r", t: "\t", 0: "\0", "\\": "\\", "'": "'", '"': '"',
});

/**
 * Reads an entity, `{type, id}` or the string `Type::"id"`.
 *
 * @param {unknown} value
 * @param {string} key where it stands
 * @returns {Entity}
 */
export function entity(value, key) {
    if (typeof value === "string") return parse(value, key);
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
        throw new RequestError(`\`${key}\` is no entity, {"type": ..., "id": ...} or the string \`Type::"id"\``);
    }
    const { type, id, ...rest } = /** @type {Record<string, unknown>} */ (value);
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined) throw new RequestError(`\`${key}\` has the unknown field \`${unknown}\``);
    if (typeof type !== "string") throw new RequestError(`\`${key}.type\` is no string`);
    if (typeof id !== "string") throw new RequestError(`\`${key}.id\` is no string`);
    return { type: wellFormed(type, key), id: wellFormed(id, key) };
}

/**
 * As an entity, but a bare word `merge` means `Action::"merge"`.
 *
 * @param {unknown} value
 * @returns {Entity}
 */
export function action(value) {
    if (typeof value === "string" && /^[A-Za-z0-9_-]+$/.test(value)) return { type: "Action", id: value };
    return entity(value, "action");
}

/**
 * @param {string} text
 * @param {string} key
 * @returns {Entity}
 */
function parse(text, key) {
    /** @param {string} problem @returns {never} */
    const fail = (problem) => {
        throw new RequestError(`\`${key}\`: \`${text.slice(0, 80)}\` is no entity: ${problem}`);
    };
    // A type has no quote in it, so the first one opens the id.
    const quote = text.indexOf('::"');
    if (quote < 0) fail("it lacks a type or the quotes around the id");
    const [type, rest] = [text.slice(0, quote), text.slice(quote + 3)];
    if (!rest.endsWith('"')) fail("the id has no closing quote");
    if (!/^[A-Za-z_][A-Za-z0-9_]*(::[A-Za-z_][A-Za-z0-9_]*)*$/.test(type)) {
        fail("the type is not made of letters, digits and `_`, with `::` between its parts");
    }
    const written = rest.slice(0, -1);
    if (!/^(?:[^"\\]|\\[nrt0\\'"]|\\x[0-7][0-9a-fA-F]|\\u\{[0-9a-fA-F]{1,6}\})*$/u.test(written)) {
        fail("there is a quote in the middle of the id, or an unknown escape");
    }
    const id = written.replace(/\\(?:x(..)|u\{(.+?)\}|(.))/gu, (_, byte, point, letter) => {
        const code = Number.parseInt(byte ?? point, 16);
        if (letter !== undefined) return ESCAPES[letter] ?? "";
        if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) fail("the id has an unknown escape");
        return String.fromCodePoint(code);
    });
    return { type, id: wellFormed(id, key) };
}

/**
 * Half a character cannot be written in UTF-8, and would go to the component as another one.
 *
 * @param {string} text
 * @param {string} key
 */
export function wellFormed(text, key) {
    if (/\p{Surrogate}/u.test(text)) throw new RequestError(`\`${key}\` has half a character in it, no Unicode`);
    return text;
}
