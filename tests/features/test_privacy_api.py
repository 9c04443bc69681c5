"""The merchant reads what buyers asked, takes exports and erases, each by whom it is permitted."""

from __future__ import annotations

from app.joining.by_hand import opt_out_by_hand
from app.privacy.redact import REDACTED
from tests.factories.staff import ADMIN, AGENT, ANALYST, call, staffed
from tests.factories.world import BUYER, World


def test_admin_reads_the_requests_and_takes_the_export(world: World) -> None:
    shop = world.shop()
    staffed(world, shop)
    world.text(shop, "My dachshund ate it")
    world.text(shop, "send me my data")
    world.settle()
    [asked] = call(world, "GET", "/privacy/requests", user=ADMIN).get_json()["requests"]
    assert (asked["kind"], asked["state"], asked["overdue"]) == ("export", "ready", False)
    page = call(world, "GET", f"/privacy/requests/{asked['id']}/export", user=ADMIN)
    assert page.status_code == 200 and "dachshund" in page.text
    assert page.headers["Content-Disposition"].startswith("attachment")
    assert page.headers["Cache-Control"] == "no-store"
    data = call(world, "GET", f"/privacy/requests/{asked['id']}/export?form=data", user=ADMIN)
    assert data.get_json()["profile"][0]["phone"] == BUYER
    actors = world.scalar(
        "SELECT string_agg(DISTINCT actor, ',') FROM audit_entries WHERE action = 'data.read'"
        " AND subject <> 'page:home'"
    )
    assert actors == f"staff:{ADMIN}"


def test_agents_may_ask_for_a_buyer_but_neither_take_nor_erase(world: World) -> None:
    shop = world.shop()
    staffed(world, shop)
    world.text(shop, "can you remove my stuff?")
    asked = call(
        world, "POST", "/privacy/requests", user=AGENT, json={"phone": BUYER, "kind": "erase"}
    )
    assert asked.status_code == 200 and asked.get_json()["waits_for_confirmation"]
    world.settle()
    assert "reply DELETE" in world.sent()[-1]
    for method, path in (
        ("GET", "/privacy/requests"),
        ("GET", f"/privacy/requests/{asked.get_json()['id']}/export"),
        ("POST", "/privacy/export"),
        ("POST", "/privacy/erase"),
    ):
        body = None if method == "GET" else {"phone": BUYER, "sure": True}
        for user in (AGENT, ANALYST):
            answer = call(world, method, path, user=user, json=body)
            assert (answer.status_code, answer.get_json()["error"]) == (403, "not_permitted")


def test_admin_erases_at_once_when_sure(world: World) -> None:
    shop = world.shop()
    staffed(world, shop)
    world.text(shop, "My dachshund ate it")
    unsure = call(world, "POST", "/privacy/erase", user=ADMIN, json={"phone": BUYER})
    assert (unsure.status_code, unsure.get_json()["error"]) == (400, "not_confirmed")
    sure = call(world, "POST", "/privacy/erase", user=ADMIN, json={"phone": BUYER, "sure": True})
    assert sure.status_code == 200
    world.settle()
    assert [text.body for text in world.texts()] == [REDACTED]
    actor = world.scalar("SELECT actor FROM audit_entries WHERE action = 'privacy.redacted'")
    assert actor == f"staff:{ADMIN}"


def test_export_whose_files_are_gone_is_made_anew_when_asked(world: World) -> None:
    shop = world.shop()
    staffed(world, shop)
    world.text(shop, "hello")
    made = call(world, "POST", "/privacy/export", user=ADMIN, json={"phone": BUYER}).get_json()
    path = f"/privacy/requests/{made['id']}/export"
    early = call(world, "GET", path, user=ADMIN)
    assert (early.status_code, early.get_json()["error"]) == (400, "not_ready")
    world.settle()
    assert call(world, "GET", path, user=ADMIN).status_code == 200
    world.clock.advance(days=31)
    world.duty("privacy")
    world.settle()
    assert call(world, "GET", path, user=ADMIN).get_json()["error"] == "export_expired"
    assert call(world, "POST", path, user=ADMIN).status_code == 200
    world.settle()
    assert call(world, "GET", path, user=ADMIN).status_code == 200


def test_another_shop_sees_none_of_it(world: World) -> None:
    shop = world.shop()
    staffed(world, shop)
    world.text(shop, "send me my data")
    world.settle()
    [asked] = call(world, "GET", "/privacy/requests", user=ADMIN).get_json()["requests"]
    other = "other-outfitters.myshopify.com"
    staffed(world, world.shop(other, line="+12025550189"))
    assert call(world, "GET", "/privacy/requests", user=ADMIN, domain=other).get_json() == {
        "requests": []
    }
    path = f"/privacy/requests/{asked['id']}/export"
    for method in ("GET", "POST"):
        answer = call(world, method, path, user=ADMIN, domain=other)
        assert (answer.status_code, answer.get_json()["error"]) == (400, "unknown_request")
    erased = call(
        world, "POST", "/privacy/erase", user=ADMIN, domain=other,
        json={"phone": BUYER, "sure": True},
    )  # fmt: skip
    assert erased.get_json()["error"] == "unknown_phone"


def test_number_that_only_the_ledger_knows_is_not_called_unknown(world: World) -> None:
    shop = world.shop()
    staffed(world, shop)
    with world.db.shop(shop.id) as session:
        opt_out_by_hand(
            session, now=world.clock.now(), shop_id=shop.id, phone=BUYER, actor="staff:1",
            reason="by e-mail",
        )  # fmt: skip
    known = call(world, "POST", "/privacy/export", user=ADMIN, json={"phone": BUYER})
    assert known.get_json()["error"] == "only_consents"
    other = call(world, "POST", "/privacy/export", user=ADMIN, json={"phone": "(617) 555-0199"})
    assert other.get_json()["error"] == "unknown_phone"
