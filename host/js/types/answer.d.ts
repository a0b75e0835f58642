/**
 * A verdict on a request with this evidence digest by the component so described.
 *
 * @param {GuestVerdict} answer
 * @param {string} evidenceDigest
 * @param {Description} by
 * @returns {Verdict}
 */
export function verdict(answer: GuestVerdict, evidenceDigest: string, by: Description): Verdict;
/**
 * @param {GuestDescription} answer
 * @returns {Description}
 */
export function description(answer: GuestDescription): Description;
export type GuestVerdict = import("../types/contract/sod-policy-authorizer.js").Verdict;
export type GuestDescription = import("../types/contract/sod-policy-authorizer.js").Description;
export type Annotation = import("../types/contract/sod-policy-authorizer.js").Annotation;
export type Verdict = import("./verdict.js").Verdict;
export type Description = import("./verdict.js").Description;
