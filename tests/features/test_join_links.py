"""Short links, QR codes and the kit that a merchant prints and pastes from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.cli import parser
from app.foundation.errors import Refused
from app.joining.commands import join_kit
from app.joining.links import ensure_links
from app.joining.sources import PRINTED, Source
from tests.factories.joining import joining_shop, ledger, prefer
from tests.factories.world import DOMAIN, PUBLIC_URL, ShopAtHand, World


def codes(world: World, shop: ShopAtHand) -> dict[tuple[Source, str], str]:
    with world.db.shop(shop.id) as session:
        return ensure_links(session, shop_id=shop.id)


def test_code_leads_to_the_page_with_its_source(world: World) -> None:
    shop = joining_shop(world)
    answer = world.client.get(f"/j/{codes(world, shop)[Source.BANNER, 'page']}")
    assert answer.status_code == 302
    assert answer.location == "/join/acme-outfitters?s=banner"


def test_code_opens_a_written_text_that_joins_from_its_source(world: World) -> None:
    shop = joining_shop(world)
    answer = world.client.get(f"/j/{codes(world, shop)[Source.PACKAGING, 'text']}")
    assert answer.status_code == 302
    assert answer.location == "sms:+12025550188?&body=TEXT%20ME%20packaging"
    world.text(shop, "TEXT ME packaging")
    assert ledger(world) == [("care", "granted", "keyword")]
    assert world.scalar("SELECT evidence->>'joined_from' FROM consent_events") == "packaging"


def test_printed_code_outlives_a_change_of_keyword_and_number(world: World) -> None:
    shop = joining_shop(world)
    before = codes(world, shop)
    prefer(world, shop, keyword="ACME CARE")
    world.execute("UPDATE senders SET phone = '+12025550177'")
    assert codes(world, shop) == before
    answer = world.client.get(f"/j/{before[Source.QR, 'text']}")
    assert answer.location == "sms:+12025550177?&body=ACME%20CARE%20qr"


def test_code_for_a_text_leads_to_the_page_where_no_keyword_is_set(world: World) -> None:
    shop = joining_shop(world, keyword=None)
    answer = world.client.get(f"/j/{codes(world, shop)[Source.QR, 'text']}")
    assert answer.location == "/join/acme-outfitters?s=qr"


def test_codes_are_short_and_none_is_another_shops(world: World) -> None:
    one = joining_shop(world)
    two = world.shop("other-shop.myshopify.com", line="+12025550189")
    ours, theirs = codes(world, one), codes(world, two)
    assert len(ours) == len(theirs) == 2 * len(PRINTED)
    assert not set(ours.values()) & set(theirs.values())
    assert all(re.fullmatch(r"[2-9a-z]{7}", code) for code in ours.values())


@pytest.mark.parametrize("path", ["/j/nothere", "/j/UPPER77", "/j/x", "/j/nothere/qr.svg"])
def test_unknown_code_is_not_found(world: World, path: str) -> None:
    joining_shop(world)
    assert world.client.get(path).status_code == 404


def test_qr_code_is_served_as_svg_and_png(world: World) -> None:
    shop = joining_shop(world)
    code = codes(world, shop)[Source.QR, "page"]
    svg = world.client.get(f"/j/{code}/qr.svg")
    assert svg.mimetype == "image/svg+xml"
    assert svg.data.startswith(b"<?xml")
    assert b"<script" not in svg.data
    png = world.client.get(f"/j/{code}/qr.png")
    assert png.data.startswith(b"\x89PNG")
    assert world.client.get(f"/j/{code}/qr.gif").status_code == 404


def kit(world: World, folder: Path) -> dict[str, bytes]:
    join_kit(world.ports, parser().parse_args(["join-kit", "--shop", DOMAIN, "--out", str(folder)]))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_kit_holds_codes_links_and_texts(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = joining_shop(
        world,
        terms_url="https://acme.shop/terms",
        privacy_url="https://acme.shop/privacy",
        support_contact="care@acme.shop",
    )
    files = kit(world, tmp_path / "kit")
    made = json.loads(files["to-paste.json"])
    for source in PRINTED:
        for goal in ("page", "text"):
            assert made["links"][source][goal].startswith(f"{PUBLIC_URL}/j/")
            assert f"qr-{source}-{goal}.svg" in files
            assert f"qr-{source}-{goal}.png" in files
    assert made["links"]["qr"]["page"].endswith(codes(world, shop)[Source.QR, "page"])
    page = files["to-paste.html"].decode()
    for words in ("Acme Outfitters", "TEXT ME", "(202) 555-0188", "care@acme.shop"):
        assert words in page
        assert words in files["to-paste.txt"].decode()
    assert "Nothing that we know of." in page
    assert "object" not in capsys.readouterr().out


def test_kit_made_twice_is_the_same(world: World, tmp_path: Path) -> None:
    joining_shop(world)
    assert kit(world, tmp_path / "kit") == kit(world, tmp_path / "kit")


def test_kit_says_what_a_reviewer_would_reject_and_what_is_not_open(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    joining_shop(world, join_page=False)
    kit(world, tmp_path / "kit")
    said = capsys.readouterr().out
    assert "not filled in ((not set yet))" in said
    assert "Your page is closed" in said


def test_kit_of_a_hostile_name_is_plain_html(world: World, tmp_path: Path) -> None:
    joining_shop(world)
    world.execute("UPDATE shops SET name = '<script>{x}</script>'")
    assert b"<script>" not in kit(world, tmp_path / "kit")["to-paste.html"]


def test_kit_of_an_unknown_shop_is_refused(world: World, tmp_path: Path) -> None:
    args = SimpleNamespace(shop="nobody.myshopify.com", out=tmp_path)
    with pytest.raises(Refused):
        join_kit(world.ports, args)  # type: ignore[arg-type]
