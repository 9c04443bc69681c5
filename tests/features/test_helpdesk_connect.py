"""A helpdesk is connected by the right person, stays connected, and says so when it is not."""

from __future__ import annotations

import dataclasses
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import Client

from app.foundation.bell import SilentBell
from app.foundation.db import Database
from app.foundation.errors import Misconfigured, Permanent, Temporary, Unknowable
from app.foundation.inbox import Receipt
from app.foundation.outbox import Postponed
from app.helpdesk import jobs
from app.helpdesk.connect import connect_link
from app.helpdesk.models import HelpdeskAccount
from app.helpdesk.ports import Disconnected, HelpdeskAccess
from app.helpdesk.tokens import access_for, open_desk
from app.reactions import react
from app.web import create_app
from tests.factories.staff import open_page
from tests.factories.world import DOMAIN, PUBLIC_URL, World
from tests.factories.zendesk import ZendeskAtHand, connected, talking


def at_hand(world: World) -> ZendeskAtHand:
    return ZendeskAtHand(world, world.shop())


# --- The way there and back


def test_whole_way_stores_the_account_encrypted_and_listens_for_replies(world: World) -> None:
    desk = at_hand(world)
    begun = desk.begin()
    assert begun.status_code == 302
    assert begun.headers["Location"].startswith("https://acme.")
    code, state = world.authorisation.approve(begun.headers["Location"])
    done = desk.come_back(code=code, state=state)
    assert done.status_code == 200
    assert "Zendesk is connected" in done.text and "acme.zendesk.com" in done.text
    account = desk.account
    assert (account.state, account.subdomain, account.problem) == ("connected", "acme", None)
    assert not {"access-1", "refresh-1"} & {account.access_token, account.refresh_token}
    assert world.ports.keys.decrypt(account.refresh_token).startswith("refresh-")
    assert list(world.helpdesk.subscribed.values()) == [
        f"{PUBLIC_URL}/webhooks/zendesk/{account.door_key}"
    ]


def test_page_asks_for_the_subdomain_and_understands_what_people_paste(world: World) -> None:
    desk = at_hand(world)
    link = connect_link(world.ports, shop_id=desk.shop.id, kind="zendesk")
    asked = desk.visit(link)
    assert asked.status_code == 200 and 'name="subdomain"' in asked.text
    gone = desk.visit(f"{link}&subdomain=https%3A%2F%2FAcme.zendesk.com%2Fagent")
    assert gone.status_code == 302
    assert (urlsplit(gone.headers["Location"]).hostname or "").split(".")[0] == "acme"


@pytest.mark.parametrize("typed", ["evil.com", "a/b", "acme.zendesk.com.evil.com", "@evil", "-x"])
def test_foreign_addresses_are_refused_with_a_remedy(world: World, typed: str) -> None:
    desk = at_hand(world)
    link = connect_link(world.ports, shop_id=desk.shop.id, kind="zendesk")
    refused = world.client.get(
        "/connect/zendesk", query_string=parse_qs(urlsplit(link).query) | {"subdomain": typed}
    )
    if refused.status_code == 302:  # only what is left of a path may pass
        assert urlsplit(refused.headers["Location"]).hostname == "a.helpdesk.fake.invalid"
    else:
        assert refused.status_code == 400
        assert "before .zendesk.com" in refused.text


def test_only_a_link_of_ours_connects_and_only_its_own_shop(world: World) -> None:
    desk = at_hand(world)
    world.shop("other.myshopify.com", line="+12025550189")
    good = connect_link(world.ports, shop_id=desk.shop.id, kind="zendesk", subdomain="acme")
    for bad in (
        f"{PUBLIC_URL}/connect/zendesk?shop={DOMAIN}&subdomain=acme",
        good.replace("link=", "link=x"),
        good.replace(DOMAIN, "other.myshopify.com"),
    ):
        assert desk.visit(bad).status_code == 400
    world.clock.advance(minutes=31)
    late = desk.visit(good)
    assert late.status_code == 400 and "half an hour" in late.text


