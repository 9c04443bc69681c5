"""Who in a shop may do what, and how it changes."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from app import cli
from app.foundation.audit import AuditEntry
from app.foundation.errors import Refused
from app.shops.admit import admit_staff
from app.shops.appoint import appoint_staff
from app.shops.roles import MAY, Permission, Role
from tests.factories import payloads
from tests.factories.staff import (
    ADMIN,
    AGENT,
    ANALYST,
    OWNER,
    bearer,
    call,
    id_token,
    open_page,
    staffed,
)
from tests.factories.world import World

OTHER = "other-outfitters.myshopify.com"


def roles(world: World) -> dict[int, str]:
    answer = call(world, "GET", "/staff")
    assert answer.status_code == 200, answer.text
    return {one["user_id"]: one["role"] for one in answer.get_json()["staff"]}


def test_first_to_open_the_app_owns_it_and_later_ones_see_figures_only(world: World) -> None:
    world.shop()
    first, second = open_page(world, user=7), open_page(world, user=8)
    assert "You are here as <strong>owner</strong>" in first.text
    assert "You are here as <strong>analyst</strong>" in second.text
    assert "/connect/zendesk?" in first.text
    assert "/connect/zendesk?" not in second.text
    assert call(world, "GET", "/staff", user=8).get_json()["error"] == "not_permitted"


def test_two_who_open_a_new_shop_at_once_are_not_both_its_owner(world: World) -> None:
    shop = world.shop()
    gate = threading.Barrier(8)

    def opened(user: int) -> None:
        gate.wait()
        with world.db.shop(shop.id) as session:
            admit_staff(session, now=world.clock.now(), shop_id=shop.id, user_id=user)

    people = [threading.Thread(target=opened, args=(n // 2,)) for n in range(8)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert world.scalar("SELECT count(*) FROM staff WHERE role = 'owner'") == 1
    assert world.scalar("SELECT count(*) FROM staff") == 4


def test_calling_the_api_makes_nobody_known(world: World) -> None:
    world.shop()
    answer = call(world, "GET", "/staff", user=7)
    assert (answer.status_code, answer.get_json()["error"]) == (403, "unknown_staff")
    assert world.scalar("SELECT count(*) FROM staff") == 0


def test_owner_and_admin_give_roles_and_the_list_says_who_gave_them(world: World) -> None:
    staffed(world, world.shop())
    assert roles(world) == {OWNER: "owner", ADMIN: "admin", AGENT: "agent", ANALYST: "analyst"}
    assert call(world, "PUT", f"/staff/{ANALYST}", user=ADMIN, json={"role": "agent"}).get_json()[
        "role"
    ] == ("agent")
    [entry] = world.all(AuditEntry, AuditEntry.subject == f"staff:{ANALYST}")[1:]
    assert (entry.actor, entry.action) == (f"staff:{ADMIN}", "staff.appointed")
    assert entry.detail == {"before": "analyst", "role": "agent"}


@pytest.mark.parametrize(
    ("who", "whom", "role", "status", "reason"),
    [
        (ADMIN, ADMIN, "owner", 403, "owners_only"),
        (ADMIN, ANALYST, "owner", 403, "owners_only"),
        (ADMIN, OWNER, "analyst", 403, "owners_only"),
        (AGENT, AGENT, "admin", 403, "not_permitted"),
        (ANALYST, ANALYST, "owner", 403, "not_permitted"),
        (OWNER, OWNER, "admin", 409, "last_owner"),
        (OWNER, 999, "agent", 404, "unknown_staff"),
        (OWNER, 2**63, "agent", 404, "unknown_staff"),
        (OWNER, AGENT, "king", 400, "bad_role"),
        (OWNER, AGENT, None, 400, "bad_role"),
        (OWNER, AGENT, ["owner"], 400, "bad_role"),
    ],
)
def test_roles_that_nobody_may_give(
    world: World, who: int, whom: int, role: Any, status: int, reason: str
) -> None:
    staffed(world, world.shop())
    before = roles(world)
    answer = call(world, "PUT", f"/staff/{whom}", user=who, json={"role": role})
    assert (answer.status_code, answer.get_json()["error"]) == (status, reason)
    assert answer.get_json()["message"]
    assert roles(world) == before


def test_ownership_can_be_handed_on_and_only_then_given_up(world: World) -> None:
    staffed(world, world.shop())
    assert call(world, "PUT", f"/staff/{ADMIN}", json={"role": "owner"}).status_code == 200
    assert call(world, "PUT", f"/staff/{OWNER}", json={"role": "agent"}).status_code == 200
    assert call(world, "GET", "/staff").get_json()["error"] == "not_permitted"


def test_two_owners_who_demote_each_other_at_once_leave_one(world: World) -> None:
    shop = world.shop()
    staffed(world, shop)
    call(world, "PUT", f"/staff/{ADMIN}", json={"role": "owner"})
    gate, refused = threading.Barrier(2), []

    def demote(who: int, whom: int) -> None:
        gate.wait()
        try:
            with world.db.shop(shop.id) as session:
                appoint_staff(
                    session,
                    now=world.clock.now(),
                    shop_id=shop.id,
                    user_id=whom,
                    role=Role.ANALYST,
                    by=who,
                )
        except Refused as error:
            refused.append(error.reason)

    both = [threading.Thread(target=demote, args=pair) for pair in ((OWNER, ADMIN), (ADMIN, OWNER))]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert refused == ["not_permitted"]
    assert world.scalar("SELECT count(*) FROM staff WHERE role = 'owner'") == 1


def test_staff_of_another_shop_are_nobody_here(world: World) -> None:
    staffed(world, world.shop())
    other = world.shop(OTHER, line="+12025550189")
    open_page(world, OTHER, user=77)
    answer = call(world, "PUT", f"/staff/{AGENT}", user=77, domain=OTHER, json={"role": "owner"})
    assert answer.get_json()["error"] == "unknown_staff"
    # The same person may work for two shops, with a role in each.
    open_page(world, OTHER, user=OWNER)
    assert call(world, "GET", "/staff", user=OWNER, domain=OTHER).status_code == 403
    assert other.id != world.shop().id


@pytest.mark.parametrize("path", ["/staff", "/staff/44"])
def test_refusals_tell_the_admin_what_to_do(world: World, path: str) -> None:
    staffed(world, world.shop())
    stale = world.client.get(f"/api{path}", headers=bearer(id_token(world, age=300)))
    if path == "/staff":
        assert stale.status_code == 401
        assert stale.get_json()["error"] == "stale_id_token"
        assert stale.headers["X-Shopify-Retry-Invalid-Session-Request"] == "1"
    else:  # no such method: JSON too
        assert (stale.status_code, stale.get_json()["error"]) == (405, "method_not_allowed")


def test_who_uninstalled_the_app_gets_nothing_of_it(world: World) -> None:
    staffed(world, world.shop())
    world.clock.advance(minutes=5)
    world.shopify("app/uninstalled", payloads.load("app_uninstalled"))
    world.settle()
    assert call(world, "GET", "/staff").status_code == 403
    assert world.scalar("SELECT count(*) FROM staff") == 4
    world.clock.advance(hours=48)
    world.shopify("shop/redact", payloads.load("shop_redact"))
    world.settle()
    assert world.scalar("SELECT count(*) FROM staff") == 0


def test_operator_sees_staff_and_gives_a_role(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = world.shop()
    staffed(world, shop)
    args = ["staff", "--shop", shop.domain]
    parsed = cli.parser().parse_args([*args, "--user", str(AGENT), "--role", "owner"])
    parsed.run(world.ports, parsed)
    assert f"{AGENT}\towner\tsince 2026-11-19" in capsys.readouterr().out
    [entry] = world.all(AuditEntry, AuditEntry.action == "staff.appointed")[-1:]
    assert (entry.actor, entry.detail) == ("operator", {"before": "agent", "role": "owner"})
    alone = cli.parser().parse_args([*args, "--user", "5"])
    with pytest.raises(Refused):
        alone.run(world.ports, alone)


def test_each_role_may_all_that_the_one_below_it_may() -> None:
    ladder = [MAY[role] for role in (Role.ANALYST, Role.AGENT, Role.ADMIN, Role.OWNER)]
    assert all(low < high for low, high in zip(ladder, ladder[1:], strict=False))
    assert MAY[Role.ANALYST] == {Permission.READ_REPORTS}
    assert MAY[Role.OWNER] == set(Permission)
