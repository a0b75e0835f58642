"""The types of wit/policy.wit, to compare those of a component with."""

from typing import Any

from wasmtime import component as wasm

INTERFACE = "sod:policy/authorizer@0.1.0"

_UID = "{type: string, id: string}"
_ANNOTATIONS = "list<{name: string, value: string}>"
_EFFECT = "enum(allow|deny)"
_REQUEST = (
    f"{{principal: {_UID}, action: {_UID}, resource: {_UID}, now: option<s64>, "
    "evidence: option<string>, entities: option<string>, context: option<string>}"
)
_REASON = f"{{code: string, policy: option<string>, message: string, annotations: {_ANNOTATIONS}}}"
_MISSING = (
    f"{{quorum: string, resource: {_UID}, role: string, count: u32, candidates: list<string>, more-candidates: bool}}"
)
_APPROVAL = (
    f"{{resource: {_UID}, index: u32, account: string, person: option<string>, code: string, policies: list<string>}}"
)
_VERDICT = (
    f"{{effect: {_EFFECT}, reasons: list<{_REASON}>, missing: list<{_MISSING}>, approvals: list<{_APPROVAL}>, "
    "obligations: list<{policy: string, obligation: string}>, warnings: list<string>, "
    "policy-digest: string, evidence-digest: string}"
)
_FAULT = "{kind: enum(invalid-request|limit|internal), message: string}"
_POLICY = f"{{id: string, pack: string, effect: {_EFFECT}, annotations: {_ANNOTATIONS}, digest: string}}"
_DESCRIPTION = (
    f"{{name: string, version: string, engine: string, mode: enum(evidence|cedar), policy-digest: string, "
    f"policies: list<{_POLICY}>, quorums: list<{{name: string, of: string, needs: list<{{role: string, count: u32}}>}}>, "
    f"actions: list<{{action: {_UID}, principals: list<string>, resources: list<string>}}>}}"
)

FUNCTIONS = {
    "decide": f"func(request: {_REQUEST}) -> result<{_VERDICT}, {_FAULT}>",
    "decide-batch": f"func(requests: list<{_REQUEST}>) -> list<result<{_VERDICT}, {_FAULT}>>",
    "describe": f"func() -> {_DESCRIPTION}",
}
"""The functions of the interface."""

_PLAIN = {
    wasm.Bool: "bool",
    wasm.S64: "s64",
    wasm.String: "string",
    wasm.U32: "u32",
}


def function(of: wasm.FuncType) -> str:
    """A function's type in words."""
    params = ", ".join(f"{name}: {_words(type_)}" for name, type_ in of.params)
    return f"func({params}) -> {_words(of.result)}"


def _words(of: Any) -> str:
    match of:
        case wasm.RecordType():
            return "{" + ", ".join(f"{name}: {_words(type_)}" for name, type_ in of.fields) + "}"
        case wasm.ListType():
            return f"list<{_words(of.element)}>"
        case wasm.OptionType():
            return f"option<{_words(of.payload)}>"
        case wasm.ResultType():
            return f"result<{_words(of.ok)}, {_words(of.err)}>"
        case wasm.EnumType():
            return "enum(" + "|".join(of.names) + ")"
        case _:
            return _PLAIN.get(type(of), f"{type(of).__name__}, which is not in the contract")