def test_state_is_ours_young_and_of_this_browser(world: World) -> None:
    desk = at_hand(world)
    code, state = world.authorisation.approve(desk.begin().headers["Location"])
    assert desk.come_back(code=code, state=f"{state}x").status_code == 400
    other = create_app(world.ports).test_client()
    elsewhere = other.get("/connect/zendesk/callback", query_string={"code": code, "state": state})
    assert elsewhere.status_code == 400 and "another browser" in elsewhere.text
    world.clock.advance(minutes=11)
    late = desk.come_back(code=code, state=state)
    assert late.status_code == 400 and "ten minutes" in late.text
    assert world.all(HelpdeskAccount) == []


def test_code_works_once(world: World) -> None:
    desk = at_hand(world)
    code, state = world.authorisation.approve(desk.begin().headers["Location"])
    begun_again = desk.begin()
    assert begun_again.status_code == 302
    _, state = world.authorisation.approve(begun_again.headers["Location"])
    assert desk.come_back(code=code, state=state).status_code == 400
    assert world.all(HelpdeskAccount) == []


def test_denial_is_a_friendly_page(world: World) -> None:
    desk = at_hand(world)
    _, state = world.authorisation.approve(desk.begin().headers["Location"])
    denied = desk.come_back(error="access_denied", state=state)
    assert denied.status_code == 400 and "choose Allow" in denied.text


def test_who_is_no_admin_is_told_so(world: World) -> None:
    desk = at_hand(world)
    code, state = world.authorisation.approve(desk.begin().headers["Location"])
    behind = world.helpdesk

    class NoAdmin:
        def __getattr__(self, name: str) -> object:
            return getattr(behind, name)

        def subscribe(self, access: HelpdeskAccess, endpoint: str) -> None:
            raise Permanent("fake", "forbidden", status=403)

    world.ports.helpdesks["zendesk"] = NoAdmin()  # type: ignore[index]
    refused = desk.come_back(code=code, state=state)
    assert refused.status_code == 403 and "admin" in refused.text
    assert desk.account.state == "disconnected"
    assert "admin" in (desk.account.problem or "")


def test_helpdesk_that_does_not_answer_is_a_page_and_not_an_error(world: World) -> None:
    desk = at_hand(world)
    code, state = world.authorisation.approve(desk.begin().headers["Location"])
    world.authorisation.fail_next(Temporary("fake", "down"))
    assert desk.come_back(code=code, state=state).status_code == 502


def test_installation_without_an_oauth_client_names_what_is_missing(world: World) -> None:
    desk = at_hand(world)
    link = connect_link(world.ports, shop_id=desk.shop.id, kind="zendesk", subdomain="acme")
    bare = dataclasses.replace(world.ports, helpdesk_authorisations={})
    answer = create_app(bare).test_client().get(link.removeprefix(PUBLIC_URL))
    assert answer.status_code == 503 and "ZENDESK_CLIENT_ID" in answer.text


@pytest.mark.parametrize("state", ["connected", "disconnected"])
def test_page_offers_the_other_helpdesk_and_says_what_becomes_of_this_one(
    world: World, state: str
) -> None:
    desk = connected(world)
    assert open_page(world).status_code == 200  # by the owner; a colleague may not connect
    world.execute("UPDATE helpdesk_accounts SET state = :state", state=state)
    offered = {"zendesk": world.authorisation, "gorgias": world.authorisation}
    world.ports.helpdesk_authorisations.update(offered)  # type: ignore[attr-defined]
    shown = open_page(world).text
    assert f"/connect/gorgias?shop={desk.shop.domain}" in shown
    assert "Connect Gorgias instead" in shown and "takes the place of Zendesk" in shown
    assert "Connect Zendesk instead" not in shown
    assert "/connect/gorgias" not in open_page(world, user=8).text


# --- Staying connected


