"""Short links and QR codes: one code per shop, source and goal, made once and good for ever.

Called by the kit (makes them) and the doors (follow them). A code leads to the shop's page or to a
text that is written already; both go through our address, so that a printed code outlives a change
of keyword, number or page.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.foundation.db import Session
from app.joining.models import JoinLink
from app.joining.sources import PRINTED, Source

GOALS = ("page", "text")
CODE_LENGTH = 7
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is mistaken for something else
_QUIET_ZONE = 4  # modules around a code, as its standard asks


@dataclass(frozen=True)
class Goal:
    shop_id: int
    source: Source
    leads_to: str


def ensure_links(session: Session, *, shop_id: int) -> dict[tuple[Source, str], str]:
    """Every code of this shop by source and goal; those that are missing are made."""
    session.execute(
        insert(JoinLink)
        .values(
            [
                {"code": _new_code(), "shop_id": shop_id, "source": source, "leads_to": goal}
                for source in PRINTED
                for goal in GOALS
            ]
        )
        .on_conflict_do_nothing(index_elements=["shop_id", "source", "leads_to"])
    )
    rows = session.scalars(sa.select(JoinLink).where(JoinLink.shop_id == shop_id))
    return {(Source(row.source), row.leads_to): row.code for row in rows}


def follow(session: Session, code: str) -> Goal | None:
    """Where a code leads, in a transaction across shops; None for one that we never made."""
    row = session.get(JoinLink, code)
    return None if row is None else Goal(row.shop_id, Source(row.source), row.leads_to)


def page_path(domain: str, source: Source) -> str:
    """The shop's page, by the name that Shopify gave the shop: unique, and never changed."""
    return f"/join/{domain.removesuffix('.myshopify.com')}?s={source}"


def text_link(line: str, keyword: str, source: Source | None = None) -> str:
    """Opens the phone's own texts with the keyword written. "?&" is read by both kinds of phone."""
    body = f"{keyword} {source}" if source else keyword
    return f"sms:{line}?&body={quote(body)}"


def qr_svg(address: str) -> bytes:
    """Scales to any size; dark on light, with its quiet zone."""
    out = BytesIO()
    _qr(address).save(
        out, kind="svg", border=_QUIET_ZONE, scale=8, dark="#000", light="#fff", title="QR code"
    )
    return out.getvalue()


def qr_png(address: str) -> bytes:
    """Some 400 pixels wide, and sharp: 12 pixels a module."""
    out = BytesIO()
    _qr(address).save(out, kind="png", border=_QUIET_ZONE, scale=12)
    return out.getvalue()


def _qr(address: str) -> Any:
    # Imported here: codes are drawn seldom, and every web process would carry it along.
    import segno

    return segno.make_qr(address, error="m")


def _new_code() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH))
