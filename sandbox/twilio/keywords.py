"""What the carrier does by itself with STOP, START and HELP, by kind of number.

Long codes: Twilio's default handling (twilio.com/docs/messaging/tutorials/advanced-opt-out),
single words only. Toll-free: the network knows STOP, START and UNSTOP alone and cannot be
customized (support.twilio.com 360058144374). With Advanced Opt-Out the webhook says OptOutType.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.twilio.store import Number

STOP = frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"})
START = frozenset({"START", "UNSTOP", "YES"})
HELP = frozenset({"HELP", "INFO"})


@dataclass(frozen=True)
class Keyword:
    """What a text means to the carrier and what it answers; `shown` in the message list or not."""

    kind: str  # STOP | START | HELP
    answer: str
    shown: bool


def read(number: Number, body: str, *, opted_out: bool) -> Keyword | None:
    """The keyword that a whole text is to the carrier of this number, if any."""
    word = body.strip().upper()
    if number.kind == "toll_free" and not number.advanced_opt_out:
        return _by_network(word, opted_out=opted_out)
    if word in STOP:
        # A second STOP is not answered: the phone is blocked already.
        answer = (
            "You have successfully been unsubscribed. You will not receive any more messages "
            "from this number. Reply START to resubscribe."
        )
        return Keyword("STOP", "" if opted_out else answer, shown=True)
    if word in START and (opted_out or word != "YES"):
        return Keyword(
            "START",
            "You have successfully been re-subscribed to messages from this number. Reply HELP "
            "for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
            shown=True,
        )
    if word in HELP:
        return Keyword("HELP", "Reply STOP to unsubscribe. Msg&Data Rates May Apply.", shown=True)
    return None


def _by_network(word: str, *, opted_out: bool) -> Keyword | None:
    if word == "STOP":
        answer = (
            'NETWORK MSG: You replied with the word "stop" which blocks all texts sent from this '
            'number. Text back "unstop" to receive messages again.'
        )
        return Keyword("STOP", "" if opted_out else answer, shown=False)
    if word in ("START", "UNSTOP") and opted_out:
        return Keyword(
            "START",
            'NETWORK MSG: You have replied "unstop" and will begin receiving messages again from '
            "this number.",
            shown=False,
        )
    return None
