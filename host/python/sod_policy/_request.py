"""The question, as docs/schema/request.schema.json has it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, NoReturn

from ._errors import RequestError
from ._verdict import Entity

DOCUMENTS = ("evidence", "entities", "context")
KEYS = ("principal", "action", "resource", "now", *DOCUMENTS)

_TYPE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*")
_ID = re.compile(
    r"""(?:[^"\\]|\\[nrt0\\'"]|\\x[0-7][0-9a-fA-F]|\\u\{[0-9a-fA-F]{1,6}\})*""", re.DOTALL
)
_ESCAPE = re.compile(r"\\(?:x(..)|u\{([^}]+)\}|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\", "'": "'", '"': '"'}
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_SPACE = re.compile(r"[ \t\n\r]*")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Request:
    """May ``principal`` do ``action`` to ``resource`` now? Documents are JSON text and go on byte for byte."""

    principal: Entity
    action: Entity
    resource: Entity
    now: int | None = None
    """Milliseconds since the Unix epoch."""
    evidence: str | None = None
    entities: str | None = None
    context: str | None = None

    @staticmethod
    def read(request: "str | bytes | Mapping[str, Any] | Request") -> "Request":
        """Reads JSON text, or a mapping whose documents are JSON text or values, which are written as JSON once."""
        if isinstance(request, bytes):
            try:
                request = request.decode("utf-8")
            except UnicodeDecodeError:
                raise RequestError("the request is not UTF-8") from None
        if isinstance(request, str):
            request = _from_text(request)
        elif isinstance(request, Mapping):
            request = _from_fields(request)
        elif not isinstance(request, Request):
            raise RequestError("a request is its JSON text, or a mapping with `principal`, `action` and `resource`")
        for part in request.strings():
            try:
                part.encode("utf-8")
            except UnicodeEncodeError:
                raise RequestError("the request has half a character in it, no Unicode") from None
        return request

    def documents(self) -> list[bytes | None]:
        """Evidence, entities and context, in this order."""
        texts = (self.evidence, self.entities, self.context)
        return [None if text is None else text.encode("utf-8") for text in texts]

    def strings(self) -> list[str]:
        """All of them."""
        uids = (self.principal, self.action, self.resource)
        documents = (self.evidence, self.entities, self.context)
        return [text for uid in uids for text in (uid.type, uid.id)] + [text for text in documents if text is not None]


class _Raw(str):
    """A document's text, as it stands in a request."""


def _constant(name: str) -> NoReturn:
    raise RequestError(f"the request is not JSON: `{name}`")


# Numbers are only passed over: nothing of them is read here.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_constant)


class _Pairs(list[tuple[str, Any]]):
    """The members of an object in a request, so that none is there twice unseen."""


_PAIRS = json.JSONDecoder(parse_int=_Raw, parse_float=_Raw, parse_constant=_constant, object_pairs_hook=_Pairs)


def _from_text(text: str) -> Request:
    try:
        fields = _members(text)
    except RecursionError:
        raise RequestError("the request is nested too deep") from None
    except json.JSONDecodeError as error:
        raise RequestError(f"the request is not JSON: {error}") from None
    return _from_fields(fields)


def _members(text: str) -> dict[str, Any]:
    """The members of the request; documents as they stand."""
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        _PAIRS.decode(text)
        raise RequestError("a request is an object with `principal`, `action` and `resource`")
    fields: dict[str, Any] = {}
    at = _skip(text, at + 1)
    more = text[at : at + 1] != "}"
    while more:
        key, at = _PAIRS.raw_decode(text, at)
        at = _skip(text, at)
        if not isinstance(key, str) or isinstance(key, _Raw) or text[at : at + 1] != ":":
            raise json.JSONDecodeError("expected a key and a colon", text, at)
        start = _skip(text, at + 1)
        value, at = (_DECODER if key in DOCUMENTS else _PAIRS).raw_decode(text, start)
        if key in fields:
            raise RequestError(f"the request has the field `{key}` twice")
        fields[key] = _Raw(text[start:at]) if key in DOCUMENTS and value is not None else value
        at = _skip(text, at)
        more = text[at : at + 1] == ","
        at = _skip(text, at + 1) if more else at
    if text[at : at + 1] != "}" or _skip(text, at + 1) != len(text):
        raise json.JSONDecodeError("expected `,` or `}` and nothing after it", text, at)
    return fields


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return at if space is None else space.end()


