"""A shop connects Gorgias, stays connected, and sees its thread beside the ticket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.helpdesk.connect import connect_link
from app.helpdesk.models import HelpdeskAccount
from app.helpdesk.ports import HelpdeskAccess, HookSubscription
from app.helpdesk.standing import read_standing
from app.privacy.redact import finish_shop
from app.vendors.gorgias.widget import facts_of
from sandbox import faults
from tests.factories.desk import on_page
from tests.factories.gorgias import KEY, GorgiasAtHand, gorgias_shop
from tests.factories.world import PUBLIC_URL, World
from tests.factories.zendesk import ZendeskAtHand
from tests.factories.zendesk import talking as zendesk_talking
from tests.vendors.gorgias_sandbox import SUBDOMAIN


@pytest.fixture
def desk(world: World) -> Iterator[GorgiasAtHand]:
    with gorgias_shop(world) as desk:
        yield desk


# --- Connecting


def test_the_app_store_brings_somebody_whose_shop_nobody_knows(world: World) -> None:
    answer = world.client.get("/connect/gorgias?account=acme", base_url=PUBLIC_URL)
    assert answer.status_code == 200
    assert "Open Doorstep in your Shopify admin" in answer.text


def test_the_page_understands_what_people_paste_for_gorgias(world: World) -> None:
    with gorgias_shop(world, connected=False) as desk:
        link = connect_link(world.ports, shop_id=desk.shop.id, kind="gorgias")
        asked = desk.visit(link)
        assert ".gorgias.com" in asked.text
        wrong = desk.visit(f"{link}&subdomain=acme.zendesk.com")
        assert wrong.status_code == 400 and "before .gorgias.com" in wrong.text
        gone = desk.visit(f"{link}&subdomain=https%3A%2F%2F{SUBDOMAIN}.gorgias.com%2Fapp")
        assert gone.status_code == 302 and "nonce=" in gone.headers["Location"]


def test_a_link_for_one_helpdesk_connects_no_other(world: World) -> None:
    with gorgias_shop(world, connected=False) as desk:
        link = connect_link(world.ports, shop_id=desk.shop.id, kind="zendesk", subdomain="acme")
        assert desk.visit(link.replace("/connect/zendesk", "/connect/gorgias")).status_code == 400


def test_connecting_twice_leaves_one_integration_and_one_widget(
    world: World, desk: GorgiasAtHand
) -> None:
    secret = desk.account.webhook_secret
    assert desk.connect().status_code == 200
    api = desk.emulated.api()
    assert len(api.get("/integrations").json()["data"]) == 2
    assert len(api.get("/widgets").json()["data"]) == 1
    keys = world.ports.keys
    assert keys.decrypt(desk.account.webhook_secret or "") == keys.decrypt(secret or "")


def test_who_is_no_admin_there_is_told_so(world: World) -> None:
    with gorgias_shop(world, connected=False) as desk:
        refused = desk.connect(user_id=94)
        assert refused.status_code == 403 and "admin of this Gorgias" in refused.text
        assert desk.account.state == "disconnected"


def test_without_the_right_to_make_widgets_replies_come_all_the_same(world: World) -> None:
    with gorgias_shop(world, connected=False) as desk:
        desk.emulated.plan(metered=False, widgets=False)
        assert desk.connect().status_code == 200
        desk.buyer_texts("The zip broke")
        world.settle()
        desk.agent_replies("On its way")
        desk.pass_on(2)
        world.settle(patient=True)
        assert world.sent() == ["On its way"]


@pytest.mark.parametrize("failure", ["5xx", "cut_connection", "timeout_after_acting"])
def test_a_widget_that_could_not_be_made_is_made_at_the_next_connect(
    world: World, failure: str
) -> None:
    with gorgias_shop(world, connected=False) as desk:
        faults.add("gorgias", failure, operation="widgets.create", seconds=0)
        assert desk.connect().status_code == 200
        assert desk.account.state == "connected"
        faults.clear("gorgias")
        api = desk.emulated.api()
        # Made or not, nobody told us; the next connect finds out.
        there = api.get("/widgets").json()["data"]
        assert len(there) == (1 if failure == "timeout_after_acting" else 0)
        assert desk.connect().status_code == 200
        assert len(api.get("/widgets").json()["data"]) == 1
        assert len(api.get("/integrations").json()["data"]) == 2


def test_an_account_whose_refresh_token_never_ends_is_kept_alive(
    world: World, desk: GorgiasAtHand
) -> None:
    assert desk.account.refresh_expires_at is None
    desk.let_pass(days=40)
    desk.buyer_texts("still there?")
    world.settle(patient=True)
    assert desk.said() == ["still there?"]
    assert desk.account.state == "connected"


def test_gorgias_takes_the_place_of_zendesk(world: World) -> None:
    before = zendesk_talking(world)
    world.settle()
    with gorgias_shop(world, connected=False, shop=before.shop) as desk:
        assert desk.connect().status_code == 200
        world.settle(patient=True)
        states = {one.kind: one.state for one in world.all(HelpdeskAccount)}
        assert states == {"zendesk": "disconnected", "gorgias": "connected"}
        assert world.helpdesk.subscribed == {}
        desk.buyer_texts("Where are you now?")
        world.settle(patient=True)
        assert desk.said()[-1] == "Where are you now?"
        assert before.said(before.links()[0].ticket_id)[-1] == "The zip broke"


def test_gorgias_takes_the_place_of_a_zendesk_that_was_lost_half_way(world: World) -> None:
    before = zendesk_talking(world)
    world.execute("UPDATE ticket_links SET state = 'opening', ticket_id = NULL")
    world.execute("UPDATE helpdesk_accounts SET state = 'disconnected'")
    with gorgias_shop(world, connected=False, shop=before.shop) as desk:
        assert desk.connect().status_code == 200
        desk.buyer_texts("Where are you now?")
        world.settle(patient=True)
        assert desk.said()[-1] == "Where are you now?"
        [old] = world.all(HelpdeskAccount, HelpdeskAccount.kind == "zendesk")
        assert old.webhook_id is None and old.webhook_secret is None
        assert before.links()[0].state == "gone"


def test_a_tie_that_the_helpdesk_before_left_behind_is_none_of_the_next(world: World) -> None:
    before = zendesk_talking(world)
    with gorgias_shop(world, connected=False, shop=before.shop) as desk:
        assert desk.connect().status_code == 200
        world.settle(patient=True)
        world.execute("UPDATE ticket_links SET state = 'gone'")
        world.execute(
            "UPDATE ticket_links SET state = 'open' WHERE id = (SELECT min(id) FROM ticket_links)"
        )
        [thread_id] = [one.conversation_id for one in before.links()[:1]]
        with world.ports.db.shop(desk.shop.id) as session:
            standing = read_standing(
                session, now=world.clock.now(), keys=world.ports.keys, conversation_id=thread_id
            )
        assert standing is not None and standing.kind == "gorgias" and standing.link is None


def test_a_switch_that_fails_leaves_the_working_helpdesk_as_it_was(world: World) -> None:
    before = zendesk_talking(world)
    with gorgias_shop(world, connected=False, shop=before.shop) as desk:
        assert desk.connect(user_id=94).status_code == 403
        states = {one.kind: one.state for one in world.all(HelpdeskAccount)}
        assert states == {"zendesk": "connected", "gorgias": "disconnected"}
        assert len(world.helpdesk.subscribed) == 1
        before.text("Are you there?")
        world.settle()
        assert before.said()[-1] == "Are you there?"


def test_of_two_helpdesks_that_sign_in_at_once_one_stays(world: World) -> None:
    shop = world.shop()
    zendesk = ZendeskAtHand(world, shop)
    with gorgias_shop(world, connected=False, shop=shop) as desk:
        behind = world.helpdesk

        class MeetsGorgias:
            def __getattr__(self, name: str) -> object:
                return getattr(behind, name)

            def subscribe(self, access: HelpdeskAccess, endpoint: str) -> HookSubscription:
                assert desk.connect().status_code == 200
                return behind.subscribe(access, endpoint)

        world.ports.helpdesks["zendesk"] = MeetsGorgias()  # type: ignore[index]
        assert zendesk.connect().status_code == 200
        states = {one.kind: one.state for one in world.all(HelpdeskAccount)}
        assert states == {"zendesk": "connected", "gorgias": "disconnected"}


def test_a_shop_that_was_gone_connects_another_helpdesk(world: World) -> None:
    before = zendesk_talking(world)
    with world.ports.db.shop(before.shop.id) as session:
        finish_shop(session, now=world.clock.now(), shop_id=before.shop.id)
    assert before.account.webhook_id is None
    world.execute("UPDATE helpdesk_accounts SET webhook_id = 'left by an earlier version'")
    with gorgias_shop(world, connected=False, shop=before.shop) as desk:
        assert desk.connect().status_code == 200


# --- The sidebar


def test_the_sidebar_shows_the_thread_to_gorgias_alone(world: World, desk: GorgiasAtHand) -> None:
    world.checked_in(desk.shop)
    desk.buyer_texts("The waist is tight")
    world.settle(patient=True)
    secret = world.ports.keys.decrypt(desk.account.webhook_secret or "")
    path = f"{desk.door}/sidebar?ticket={desk.ticket_id}&customer=1"
    assert world.client.get(path).status_code == 401
    shown = world.client.get(path, headers={KEY: secret}).json["doorstep"]
    assert shown["order"].startswith("#")
    assert (shown["state"], shown["texting"]) == ("Open", "Allowed")
    assert shown["parcel"].startswith("Arrived ")
    for other in ("1", "", "x' OR true", "99999999999999999999"):
        empty = world.client.get(
            f"{desk.door}/sidebar", query_string={"ticket": other}, headers={KEY: secret}
        )
        assert empty.json == {"doorstep": {}}


def test_the_widget_reads_what_the_sidebar_says(world: World, desk: GorgiasAtHand) -> None:
    [widget] = desk.emulated.api().get("/widgets").json()["data"]
    [card] = widget["template"]["widgets"]
    paths = {one["path"] for one in card["widgets"]}
    world.checked_in(desk.shop)
    desk.buyer_texts("STOP")
    desk.buyer_texts("The waist is tight")
    world.settle(patient=True)
    secret = world.ports.keys.decrypt(desk.account.webhook_secret or "")
    path = f"{desk.door}/sidebar?ticket={desk.ticket_id}"
    shown = world.client.get(path, headers={KEY: secret}).json[card["path"]]
    assert set(shown) <= paths
    assert shown["texting"] == "They asked for no more texts"


@pytest.mark.parametrize(
    "left",
    [
        "UPDATE ticket_links SET state = 'gone'",
        "UPDATE ticket_links SET last_activity_at = last_activity_at - interval '1 year'",
        "UPDATE helpdesk_accounts SET state = 'disconnected'",
        "UPDATE shops SET state = 'uninstalled'",
    ],
)
def test_the_sidebar_shows_nothing_of_a_ticket_that_was_left(
    world: World, desk: GorgiasAtHand, left: str
) -> None:
    desk.buyer_texts("The waist is tight")
    world.settle(patient=True)
    about = {"public_url": PUBLIC_URL, "account_id": desk.account.id, "ticket_id": desk.ticket_id}

    def shown() -> object:
        now, keys = world.clock.now(), world.ports.keys.signing_keys
        with world.ports.db.shop(desk.shop.id) as session:
            return facts_of(session, now=now, keys=keys, **about)

    assert shown()
    world.execute(left)
    assert shown() == {}


def test_the_widget_leads_to_the_thread_and_to_no_other(world: World, desk: GorgiasAtHand) -> None:
    desk.buyer_texts("The waist is tight")
    world.settle(patient=True)
    secret = world.ports.keys.decrypt(desk.account.webhook_secret or "")
    path = f"{desk.door}/sidebar?ticket={desk.ticket_id}"
    address = world.client.get(path, headers={KEY: secret}).json["doorstep"]["open"]
    page = on_page(world, address)
    thread_id = world.scalar("SELECT id FROM conversations")
    assert page.thread(conversation_id=thread_id)["messages"][0]["body"] == "The waist is tight"
    assert page.call("GET", f"/thread?conversation_id={thread_id + 1}").status_code == 404


def test_a_buyer_whose_number_is_shared_is_nobody_by_email(world: World) -> None:
    with gorgias_shop(world) as desk:
        desk.buyer_texts("hello")
        world.execute("UPDATE contacts SET email = 'x@buyer.example', shared_phone = true")
        world.settle()
        assert desk.emulated.ticket(desk.ticket_id)["requester"]["email"] is None
