"""Webhooks to Doorstep: signed, retried as the URL's own fragment says, logged try by try.

Follows twilio.com/docs/usage/webhooks/webhooks-connection-overrides: `#rc=3&rp=ct,rt,5xx` and the
like are connection overrides, never sent and never signed; by default only a failed connection
is tried again, once, and all tries share 15 seconds. A token in I-Twilio-Idempotency-Token is the
same on every try.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import parse_qsl, urldefrag, urlencode

import urllib3
from twilio.request_validator import RequestValidator

from sandbox import faults
from sandbox.twilio.store import Account, Attempt, Store, stamp
from sandbox.world import World

TOTAL_SECONDS = 15.0
POLICIES = frozenset({"4xx", "5xx", "ct", "rt", "all"})


@dataclass(frozen=True)
class Overrides:
    """What the fragment of a webhook URL asks for; times in seconds."""

    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})
    connect: float = 5.0
    read: float = 15.0
    total: float = TOTAL_SECONDS


@dataclass(frozen=True)
class Outcome:
    """How the last try ended. `problem` is "" when the receiver answered with 2xx."""

    http_status: int | None
    problem: str
    content_type: str = ""
    text: str = ""

    @property
    def fine(self) -> bool:
        return self.problem == ""


def overrides_of(fragment: str) -> Overrides:
    """Parse a fragment; anything out of range is ignored, as the vendor does."""
    given = dict(parse_qsl(fragment))
    policy = frozenset(given.get("rp", "ct").split(","))

    def within(name: str, low: int, high: int, default: int) -> int:
        text = given.get(name, "")
        return int(text) if text.isdecimal() and low <= int(text) <= high else default

    return Overrides(
        retries=within("rc", 0, 5, 1),
        policy=policy if policy <= POLICIES else frozenset({"ct"}),
        connect=within("ct", 100, 10_000, 5_000) / 1000,
        read=within("rt", 100, 15_000, 15_000) / 1000,
        total=within("tt", 100, 15_000, 15_000) / 1000,
    )


class Courier:
    """Posts one webhook with its retries, in the calling thread."""

    def __init__(self, world: World, store: Store) -> None:
        self._world = world
        self._store = store
        # Not the world's client: urllib3 costs a third, and one text makes four calls.
        self._lines = urllib3.PoolManager(num_pools=20, maxsize=64)
        self._signers: dict[str, RequestValidator] = {}
        # Threads of its own: a door that hangs must not hold up the carrier.
        self._pool = ThreadPoolExecutor(64, thread_name_prefix="twilio-webhook")

    def soon(self, kind: str, act: Callable[..., object], *args: object) -> None:
        """Do a delivery in the background as the fault switches say: once, twice, late, never."""
        fate = faults.webhook_fate("twilio", kind)
        for _ in range(fate.copies):
            if fate.delay_seconds:
                self._world.later(fate.delay_seconds, self._pool.submit, act, *args)
            else:
                self._pool.submit(act, *args)

    def post(self, kind: str, url: str, params: dict[str, str], account: Account) -> Outcome:
        """Post now, with retries; the outcome is that of the last try."""
        address, fragment = urldefrag(url)
        wanted = overrides_of(fragment)
        token = str(uuid.uuid4())
        started = time.monotonic()
        for attempt in range(wanted.retries + 1):
            left = wanted.total - (time.monotonic() - started)
            if left <= 0:
                break
            outcome, why = self._try(kind, address, params, account, token, wanted, left)
            if outcome.fine or not ({why, "all"} & wanted.policy):
                break
            time.sleep(min(0.05 * 2**attempt, max(0.0, left)))
        return outcome

    def _try(
        self,
        kind: str,
        address: str,
        params: dict[str, str],
        account: Account,
        token: str,
        wanted: Overrides,
        left: float,
    ) -> tuple[Outcome, str]:
        signer = self._signers.get(account.auth_token)
        if signer is None:
            signer = self._signers[account.auth_token] = RequestValidator(account.auth_token)
        started = time.monotonic()
        try:
            response = self._lines.request(
                "POST",
                address,
                body=urlencode(params),
                headers={
                    "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
                    "User-Agent": "TwilioProxy/1.1",
                    "Accept": "*/*",
                    "X-Twilio-Signature": signer.compute_signature(address, params),
                    "I-Twilio-Idempotency-Token": token,
                },
                timeout=urllib3.Timeout(
                    connect=min(wanted.connect, left), read=min(wanted.read, left)
                ),
                retries=False,
                redirect=False,
            )
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
            outcome, why = Outcome(None, "connection failed"), "ct"
        except urllib3.exceptions.TimeoutError:
            outcome, why = Outcome(None, "no answer in time"), "rt"
        except urllib3.exceptions.HTTPError as error:
            outcome, why = Outcome(None, f"line cut: {type(error).__name__}"), "rt"
        else:
            status = response.status
            problem = "" if status < 400 else f"answered {status}"
            why = "5xx" if status >= 500 else "4xx" if status >= 400 else ""
            text = response.data.decode("utf-8", "replace")
            outcome = Outcome(status, problem, response.headers.get("Content-Type", ""), text)
        self._store.attempts.append(
            Attempt(
                stamp(),
                kind,
                address,
                params.get("MessageSid", ""),
                params.get("MessageStatus", ""),
                token,
                outcome.http_status,
                outcome.problem,
                round(time.monotonic() - started, 4),
            )
        )
        return outcome, why
