/** Decides in the browser: nothing is sent anywhere. */

import { load } from "./node_modules/sod-policy/src/browser.js";

/** What is written on the page, as text and never as markup: names in the evidence are anybody's. */
function show(...cells) {
    const row = document.querySelector("#answers").insertRow();
    for (const cell of cells) row.insertCell().textContent = cell;
}

async function main() {
    const digest = (await (await fetch("policy.digest")).text()).trim();
    const policy = await load("policy", { expectDigest: digest });
    const request = await (await fetch("request.json")).json();
    for (const id of ["payments-7-staging", "payments-7-production"]) {
        const verdict = await policy.decide({ ...request, resource: { type: "Deployment", id } });
        show(id, verdict.effect, verdict.reasons.map(({ message }) => message).join("; "));
    }
    return "decided";
}

document.querySelector("#state").textContent = await main().catch((error) => `error: ${error.message}`);
