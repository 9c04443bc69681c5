"""Switches that make an emulated vendor misbehave on demand.

Every emulator calls `apply(vendor, operation)` before it acts, `after(vendor, operation)` when it
has acted and not yet answered, and `webhook_fate(vendor, operation)` before it sends a webhook.
Kinds:

- `latency`: wait `seconds`, then go on as usual.
- `429`, `5xx`: refuse before acting, in the vendor's own shape (`status` picks 500 to 599).
- `cut_connection`: close the line before acting, without an answer.
- `timeout_after_acting`: act, hold the line `seconds`, then cut it. With `seconds` 0: act, cut.
- `5xx_after_acting`: act, then answer with an error all the same.
- `duplicate`, `reorder`, `drop`: webhooks are sent twice, late by up to `seconds`, or never.
- `webhook_before_answer`: a helpdesk's webhook arrives before the answer to what caused it.
- `carrier_backlog`: the phone network takes no text (Twilio's emulator asks with `active`).
"""

from __future__ import annotations

import contextlib
import itertools
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from flask import Response, abort, jsonify, request

KINDS = (
    "latency",
    "429",
    "5xx",
    "cut_connection",
    "timeout_after_acting",
    "5xx_after_acting",
    "duplicate",
    "reorder",
    "drop",
    "carrier_backlog",
    "webhook_before_answer",
)


@dataclass
class Fault:
    """One switch that is on. `operation` "" means any; `count` None means until switched off."""

    id: int
    vendor: str
    kind: str
    operation: str = ""
    seconds: float = 1.0
    rate: float = 1.0
    count: int | None = None
    status: int = 503
    retry_after: int = 1
    hits: int = 0


@dataclass(frozen=True)
class WebhookFate:
    """What becomes of one webhook: how many times it is sent, after which wait."""

    copies: int = 1
    delay_seconds: float = 0.0


_lock = threading.Lock()
_faults: list[Fault] = []
_ids = itertools.count(1)


def add(
    vendor: str,
    kind: str,
    *,
    operation: str = "",
    seconds: float = 1.0,
    rate: float = 1.0,
    count: int | None = None,
    status: int = 503,
    retry_after: int = 1,
) -> Fault:
    """Switch a fault on. Raises ValueError for a kind that does not exist."""
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    with _lock:
        fault = Fault(
            next(_ids),
            vendor,
            kind,
            operation,
            seconds,
            rate,
            count,
            status,
            retry_after,
        )
        _faults.append(fault)
    return fault


def clear(vendor: str = "", fault_id: int | None = None) -> None:
    """Switch faults off: all, those of one vendor, or one."""
    with _lock:
        _faults[:] = [
            fault
            for fault in _faults
            if (vendor and fault.vendor != vendor)
            or (fault_id is not None and fault.id != fault_id)
        ]


def switched_on() -> list[Fault]:
    """The faults that are on now."""
    with _lock:
        return list(_faults)


def active(vendor: str, kind: str, operation: str = "") -> bool:
    """Whether such a fault is on, without using one of its counted hits."""
    return any(
        fault.vendor == vendor and fault.kind == kind and fault.operation in ("", operation)
        for fault in _faults
    )


def take(vendor: str, operation: str, *kinds: str) -> list[Fault]:
    """The faults that strike this time; counted ones are used up by it."""
    if not _faults:
        return []
    struck: list[Fault] = []
    with _lock:
        for fault in list(_faults):
            if fault.vendor != vendor or fault.kind not in kinds:
                continue
            if fault.operation not in ("", operation) or random.random() >= fault.rate:
                continue
            fault.hits += 1
            struck.append(fault)
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    _faults.remove(fault)
    return struck


def apply(vendor: str, operation: str) -> None:
    """Call first in every emulated request: may wait, refuse or cut the line."""
    for fault in take(vendor, operation, "latency", "429", "5xx", "cut_connection"):
        if fault.kind == "latency":
            time.sleep(fault.seconds)
        elif fault.kind == "429":
            abort(error_response(vendor, 429, fault.retry_after))
        elif fault.kind == "5xx":
            abort(error_response(vendor, fault.status, None))
        else:
            cut_line()


def after(vendor: str, operation: str) -> None:
    """Call when the vendor has acted and not answered yet: may hold and cut the line."""
    for fault in take(vendor, operation, "timeout_after_acting", "5xx_after_acting"):
        if fault.kind == "5xx_after_acting":
            abort(error_response(vendor, fault.status, None))
        time.sleep(fault.seconds)
        cut_line()


def webhook_fate(vendor: str, operation: str) -> WebhookFate:
    """Call before a webhook goes out."""
    copies, delay = 1, 0.0
    for fault in take(vendor, operation, "duplicate", "reorder", "drop"):
        if fault.kind == "drop":
            return WebhookFate(copies=0)
        if fault.kind == "duplicate":
            copies += 1
        else:
            delay = random.uniform(0, fault.seconds)
    return WebhookFate(copies, delay)


def cut_line() -> NoReturn:
    """Close the caller's connection without an answer."""
    line = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    if isinstance(line, socket.socket):
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
    # What is written now reaches nobody: the line is down.
    abort(Response(status=502, headers={"Connection": "close"}))


def _twilio(status: int, retry_after: int | None) -> Response:
    code = 20429 if status == 429 else 20500
    message = "Too Many Requests" if status == 429 else "An internal server error has occurred"
    return jsonify(
        code=code,
        message=message,
        more_info=f"https://www.twilio.com/docs/errors/{code}",
        status=status,
    )


def _shopify(status: int, retry_after: int | None) -> Response:
    if status == 429:
        return jsonify(errors="Exceeded 2 calls per second for api client.")
    return jsonify(errors="Internal Server Error")


def _zendesk(status: int, retry_after: int | None) -> Response:
    if status == 429:
        return jsonify(
            error="APIRateLimitExceeded",
            description="Number of allowed API requests per minute exceeded",
        )
    return jsonify(error="InternalError", description="Please try again later")


def _gorgias(status: int, retry_after: int | None) -> Response:
    if status == 429:
        return jsonify(error={"msg": "Too many requests."})
    return jsonify(error={"msg": "Something went wrong on our side."})


SHAPES: dict[str, Callable[[int, int | None], Response]] = {
    "twilio": _twilio,
    "shopify": _shopify,
    "zendesk": _zendesk,
    "gorgias": _gorgias,
}


def error_response(vendor: str, status: int, retry_after: int | None) -> Response:
    """An error as this vendor words it."""
    response = SHAPES[vendor](status, retry_after)
    response.status_code = status
    if retry_after is not None and vendor != "twilio":  # Twilio sends no Retry-After
        response.headers["Retry-After"] = str(retry_after)
    return response
