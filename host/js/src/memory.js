/** The cap on a module's memory, which JavaScript can only set inside of the module. */

import { OpenError } from "./errors.js";

const PAGE = 1 << 16;
const MEMORY_SECTION = 5;

/**
 * The same core module, whose memory grows no further than that many bytes.
 *
 * @param {Uint8Array} module a valid one without imports
 * @param {number} bytes
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function memoryCapped(module, bytes) {
    const cap = Math.floor(bytes / PAGE);
    for (let at = 8; at < module.length; ) {
        const id = module[at];
        const [size, body] = unsigned(module, at + 1);
        if (id === MEMORY_SECTION) {
            const section = memories(module.subarray(body, body + size), cap);
            return joined([module.subarray(0, at), section, module.subarray(body + size)]);
        }
        at = body + size;
    }
    throw new OpenError("component-invalid", "not a valid component: it has no memory");
}

/**
 * The section with one memory and a maximum.
 *
 * @param {Uint8Array} section
 * @param {number} cap pages
 */
function memories(section, cap) {
    const [count, at] = unsigned(section, 0);
    const flags = section[at];
    const [least, next] = unsigned(section, at + 1);
    const [most] = flags === 1 ? unsigned(section, next) : [cap];
    if (count !== 1 || (flags !== 0 && flags !== 1) || least > cap) {
        throw new OpenError("component-invalid", `not a valid component: not one memory of at most ${cap * PAGE} bytes`);
    }
    const body = [1, 1, ...leb(least), ...leb(Math.min(most, cap))];
    return Uint8Array.from([MEMORY_SECTION, ...leb(body.length), ...body]);
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
