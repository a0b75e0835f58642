"""What a component may use. The numbers are those of the Rust host."""

from dataclasses import dataclass, fields

MIB = 1 << 20

TABLE_ELEMENTS = 20_000
"""No table of a policy engine comes near this many functions."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on one decision and on the component."""

    memory: int = 64 * MIB
    """Bytes of memory for one decision."""
    fuel: int = 5_000_000_000
    """About one unit per WebAssembly instruction."""
    stack: int = 512 << 10
    """Bytes of stack for one decision. It is the calling thread's."""
    input: int = 16 * MIB
    """Bytes of all strings of a request together."""
    output: int = MIB
    """Bytes of a verdict as JSON."""
    component: int = 64 * MIB
    """Bytes of a component."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"the limit `{field.name}` is {value!r}")
        if self.stack > MIB:
            raise ValueError(f"the limit `stack` is {self.stack}, more than {MIB}")
