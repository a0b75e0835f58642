/**
 * The same core module, whose memory and tables grow no further.
 *
 * @param {Uint8Array} module a valid one without imports
 * @param {number} memory bytes
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bounded(module: Uint8Array, memory: number): Uint8Array<ArrayBuffer>;
