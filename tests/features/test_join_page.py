"""The shop's public opt-in page: what it stores, what it sends, and who cannot misuse it."""

from __future__ import annotations

import re

import pytest

from app.consent.models import ConsentEvent
from app.foundation.audit import AuditEntry
from app.joining import form, texts
from app.joining.queries import joined_by_source
from tests.factories.joining import (
    SLUG,
    joining_shop,
    ledger,
    prefer,
    shown_form,
    submit,
    token_of,
)
from tests.factories.world import BUYER, DOMAIN, PUBLIC_URL, World

OTHER = "other-shop.myshopify.com"


def test_page_shows_the_words_and_no_tick(world: World) -> None:
    joining_shop(world, terms_url="https://acme.example/t", privacy_url="https://acme.example/p")
    html = world.client.get(f"/join/{SLUG}").get_data(as_text=True)
    assert texts.box("care", "Acme Outfitters").replace("&", "&amp;") in html
    assert not re.search(r"<input[^>]*checked", html)
    assert 'name="marketing"' not in html
    assert "https://acme.example/t" in html
    assert "https://acme.example/p" in html
    assert "<script" not in html


def test_submitting_stores_evidence_and_sends_one_confirmation(world: World) -> None:
    shop = joining_shop(world)
    answer = submit(world, source="banner")
    assert answer.status_code == 303
    assert answer.location == f"/join/{SLUG}/done"
    world.settle()
    [row] = world.all(ConsentEvent)
    assert (row.purpose, row.action, row.source) == ("care", "granted", "join_page")
    assert row.phone == BUYER
    assert row.wording == texts.box("care", "Acme Outfitters")
    assert row.covers_assistant
    assert row.occurred_at == world.clock.now()
    kept = row.evidence
    assert kept["page_url"] == f"{PUBLIC_URL}/join/{SLUG}?s=banner"
    assert kept["boxes"] == {"care": True}
    assert kept["joined_from"] == "banner"
    assert kept["zone"] == "America/New_York"
    assert kept["local_time"].endswith("-05:00")
    assert kept["ip"] == "127.0.0.1"
    assert kept["user_agent"] == "Tests/1.0"
    assert kept["wording_version"] == texts.words().version
    [sent] = world.texts(direction="out", contact_id=world.contact().id)
    assert (sent.purpose, sent.state) == ("opt_in_confirmation", "accepted")
    assert "Acme Outfitters" in sent.body
    assert "STOP" in sent.body
    assert world.scalar("SELECT evidence->'evidence'->>0 FROM permissions") == f"consent:{row.id}"
    assert shop.id == row.shop_id


def test_confirmation_leaves_at_night_for_somebody_who_has_just_joined(world: World) -> None:
    joining_shop(world)
    world.clock.advance(hours=12)  # 23:00 at the buyer
    submit(world)
    world.settle()
    assert len(world.sent()) == 1


def test_confirmation_that_could_not_leave_for_an_hour_is_not_sent(world: World) -> None:
    joining_shop(world)
    submit(world)
    world.clock.advance(hours=1)
    world.settle()
    assert world.sent() == []
    assert [t.reason for t in world.texts(direction="out")] == ["too_old_to_reply"]


def test_marketing_has_a_box_of_its_own_where_the_shop_asks(world: World) -> None:
    joining_shop(world, join_marketing=True)
    submit(world, marketing="on")
    world.settle()
    assert ledger(world) == [
        ("care", "granted", "join_page"),
        ("marketing", "granted", "join_page"),
    ]
    assert [e.evidence["boxes"] for e in world.all(ConsentEvent)] == [
        {"care": True, "marketing": True}
    ] * 2
    assert "order care and marketing texts" in world.sent()[0]


def test_marketing_that_the_shop_does_not_ask_for_is_not_stored(world: World) -> None:
    joining_shop(world)
    submit(world, marketing="on")
    assert ledger(world) == [("care", "granted", "join_page")]


