/**
 * @param {Uint8Array} bytes
 * @returns {Promise<string>}
 */
export function digestOf(bytes: Uint8Array): Promise<string>;
/**
 * The digest of optional texts such that no two different lists share one: each as its length, 64 bits
 * little-endian (2^64-1 where absent), and its bytes.
 *
 * @param {(string | undefined)[]} parts
 */
export function digestOfParts(parts: (string | undefined)[]): Promise<string>;
export function isDigest(text: string): boolean;
