/**
 * The same core module, whose memory grows no further than that many bytes.
 *
 * @param {Uint8Array} module a valid one without imports
 * @param {number} bytes
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function memoryCapped(module: Uint8Array, bytes: number): Uint8Array<ArrayBuffer>;
