/** The caps on a module's memory and tables, which JavaScript can only set inside of the module. */

import { OpenError } from "./errors.js";

const PAGE = 1 << 16;
/** No table of a policy engine comes near this many functions. */
const TABLE_ELEMENTS = 20_000;
const TABLES = 4;
const [TABLE_SECTION, MEMORY_SECTION] = [4, 5];

/**
 * The same core module, whose memory and tables grow no further.
 *
 * @param {Uint8Array} module a valid one without imports
 * @param {number} memory bytes
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bounded(module, memory) {
    const parts = [module.subarray(0, 8)];
    let memories = 0;
    for (let at = 8; at < module.length; ) {
        const id = module[at];
        const [size, body] = unsigned(module, at + 1);
        const [whole, content] = [module.subarray(at, body + size), module.subarray(body, body + size)];
        if (id === MEMORY_SECTION) {
            memories += unsigned(content, 0)[0];
            parts.push(section(MEMORY_SECTION, content, 1, 0, Math.floor(memory / PAGE)));
        } else if (id === TABLE_SECTION) {
            parts.push(section(TABLE_SECTION, content, TABLES, 1, TABLE_ELEMENTS));
        } else {
            parts.push(whole);
        }
        at = body + size;
    }
    if (memories !== 1) throw invalid("it has not one memory");
    return joined(parts);
}

/** @param {string} problem */
const invalid = (problem) => new OpenError("component-invalid", `not a valid component: ${problem}`);

/**
 * A section of limits, none of them beyond the cap.
 *
 * @param {number} id
 * @param {Uint8Array} content
 * @param {number} most how many entries
 * @param {number} prefix bytes before the limits of each entry
 * @param {number} cap
 */
function section(id, content, most, prefix, cap) {
    let [count, at] = unsigned(content, 0);
    const body = leb(count);
    if (count > most) throw invalid(`it has ${count} entries in section ${id}`);
    for (; count > 0; count -= 1) {
        body.push(...content.subarray(at, at + prefix));
        // A table whose entries have a first value other than null begins otherwise: nobody compiles to that.
        const bounds = limits(content, at + prefix);
        if (content[at] === 0x40 || bounds.least > cap) throw invalid(`section ${id} goes beyond ${cap}`);
        body.push(1, ...leb(bounds.least), ...leb(Math.min(bounds.most, cap)));
        at = bounds.end;
    }
    return Uint8Array.from([id, ...leb(body.length), ...body]);
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 */
function limits(bytes, at) {
    const flags = bytes[at];
    if (flags !== 0 && flags !== 1) throw invalid("it has limits of another kind");
    const [least, next] = unsigned(bytes, at + 1);
    const [most, end] = flags === 1 ? unsigned(bytes, next) : [Infinity, next];
    return { least, most, end };
}

/**
 * An unsigned LEB128 number, and where it ends.
 *
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {[number, number]}
 */
function unsigned(bytes, at) {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
        const byte = bytes[at++] ?? 0;
        value += (byte & 127) * factor;
        if (byte < 128) return [value, at];
    }
}

/** @param {number} value */
function leb(value) {
    const bytes = [];
    for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
    return [...bytes, value];
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
    const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    parts.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
    return bytes;
}
