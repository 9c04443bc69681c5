"""What a carrier's reviewer would reject in a shop's texts, said before the weeks of waiting.

Pure. Called by the kit; takes the texts as a merchant would hand them in, ours or edited. The
rules are those that campaigns and toll-free numbers fail on most: CTIA's messaging principles,
Twilio's campaign and toll-free reviews (consent as a condition, links that are not public, no
"mobile data is not shared for marketing", one box for two purposes). A pass is no promise: people
review.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that would be rejected, where, and what to do."""

    where: str
    problem: str
    remedy: str


@dataclass(frozen=True)
class _Must:
    says: re.Pattern[str]
    problem: str
    remedy: str


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_STOP = _Must(_re(r"\bSTOP\b"), "does not say how to stop", "Add: Reply STOP to opt out.")
_HELP = _Must(_re(r"\bHELP\b"), "does not say how to get help", "Add: Reply HELP for help.")
_RATES = _Must(
    _re(r"(?:message|msg)s?\s*(?:&|and)\s*data rates may apply"),
    "does not say that rates may apply",
    "Add: Msg & data rates may apply.",
)
_FREQUENCY = _Must(
    _re(r"frequency varies|freq varies|\d[^.]{0,20}(?:texts?|messages?|msgs?) (?:per|a|each) \w+"),
    "does not say how often you text",
    "Add: Message frequency varies, or: 1 to 2 texts per order.",
)
_FREE = _Must(
    _re(
        r"not (?:a |required as a )?condition (?:of|for) (?:any )?purchase"
        r"|not required to (?:buy|purchase)"
    ),
    "does not say that consent is not a condition of purchase",
    "Add: This is not a condition of purchase.",
)
_NOT_SHARED = _Must(
    _re(
        r"(?:not|never) (?:sell|share|rent)[^.]*(?:mobile|phone|text)[^.]*"
        r"(?:third part|affiliate|anybody|anyone)[^.]*(?:marketing|promotion)"
    ),
    "does not say that mobile data is not shared for marketing",
    "Add: We do not share mobile information with third parties or affiliates for marketing or"
    " promotional purposes.",
)
_CONSENT_NOT_SHARED = _Must(
    _re(r"opt-?in data and consent (?:are|is|will) not (?:be )?shared"),
    "does not exclude opt-in data and consent from sharing",
    "Add: Text messaging opt-in data and consent are not shared with any third party.",
)
_CARRIERS = _Must(
    _re(r"carriers are not liable"),
    "does not mention the carriers",
    "Add: Carriers are not liable for delayed or undelivered messages.",
)
_ADDRESS = _Must(
    _re(r"https://[\w.-]+\.[a-z]{2,}"),
    "names no public page where a reviewer sees the form",
    "Add the address of your opt-in page; it must open without a password.",
)
_SUPPORT = _Must(
    _re(r"[\w.+-]+@[\w-]+\.\w+|https?://|\(?\d{3}\)?[ -]\d{3}"),
    "names no other way to reach you",
    "Add an e-mail address, page or phone number.",
)
_MARKETING_SAID = _Must(
    _re(r"marketing|promotional"),
    "does not call the texts marketing",
    "Say: recurring automated marketing texts.",
)
_AUTOMATED = _Must(
    _re(r"automated|autodial"), "does not say that the texts are automated", "Add: automated."
)

_PROMOTION = _re(
    r"\b(?:offers?|deals?|discounts?|coupons?|promo\w*|sales?|newsletter|marketing|new arrivals|"
    r"special\w*|% off)\b"
)
_CARE = _re(r"\b(?:deliver\w*|shipping|parcel|order (?:status|updates?)|my orders?|check-in)\b")
_SHORTENERS = _re(
    r"\b(?:bit\.ly|tinyurl\.com|goo\.gl|t\.co|ow\.ly|is\.gd|buff\.ly|rebrand\.ly|cutt\.ly|short\.io|"
    r"tiny\.cc|rb\.gy|shorturl\.at|t\.ly|lnkd\.in)/"
)
_SHAFT = _re(
    r"\b(?:sex\w*|porn\w*|escorts?|wines?|beers?|vodka|whiske?y|liquors?|alcohol\w*|guns?|firearms?|"
    r"ammo|ammunition|tobacco|cigar\w*|vap(?:e|es|ing)|nicotine|cannabis|marijuana|cbd|thc|hemp|"
    r"kratom)\b"
)
_PROMPTS = _re(r"\b(?:reply|text|send|answer)\s+(?:with\s+)?[\"“]?(?:YES|CANCEL|END)\b")
_BLANK = _re(
    r"\{\w*\}|\(not set yet\)|\[(?:your|shop|company|insert)[^\]]*\]|\bexample\.(?:com|org)"
    r"|\blorem ipsum"
)
_PREMADE_TICK = _re(
    r"\bpre-?(?:checked|ticked|selected)\b|(?<!not )\b(?:checked|ticked) by default"
)
_UNTICKED = _Must(
    _re(r"unticked|unchecked|not (?:pre-?)?(?:checked|ticked)|optional"),
    "does not say that the box is unticked",
    "Add: a checkbox that is unticked by default.",
)

