"""What can go wrong."""


class OpenError(Exception):
    """A file or some bytes that are no policy component to be trusted.

    ``code`` is one of those of the Rust host: ``digest-mismatch``,
    ``component-unreadable``, ``not-a-component``, ``component-too-large``,
    ``component-invalid``, ``component-imports``, ``not-a-policy`` or
    ``component-broken``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RequestError(ValueError):
    """A request that cannot be read. There is no verdict on it, and so no permission."""


class DecideError(Exception):
    """No decision was reached. It becomes a deny with this code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