def _from_fields(fields: Mapping[str, Any]) -> Request:
    for key in fields:
        if key not in KEYS:
            raise RequestError(f"the request has the unknown field `{key}`")
    for key in ("principal", "action", "resource"):
        if key not in fields:
            raise RequestError(f"the request lacks `{key}`")
    return Request(
        principal=_entity(fields["principal"], "principal"),
        action=_action(fields["action"]),
        resource=_entity(fields["resource"], "resource"),
        now=_time(fields.get("now")),
        evidence=_document(fields, "evidence"),
        entities=_document(fields, "entities"),
        context=_document(fields, "context"),
    )


def _document(fields: Mapping[str, Any], key: str) -> str | None:
    value = fields.get(key)
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestError(f"`{key}` cannot be written as JSON: {error}") from None


def _action(value: Any) -> Entity:
    """As an entity, but a bare word ``merge`` means ``Action::"merge"``."""
    if isinstance(value, str) and re.fullmatch("[A-Za-z0-9_-]+", value):
        return Entity("Action", value)
    return _entity(value, "action")


def _entity(value: Any, key: str) -> Entity:
    if isinstance(value, Entity):
        return value
    if isinstance(value, str) and not isinstance(value, _Raw):
        return _parse(value, key)
    pairs = list(value) if isinstance(value, _Pairs) else list(value.items()) if isinstance(value, Mapping) else None
    if pairs is None:
        raise RequestError(f'`{key}` is no entity, {{"type": ..., "id": ...}} or the string `Type::"id"`')
    found: dict[str, str] = {}
    for name, text in pairs:
        if name not in ("type", "id"):
            raise RequestError(f"`{key}` has the unknown field `{name}`")
        if name in found:
            raise RequestError(f"`{key}` has the field `{name}` twice")
        if not isinstance(text, str) or isinstance(text, _Raw):
            raise RequestError(f"`{key}.{name}` is no string")
        found[name] = text
    if len(found) != 2:
        raise RequestError(f"`{key}` lacks `type` or `id`")
    return Entity(found["type"], found["id"])


def _parse(text: str, key: str) -> Entity:
    def fail(problem: str) -> NoReturn:
        raise RequestError(f"`{key}`: `{text[:80]}` is no entity: {problem}")

    def unescape(found: "re.Match[str]") -> str:
        byte, point, letter = found.groups()
        if letter is not None:
            return _ESCAPES[letter]
        code = int(byte or point, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            fail("the id has an unknown escape")
        return chr(code)

    # A type has no quote in it, so the first one opens the id.
    type_name, opened, rest = text.partition('::"')
    if not opened:
        fail("it lacks a type or the quotes around the id")
    if not rest.endswith('"'):
        fail("the id has no closing quote")
    if not _TYPE.fullmatch(type_name):
        fail("the type is not made of letters, digits and `_`, with `::` between its parts")
    if not _ID.fullmatch(rest[:-1]):
        fail("there is a quote in the middle of the id, or an unknown escape")
    return Entity(type_name, _ESCAPE.sub(unescape, rest[:-1]))


def _time(now: Any) -> int | None:
    """Milliseconds since the Unix epoch."""
    if now is None:
        return None
    if isinstance(now, datetime):
        if now.tzinfo is None:
            raise RequestError("`now` has no time zone")
        return (now - _EPOCH) // timedelta(milliseconds=1)
    if not isinstance(now, str) or isinstance(now, _Raw):
        raise RequestError("`now` is no RFC 3339 time")
    found = _RFC3339.fullmatch(now)
    try:
        if found is None:
            raise ValueError
        day, clock, fraction, zone = found.groups()
        zone = "+00:00" if zone in "Zz" else zone
        whole = datetime.fromisoformat(f"{day}T{clock}{zone}") - _EPOCH
    except (ValueError, OverflowError):
        raise RequestError(f"`now` is `{now[:80]}`, not an RFC 3339 time") from None
    return whole // timedelta(milliseconds=1) + int((fraction or "").ljust(3, "0")[:3])
