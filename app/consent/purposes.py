"""Why a text is sent, and the rules that each purpose brings: one row for each.

`permission` reads the rows and decides; whoever queues a text names its purpose. Read a row as a
sentence: a check-in is proactive, so it counts against the caps and needs consent and lawful
hours; it goes once for an order, stands down while we are talking, and has no place after an
opt-out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum

# A text this recent is being answered, at any hour of the day.
REPLY_WITHIN = timedelta(hours=24)
# A confirmation any later counts as a text against the buyer's will, and a question about an
# opt-out belongs into the same five minutes (47 CFR 64.1200(a)(12)).
CONFIRM_WITHIN = timedelta(minutes=5)
# Who has just joined on a page waits for the confirmation; an hour later nobody does.
WELCOME_WITHIN = timedelta(hours=1)


class Purpose(StrEnum):
    CHECK_IN = "check_in"
    FOLLOW_UP = "follow_up"  # the buyer asked for it: a promise that falls due
    ORDER_STATUS = "order_status"  # begun by us, informs, asks nothing
    AGENT_REPLY = "agent_reply"
    APOLOGY = "apology"  # nobody answered by the time that was promised
    REPLY = "reply"  # system or assistant, to a text just received
    OPT_OUT_CONFIRMATION = "opt_out_confirmation"
    OPT_IN_CONFIRMATION = "opt_in_confirmation"
    HELP_ANSWER = "help_answer"
    CLARIFICATION = "clarification"  # did the buyer mean to opt out?
    CONSENT_RECEIPT = "consent_receipt"  # the answer to WHY
    CRISIS_ANSWER = "crisis_answer"  # names who helps


class AfterOptOut(Enum):
    NEVER = "never"
    ALWAYS = "always"
    IF_WROTE_SINCE = "if_wrote_since"


@dataclass(frozen=True)
class Traits:
    answers_within: timedelta | None = None
    """At any hour, without consent on file, this long after the buyer's own text."""

    begins: bool = False
    """May go though nobody waits for it: then it needs its ground and lawful hours."""

    asked_for: bool = False
    """What the buyer once wrote is ground enough to begin; else recorded consent is needed."""

    proactive: bool = False
    """Counts against the caps, obeys the shop's pause and the shop's own hours."""

    once_per_order: bool = False

    minds_attention: bool = False
    """Stands down while we are talking, after another order's care text, and after an unanswered
    check-in of this order."""

    after_opt_out: AfterOptOut = AfterOptOut.NEVER


TRAITS: Mapping[Purpose, Traits] = {
    Purpose.CHECK_IN: Traits(
        begins=True, proactive=True, once_per_order=True, minds_attention=True
    ),
    Purpose.FOLLOW_UP: Traits(begins=True, asked_for=True, proactive=True, once_per_order=True),
    Purpose.ORDER_STATUS: Traits(begins=True, proactive=True),
    Purpose.AGENT_REPLY: Traits(answers_within=REPLY_WITHIN, begins=True, asked_for=True),
    Purpose.APOLOGY: Traits(answers_within=REPLY_WITHIN, begins=True, asked_for=True),
    Purpose.REPLY: Traits(answers_within=REPLY_WITHIN),
    Purpose.OPT_OUT_CONFIRMATION: Traits(after_opt_out=AfterOptOut.ALWAYS),
    Purpose.OPT_IN_CONFIRMATION: Traits(answers_within=REPLY_WITHIN),
    Purpose.HELP_ANSWER: Traits(answers_within=REPLY_WITHIN, after_opt_out=AfterOptOut.ALWAYS),
    Purpose.CLARIFICATION: Traits(answers_within=CONFIRM_WITHIN),
    Purpose.CONSENT_RECEIPT: Traits(answers_within=REPLY_WITHIN),
    # Emergencies stand outside the law's consent; a later cry for help is answered all the same.
    Purpose.CRISIS_ANSWER: Traits(
        answers_within=REPLY_WITHIN, after_opt_out=AfterOptOut.IF_WROTE_SINCE
    ),
}

PROACTIVE = frozenset(purpose for purpose, traits in TRAITS.items() if traits.proactive)
