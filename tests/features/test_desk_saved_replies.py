"""Saved replies: the merchant keeps them, an agent finds them filled in."""

from __future__ import annotations

import pytest

from app.desk.saved.save_reply import MOST
from app.foundation.audit import AuditEntry
from tests.factories.desk import in_zendesk
from tests.factories.staff import ADMIN, AGENT, ANALYST, OWNER, call, staffed
from tests.factories.world import ShopAtHand, World
from tests.factories.zendesk import talking


@pytest.fixture
def shop(world: World) -> ShopAtHand:
    made = world.shop()
    staffed(world, made)
    return made


def add(world: World, title: str, text: str, *, user: int = ADMIN) -> int:
    answer = call(world, "POST", "/saved-replies", user=user, json={"title": title, "text": text})
    assert answer.status_code == 200, answer.text
    reply_id: int = answer.get_json()["id"]
    return reply_id


def test_admin_adds_changes_and_removes_them_and_the_list_says_who(
    world: World, shop: ShopAtHand
) -> None:
    first = add(world, "  Size   guide ", "Hi {{first_name}}, see the size guide.")
    second = add(world, "Apology", "We are sorry.", user=OWNER)
    listed = call(world, "GET", "/saved-replies", user=AGENT).get_json()
    assert [(one["id"], one["title"]) for one in listed["saved_replies"]] == [
        (second, "Apology"), (first, "Size guide")
    ]  # fmt: skip
    assert listed["variables"] == ["first_name", "shop", "order", "item", "size"]
    path = f"/saved-replies/{first}"
    changed = call(world, "PUT", path, user=ADMIN, json={"title": "Sizes", "text": "{{ size }}"})
    assert (changed.get_json()["title"], changed.get_json()["text"]) == ("Sizes", "{{ size }}")
    assert call(world, "DELETE", path, user=ADMIN).get_json() == {"removed": first}
    assert call(world, "DELETE", path, user=ADMIN).status_code == 404
    assert call(world, "PUT", path, user=ADMIN, json={"title": "x", "text": "x"}).status_code == 404
    noted = world.all(AuditEntry, AuditEntry.action.like("saved_reply.%"))
    assert [(one.action, one.actor) for one in noted] == [
        ("saved_reply.added", f"staff:{ADMIN}"),
        ("saved_reply.added", f"staff:{OWNER}"),
        ("saved_reply.changed", f"staff:{ADMIN}"),
        ("saved_reply.removed", f"staff:{ADMIN}"),
    ]


@pytest.mark.parametrize(
    ("title", "text", "error"),
    [
        ("", "x", "title"),
        ("t" * 81, "x", "title"),
        ("x", " ", "text"),
        ("x", "y" * 1601, "text"),
        ("x", "Hi {{name}}", "text"),
        ("x", "Hi {{first_name}", "text"),
        ("x", "Hi }", "text"),
        ("size GUIDE", "x", "title_taken"),
        ("x", 7, "body"),
    ],
)
def test_what_would_fail_an_agent_later_is_refused_when_it_is_saved(
    world: World, shop: ShopAtHand, title: str, text: object, error: str
) -> None:
    add(world, "Size guide", "See the guide.")
    answer = call(world, "POST", "/saved-replies", json={"title": title, "text": text})
    assert answer.get_json()["error"] == error, answer.text
    assert answer.status_code == (409 if error == "title_taken" else 400)
    assert world.scalar("SELECT count(*) FROM saved_replies") == 1


def test_title_may_stay_while_the_text_changes(world: World, shop: ShopAtHand) -> None:
    reply_id = add(world, "Size guide", "See the guide.")
    answer = call(
        world, "PUT", f"/saved-replies/{reply_id}", json={"title": "Size guide", "text": "New."}
    )
    assert answer.get_json()["text"] == "New."


def test_there_is_an_end_to_them(world: World, shop: ShopAtHand) -> None:
    world.execute(
        "INSERT INTO saved_replies (shop_id, title, text, changed_at)"
        " SELECT :shop, 'n' || n, 'x', now() FROM generate_series(1, :most) n",
        shop=shop.id,
        most=MOST,
    )
    answer = call(world, "POST", "/saved-replies", json={"title": "x", "text": "x"})
    assert answer.get_json()["error"] == "too_many"


def test_analyst_sees_none_and_agent_writes_none(world: World, shop: ShopAtHand) -> None:
    assert call(world, "GET", "/saved-replies", user=ANALYST).status_code == 403
    body = {"title": "x", "text": "x"}
    assert call(world, "POST", "/saved-replies", user=AGENT, json=body).status_code == 403


def test_agent_finds_them_filled_in_and_what_is_missing_is_named(world: World) -> None:
    desk = talking(world)
    staffed(world, desk.shop)
    world.execute("""UPDATE order_lines SET title = 'Trail Jacket', options = '{"Size": "M"}'""")
    first = add(world, "A", "Hi {{first_name}}, your {{item}} in {{ size }} ({{order}})!")
    page = in_zendesk(world)
    filled, *_ = page.thread(ticket_id=desk.ticket_id)["saved_replies"]
    assert filled == {"id": first, "title": "A", "text": "Hi Maya, your Trail Jacket in M (#5001)!"}
    # Two sizes: which is meant nobody knows. A shared phone: nor who reads.
    world.execute("UPDATE contacts SET shared_phone = true")
    world.execute(
        "INSERT INTO order_lines (shop_id, order_id, shopify_id, title, options, quantity,"
        ' current_quantity) SELECT shop_id, order_id, 1, title, \'{"Size": "L"}\', 1, 1'
        " FROM order_lines"
    )
    [reply] = page.thread(ticket_id=desk.ticket_id)["saved_replies"]
    assert reply["text"] == "Hi, your Trail Jacket in (#5001)!"
    assert reply["missing"] == ["first_name", "size"]
