/** Serves this folder on loopback, and prints the address. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".wasm": "application/wasm" };

const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://localhost").pathname.replace(/\/$/, "/index.html"));
    try {
        const bytes = await readFile(join(".", path));
        response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "text/plain" });
        response.end(bytes);
    } catch {
        response.writeHead(404).end();
    }
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
