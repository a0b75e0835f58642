/** From the text of a module to the module. */

import { PREAMBLE } from "./sandbox.js";

/**
 * What jco generated, as it is kept and loaded.
 *
 * @param {string} generated
 */
export const glue = (generated) => PREAMBLE + generated;

/**
 * The module with this text. The same text is the same module.
 *
 * @param {string} text
 * @returns {Promise<import("./sandbox.js").Glue>}
 */
export function importGlue(text) {
    const bytes = new TextEncoder().encode(text);
    const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    return import(`data:text/javascript;base64,${btoa(binary)}`);
}
