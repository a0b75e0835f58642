/**
 * The module with this text. The same text is the same module.
 *
 * @param {string} text
 * @returns {Promise<import("./sandbox.js").Glue>}
 */
export function importGlue(text: string): Promise<import("./sandbox.js").Glue>;
export function glue(generated: string): string;
