/**
 * The defaults with what the caller changes.
 *
 * @param {Partial<Limits>} [changed]
 * @returns {Limits}
 */
export function limits(changed?: Partial<Limits>): Limits;
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
export const LIMITS: Limits;
/** A description lists every policy with its annotations; it is read once. */
export const DESCRIPTION_BYTES: number;
export type Limits = {
    /**
     * bytes of memory for one decision
     */
    memory: number;
    /**
     * milliseconds for one decision in Node, which has a thread of its own for that; 0: none,
     * decided in the calling thread
     */
    timeout: number;
    /**
     * bytes of all strings of a request together
     */
    input: number;
    /**
     * bytes of a verdict as JSON
     */
    output: number;
    /**
     * bytes of a component
     */
    component: number;
};
