"""Texts leave, or do not, and their rows say which.

The only caller of the provider. Four steps, no transaction open across a call:

claim     (`messaging.claim`) lock, ask permission, take a place in the sender's line; state
          `sending`, verdict stored
call      hand each text to the provider, once
settle    (`messaging.settle`) store what came back, of this attempt
look_up   (`messaging.look_up`) learn the fate of a text whose answer never came

There is no idempotency at the provider. A call that was refused or never connected may be made
again; one that broke off may not: the row says `unknown`, and the status report (which carries
our id) or the look-up binds it.

Texts of one shop that wait together leave together: one transaction claims them, their calls run
side by side, and those that were taken at about the same time are settled in one transaction. Each
has a fate of its own: what a call or a settlement runs into does not touch the others, and whoever
gave us these texts is told of each one as soon as it is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from datetime import datetime, timedelta

import structlog

from app.foundation.db import is_away, is_locked
from app.foundation.errors import Temporary, Unknowable
from app.foundation.media import sign_media_token
from app.messaging.access import Needs, access_to
from app.messaging.claim import Claim, Claimed, NextTime, claim_texts
from app.messaging.codes import obey_code
from app.messaging.ports import Accepted, Rejected, SenderAccess
from app.messaging.settle import settle_accepted, settle_failure

log = structlog.get_logger()

MEDIA_ADDRESS_LIVES = timedelta(hours=4)
SETTLE_SECONDS = 0.25  # so long a text that was taken waits for those beside it
# What the provider said must not be lost to a database that was away for a moment: a text that may
# have been taken would be looked up as one that never left.
SETTLE_PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)

# A claimed text must not wait for a thread: a STOP meanwhile would not find it any more. So there
# may be one for each that a worker process can have claimed; they are started when needed.
_calls = ThreadPoolExecutor(1024, thread_name_prefix="call")

Over = Callable[[Iterable[int]], None]
Failures = list[Exception]
Answer = Accepted | Rejected | Temporary | Unknowable | None
"""None: nobody can say how far the call came; the row stays `sending`, and is looked up."""


def send_texts(
    tools: Needs,
    *,
    shop_id: int,
    message_ids: Sequence[int],
    over: Over,
) -> None:
    """Claim, call, settle. `over` is told of texts with which there is nothing more to do now.

    Raises, after all the others are settled, what one of them ran into.
    """
    while message_ids:
        now = tools.clock.now()
        claim = _claim(tools, now=now, shop_id=shop_id, message_ids=message_ids)
        under_way = {one.text.message_id for one in claim.claimed}
        message_ids = [each for each, was in claim.outcomes.items() if isinstance(was, NextTime)]
        over(claim.outcomes.keys() - under_way - set(message_ids))
        failures: Failures = []
        for answers in _call(tools, claim):
            for group in _settled_together(answers):
                failures += _settle(tools, now=now, shop_id=shop_id, answers=group, over=over)
        if failures:
            raise failures[0]


def _claim(tools: Needs, *, now: datetime, shop_id: int, message_ids: Sequence[int]) -> Claim:
    def media_address(shop: int, media_id: int) -> str:
        expires = now + MEDIA_ADDRESS_LIVES
        token = sign_media_token([tools.keys.signing_key], media_id, shop, expires)
        return f"{tools.public_url}/media/{token}"

    with tools.db.shop(shop_id) as session:
        return claim_texts(
            session,
            now=now,
            shop_id=shop_id,
            message_ids=message_ids,
            media_address=media_address,
        )


Answers = Sequence[tuple[Claimed, Answer]]


def _call(tools: Needs, claim: Claim) -> Iterator[Answers]:
    """Hand over what was claimed; yields the answers as they come, those of a moment together."""
    claimed = claim.claimed
    if not claimed:
        return
    access = access_to(tools, claim.sender)
    if len(claimed) == 1:
        yield [(claimed[0], _hand_over(tools, access, claimed[0]))]
        return
    under_way: dict[Future[Answer], Claimed] = {}
    not_begun: list[tuple[Claimed, Answer]] = []
    for one in claimed:
        try:
            future = _calls.submit(copy_context().run, _hand_over, tools, access, one)
        except RuntimeError:  # the machine has no thread for it, or we are shutting down
            error = Temporary("provider", "no thread for the call", code="no_thread")
            not_begun.append((one, error))
        else:
            under_way[future] = one
    if not_begun:
        yield not_begun
    while under_way:
        done, _ = wait(under_way, timeout=SETTLE_SECONDS)
        if done:
            yield [(under_way.pop(each), each.result()) for each in done]


def _hand_over(tools: Needs, access: SenderAccess, one: Claimed) -> Answer:
    try:
        return tools.sms.send(access, one.text)
    except (Rejected, Temporary, Unknowable) as error:
        return error
    except Exception:
        log.exception("the call broke", message_id=one.text.message_id)
        return None


def _settled_together(answers: Answers) -> Iterator[Answers]:
    """Those that were taken in one transaction, each of the others in its own."""
    taken = [each for each in answers if isinstance(each[1], Accepted)]
    if taken:
        yield taken
    yield from ([each] for each in answers if not isinstance(each[1], Accepted))


def _settle(tools: Needs, *, now: datetime, shop_id: int, answers: Answers, over: Over) -> Failures:
    """One group; if that fails, each of it alone. Returns what failed in the end."""
    try:
        _settle_in_time(tools, now=now, shop_id=shop_id, answers=answers)
    except Exception as error:
        if len(answers) == 1 or (is_away(error) and not is_locked(error)):
            return [error]
        return [
            failure
            for each in answers
            for failure in _settle(tools, now=now, shop_id=shop_id, answers=[each], over=over)
        ]
    over(one.text.message_id for one, _ in answers)
    return []


def _settle_in_time(tools: Needs, *, now: datetime, shop_id: int, answers: Answers) -> None:
    for pause in SETTLE_PAUSES:
        time.sleep(pause)
        try:
            return _settle_once(tools, now=now, shop_id=shop_id, answers=answers)
        except Exception as error:
            if not is_away(error):  # nor is a row held
                raise
            log.warning("not settled yet", texts=len(answers), error=type(error).__name__)
            failure = error
    raise failure


def _settle_once(tools: Needs, *, now: datetime, shop_id: int, answers: Answers) -> None:
    taken: Mapping[int, str] = {
        one.text.message_id: answer.provider_sid
        for one, answer in answers
        if isinstance(answer, Accepted)
    }
    if taken:
        with tools.db.shop(shop_id) as session:
            settle_accepted(session, now=now, shop_id=shop_id, taken=taken)
    for one, answer in answers:
        if answer is None or isinstance(answer, Accepted):
            continue
        with tools.db.shop(shop_id) as session:
            message_id = one.text.message_id
            action = settle_failure(
                session, now=now, message_id=message_id, attempt=one.attempt, error=answer
            )
            if action is not None:
                obey_code(session, now=now, message_id=message_id, code=answer.code, action=action)
