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
side by side, and one transaction settles all that have come back meanwhile. A text whose call takes
long holds up no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from app.foundation.errors import Temporary, Unknowable
from app.foundation.jobs import Tools
from app.foundation.media import sign_media_token
from app.messaging.claim import Claim, Claimed, NextTime, claim_texts
from app.messaging.codes import obey_code
from app.messaging.ports import Accepted, Rejected, SenderAccess, SmsProvider
from app.messaging.settle import settle_accepted, settle_failure

log = structlog.get_logger()

MEDIA_ADDRESS_LIVES = timedelta(hours=4)
SETTLE_SECONDS = 0.25  # so long a text that was taken waits at most for those beside it

# A claimed text must not wait for a thread: a STOP meanwhile would not find it any more. So there
# is one for each that a worker process can have claimed; they are started when needed.
_calls = ThreadPoolExecutor(1024, thread_name_prefix="call")


class Needs(Tools, Protocol):
    @property
    def sms(self) -> SmsProvider: ...
    @property
    def public_url(self) -> str: ...


Answer = Accepted | Rejected | Temporary | Unknowable


def access_to(tools: Needs, sender: Any) -> SenderAccess:
    """`sender`: a `Sender`, or a row with the same of its columns."""
    return SenderAccess(
        sender_id=sender.id,
        account_sid=sender.account_sid,
        auth_token=tools.keys.decrypt(sender.auth_token),
        messaging_service_sid=sender.messaging_service_sid,
        phone=sender.phone,
        door_key=sender.door_key,
    )


def send(tools: Needs, *, shop_id: int, message_ids: Sequence[int]) -> None:
    """Claim, call, settle."""
    while message_ids:
        now = tools.clock.now()
        claim = claim_in_a_transaction(tools, now=now, shop_id=shop_id, message_ids=message_ids)
        for answers in call(tools, claim):
            settle(tools, now=now, shop_id=shop_id, answers=answers)
        outcomes = claim.outcomes.items()
        message_ids = [each for each, outcome in outcomes if isinstance(outcome, NextTime)]


def claim_in_a_transaction(
    tools: Needs, *, now: datetime, shop_id: int, message_ids: Sequence[int]
) -> Claim:
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


def call(tools: Needs, claim: Claim) -> Iterator[list[tuple[Claimed, Answer]]]:
    """Hand over what was claimed; yields the answers as they come, those of a moment together."""
    claimed = claim.claimed
    if not claimed:
        return
    access = access_to(tools, claim.sender)
    if len(claimed) == 1:
        yield [(claimed[0], hand_over(tools, access, claimed[0]))]
        return
    under_way: dict[Future[Answer], Claimed] = {
        _calls.submit(hand_over, tools, access, one): one for one in claimed
    }
    while under_way:
        done, _ = wait(under_way, timeout=SETTLE_SECONDS)
        if done:
            yield [(under_way.pop(each), each.result()) for each in done]


def hand_over(tools: Needs, access: SenderAccess, one: Claimed) -> Answer:
    try:
        return tools.sms.send(access, one.text)
    except (Rejected, Temporary, Unknowable) as error:
        return error
    except Exception as error:
        # A fault of ours: nobody can say how far it came, and the others must be settled.
        log.exception("the call broke", message_id=one.text.message_id)
        return Unknowable("provider", f"the call broke ({type(error).__name__})")


def settle(
    tools: Needs, *, now: datetime, shop_id: int, answers: Sequence[tuple[Claimed, Answer]]
) -> None:
    """Those that were taken in one transaction, each of the others in its own."""
    taken = {
        one.text.message_id: answer.provider_sid
        for one, answer in answers
        if isinstance(answer, Accepted)
    }
    if taken:
        with tools.db.shop(shop_id) as session:
            settle_accepted(session, now=now, shop_id=shop_id, taken=taken)
    for one, answer in answers:
        if isinstance(answer, Accepted):
            continue
        with tools.db.shop(shop_id) as session:
            message_id = one.text.message_id
            action = settle_failure(
                session, now=now, message_id=message_id, attempt=one.attempt, error=answer
            )
            if action is not None:
                obey_code(session, now=now, message_id=message_id, code=answer.code, action=action)
