"""The opt-in page's form: its signed token, and what a submission says.

Pure. The token says which shop's page, when and from where it was shown; nobody keeps it. It
proves that the form is one of ours, of this shop and of the last hours; what makes it good for one
text only is the text's own key (`join_by_page`). A browser's Origin is checked by the door
(`pages`).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer

from app.consent.state_rules import SUPPORTED_COUNTRIES
from app.consent.zones import locate
from app.foundation.errors import Refused
from app.foundation.phone import to_e164
from app.joining.sources import Source, source_of
from app.joining.texts import CARE, MARKETING

FORM_LIVES = timedelta(hours=2)
FASTEST = timedelta(seconds=2)  # nobody reads, ticks and types within this
TRAP = "website"  # a field that people do not see
COUNTRIES = {"US": "United States (+1)", "CA": "Canada (+1)"}
assert COUNTRIES.keys() == SUPPORTED_COUNTRIES


class FormRefused(Refused):
    """The form cannot be taken as it is. Reasons: forged, expired, too_fast, no_box, bad_phone,
    country."""


@dataclass(frozen=True)
class Shown:
    """What the token remembers of the page that was shown."""

    shop_id: int
    at: datetime
    source: Source
    version: str  # of the words beside the boxes
    nonce: str


@dataclass(frozen=True)
class Submission:
    """A form that was filled in by somebody."""

    phone: str = field(repr=False)
    country: str
    ticked: tuple[str, ...]  # care, marketing
    boxes: Mapping[str, bool]  # every box of the page, as it was
    trapped: bool  # only a machine fills in what people do not see


def sign(key: str, shown: Shown) -> str:
    at = round(shown.at.timestamp() * 1000)
    return str(
        _signer(key).dumps([shown.shop_id, at, shown.source.value, shown.version, shown.nonce])
    )


def show(shop_id: int, *, now: datetime, source: str | None, version: str) -> Shown:
    return Shown(shop_id, now, source_of(source), version, secrets.token_urlsafe(12))


def read(key: str, token: str, *, shop_id: int, now: datetime) -> Shown:
    """Raises FormRefused: forged (also another shop's), expired, too_fast."""
    try:
        for_shop, at, source, version, nonce = _signer(key).loads(token)
        shown = Shown(
            for_shop, datetime.fromtimestamp(at / 1000, UTC), Source(source), version, nonce
        )
    except (BadData, ValueError, TypeError, OverflowError):
        raise FormRefused("forged", "This form is not one of ours. Please load the page.") from None
    if shown.shop_id != shop_id:
        raise FormRefused("forged", "This form belongs to another shop. Please load the page.")
    if now - shown.at > FORM_LIVES:
        raise FormRefused("expired", "This page was open for a long time. Please try once more.")
    if now - shown.at < FASTEST:
        raise FormRefused("too_fast", "That was quick! Please press the button once more.")
    return shown


def fill_in(form: Mapping[str, str], *, marketing_asked: bool) -> Submission:
    """Raises FormRefused: no_box, bad_phone, country; in words for the person at the form."""
    boxes = {CARE: form.get(CARE) == "on"}
    if marketing_asked:
        boxes[MARKETING] = form.get(MARKETING) == "on"
    ticked = tuple(purpose for purpose, on in boxes.items() if on)
    if not ticked:
        raise FormRefused("no_box", "Please tick the box if you would like our texts.")
    country = form.get("country", "")
    if country not in COUNTRIES:
        raise FormRefused("country", "Please choose the country of your number.")
    phone = to_e164(form.get("phone", "")[:64], country=country)
    if phone is None:
        raise FormRefused(
            "bad_phone", "That does not look like a phone number. An example: (212) 555-0142."
        )
    places = locate(phone)
    if not places.countries or not places.countries <= SUPPORTED_COUNTRIES:
        raise FormRefused(
            "country", "We can text numbers in the United States and Canada only, for now."
        )
    return Submission(phone, country, ticked, boxes, trapped=bool(form.get(TRAP)))


def _signer(key: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        key,
        salt="doorstep.join-form",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
