/**
 * Reads an entity, `{type, id}` or the string `Type::"id"`.
 *
 * @param {unknown} value
 * @param {string} key where it stands
 * @returns {Entity}
 */
export function entity(value: unknown, key: string): Entity;
/**
 * As an entity, but a bare word `merge` means `Action::"merge"`.
 *
 * @param {unknown} value
 * @returns {Entity}
 */
export function action(value: unknown): Entity;
/**
 * Half a character cannot be written in UTF-8, and would go to the component as another one.
 *
 * @param {string} text
 * @param {string} key
 */
export function wellFormed(text: string, key: string): string;
export type Entity = {
    type: string;
    id: string;
};
