"""Writes Envoy's configuration and the requests for the benchmark beside this file."""

import json
import sys
from pathlib import Path

top, work = map(Path, sys.argv[1:])
example = json.loads((top / "policies/protected-deploy/example.json").read_text())["evidence"]
own = {key: example.pop(key) for key in ("people", "machines", "accounts")}


def deployment(name, approvals):
    evidence = json.loads(json.dumps(example))
    found = [d for d in evidence["deployments"] if d["id"] == name]
    for signer in approvals:
        found[0]["approvals"]["items"].append({
            "account": signer, "state": "approved",
            "artifact": found[0]["artifact"], "environment": found[0]["environment"],
        })
    evidence["deployments"] = found
    evidence["environments"] = [e for e in evidence["environments"] if e["id"] == found[0]["environment"]]
    evidence["artifacts"] = [a for a in evidence["artifacts"] if a["digest"] == found[0]["artifact"]]
    return evidence


def directory(evidence):
    """Those whom the evidence names, and who asks."""
    text = json.dumps(evidence) + '"github:finn-berg"'
    accounts = [a for a in own["accounts"] if json.dumps(a["account"]) in text]
    machines = [m for m in own["machines"] if any(a.get("machine") == m["id"] for a in accounts)]
    ids = {a.get("person") for a in accounts} | {owner for m in machines for owner in m.get("owners", [])}
    return {"accounts": accounts, "machines": machines, "people": [p for p in own["people"] if p["id"] in ids]}


def request(name, target, evidence):
    body = json.dumps(evidence, separators=(",", ":"))
    (work / f"{name}.json").write_text(body)
    (work / f"{name}.lua").write_text(
        f'wrk.method = "POST"\nwrk.path = "/api/deploys/{target}"\n'
        f'wrk.headers["x-login"] = "finn-berg"\nwrk.body = [==[{body}]==]\n'
    )


# A deployment to test, which nobody signs for, with a directory of those who had a hand in it; and the pack's example
# in full, with a directory of everybody.
small = deployment("payments-7-test", [])
request("small", "payments-7-test", small)
example = deployment("payments-7-production", ["github:gita-rao", "github:hugo-meyer"])
request("example", "payments-7-production", example)

route = {
    "methods": ["POST"],
    "path": "/api/deploys/{deployment}",
    "principal": {"type": "Account", "id": "github:{header.x-login}"},
    "action": "deploy",
    "resource": {"type": "Deployment", "id": "{deployment}"},
    "evidence": {"body": {"believe_the_client": True}},
    "headers_set_by_a_trusted_proxy": ["x-login"],
}


def wasm(directory):
    configuration = {"routes": [route], "evidence": directory}
    return {
        "name": "envoy.filters.http.wasm",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "sod",
                "failure_policy": "FAIL_CLOSED",
                "allow_on_headers_stop_iteration": True,
                "vm_config": {
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": "plugin.wasm"}},
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": json.dumps(configuration, separators=(",", ":")),
                },
            },
        },
    }


router = {
    "name": "envoy.filters.http.router",
    "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
}

# The upstream reads a request before it answers. Otherwise it ends the connection with each answer, and what is
# measured is how connections are opened.
whole = {
    "name": "envoy.filters.http.buffer",
    "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
        "max_request_bytes": 1 << 20,
    },
}


def listener(port, filters, action):
    return {
        "name": str(port),
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
                         ".HttpConnectionManager",
                "stat_prefix": str(port),
                "http_filters": filters,
                "route_config": {"virtual_hosts": [{
                    "name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, **action}],
                }]},
            },
        }]}],
    }


upstream = {"socket_address": {"address": "127.0.0.1", "port_value": 18193}}
(work / "envoy.yaml").write_text(json.dumps({"static_resources": {
    "listeners": [
        listener(18191, [router], {"route": {"cluster": "upstream"}}),
        listener(18192, [wasm(directory(small)), router], {"route": {"cluster": "upstream"}}),
        listener(18194, [wasm(own), router], {"route": {"cluster": "upstream"}}),
        listener(18193, [whole, router], {"direct_response": {"status": 200, "body": {"inline_string": "deployed\n"}}}),
    ],
    "clusters": [{
        "name": "upstream",
        "load_assignment": {"cluster_name": "upstream", "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": upstream}}]},
        ]},
    }],
}}))
