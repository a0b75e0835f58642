/** A program as an embedder writes it: only its types are checked. */

import { load, RequestError, type Verdict } from "sod-policy";
import { load as loadInBrowser } from "sod-policy/browser";
import type { Evidence } from "sod-policy/types/schema/evidence.js";
import type { Request } from "sod-policy/types/schema/request.js";
import type { Verdict as GuestVerdict } from "sod-policy/types/contract/sod-policy-authorizer.js";

const evidence: Evidence = { people: [{ id: "ana", active: true, roles: ["reviewer"] }] };
const request: Request = { principal: 'Person::"ana"', action: "merge", resource: 'Change::"1"', evidence };

const policy = await load("policy.wasm", { expectDigest: "sha256:00", limits: { timeout: 1000 } });
const verdict: Verdict = await policy.decide(JSON.stringify(request));
const name: string = policy.describe().name;

// Byte for byte, once a text; and a value, written once.
await policy.decide({ principal: { type: "Person", id: "ana" }, action: "merge", resource: 'Change::"1"', evidence });
await policy.decide({ principal: 'Person::"ana"', action: "merge", resource: 'Change::"1"', evidence: "{}", now: new Date() });

function explain(verdict: Verdict): string {
    const missing = verdict.missing.map((need) => `${need.count} ${need.role}: ${need.candidates.join(", ")}`);
    return [...verdict.reasons.map((reason) => reason.policy ?? reason.code), ...missing].join("; ");
}

function raw(verdict: GuestVerdict): boolean {
    return verdict.effect === "allow" && verdict.missing.every((need) => need.moreCandidates);
}

try {
    const inBrowser = await loadInBrowser("/policy", { expectDigest: policy.digest });
    console.log(name, explain(verdict), raw, inBrowser.describe().policies.length);
} catch (error) {
    if (error instanceof RequestError) console.error(error.code);
}

// @ts-expect-error a verdict is no boolean
const allowed: boolean = await policy.decide("{}");
// @ts-expect-error a misspelt limit
await load("policy.wasm", { limits: { time: 1 } });
void allowed;
