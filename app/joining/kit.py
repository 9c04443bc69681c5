"""All that a merchant prints, pastes or hands in, filled for one shop and written to a folder.

Called by the operator's command `join-kit`. QR codes (SVG and PNG) and short links for each source,
the words to put beside them, terms and privacy clauses to paste, and the texts of a 10DLC or
toll-free registration with what `registration` finds in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from app.joining import links, texts
from app.joining.registration import Finding, check_registration_texts
from app.joining.sources import PRINTED, Source

ADVERTS = ("banner", "popup", "email", "qr")
NOT_SET = "(not set yet)"


@dataclass(frozen=True)
class ShopOfKit:
    """What the kit must know of its shop."""

    name: str
    domain: str
    line: str = field(repr=False)  # as people write it
    keyword: str | None
    marketing: bool
    terms_url: str | None
    privacy_url: str | None
    support: str | None


@dataclass(frozen=True)
class Kit:
    short_links: Mapping[str, Mapping[str, str]]  # source -> goal -> address
    adverts: Mapping[str, str]
    registration: Mapping[str, Any]
    findings: tuple[Finding, ...]


def make_kit(shop: ShopOfKit, *, public_url: str, codes: Mapping[tuple[Source, str], str]) -> Kit:
    goals = links.GOALS if shop.keyword else ("page",)
    short = {
        source.value: {goal: f"{public_url}/j/{codes[source, goal]}" for goal in goals}
        for source in PRINTED
    }
    registration = registration_texts(shop, public_url=public_url)
    return Kit(
        short_links=short,
        adverts={
            name: texts.words().fill("advert", name, shop=shop.name, link=short[name]["page"])
            for name in ADVERTS
        },
        registration=registration,
        findings=tuple(check_registration_texts(registration, brand=shop.name)),
    )


def registration_texts(shop: ShopOfKit, *, public_url: str) -> dict[str, Any]:
    """The fields of a campaign's or toll-free number's registration, and the clauses to paste."""
    words = texts.words()
    page_url = public_url + links.page_path(shop.domain, Source.DIRECT).partition("?")[0]
    values = {
        "shop": shop.name,
        "line": shop.line,
        "keyword": shop.keyword or "",
        "support": shop.support or NOT_SET,
        "terms_url": shop.terms_url or NOT_SET,
        "privacy_url": shop.privacy_url or NOT_SET,
        "page_url": page_url,
        "care": texts.box(texts.CARE, shop.name),
    }
    call_to_action = words.fill("advert", "call_to_action", **values)
    values["call_to_action"] = call_to_action
    values["keyword_flow"] = (
        " " + words.fill("registration", "keyword_flow", **values) if shop.keyword else ""
    )
    made: dict[str, Any] = {
        "wording_version": words.version,
        "description": words.fill("registration", "description", **values),
        "message_flow": words.fill("registration", "message_flow", **values),
        "samples": words.fill_list("registration", "samples", **values),
        "opt_in_message": texts.welcome(shop.name, [texts.CARE], shop.terms_url),
        "opt_in_keywords": [shop.keyword] if shop.keyword else [],
        "help_message": words.fill("registration", "help", **values),
        "opt_out_message": words.fill("registration", "stop", **values),
        "care_checkbox": values["care"],
        "marketing_checkbox": texts.box(texts.MARKETING, shop.name) if shop.marketing else None,
        "call_to_action": call_to_action,
        "terms": words.fill("legal", "terms", **values),
        "privacy": words.fill("legal", "privacy", **values),
        "opt_in_page": page_url,
        "terms_url": shop.terms_url,
        "privacy_url": shop.privacy_url,
    }
    return made


def write_kit(kit: Kit, folder: Path) -> list[str]:
    """Write the files; returns their names. A file of an earlier kit is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, bytes] = {}
    for source, goals in kit.short_links.items():
        for goal, address in goals.items():
            files[f"qr-{source}-{goal}.svg"] = links.qr_svg(address)
            files[f"qr-{source}-{goal}.png"] = links.qr_png(address)
    everything = {"links": kit.short_links, "adverts": kit.adverts, **kit.registration}
    files["to-paste.json"] = json.dumps(everything, indent=2, ensure_ascii=False).encode()
    files["to-paste.txt"] = as_text(kit).encode()
    files["to-paste.html"] = as_html(kit).encode()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return sorted(files)


def as_text(kit: Kit) -> str:
    parts = [f"{title}\n{'-' * len(title)}\n{body}\n" for title, body in _sections(kit)]
    return "\n".join(parts)


def as_html(kit: Kit) -> str:
    """One page to read and copy from; the clauses keep their paragraphs."""
    parts = [
        f"<h2>{escape(title)}</h2>\n"
        + "\n".join(f"<p>{escape(line)}</p>" for line in body.splitlines() if line.strip())
        for title, body in _sections(kit)
    ]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Texts to paste</title>'
        "</head>\n<body>\n" + body + "\n</body></html>\n"
    )


_TITLES = {
    "care_checkbox": "Beside the checkbox for order care texts (unticked)",
    "marketing_checkbox": "Beside a separate checkbox for marketing texts (unticked, optional)",
    "call_to_action": "Where you advertise your keyword",
    "terms": "For your terms page",
    "privacy": "For your privacy policy",
    "description": "Registration: campaign description",
    "message_flow": "Registration: how people opt in",
    "opt_in_message": "Registration: opt-in confirmation",
    "help_message": "Registration: answer to HELP",
    "opt_out_message": "Registration: answer to STOP",
}


def _sections(kit: Kit) -> list[tuple[str, str]]:
    found = "\n".join(f"{one.where}: {one.problem}. {one.remedy}" for one in kit.findings)
    made = [("What a reviewer would reject", found or "Nothing that we know of.")]
    made.append(
        (
            "Short links",
            "\n".join(
                f"{source} ({'opens the page' if goal == 'page' else 'writes the text'}): {address}"
                for source, goals in kit.short_links.items()
                for goal, address in goals.items()
            ),
        )
    )
    made += [(f"For your {name}", text) for name, text in kit.adverts.items()]
    for name, title in _TITLES.items():
        if kit.registration[name]:
            made.append((title, kit.registration[name]))
    made += [
        (f"Registration: sample message {number}", sample)
        for number, sample in enumerate(kit.registration["samples"], start=1)
    ]
    return made
