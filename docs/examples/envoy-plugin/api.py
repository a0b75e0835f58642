"""A deploy API: says what it would deploy, for whom, and by which decision."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Deploys(BaseHTTPRequestHandler):
    def do_POST(self):
        who = self.headers.get("x-deployer", "nobody")
        decision = self.headers.get("sod-decision-id", "none")
        answer = f"{self.path} deployed by {who}, decision {decision}\n".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Deploys).serve_forever()
