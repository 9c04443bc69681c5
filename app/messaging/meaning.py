"""What a buyer's text means where it was said: beside our last question and the texts just before.

Called by `messaging.receive` for the few texts whose own words do not settle it, so that all others
cost no statement more. The words themselves are `app.understanding`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.foundation.db import Session
from app.messaging.states import TOOK_OFF
from app.understanding.opt_out import OptOut, Verdict
from app.understanding.questions import Answer, LastQuestion
from app.understanding.sensitive import EarlierMask
from app.understanding.understand import Understanding, understand

# How long a question of ours is the one that a short answer answers.
QUESTION_LIVES = timedelta(days=7)
# Within this a number begun in one text may go on in the next.
SAME_BREATH = timedelta(seconds=60)

LAST_SAID = """
SELECT body FROM messages
WHERE contact_id = %s AND direction = 'out' AND state = ANY(%s) AND created_at > %s
ORDER BY created_at DESC, id DESC LIMIT 1
"""
# The scope is set first, and the contact is not known yet: this runs before the text is stored.
JUST_BEFORE = """
WITH scope AS MATERIALIZED (
  SELECT set_config('doorstep.shop_id', %(shop)s, true)::bigint AS shop)
SELECT said.id, said.body FROM scope, LATERAL (
  SELECT m.id, m.body FROM contacts c JOIN messages m ON m.contact_id = c.id
  WHERE c.shop_id = scope.shop AND c.phone = %(phone)s
    AND m.direction = 'in' AND m.created_at > %(since)s
  ORDER BY m.id DESC LIMIT 3) said
ORDER BY said.id
"""
# Four digits; or fewer, where nothing else is said: the rest of a card's last group.
_PIECE_OF_A_NUMBER = re.compile(r"\d(?:[ .\-]?\d){3}|\A\W*\d{1,3}\W*\Z")


@dataclass(frozen=True)
class SaidBefore:
    message_id: int
    body: str


def depends_on_our_question(said: Understanding) -> bool:
    """Whether these words may mean our texts or anything else: "no thanks", "not interested"."""
    return said.opt_out.verdict is Verdict.AMBIGUOUS or said.opt_out.soft


def beside_our_question(
    session: Session,
    *,
    now: datetime,
    contact_id: int,
    text: str,
    said: Understanding,
    asked_to_stop: bool,
) -> tuple[OptOut, bool]:
    """Whether these words opt out, read beside our last question; and whether even so nobody can
    tell, and they are to be asked. `asked_to_stop`: they have been asked just that, so what is
    unclear a second time, and is no plain "no", is out."""
    if asked_to_stop:
        beside = understand(text, last_question=LastQuestion.STOP_TEXTING)
        if said.opt_out.verdict is Verdict.AMBIGUOUS and beside.answer is not Answer.NO:
            return replace(said.opt_out, verdict=Verdict.YES), False
        return beside.opt_out, False
    last = session.sql(LAST_SAID, contact_id, list(TOOK_OFF), now - QUESTION_LIVES).scalar()
    meant = understand(text, last_question=last).opt_out
    return meant, meant.verdict is Verdict.AMBIGUOUS


def said_just_before(
    session: Session, *, now: datetime, shop_id: int, phone: str, body: str
) -> Sequence[SaidBefore]:
    """The buyer's texts of the same breath, if `body` may go on with a number begun there."""
    if not _PIECE_OF_A_NUMBER.search(body):
        return ()
    rows = session.sql(
        JUST_BEFORE, {"shop": str(shop_id), "phone": phone, "since": now - SAME_BREATH}
    )
    return [SaidBefore(row.id, row.body) for row in rows]


def masked(before: SaidBefore, index: int, masks: Sequence[EarlierMask]) -> str:
    """`before` without the pieces of it that turned out to be part of a number."""
    body = before.body
    for mask in sorted((m for m in masks if m.text == index), key=lambda m: -m.start):
        body = body[: mask.start] + mask.label + body[mask.end :]
    return body
