"""Why a check-in was skipped or called off, in words that a merchant can read."""

from __future__ import annotations

from app.consent.verdicts import Reason, reason_text

GOES_ONCE_MORE = "second_attempt"
OTHER_REASONS = {
    "order_cancelled": "The order was cancelled.",
    "order_refunded": "The order was refunded.",
    "order_returned": "A return was opened; the buyer is being looked after.",
    "nothing_left": "Nothing of the order is left to ask about: all of it was removed or refunded.",
    "no_phone": "The order has no phone number.",
    "invalid_phone": "The order's phone number cannot be texted.",
    "too_late": "The parcel arrived too long ago to ask about it.",
    "redacted": "The buyer asked to be forgotten.",
    "carrier": "The carrier could not deliver the text.",
    GOES_ONCE_MORE: "The buyer's phone was out of reach; the text goes once more, later.",
    "rejected": "The texting service refused the text.",
}


# Before the code of what would have called it off, had the text not been on its way.
LEFT_BEFORE = "left_before:"


def sentence(reason: str) -> str:
    """One sentence for a reason's code, two if the text was on its way."""
    if reason.startswith(LEFT_BEFORE):
        return f"The text was already on its way. {sentence(reason.removeprefix(LEFT_BEFORE))}"
    if reason in OTHER_REASONS:
        return OTHER_REASONS[reason]
    return reason_text(Reason(reason)) if reason in set(Reason) else reason.replace("_", " ")