_DISCLOSURE = (_STOP, _HELP, _RATES, _FREQUENCY)
_MUSTS: Mapping[str, tuple[_Must, ...]] = {
    "care_checkbox": (*_DISCLOSURE, _FREE),
    "marketing_checkbox": (*_DISCLOSURE, _FREE, _MARKETING_SAID, _AUTOMATED),
    "call_to_action": (*_DISCLOSURE, _FREE),
    "opt_in_message": _DISCLOSURE,
    "help_message": (_STOP, _SUPPORT),
    "terms": (*_DISCLOSURE, _SUPPORT, _CARRIERS),
    "privacy": (_NOT_SHARED, _CONSENT_NOT_SHARED),
    "message_flow": (_ADDRESS, _FREE, _UNTICKED),
    "description": (),
    "opt_out_message": (),
    "samples": (),
}
_LENGTHS = {"description": (40, 4096), "message_flow": (40, 2048)}
_SAMPLES, _SAMPLE_LENGTH = (2, 5), (20, 1024)
_BRANDED = ("opt_in_message", "opt_out_message", "help_message")
# What no text may hold, wherever it stands: what is said of the words found, and what to do.
_NOWHERE = (
    (
        _SHORTENERS,
        "has a link of a public shortener ({})",
        "Carriers filter these: write the page's own address.",
    ),
    (
        _SHAFT,
        "has a word of the forbidden topics ({})",
        "Sex, hate, alcohol, firearms and tobacco are refused or need age gates.",
    ),
    (
        _PROMPTS,
        "asks for a word that carriers obey ({})",
        "Ask for another, such as Y: CANCEL and END opt out, YES opts in.",
    ),
    (_BLANK, "has a blank that was not filled in ({})", "Fill it in."),
    (_PREMADE_TICK, "has a box that is {}", "The buyer must tick it themselves."),
)
# One box, one purpose: the most common rejection of toll-free numbers.
_APART = (
    (
        "care_checkbox",
        _PROMOTION,
        "mixes order texts with marketing ({})",
        "Give marketing a box of its own.",
    ),
    (
        "marketing_checkbox",
        _CARE,
        "mixes marketing with order texts ({})",
        "Give order texts a box of their own.",
    ),
)


def check_registration_texts(texts: Mapping[str, Any], *, brand: str) -> list[Finding]:
    """`texts`: the fields of the registration by name (see `_MUSTS`); `samples` is a list, all
    others are texts. A field that is left out is itself a finding, but for the marketing box."""
    return list(_findings(texts, brand))


def _findings(texts: Mapping[str, Any], brand: str) -> Iterator[Finding]:
    for name, musts in _MUSTS.items():
        if name == "samples":
            yield from _samples(list(texts.get(name) or ()), brand)
            continue
        text = texts.get(name)
        if not text:
            if name != "marketing_checkbox":
                yield Finding(name, "is missing", "Every registration asks for it.")
            continue
        for must in musts:
            if not must.says.search(text):
                yield Finding(name, must.problem, must.remedy)
        length = _LENGTHS.get(name, (1, 10_000))
        yield from _any_text(name, text, length, brand if name in _BRANDED else "")
    for name, pattern, problem, remedy in _APART:
        if found := pattern.search(texts.get(name) or ""):
            yield Finding(name, problem.format(found[0]), remedy)


def _samples(samples: list[str], brand: str) -> Iterator[Finding]:
    least, most = _SAMPLES
    if not least <= len(samples) <= most:
        yield Finding("samples", f"there are {len(samples)}", f"Give {least} to {most} samples.")
    for number, sample in enumerate(samples, start=1):
        where = f"sample {number}"
        yield from _any_text(where, sample, _SAMPLE_LENGTH, brand)
        if _PROMOTION.search(sample):
            yield Finding(
                where, "reads as marketing", "Care texts carry no offers: register them apart."
            )
    if samples and not any(_STOP.says.search(sample) for sample in samples):
        yield Finding("samples", "none says how to stop", "Let one end: Reply STOP to opt out.")


def _any_text(where: str, text: str, length: tuple[int, int], brand: str) -> Iterator[Finding]:
    """What holds for every text. `brand`: what it must name, if anything."""
    for pattern, problem, remedy in _NOWHERE:
        if found := pattern.search(text):
            yield Finding(where, problem.format(found[0].strip().rstrip("/")), remedy)
    least, most = length
    if not least <= len(text) <= most:
        yield Finding(where, f"has {len(text)} characters", f"Keep it from {least} to {most}.")
    if brand.lower() not in text.lower():
        yield Finding(where, "does not name your brand", f"Begin with {brand}:")
