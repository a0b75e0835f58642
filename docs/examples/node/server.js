/**
 * A service that deploys, if the policy allows it: `node server.js COMPONENT DIGEST`.
 *
 * `POST /deployments/ID/approve` and `POST /deployments/ID/deploy`, by whom the proxy in front says in `x-account`.
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

import { load } from "sod-policy";

const [component, digest] = process.argv.slice(2);
const policy = await load(component, { expectDigest: digest });

// What this service collected about its changes and deployments. Here it is an example's.
const evidence = JSON.parse(await readFile("evidence.json", "utf8"));

const server = createServer(async (request, response) => {
    const [, collection, id, action] = request.url.split("/");
    const deployment = evidence.deployments.find((deployment) => deployment.id === id);
    const account = request.headers["x-account"];
    if (request.method !== "POST" || collection !== "deployments" || !deployment || !account) {
        return answer(response, 404, { error: "there is no such deployment" });
    }
    const verdict = await policy.decide({
        principal: { type: "Account", id: account },
        action: { type: "Action", id: action },
        resource: { type: "Deployment", id },
        // A real service has its own clock's time: the example's evidence is of this day.
        now: process.env.NOW ?? new Date(),
        evidence,
    });
    // The audit record: everything that is needed to decide it again.
    console.error(JSON.stringify({ component: policy.digest, account, action, id, verdict }));
    if (verdict.effect !== "allow") {
        const { reasons, missing } = verdict;
        return answer(response, 403, { denied: reasons.map(({ message }) => message), missing });
    }
    if (action === "approve") {
        const { artifact, environment } = deployment;
        deployment.approvals.items.push({ account, state: "approved", artifact, environment });
    }
    answer(response, 200, { done: action });
});

function answer(response, status, body) {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(`${JSON.stringify(body, null, 2)}\n`);
}

server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
    console.log(`http://127.0.0.1:${server.address().port}`);
});
