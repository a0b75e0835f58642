"""A fresh instance of the component for each call, under limits."""

from typing import Any

import wasmtime
from wasmtime import component as wasm

from ._code import DEADLINE, FAULT, INSTANCE, INVALID_ANSWER, STACK, TRAP
from ._contract import FUNCTIONS, INTERFACE, function
from ._errors import DecideError, OpenError
from ._limits import TABLE_ELEMENTS, Limits
from ._request import Request
from ._verdict import Entity

_COMPONENT = b"\0asm\x0d\0\x01\0"
_MODULE = b"\0asm\x01\0\0\0"


class Sandbox:
    """One compiled component."""

    def __init__(self, component: bytes, limits: Limits, cache: bool) -> None:
        _check_header(component)
        self._limits = limits
        self._engine = wasmtime.Engine(_config(limits, cache))
        try:
            self._component = wasm.Component(self._engine, component)
        except wasmtime.WasmtimeError as error:
            raise OpenError("component-invalid", f"not a valid component: {error}") from None
        imports = self._component.type.imports(self._engine)
        if imports:
            names = "`, `".join(imports)
            message = f"the component imports `{names}`, a policy component imports nothing"
            raise OpenError("component-imports", message)
        self._linker = wasm.Linker(self._engine)
        self._exports = self._checked_exports()

    def describe(self) -> Any:
        """What the component says that it is."""
        return self._call("describe")

    def decide(self, request: Request) -> Any:
        """What the component says to the request."""
        answer = self._call("decide", _lower(request))
        if answer.tag == "ok":
            return answer.payload
        fault = answer.payload
        code = FAULT.get(fault.kind, INVALID_ANSWER)
        raise DecideError(code, f"the component cannot decide: {fault.message}")

    def _checked_exports(self) -> dict[str, wasm.ExportIndex]:
        exports = self._component.type.exports(self._engine)
        index = self._component.get_export_index(INTERFACE)
        found = [self._component.get_export_index(name, index) for name in FUNCTIONS] if index else []
        named = {name: at for name, at in zip(FUNCTIONS, found) if at is not None}
        if list(exports) != [INTERFACE] or len(named) != len(FUNCTIONS):
            raise _not_a_policy(f"it does not export `{INTERFACE}` alone")
        interface = exports[INTERFACE]
        if not isinstance(interface, wasm.ComponentInstanceType):
            raise _not_a_policy(f"`{INTERFACE}` is no interface")
        types = interface.exports(self._engine)
        for name, expected in FUNCTIONS.items():
            type_ = types.get(name)
            if not isinstance(type_, wasm.FuncType) or function(type_) != expected:
                raise _not_a_policy(f"`{name}` is not of its type in wit/policy.wit")
        return named

    def _call(self, name: str, *arguments: Any) -> Any:
        store = wasmtime.Store(self._engine)
        store.set_fuel(self._limits.fuel)
        store.set_limits(
            memory_size=self._limits.memory,
            table_elements=TABLE_ELEMENTS,
            instances=8,
            tables=4,
            memories=1,
        )
        try:
            try:
                instance = self._linker.instantiate(store, self._component)
                called = instance.get_func(store, self._exports[name])
            except wasmtime.WasmtimeError as error:
                raise self._stopped(error, INSTANCE, "no instance of the component can be made") from None
            if called is None:
                raise DecideError(INSTANCE, f"no instance of the component can be made: it lacks `{name}`")
            try:
                answer = called(store, *arguments)
                called.post_return(store)
            except wasmtime.WasmtimeError as error:
                raise self._stopped(error, INVALID_ANSWER, "the component's answer is invalid") from None
            return answer
        finally:
            store.close()

    def _stopped(self, error: wasmtime.WasmtimeError, other: str, words: str) -> DecideError:
        """What stopped a call into the component."""
        message = " ".join(str(error).split())
        if "all fuel consumed" in message:
            return DecideError(DEADLINE, f"the component was not done after {self._limits.fuel} units of fuel")
        if "call stack exhausted" in message:
            return DecideError(STACK, f"the component needs more than {self._limits.stack} bytes of stack")
        if "wasm trap" in message or "wasm backtrace" in message:
            return DecideError(TRAP, f"the component crashed: {message}")
        return DecideError(other, f"{words}: {message}")


def _not_a_policy(problem: str) -> OpenError:
    return OpenError("not-a-policy", f"not a policy component: {problem}")


def _config(limits: Limits, cache: bool) -> wasmtime.Config:
    """What compiled Rust uses, and nothing whose result differs between machines."""
    config = wasmtime.Config()
    config.consume_fuel = True
    config.max_wasm_stack = limits.stack
    config.cranelift_nan_canonicalization = True
    for feature in _NOT_NEEDED:
        setattr(config, feature, False)
    if cache:
        config.cache = True
    return config


_NOT_NEEDED = (
    "wasm_relaxed_simd",
    "wasm_threads",
    "wasm_memory64",
    "wasm_multi_memory",
    "wasm_tail_call",
    "wasm_gc",
    "wasm_exceptions",
    "wasm_function_references",
)


def _check_header(component: bytes) -> None:
    """What the first eight bytes say."""
    if component.startswith(_COMPONENT):
        return
    found = "it is something else"
    if component.startswith(_MODULE):
        found = "it is a core module"
    elif not component:
        found = "it is empty"
    raise OpenError("not-a-component", f"not a WebAssembly component: {found}")


def _lower(request: Request) -> wasm.Record:
    return _record(
        principal=_uid(request.principal),
        action=_uid(request.action),
        resource=_uid(request.resource),
        now=request.now,
        evidence=request.evidence,
        entities=request.entities,
        context=request.context,
    )


def _uid(uid: Entity) -> wasm.Record:
    return _record(type=uid.type, id=uid.id)


def _record(**fields: Any) -> wasm.Record:
    record = wasm.Record()
    for name, value in fields.items():
        setattr(record, name, value)
    return record
