/** The thread's side: a sandbox that takes one call after the other. */

import { parentPort, workerData } from "node:worker_threads";

import { importGlue } from "./glue.js";
import { Sandbox } from "./sandbox.js";

const { glue, module } = workerData;
const sandbox = new Sandbox(await importGlue(glue), module);

parentPort?.on("message", async ({ request, output }) => {
    parentPort?.postMessage(await (request ? sandbox.decide(request, output) : sandbox.describe(output)));
});
parentPort?.postMessage("ready");