def test_tokens_are_refreshed_before_they_end_and_the_pair_is_stored(world: World) -> None:
    desk = connected(world)
    first = access_for(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    world.clock.advance(minutes=26)
    second = access_for(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    assert first.access_token != second.access_token
    world.clock.advance(minutes=26)
    third = access_for(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    assert third.access_token not in (first.access_token, second.access_token)


def test_one_refreshes_and_the_others_wait(world: World) -> None:
    desk = connected(world)
    world.clock.advance(minutes=26)
    world.execute("UPDATE helpdesk_accounts SET refreshing_until = now() + interval '1 minute'")
    with pytest.raises(Postponed):
        access_for(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    # Whoever held the lease died.
    world.execute("UPDATE helpdesk_accounts SET refreshing_until = now() - interval '1 second'")
    assert access_for(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)


def test_lost_refresh_disconnects_says_why_and_loses_no_text(world: World) -> None:
    desk = talking(world)
    world.clock.advance(minutes=26)
    world.authorisation.fail_next(Unknowable("fake", "the line broke"))
    desk.text("while it was away")
    world.settle()
    assert desk.account.state == "disconnected"
    assert "Connect Zendesk again" in (desk.account.problem or "")
    assert world.scalar("SELECT count(*) FROM outbox") == 0
    desk.text("and one more")
    world.settle()
    assert desk.said()[-1] == "The zip broke"
    assert desk.connect().status_code == 200
    world.settle()
    assert desk.account.state == "connected"
    assert desk.said()[-1] == "while it was away\n\nand one more"
    assert len(world.helpdesk.subscribed) == 1


def test_helpdesk_that_is_down_while_refreshing_is_no_disconnection(world: World) -> None:
    desk = talking(world)
    world.clock.advance(minutes=26)
    world.authorisation.fail_next(Temporary("fake", "down", status=503))
    desk.text("hello?")
    world.settle()
    assert desk.account.state == "connected"
    world.settle(patient=True)
    assert desk.said()[-1] == "hello?"


def test_refresh_that_fails_for_whatever_reason_keeps_nobody_else_waiting(world: World) -> None:
    desk = connected(world)
    world.clock.advance(minutes=26)
    bare = dataclasses.replace(world.ports, helpdesk_authorisations={})
    with pytest.raises(Misconfigured):
        access_for(bare, shop_id=desk.shop.id, account_id=desk.account.id)
    assert access_for(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)


def test_refused_token_is_refreshed_and_the_text_written(world: World) -> None:
    desk = talking(world)
    world.helpdesk.fail_next(Temporary("fake", "token refused", status=401))
    desk.text("hello?")
    world.settle(patient=True)
    assert desk.said().count("hello?") == 1
    assert desk.account.state == "connected"


def test_revoked_authorisation_disconnects_once_even_refreshing_is_refused(world: World) -> None:
    desk = talking(world)
    with (
        pytest.raises(Disconnected),
        open_desk(world.ports, shop_id=desk.shop.id, kind="zendesk", account_id=desk.account.id),
    ):
        world.authorisation.fail_next(Disconnected("fake", "invalid grant"))
        raise Disconnected("fake", "token revoked")
    assert desk.account.state == "disconnected"


def test_token_that_somebody_else_has_refreshed_is_no_disconnection(world: World) -> None:
    desk = talking(world)
    with (
        pytest.raises(Temporary),
        open_desk(world.ports, shop_id=desk.shop.id, kind="zendesk", account_id=desk.account.id),
    ):
        world.clock.advance(minutes=26)
        access_for(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
        world.authorisation.fail_next(Disconnected("fake", "must not be asked"))
        raise Temporary("fake", "token refused", status=401)
    assert desk.account.state == "connected"


def test_idle_account_is_kept_alive(world: World) -> None:
    desk = connected(world)
    before = desk.account.refresh_token
    assert jobs.refresh_idle(world.ports) == 0
    world.clock.advance(hours=30)
    assert jobs.refresh_idle(world.ports) == 1
    world.settle()
    assert desk.account.refresh_token != before
    assert jobs.refresh_idle(world.ports) == 0


def test_first_connection_brings_the_open_threads_in_order(world: World) -> None:
    shop = world.shop()
    desk = ZendeskAtHand(world, shop)
    desk.text("first")
    world.clock.advance(minutes=5)
    desk.text("second")
    desk.text("other", sender="+19075550123")
    world.settle()
    assert "2 conversations" in desk.connect().text
    world.settle()
    assert sorted(desk.said(link.ticket_id) for link in desk.links()) == [
        ["first", "second"],
        ["other"],
    ]


def test_other_subdomain_ends_the_ties_to_the_old_tickets(world: World) -> None:
    desk = talking(world)
    door = desk.account.door_key
    assert desk.connect("newdesk").status_code == 200
    world.settle()
    assert [link.state for link in desk.links()] == ["gone"]
    assert desk.account.door_key != door
    assert list(world.helpdesk.subscribed.values()) == [
        f"{PUBLIC_URL}/webhooks/zendesk/{desk.account.door_key}"
    ]
    desk.text("over here now")
    world.settle()
    assert desk.said() == ["over here now"]
    assert desk.link().follow_up_of is None


# --- The webhook door


def test_door_stores_a_signed_event_once(world: World) -> None:
    desk = talking(world)
    event = {"id": "e-1", "type": "zen:event-type:ticket.merged", "detail": {"id": "1"}}
    assert [desk.post(event).status_code for _ in range(3)] == [200, 200, 200]
    [receipt] = world.all(Receipt, Receipt.source == "zendesk")
    assert (receipt.owner, receipt.delivery_id) == (str(desk.account.id), "e-1")


def test_door_stores_nothing_that_asks_nothing(world: World) -> None:
    """A buyer's words come back from every ticket that we write them to."""
    desk = talking(world)
    [mirrored] = [one for one in desk.comments() if one.text == "The zip broke"]
    assert desk.tell_comment(mirrored).status_code == 200
    assert desk.tell("tags_changed", {"tags_added": ["vip"]}).status_code == 200
    assert desk.tell("comment_added", {"comment": {"body": "no id"}}).status_code == 200
    kept = [row.topic for row in world.all(Receipt, Receipt.source == "zendesk")]
    assert kept == ["zen:event-type:ticket.comment_added"]  # what we do not understand is shown
    reply = world.helpdesk.agent_replies(desk.ticket_id, "Shall I send a new zip?")
    assert desk.tell_comment(reply).status_code == 200
    assert len(world.all(Receipt, Receipt.source == "zendesk")) == 2


def test_door_refuses_what_zendesk_did_not_sign(world: World) -> None:
    desk = talking(world)
    path = f"/webhooks/zendesk/{desk.account.door_key}"
    signature, stamp = desk.signed(b"{}").values()
    names = ("X-Zendesk-Webhook-Signature", "X-Zendesk-Webhook-Signature-Timestamp")

    def knock(body: bytes, *values: str | None, door: str = path) -> int:
        headers = {name: value for name, value in zip(names, values, strict=True) if value}
        return world.client.post(door, data=body, headers=headers).status_code

    assert knock(b"{}", None, None) == 401
    assert knock(b'{"id":"x"}', signature, stamp) == 401
    assert knock(b"{}", "sïgnäture", stamp) == 401
    assert knock(b"{}", signature, "gestern") == 401
    assert knock(b"{}", signature, stamp, door="/webhooks/zendesk/nobody") == 404
    assert knock(b"x" * (256 * 1024 + 1), signature, stamp) == 413
    assert knock(b"{}", signature, stamp) == 400  # signed, and no event
    broken = b"[not json"
    assert knock(broken, *desk.signed(broken).values()) == 400
    assert world.all(Receipt, Receipt.source == "zendesk") == []


def test_door_knows_a_new_secret_at_once(world: World) -> None:
    desk = talking(world)
    event = {"type": "zen:event-type:ticket.tags_changed", "detail": {"id": "1"}}
    assert desk.post(event | {"id": "e-1"}).status_code == 200
    renewed = world.ports.keys.encrypt("another secret")
    world.execute("UPDATE helpdesk_accounts SET webhook_secret = :new", new=renewed)
    assert desk.post(event | {"id": "e-2"}).status_code == 200


def test_door_says_try_again_while_the_database_is_away(world: World) -> None:
    desk = talking(world)
    body = json.dumps({"id": "e", "type": "t"}).encode()
    nowhere = Database(
        "postgresql://nobody@127.0.0.1:1/nothing", reactions=react, doorbell=SilentBell()
    )
    away: Client = create_app(dataclasses.replace(world.ports, db=nowhere)).test_client()
    answer = away.post(
        f"/webhooks/zendesk/{desk.account.door_key}", data=body, headers=desk.signed(body)
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    nowhere.close()
