"""Malformed material for the doors: bytes, JSON, forms, headers and addresses, from one seed."""

from __future__ import annotations

import json
import random
import string
from copy import deepcopy
from typing import Any
from urllib.parse import quote, urlencode

LEAVES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 2**70, -(2**80), 1e308, "", " ", "\0", "a\0b", "\ud800",
    "\udfff\ud800", "x" * 70_000, "💥" * 500, "٣", "2026-13-45T99:99:99Z", "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00-14:00", "gid://shopify/Order/0", "+1", "NaN", [], {}, [[]], [None],
    {"id": {}}, ["x"] * 300, {"": ""}, "'; DROP TABLE messages; --", "{{7*7}}", "%s%n%(x)s",
)  # fmt: skip
RAW = (
    b"", b" ", b"\0", b"\0" * 1000, b"null", b"true", b"0", b"-", b"[]", b"{}", b'""', b"[",
    b'{"id":', b'{"id":1,}', b"{'id': 1}", b'{"id":1}{"id":2}', b"\xff\xfe{}", b"\xef\xbb\xbf{}",
    b"\x80\x81\x82", b'"\\ud800"', b'{"id": 1e999}', b'{"id": NaN}', b'{"id": -Infinity}',
    b'{"id": ' + b"9" * 5000 + b"}", b"[" * 60_000, b"[" * 3000 + b"]" * 3000,
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000, b'{"id": 1, "id": "two"}', b"<xml/>",
    b'{"id": "\\u202e\\u0000"}', b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", b"=&=&==&&",
)  # fmt: skip
HEADER_VALUES = (
    "", " ", "0", "-1", "a" * 6000, "\xff\xfe", "é", "\x7f", "%00", "null", "*/*",
    "=?utf-8?q?=00?=", "application/json; charset=utf-99", "multipart/form-data; boundary=",
    "../../etc/passwd", "bad,,;;==", "Bearer ", "Bearer \xe9", "Basic ====", "9" * 400,
)  # fmt: skip
ADDRESSES = (
    "%00", "%ff%fe", "..%2f..%2fetc", "a" * 3000, "%F0%9F%92%A5", "%", "%zz", "0", "-1", "null",
    "%ED%A0%80", "%2e%2e", "x;y", "x?y", "é", "%0d%0aSet-Cookie:x=1", "' OR 1=1", "[object]",
)  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW")


class Material:
    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def body(self, *samples: Any) -> bytes:
        """Raw bytes, noise, or a sample with something in it that does not belong there."""
        kind = self.dice.randrange(4 if samples else 2)
        if kind == 0:
            return self.dice.choice(RAW)
        if kind == 1:
            return self.dice.randbytes(self.dice.randrange(300))
        whole = json.dumps(self.mutated(self.dice.choice(samples))).encode()
        if kind == 2 and self.chance(0.3):
            return whole[: self.dice.randrange(len(whole))]
        return whole

    def mutated(self, sample: Any) -> Any:
        """The sample with one to four of its values replaced, dropped, or put one level deeper."""
        changed = deepcopy(sample)
        for _ in range(self.dice.randrange(1, 5)):
            places = list(_places(changed))
            if not places:
                return self.dice.choice(LEAVES)
            holder, key = self.dice.choice(places)
            act = self.dice.randrange(4)
            if act == 0:
                del holder[key]
            elif act == 1:
                holder[key] = [holder[key]]
            else:
                holder[key] = deepcopy(self.dice.choice(LEAVES))
        return changed

    def form(self, fields: dict[str, str]) -> bytes:
        """A form whose fields are missing, doubled, huge or unreadable."""
        rows = list(fields.items())
        for _ in range(self.dice.randrange(1, 5)):
            act, at = self.dice.randrange(6), self.dice.randrange(len(rows) or 1)
            if act == 0 and rows:
                rows.pop(at)
            elif act == 1 and rows:
                rows.append((rows[at][0], self.word()))
            elif act == 2:
                rows.append((self.word(), self.word()))
            elif act == 3:
                rows += [(f"Extra{number}", "") for number in range(self.dice.choice((5, 300)))]
            elif rows:
                rows[at] = (rows[at][0], self.word())
        encoded = urlencode(rows, errors="surrogatepass").encode()
        return encoded + (b"&Body=%ff%fe&%" if self.chance(0.05) else b"")

    def word(self) -> str:
        leaf = self.dice.choice(LEAVES)
        if isinstance(leaf, str) and self.chance(0.8):
            return leaf
        return "".join(self.dice.choices(string.printable, k=self.dice.randrange(40)))

    def headers(self, *names: str) -> dict[str, str]:
        """Some of these headers, with values that nobody sends."""
        return {
            name: self.dice.choice(HEADER_VALUES).replace("\n", "")
            for name in (*names, "Content-Type", "Accept", "Authorization", "X-Forwarded-For")
            if self.chance(0.6)
        }

    def query(self, *names: str) -> str:
        pairs = [(name, self.word()) for name in names if self.chance(0.7)]
        text = urlencode(pairs, errors="surrogatepass", quote_via=quote)
        return text + ("&%00=%ff&;" if self.chance(0.1) else "")

    def address(self) -> str:
        return self.dice.choice(ADDRESSES)

    def method(self) -> str:
        return self.dice.choice(METHODS)


def _places(value: Any) -> Any:
    """Every (holder, key) inside."""
    if isinstance(value, dict):
        for key in value:
            yield value, key
            yield from _places(value[key])
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield value, number
            yield from _places(one)
