/** Of this host alone; what all hosts have in common is in tests/hosts. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { bounded } from "../src/bounds.js";
import { digestOf, digestOfParts } from "../src/digest.js";
import { limits } from "../src/limits.js";
import { documents, read } from "../src/request.js";
import { load, OpenError, RequestError } from "../src/node.js";

const WHO = { principal: 'Person::"ana"', action: "merge", resource: 'Change::"c"' };

test("documents of an object go on as they stand, values are written once", () => {
    assert.deepEqual(documents(read({ ...WHO, evidence: "{ }", context: { b: 1, a: [2] } })), [
        "{ }",
        undefined,
        '{"b":1,"a":[2]}',
    ]);
});

test("a date is a time", () => {
    // date -u -d 2026-01-31T11:00:00.25Z +%s%3N
    assert.equal(read({ ...WHO, now: new Date("2026-01-31T12:00:00.25+01:00") }).now, 1769857200250n);
    assert.throws(() => read({ ...WHO, now: new Date("never") }), RequestError);
});

test("half a character is no text", () => {
    assert.throws(() => read({ ...WHO, evidence: '{"a":"\ud800"}' }), RequestError);
    assert.throws(() => read({ ...WHO, principal: { type: "Person", id: "\udc00" } }), RequestError);
    assert.throws(() => read(Uint8Array.of(0x7b, 0xff, 0x7d)), RequestError);
});

test("an object with more or less than a request is none", () => {
    for (const request of [null, 7, [], {}, { ...WHO, extra: 1 }, { ...WHO, evidence: () => 1 }]) {
        assert.throws(() => read(/** @type {any} */ (request)), RequestError);
    }
});

test("a long string or a deep document takes no stack", () => {
    const text = (/** @type {string} */ evidence) => read(`{"principal":"A::\\"a\\"","action":"b","resource":"C::\\"c\\"","evidence":${evidence}}`);
    const long = `"${"x\\n".repeat(2_000_000)}"`;
    assert.equal(text(long).evidence, long);
    const deep = `${"[".repeat(5_000)}${"]".repeat(5_000)}`;
    assert.equal(text(deep).evidence, deep);
});

test("absent and empty parts differ", async () => {
    const lists = [[undefined, undefined], ["", undefined], [undefined, ""], ["ab", undefined], ["a", "b"]];
    const digests = await Promise.all(lists.map(digestOfParts));
    assert.equal(new Set(digests).size, lists.length);
    // FIPS 180-4, appendix B.1.
    const abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert.equal(await digestOf(new TextEncoder().encode("abc")), abc);
});

test("a memory grows to its cap and no further", () => {
    // (module (memory (export "m") 1)), as the binary format has it
    const memory = (/** @type {number[]} */ ...type) => {
        const section = [5, 1 + type.length, 1, ...type];
        return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...section, 7, 5, 1, 1, 0x6d, 2, 0]);
    };
    for (const [type, most] of /** @type {[number[], number][]} */ ([[[0, 1], 3], [[1, 1, 2], 2], [[1, 1, 200, 1], 3]])) {
        const instance = new WebAssembly.Instance(new WebAssembly.Module(bounded(memory(...type), 3 << 16)));
        const { m } = /** @type {{ m: WebAssembly.Memory }} */ (/** @type {unknown} */ (instance.exports));
        assert.equal(m.grow(most - 1), 1);
        assert.throws(() => m.grow(1), RangeError);
    }
    assert.throws(() => bounded(memory(0, 4), 3 << 16), OpenError);
    assert.throws(() => bounded(memory(0, 1).subarray(0, 8), 3 << 16), OpenError);
});

test("a limit that is none is refused", () => {
    assert.equal(limits({ timeout: 0 }).timeout, 0);
    for (const changed of [{ memory: 0 }, { output: 1.5 }, { input: "1" }, { fuel: 1 }]) {
        assert.throws(() => limits(/** @type {any} */ (changed)), TypeError);
    }
});

test("an expected digest that is none is refused, and so is what is no component", async () => {
    await assert.rejects(load(Uint8Array.of(), { expectDigest: "" }), TypeError);
    await assert.rejects(load(Uint8Array.of()), { code: "not-a-component" });
    await assert.rejects(load("no/such/file.wasm"), { code: "component-unreadable" });
});

test("the name of an export cannot become code", async () => {
    const { parse } = await import("@bytecodealliance/jco-transpile/wasm-tools");
    const name = "x'];globalThis.escaped=1;//";
    const component = await parse(`(component
        (core module $m (memory (export "memory") 1) (func (export "${name}") (result i32) i32.const 1))
        (core instance $i (instantiate $m))
        (func $f (result u32) (canon lift (core func $i "${name}")))
        (export "f" (func $f)))`);
    await assert.rejects(load(component), OpenError);
    assert.equal(/** @type {any} */ (globalThis).escaped, undefined);
});
