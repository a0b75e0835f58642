/**
 * @param {Uint8Array} component
 * @param {number} memory bytes that it may have
 * @returns {Promise<Transpiled>}
 */
export function transpile(component: Uint8Array, memory: number): Promise<Transpiled>;
export type Transpiled = {
    /**
     * text of the module that lifts and lowers
     */
    glue: string;
    /**
     * the core module, its memory and tables capped
     */
    core: Uint8Array<ArrayBuffer>;
};
