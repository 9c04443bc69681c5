"""The fate of an outbound text: queue of its number, carrier, handset, and the statuses told.

accepted → queued → sending → sent → delivered, or undelivered/failed with a code. The initial
status gets no callback. A number takes `mps` segments a second; the rest waits its turn. While
the fault `carrier_backlog` is on nothing moves, and a text whose validity passes meanwhile, by
the sandbox's clock, fails with 30036.
"""

from __future__ import annotations

import time
from datetime import timedelta

import httpx

from sandbox import clock, faults, stream
from sandbox.twilio import codes, segments
from sandbox.twilio.couriers import Courier
from sandbox.twilio.store import FINAL, Message, Number, Store, moment, new_sid, stamp
from sandbox.world import World

LOOK_SECONDS = 0.2
QUEUE_SECONDS = 10 * 3600  # a number queues at most ten hours of segments
MEDIA_BYTES = 5 * 1024 * 1024
MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif")
OTHER_MEDIA_BYTES = 500 * 1024
FAILED_NOT_UNDELIVERED = frozenset({21610, 30001, 30002, 30032, 30036, 12300, 11200})


class Carrier:
    """Moves texts along in background threads."""

    def __init__(self, world: World, store: Store, courier: Courier) -> None:
        self._world = world
        self._store = store
        self._courier = courier
        self._held: dict[str, Message] = {}
        world.later(LOOK_SECONDS, self._look_at_held)

    def resume(self) -> None:
        """After a restart: move on what was under way."""
        for message in list(self._store.messages.values()):
            if message.status not in FINAL:
                self.take(message)

    def take(self, message: Message) -> None:
        """A text was accepted (or scheduled); everything else follows from here."""
        if message.status == "scheduled":
            self._held[message.sid] = message
            return
        self._world.later(0.0, self._queue, message)

    def answer_for_carrier(self, number: Number, buyer: str, body: str, *, shown: bool) -> None:
        """The carrier's own reply to STOP, START or HELP; it passes every block."""
        message = Message(
            new_sid("SM"),
            number.account_sid,
            buyer,
            number.phone,
            body,
            "outbound-reply",
            "delivered",
            stamp(),
            service_sid=number.service_sid,
            sent=stamp(),
            num_segments=segments.count(body),
            automatic=True,
            shown=shown,
        )
        self._store.add(message)
        _tell(message)

    def _queue(self, message: Message) -> None:
        number = self._store.numbers.get(message.sender)
        if number is None:
            self._finish(message, "failed", 21703)
            return
        with self._store.lock:
            if message.status in FINAL:
                return
            here = time.monotonic()
            start = max(here, number.free_at)
            if start - here > QUEUE_SECONDS:
                full = True
            else:
                full = False
                number.free_at = start + message.num_segments / number.mps
        if full:
            self._finish(message, "failed", 30001)
            return
        if message.status == "accepted":
            self._move(message, "queued")
        self._world.later(start - here, self._send, message)

    def _send(self, message: Message) -> None:
        if message.status in FINAL:
            return
        if _expired(message):
            self._finish(message, "failed", 30036)
            return
        if faults.active("twilio", "carrier_backlog"):
            with self._store.lock:
                self._held[message.sid] = message
            return
        if message.media_urls and not message.media:
            problem = self._collect_media(message)
            if problem:
                self._finish(message, "failed", problem)
                return
        self._move(message, "sending")
        code = self._store.phone_codes.get(message.to)
        if code is not None and (code in FAILED_NOT_UNDELIVERED or 30000 <= code < 31000):
            status = "failed" if code in FAILED_NOT_UNDELIVERED else "undelivered"
            self._world.later(self._store.sent_after, self._finish, message, status, code)
            return
        self._world.later(self._store.sent_after, self._sent, message)

    def _sent(self, message: Message) -> None:
        if self._move(message, "sent"):
            self._world.later(self._store.delivered_after, self._move, message, "delivered")

    def _finish(self, message: Message, status: str, code: int) -> None:
        message.error_code = code
        self._move(message, status)

    def _move(self, message: Message, status: str) -> bool:
        """Step to a status, tell the page and the status URL; False where it was over already."""
        with self._store.lock:
            if message.status in FINAL:
                return False
            message.status = status
            message.updated = stamp()
            if status == "sent":
                message.sent = message.updated
        _tell(message)
        self._call_back(message, status)
        return True

    def _call_back(self, message: Message, status: str) -> None:
        account = self._store.accounts.get(message.account_sid)
        if not message.status_callback or account is None:
            return
        params = {
            "SmsSid": message.sid,
            "SmsStatus": status,
            "MessageStatus": status,
            "To": message.to,
            "MessageSid": message.sid,
            "AccountSid": message.account_sid,
            "From": message.sender,
            "ApiVersion": "2010-04-01",
        }
        if message.service_sid:
            params["MessagingServiceSid"] = message.service_sid
        if message.error_code is not None:
            params["ErrorCode"] = str(message.error_code)
        url = message.status_callback
        self._courier.soon("status", self._courier.post, "status", url, params, account)

    def _collect_media(self, message: Message) -> int:
        """Fetch what MediaUrl names, as the vendor does; an error code, or 0."""
        for url in message.media_urls:
            try:
                response = self._world.http.get(url, follow_redirects=True, timeout=10.0)
                response.raise_for_status()
            except httpx.HTTPError:
                return 11200
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            content = response.content
            if not kind.startswith(("image/", "video/", "audio/", "text/", "application/")):
                return 12300
            if len(content) > (MEDIA_BYTES if kind in MEDIA_TYPES else OTHER_MEDIA_BYTES):
                return 30019
            kept = self._store.put_media(message.account_sid, message.sid, kind, content)
            message.media.append(kept.sid)
        return 0

    def _look_at_held(self) -> None:
        """Send what was held back when its time has come, fail what has outlived itself."""
        try:
            with self._store.lock:
                held = list(self._held.values())
            backlog = faults.active("twilio", "carrier_backlog")
            for message in held:
                if message.status == "scheduled":
                    if clock.now() >= moment(message.send_at):
                        self._held.pop(message.sid, None)
                        message.status = "accepted"
                        self._queue(message)
                elif message.status in FINAL or self._store.messages.get(message.sid) is None:
                    self._held.pop(message.sid, None)
                elif _expired(message) or not backlog:
                    self._held.pop(message.sid, None)
                    self._send(message)
        finally:
            self._world.later(LOOK_SECONDS, self._look_at_held)


def refusal_for(store: Store, number: Number, to: str) -> int:
    """The code with which the API refuses a text to this phone outright, or 0."""
    code = store.phone_codes.get(to, 0)
    if code in codes.REFUSED_AT_THE_DOOR:
        return code
    return 21610 if store.is_opted_out(number, to) else 0


def _expired(message: Message) -> bool:
    begun = moment(message.send_at or message.created)
    return clock.now() - begun > timedelta(seconds=message.validity_seconds)


def _tell(message: Message) -> None:
    stream.publish(
        "message",
        {"sid": message.sid, "buyer": message.buyer, "status": message.status},
    )
