"""Bytes on the wire that no client sends, against the real gunicorn: refused or cut, never a 500,
and the doors go on answering meanwhile."""

from __future__ import annotations

import random
import socket
from collections import Counter
from urllib.parse import urlsplit

from tests.faults.buyers import Buyers
from tests.faults.doors import Doors, crowd
from tests.faults.report import told
from tests.faults.stack import Stack
from tests.vendors.fuzz_material import RAW, Material

REQUESTS = 400
PATHS = (
    b"/webhooks/shopify", b"/webhooks/shopify/compliance", b"/webhooks/twilio/x/inbound",
    b"/webhooks/twilio/%00/status?m=%00", b"/webhooks/zendesk/%ff", b"/", b"/?id_token=%00",
    b"/connect/zendesk?link=%ff", b"/media/%00", b"/healthz", b"*", b"http://[::1", b"//", b"/\xff",
    b"/..%2f..%2f", b"/" + b"a" * 9000,
)  # fmt: skip
HEADERS = (
    b"Content-Length: -1", b"Content-Length: 99999999999999999999", b"Content-Length: abc",
    b"Content-Length: 10\r\nContent-Length: 20", b"Content-Length: 500000",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    b"Transfer-Encoding: gzip, chunked", b"Expect: 100-continue", b"Host: \xff", b"Host:",
    b"X-Shopify-Hmac-Sha256: \xff\xfe", b"X-Shopify-Hmac-Sha256: \x00", b"X: " + b"y" * 9000,
    b" folded: line", b"no-colon-at-all", b"X-Twilio-Signature: \xc3\xa9", b"Connection: upgrade",
    b"Content-Type: \x00/\x00", b"\r: x", b"X-Forwarded-Proto: https, http",
)  # fmt: skip
BODIES = (*RAW, b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\nhello", b"FFFFFFFFFFFFFFFFF\r\n", b"-1\r\n")


def request(make: Material) -> bytes:
    dice = make.dice
    method = dice.choice((b"POST", b"POST", b"GET", b"PUT", b"BREW", b"\xff", b""))
    version = dice.choice((b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9.9", b"", b"HTTQ/1.1"))
    lines = [method + b" " + dice.choice(PATHS) + b" " + version]
    lines += [b"Host: doorstep.example"] * make.chance(0.8)
    lines += dice.sample(HEADERS, dice.randrange(4))
    raw = b"\r\n".join(lines) + b"\r\n\r\n" + dice.choice(BODIES)
    if make.chance(0.1):
        return dice.randbytes(dice.randrange(400))
    return raw[: dice.randrange(len(raw))] if make.chance(0.2) else raw


def say(stack: Stack, raw: bytes) -> str:
    """The status of the answer; `cut` where the line was closed without one."""
    where = urlsplit(stack.web_url)
    with socket.create_connection((where.hostname or "", where.port or 0), 5.0) as line:
        line.settimeout(10.0)
        try:
            line.sendall(raw)
            line.shutdown(socket.SHUT_WR)
            answer = line.recv(200)
        except OSError:
            return "cut"
    words = answer.split(b" ", 2)
    return words[1].decode("ascii", "replace") if len(words) > 1 else "cut"


def test_bytes_that_are_no_request_never_make_an_error_or_stop_the_doors(
    stack: Stack, buyers: Buyers
) -> None:
    seed = random.randrange(10**6)
    make, doors = Material(seed), Doors(stack)
    answers: Counter[str] = Counter()

    def one(raw: bytes) -> None:
        status = say(stack, raw)
        answers[status] += 1
        assert status == "cut" or status[:1] in "1234", f"{status} to {raw[:500]!r} (seed {seed})"

    before = stack.count("SELECT count(*) FROM receipts")
    crowd([request(make) for _ in range(REQUESTS)], one)
    (buyer,) = buyers.take(1)
    assert doors.text(buyer, buyer.words("hello")).status == 200
    assert stack.count("SELECT count(*) FROM receipts") == before
    told(f"{REQUESTS} raw requests: {dict(answers)}")
