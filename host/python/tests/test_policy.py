"""Of this host alone; what all hosts have in common is in tests/hosts."""

import unittest
from datetime import datetime, timedelta, timezone
from typing import Any

from sod_policy import Entity, Limits, OpenError, Request, RequestError, load
from sod_policy._digest import digest_of, digest_of_parts

WHO: dict[str, Any] = {"principal": 'Person::"ana"', "action": "merge", "resource": 'Change::"c"'}


class Requests(unittest.TestCase):
    def test_documents_of_a_mapping_go_on_as_they_stand_values_are_written_once(self) -> None:
        request = Request.read({**WHO, "evidence": "{ }", "context": {"b": 1, "a": ["é"]}})
        self.assertEqual(request.documents(), [b"{ }", None, '{"b":1,"a":["é"]}'.encode()])

    def test_a_datetime_is_a_time(self) -> None:
        now = datetime(2026, 1, 31, 12, 0, 0, 250_000, timezone(timedelta(hours=1)))
        # date -u -d 2026-01-31T11:00:00.25Z +%s%3N
        self.assertEqual(Request.read({**WHO, "now": now}).now, 1769857200250)
        with self.assertRaises(RequestError):
            Request.read({**WHO, "now": datetime(2026, 1, 31)})

    def test_half_a_character_is_no_text(self) -> None:
        for request in ({**WHO, "evidence": '"\ud800"'}, {**WHO, "principal": Entity("Person", "\udc00")}, b"{\xff}"):
            with self.assertRaises(RequestError):
                Request.read(request)

    def test_a_mapping_with_more_or_less_than_a_request_is_none(self) -> None:
        bad: list[Any] = [None, 7, [], {}, {**WHO, "extra": 1}, {**WHO, "evidence": object()}, {**WHO, "context": {1j}}]
        for request in bad:
            with self.assertRaises(RequestError):
                Request.read(request)

    def test_a_deep_document_is_no_crash(self) -> None:
        who = '{"principal":"A::\\"a\\"","action":"b","resource":"C::\\"c\\"","evidence":'
        with self.assertRaises(RequestError):
            Request.read(who + "[" * 100_000 + "]" * 100_000 + "}")

    def test_a_request_that_was_read_is_one(self) -> None:
        request = Request.read(WHO)
        self.assertIs(Request.read(request), request)


class Digests(unittest.TestCase):
    def test_absent_and_empty_parts_differ(self) -> None:
        lists: list[list[bytes | None]] = [[None, None], [b"", None], [None, b""], [b"ab", None], [b"a", b"b"]]
        self.assertEqual(len({digest_of_parts(parts) for parts in lists}), len(lists))
        # FIPS 180-4, appendix B.1.
        abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        self.assertEqual(digest_of(b"abc"), abc)


class Opening(unittest.TestCase):
    def test_a_limit_that_is_none_is_refused(self) -> None:
        bad: list[dict[str, Any]] = [{"memory": 0}, {"output": 1.5}, {"input": "1"}, {"stack": 8 << 20}]
        for changed in bad:
            with self.assertRaises(ValueError):
                Limits(**changed)

    def test_what_is_no_component_is_refused(self) -> None:
        for source, code in ((b"", "not-a-component"), ("no/such/file.wasm", "component-unreadable")):
            with self.assertRaises(OpenError) as raised:
                load(source)
            self.assertEqual(raised.exception.code, code)

    def test_an_expected_digest_that_is_none_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            load(b"", expect_digest="")


if __name__ == "__main__":
    unittest.main()
