/** SHA-256 digests, written `sha256:` and 64 lower-case hex digits. */

const encoder = new TextEncoder();

/**
 * @param {Uint8Array} bytes
 * @returns {Promise<string>}
 */
export async function digestOf(bytes) {
    const digest = await crypto.subtle.digest("SHA-256", /** @type {Uint8Array<ArrayBuffer>} */ (bytes));
    const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
    return `sha256:${hex.join("")}`;
}

/**
 * The digest of optional texts such that no two different lists share one: each as its length, 64 bits
 * little-endian (2^64-1 where absent), and its bytes.
 *
 * @param {(string | undefined)[]} parts
 */
export function digestOfParts(parts) {
    const texts = parts.map((part) => (part === undefined ? undefined : encoder.encode(part)));
    const size = texts.reduce((size, text) => size + 8 + (text?.length ?? 0), 0);
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const text of texts) {
        view.setBigUint64(at, text ? BigInt(text.length) : 0xffff_ffff_ffff_ffffn, true);
        bytes.set(text ?? [], at + 8);
        at += 8 + (text?.length ?? 0);
    }
    return digestOf(bytes);
}

/** @param {string} text */
export const isDigest = (text) => /^sha256:[0-9a-f]{64}$/.test(text);