def test_double_opt_in_asks_the_phone_first(world: World) -> None:
    shop = joining_shop(world, join_double_opt_in=True, join_marketing=True)
    submit(world, marketing="on")
    world.settle()
    assert [action for _, action, _ in ledger(world)] == ["pending", "pending"]
    assert "Reply Y to confirm" in world.sent()[0]
    world.clock.advance(minutes=1)
    world.text(shop, "Y")
    assert ledger(world)[2:] == [
        ("care", "granted", "join_page"),
        ("marketing", "granted", "join_page"),
    ]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"care": None}, "tick the box"),
        ({"phone": "12"}, "does not look like a phone number"),
        ({"phone": "+44 20 7946 0018"}, "United States and Canada only"),
        ({"phone": "(876) 555-0142"}, ""),  # Jamaica also begins with +1
        ({"country": "GB"}, "country"),
        ({"phone": "9" * 5000}, "does not look like"),
    ],
)
def test_form_that_cannot_be_taken_says_why_and_keeps_what_was_typed(
    world: World, fields: dict[str, str | None], says: str
) -> None:
    joining_shop(world)
    answer = submit(world, **fields)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert says in html
    assert 'role="alert"' in html
    assert ledger(world) == []
    assert world.texts() == []


def test_number_gets_one_confirmation_in_a_day(world: World) -> None:
    joining_shop(world)
    for _ in range(3):
        submit(world)
        world.settle()
    assert len(world.sent()) == 1
    assert len(ledger(world)) == 1
    world.clock.advance(hours=24)
    submit(world)
    world.settle()
    assert len(world.sent()) == 2


def test_page_never_ends_an_opt_out_and_says_nothing_of_it(world: World) -> None:
    shop = joining_shop(world)
    world.text(shop, "STOP")
    world.clock.advance(days=3)
    before = submit(world, phone="(415) 555-0177")
    answer = submit(world)
    assert (answer.status_code, answer.location) == (before.status_code, before.location)
    world.settle()
    assert world.contact().opted_out_at is not None
    assert [row for row in world.all(ConsentEvent) if row.phone == BUYER][-1].action == "revoked"
    assert world.texts(direction="out", contact_id=world.contact().id) == []
    assert [e.action for e in world.all(AuditEntry)][-1] == "joining.page_after_opt_out"


def test_opt_ins_are_counted_by_source(world: World) -> None:
    shop = joining_shop(world)
    for number, source in enumerate(("banner", "banner", "email", None, "made-up")):
        submit(world, source=source, phone=f"(415) 555-01{number:02}")
    world.text(shop, "TEXT ME qr", sender="+14155550188")
    with world.db.shop(shop.id) as session:
        assert joined_by_source(session, shop_id=shop.id) == [
            ("join_page", "banner", 2),
            ("join_page", "direct", 1),
            ("join_page", "email", 1),
            ("join_page", "other", 1),
            ("keyword", "qr", 1),
        ]


# --- Who may not


@pytest.mark.parametrize(
    "slug", ["nobody", "acme-outfitters.myshopify.com", "..", "%27--", "A" * 70]
)
def test_unknown_page_is_not_found(world: World, slug: str) -> None:
    joining_shop(world)
    assert world.client.get(f"/join/{slug}").status_code == 404


@pytest.mark.parametrize("closed_by", ["choice", "uninstall", "no line"])
def test_page_is_closed_until_its_shop_opens_it_and_can_answer(
    world: World, closed_by: str
) -> None:
    shop = joining_shop(world)
    if closed_by == "choice":
        prefer(world, shop, join_page=False)
    elif closed_by == "uninstall":
        world.execute("UPDATE shops SET state = 'uninstalled'")
    else:
        world.execute("UPDATE senders SET state = 'paused'")
    assert world.client.get(f"/join/{SLUG}").status_code == 404
    assert world.client.post(f"/join/{SLUG}", data={}).status_code == 404


@pytest.mark.parametrize("forgery", ["", "forged", "eyJh.e30.x", "x" * 5000])
def test_forged_form_is_refused(world: World, forgery: str) -> None:
    joining_shop(world)
    answer = submit(world, token=forgery or "-")
    assert answer.status_code == 422
    assert ledger(world) == []


def test_changed_token_is_refused(world: World) -> None:
    joining_shop(world)
    token = shown_form(world)
    assert submit(world, token=("A" if token[0] != "A" else "B") + token[1:]).status_code == 422
    assert ledger(world) == []


