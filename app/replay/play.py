"""Plays the deliveries of a file through the real doors, and lets time pass in between.

Called by `doorstep replay`. Everything goes the way it goes in production: webhooks over HTTP,
worked by the workers, texted by the ticker's clock. Here it is only decided when the next webhook
or reply is posted and when time may pass: at a given speed, or, as fast as possible, in steps to
the next thing that is due whenever nothing waits.
"""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.replay.doors import Delivery, Doors, Line
from app.replay.payloads import Retold, order_id, webhooks_for
from app.replay.progress import Progress
from app.replay.replies import Reply, reply_to
from app.replay.standing import Observer, Standing
from app.replay.timetable import Due, Kind, Timetable
from app.replay.virtual_time import VirtualTime, step_to

CHUNK = 128  # webhooks posted together, shuffled
TWICE_EVERY = 20  # one in so many is delivered a second time, as Shopify may
LOOK_SECONDS = 0.1
STALLED_SECONDS = 20.0  # nothing moved for so long: time passes nevertheless
LAST_PATIENCE = 120.0  # the same at the end, when only retries are left


@dataclass
class Played:
    """How far it came."""

    arrived: list[int] = field(default_factory=list)  # numbers of the orders that did
    replies: int = 0
    stops: int = 0
    finished: bool = False
    left: Standing | None = None
    began: datetime | None = None
    ended: datetime | None = None
    seconds: float = 0.0


class Play:
    def __init__(
        self,
        timetable: Timetable,
        *,
        run: int,
        doors: Doors,
        line: Line,
        observer: Observer,
        clock: VirtualTime,
        progress: Progress,
        reply_share: float,
        speed: float | None,
        timeout: float,
    ) -> None:
        """`speed`: virtual seconds per real second; None is as fast as possible."""
        self._timetable = timetable
        self._run = run
        self._doors = doors
        self._line = line
        self._observer = observer
        self._clock = clock
        self._progress = progress
        self._share = reply_share
        self._speed = speed
        self._deadline = time.monotonic() + timeout
        self._shuffle = random.Random(run)
        self._replies: list[tuple[datetime, str, Reply]] = []
        self._asked: set[int] = set()
        self._count = 0
        self._moved = (0.0, "")  # when the standing last changed, and what it was
        self.played = Played()

    def run(self) -> Played:
        """Until all has settled, or until the time is up."""
        begin = time.monotonic()
        first = self._timetable.begin(self._clock.now(), whole_days=self._clock.movable)
        self._clock.move_to(first)
        self.played.began = self._clock.now()
        try:
            self._go_on(begin)
        except KeyboardInterrupt:
            self.played.left = self._observer.look(self._clock.now())
        self.played.ended = self._clock.now()
        self.played.seconds = time.monotonic() - begin
        return self.played

    def _go_on(self, begin: float) -> None:
        coming = _Coming(self._timetable)
        began = self._clock.now()
        while time.monotonic() < self._deadline:
            if self._speed is not None:
                passed = (time.monotonic() - begin) * self._speed
                self._clock.move_to(began + timedelta(seconds=passed))
            now = self._clock.now()
            posted = self._post_webhooks(coming.until(now)) + self._post_replies(now)
            standing = self._observer.look(self._clock.now())
            self._plan_replies()
            self._progress.show(self._clock.now(), self.played.replies, standing.shortly)
            news = min((at for at in (coming.next, self._next_reply) if at), default=None)
            step = step_to(standing.next, news)
            self.played.left = standing
            if step is None and not standing.busy:
                self.played.finished = True
                return
            patience = STALLED_SECONDS if step else LAST_PATIENCE
            stalled = self._stalled_for(standing) > patience
            if stalled and step is None:
                return
            if posted:
                continue
            if self._speed is None and step and (stalled or not standing.holds_time):
                self._clock.move_to(step)
            else:
                time.sleep(LOOK_SECONDS)

    def _post_webhooks(self, due: Iterable[Due]) -> int:
        chunk: list[Delivery] = []
        count = 0
        for one in due:
            chunk.extend(self._deliveries(one))
            count += 1
            if len(chunk) >= CHUNK:
                self._post(chunk)
                chunk = []
        if chunk:
            self._post(chunk)
        return count

    def _deliveries(self, due: Due) -> Iterator[Delivery]:
        told = Retold(
            self._timetable.order(due.number),
            order_id(self._run, due.number),
            self._timetable.shift,
        )
        for place, webhook in enumerate(webhooks_for(told, due.kind, due.at)):
            self._count += 1
            yield Delivery(
                id=f"{delivery_prefix(self._run)}{due.number}-{due.kind.value}-{place}",
                webhook=webhook,
                at=due.at,
                twice=self._count % TWICE_EVERY == 0,
            )
        if due.kind is Kind.PLACED:
            self._progress.order()
        elif due.kind is Kind.ARRIVED:
            self.played.arrived.append(due.number)
            self._progress.delivery()

    def _post(self, chunk: list[Delivery]) -> None:
        self._shuffle.shuffle(chunk)
        self._doors.post_webhooks(chunk)
        self._progress.show(self._clock.now(), self.played.replies, "")

    def _plan_replies(self) -> None:
        """Look for check-ins that left since the last look, and let some buyers answer."""
        for asked in self._observer.asked():
            if asked.message_id in self._asked:
                continue
            self._asked.add(asked.message_id)
            self._progress.text()
            reply = reply_to(
                run=self._run,
                message_id=asked.message_id,
                phone=asked.phone,
                sent_at=asked.sent_at,
                share=self._share,
            )
            if reply is not None:
                heapq.heappush(self._replies, (reply.at, reply.sid, reply))

    def _post_replies(self, now: datetime) -> int:
        due: list[Reply] = []
        while self._replies and self._replies[0][0] <= now:
            due.append(heapq.heappop(self._replies)[2])
        if due:
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(self._reply, due))
        self.played.replies += len(due)
        self.played.stops += sum(reply.stop for reply in due)
        return len(due)

    def _reply(self, reply: Reply) -> None:
        self._doors.post_text(self._line, sid=reply.sid, buyer=reply.phone, body=reply.body)

    @property
    def _next_reply(self) -> datetime | None:
        return self._replies[0][0] if self._replies else None

    def _stalled_for(self, standing: Standing) -> float:
        seen = f"{standing} {len(self._asked)} {self._doors.posted}"
        if not standing.busy or seen != self._moved[1]:
            self._moved = (time.monotonic(), seen)
        return time.monotonic() - self._moved[0]


class _Coming:
    """The timetable, with a look at what is next."""

    def __init__(self, timetable: Timetable) -> None:
        self._rest = iter(timetable)
        self._head = next(self._rest, None)

    @property
    def next(self) -> datetime | None:
        return self._head.at if self._head else None

    def until(self, now: datetime) -> Iterator[Due]:
        while self._head is not None and self._head.at <= now:
            yield self._head
            self._head = next(self._rest, None)


def delivery_prefix(run: int) -> str:
    """What the webhook ids of a run begin with."""
    return f"replay-{run}-"
