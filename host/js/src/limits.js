/** What a component may use. The numbers are those of the Rust host; time takes the place of its fuel. */

const MIB = 1 << 20;

/**
 * @typedef {object} Limits
 * @property {number} memory bytes of memory for one decision
 * @property {number} timeout milliseconds for one decision in Node, which has a thread of its own for that; 0: none,
 *   decided in the calling thread
 * @property {number} input bytes of all strings of a request together
 * @property {number} output bytes of a verdict as JSON
 * @property {number} component bytes of a component
 */

/** @type {Limits} */
export const LIMITS = Object.freeze({
    memory: 64 * MIB,
    timeout: 10_000,
    input: 16 * MIB,
    output: MIB,
    component: 64 * MIB,
});

/** A description lists every policy with its annotations; it is read once. */
export const DESCRIPTION_BYTES = 16 * MIB;

/**
 * The defaults with what the caller changes.
 *
 * @param {Partial<Limits>} [changed]
 * @returns {Limits}
 */
export function limits(changed = {}) {
    const all = { ...LIMITS };
    for (const [name, value] of Object.entries(changed)) {
        if (!(name in LIMITS)) throw new TypeError(`there is no limit \`${name}\``);
        const least = name === "timeout" ? 0 : 1;
        if (!Number.isSafeInteger(value) || value < least) throw new TypeError(`the limit \`${name}\` is ${value}`);
        all[/** @type {keyof Limits} */ (name)] = value;
    }
    return all;
}