def test_other_shops_form_is_refused(world: World) -> None:
    joining_shop(world)
    other = world.shop(OTHER, line="+12025550189")
    prefer(world, other, join_page=True)
    token = shown_form(world, slug="other-shop")
    assert submit(world, token=token).status_code == 422
    assert ledger(world) == []


def test_form_of_yesterday_is_refused_and_a_fresh_one_given(world: World) -> None:
    joining_shop(world)
    answer = submit(world, token=shown_form(world), wait=3 * 3600)
    assert answer.status_code == 422
    assert submit(world, token=token_of(answer)).status_code == 303


def test_form_is_good_for_one_text_whatever_number_is_typed(world: World) -> None:
    joining_shop(world)
    token = shown_form(world)
    submit(world, token=token)
    assert submit(world, token=token, phone="(415) 555-0177").status_code == 303
    world.settle()
    assert len(world.sent()) == 1
    assert {row.phone for row in world.all(ConsentEvent)} == {BUYER}


def test_machine_that_fills_in_what_people_do_not_see_gets_nothing(world: World) -> None:
    joining_shop(world)
    assert submit(world, website="https://spam.example").status_code == 303
    assert ledger(world) == []
    assert world.texts() == []


def test_too_quick_a_form_is_asked_for_once_more(world: World) -> None:
    joining_shop(world)
    token = shown_form(world)
    quick = submit(world, token=token, wait=0.5)
    assert quick.status_code == 422
    assert token_of(quick) == token
    assert submit(world, token=token, wait=2).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_form_sent_from_another_site_is_refused(world: World, headers: dict[str, str]) -> None:
    joining_shop(world)
    assert submit(world, headers=headers).status_code == 403
    assert ledger(world) == []


def test_oversized_form_is_refused(world: World) -> None:
    joining_shop(world)
    assert submit(world, website="x" * 20_000).status_code == 413
    assert ledger(world) == []


def test_script_in_a_name_stays_text(world: World) -> None:
    joining_shop(world, terms_url='https://acme.example/"><script>')
    world.execute("UPDATE shops SET name = '<script>alert(1)</script>{{7*7}}'")
    answer = submit(world, care=None, phone='"><img src=x onerror=alert(1)>')
    html = answer.get_data(as_text=True)
    assert "<script" not in html
    assert "<img" not in html
    assert "49" not in html
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


def test_visitor_who_tries_too_often_is_told_to_wait(world: World) -> None:
    joining_shop(world)
    answers = [submit(world, phone=f"(415) 555-01{n:02}") for n in range(7)]
    assert [a.status_code for a in answers] == [303] * 5 + [429] * 2
    assert "wait a little" in answers[-1].get_data(as_text=True)
    assert len(ledger(world)) == 5
    other = submit(world, phone="(415) 555-0190", headers={"X-Forwarded-For": "203.0.113.9"})
    assert other.status_code == 429, "a header that no proxy of ours wrote is not believed"


def test_page_stays_closed_while_nobody_can_count(world: World) -> None:
    joining_shop(world)
    token = shown_form(world)
    settings = world.ports.settings.model_copy(
        update={"redis_url": type(world.ports.settings.redis_url)("redis://127.0.0.1:9/0")}
    )
    world.restart_web(settings)
    for answer in (world.client.get(f"/join/{SLUG}"), submit(world, token=token)):
        assert answer.status_code == 503
        assert "closed for a moment" in answer.get_data(as_text=True)
        assert answer.headers["Retry-After"]
    assert ledger(world) == []


def test_limits_keep_no_address(world: World) -> None:
    joining_shop(world)
    submit(world)
    keys = world.redis.keys("*")
    assert any(key.startswith(b"LIMITS") for key in keys)
    assert not any(b"127.0.0.1" in key for key in keys)


def test_wording_that_changed_while_the_page_was_open_is_shown_again(world: World) -> None:
    shop = joining_shop(world)
    old = form.show(shop.id, now=world.clock.now(), source=None, version="2020-01")
    answer = submit(world, token=form.sign(world.ports.keys.signing_key, old))
    assert answer.status_code == 422
    assert "wording has changed" in answer.get_data(as_text=True)
    assert DOMAIN not in answer.get_data(as_text=True)
