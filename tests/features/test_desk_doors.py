"""Who is let to the desk, for how long, and to which threads; everybody else learns why not."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from werkzeug.test import TestResponse

from app.desk.pages import OPENED as LINK_OPENED
from app.desk.pages import as_island
from app.desk.sessions import ThreadLink, begin_session, thread_link
from app.vendors.zendesk.sidebar import OPENED
from tests.factories import zaf
from tests.factories.desk import AgentsPage, build_page, in_zendesk, island_of, open_app
from tests.factories.full_shop import OTHER, OTHER_LINE
from tests.factories.world import BUYER, PUBLIC_URL, World
from tests.factories.zendesk import SUBDOMAIN, ZendeskAtHand, talking

STRANGER = "+14155550143"
DEEDS = ("replies", "estimate", "opt-out", "take-over", "hand-back", "resolve", "reopen")


@pytest.fixture
def desk(world: World) -> ZendeskAtHand:
    return talking(world)


def token_for(world: World, **said: object) -> str:
    return zaf.signed(zaf.claims(world.clock.now().timestamp(), **said))


def link_of(world: World, desk: ZendeskAtHand, **other: object) -> str:
    """An address of ours that shows one thread, as a helpdesk's widget holds it."""
    to = {
        "account_id": desk.account.id,
        "subdomain": SUBDOMAIN,
        "conversation_id": desk.link().conversation_id,
    }
    return thread_link(
        world.ports.keys.signing_keys,
        now=world.clock.now(),
        public_url=PUBLIC_URL,
        to=ThreadLink(**(to | other)),  # type: ignore[arg-type]
    ).removeprefix(PUBLIC_URL)


def another_thread(world: World, desk: ZendeskAtHand) -> int:
    """A second buyer's, with a ticket of its own."""
    desk.text("Where is my order?", sender=STRANGER)
    world.settle()
    conversation: int = world.scalar("SELECT max(id) FROM conversations")
    return conversation


def refused_everywhere(page: AgentsPage, conversation_id: int, status: int, error: str) -> None:
    """No door of the API opens for this thread."""
    answers = [page.call("GET", f"/thread?conversation_id={conversation_id}")] + [
        page.call(
            "POST",
            f"/threads/{conversation_id}/{deed}",
            json={"text": "Hello", "key": str(uuid.uuid4())},
        )
        for deed in DEEDS
    ]
    assert [(one.status_code, one.get_json()["error"]) for one in answers] == [
        (status, error)
    ] * len(answers)


# --- The app in Zendesk


def test_app_opens_with_a_session_and_only_this_zendesk_may_frame_it(
    world: World, desk: ZendeskAtHand
) -> None:
    build_page(world)
    page = open_app(world)
    assert page.status_code == 200
    island = island_of(page)
    assert (island["surface"], island["locale"]) == ("zendesk", "en-US")
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors https://acme.zendesk.com;" in policy
    assert "script-src 'self' https://static.zdassets.com;" in policy
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert AgentsPage(world, island["token"]).thread(ticket_id=desk.ticket_id)


def test_page_is_in_the_browsers_language_where_we_have_it(
    world: World, desk: ZendeskAtHand
) -> None:
    build_page(world)
    spanish = {"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"}
    page = world.client.get(link_of(world, desk), headers=spanish)
    assert island_of(page)["locale"] == "es"


def test_same_token_opens_again_until_it_is_late(world: World, desk: ZendeskAtHand) -> None:
    build_page(world)
    token = token_for(world)
    first, again = open_app(world, token), open_app(world, token)
    assert island_of(first)["token"] != island_of(again)["token"]
    world.clock.advance(minutes=5, seconds=11)
    late = open_app(world, token)
    assert late.status_code == 403 and "Reload the ticket." in late.text


@pytest.mark.parametrize(
    ("said", "key", "remedy"),
    [
        ({}, "theirs", "install the Doorstep app"),
        ({"qsh": "0" * 64}, "ours", "install the Doorstep app"),
        ({"role": "end-user"}, "ours", "as an agent"),
        ({"iat": 4_000_000_000}, "ours", "clock"),
    ],
)
def test_bad_token_is_a_page_that_says_why_and_holds_nothing(
    world: World, desk: ZendeskAtHand, said: dict[str, object], key: str, remedy: str
) -> None:
    build_page(world)
    made = zaf.claims(world.clock.now().timestamp()) | said
    answer = open_app(world, zaf.signed(made, key=key))
    assert answer.status_code == 403
    assert remedy in " ".join(answer.text.split())
    assert "desk-session" not in answer.text and BUYER not in answer.text
    assert "frame-ancestors https://*.zendesk.com;" in answer.headers["Content-Security-Policy"]


def test_token_for_another_address_opens_nothing(world: World, desk: ZendeskAtHand) -> None:
    build_page(world)
    assert open_app(world, token_for(world), query="origin=https://evil.example").status_code == 403


def test_zendesk_that_no_shop_has_connected_is_told_to_connect(
    world: World, desk: ZendeskAtHand
) -> None:
    build_page(world)
    for prepare in (
        "SELECT 1",
        "UPDATE helpdesk_accounts SET state = 'disconnected'",
        "UPDATE helpdesk_accounts SET state = 'connected', kind = 'gorgias'",
    ):
        world.execute(prepare)
        subdomain = "rich" if prepare == "SELECT 1" else "acme"
        answer = open_app(world, token_for(world, subdomain=subdomain))
        assert answer.status_code == 403 and "connect this Zendesk" in answer.text


def test_without_a_key_or_a_built_page_the_operator_is_told_what_to_do(
    world: World, desk: ZendeskAtHand
) -> None:
    unbuilt = open_app(world)
    assert unbuilt.status_code == 503 and "make run" in unbuilt.text
    assert "frame-ancestors https://acme.zendesk.com;" in unbuilt.headers["Content-Security-Policy"]
    world.redeploy(zendesk_app_public_key=None)
    keyless = open_app(world)
    assert keyless.status_code == 403 and "ZENDESK_APP_PUBLIC_KEY" in keyless.text


def test_in_the_sandbox_its_own_origin_may_frame_the_page_and_give_pictures(
    world: World, desk: ZendeskAtHand
) -> None:
    build_page(world)
    world.redeploy(
        zendesk_base_url="http://127.0.0.1:8090/zendesk/{subdomain}",
        shopify_base_url="http://127.0.0.1:8090/shopify/{shop}",
    )
    policy = open_app(world).headers["Content-Security-Policy"]
    assert "frame-ancestors https://acme.zendesk.com http://127.0.0.1:8090;" in policy
    assert "img-src 'self' data: https://cdn.shopify.com http://127.0.0.1:8090;" in policy


def test_agent_who_opens_it_too_often_waits(world: World, desk: ZendeskAtHand) -> None:
    build_page(world)
    token = token_for(world)
    for _ in range(int(OPENED.split()[0])):
        assert open_app(world, token).status_code == 200
    assert open_app(world, token).status_code == 429


def test_built_files_are_kept_by_browsers_and_nothing_else_is_served(world: World) -> None:
    build_page(world)
    (world.ports.settings.desk_path.parent / "secret").write_text("secret")
    answer = world.client.get("/desk/assets/main-1a2b.js")
    assert answer.data == b"export {}"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for path in ("../index.html", "..%2f..%2fsecret", "%2e%2e/index.html", "none.js"):
        assert world.client.get(f"/desk/assets/{path}").status_code == 404


def test_island_cannot_be_broken_out_of(world: World, desk: ZendeskAtHand) -> None:
    said = as_island({"token": "</script><script>alert(1)</script>"})
    assert "<" not in said


# --- A page of one thread


def test_signed_address_shows_its_thread_and_no_other(world: World, desk: ZendeskAtHand) -> None:
    build_page(world)
    other = another_thread(world, desk)
    answer = world.client.get(link_of(world, desk, conversation_id=1))
    island = island_of(answer)
    assert (island["surface"], island["conversation_id"]) == ("page", 1)
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    page = AgentsPage(world, island["token"])
    assert page.thread(conversation_id=1)["buyer"]["phone"] == BUYER
    assert page.reply(1, "Hello").status_code == 201
    refused_everywhere(page, other, 404, "no_thread")
    ticket = world.scalar("SELECT ticket_id FROM ticket_links WHERE conversation_id = :c", c=other)
    assert page.call("GET", f"/thread?ticket_id={ticket}").status_code == 404


@pytest.mark.parametrize(
    "spoil",
    [
        lambda link: link + "x",
        lambda link: link[:-1],
        lambda link: "/desk/thread/" + "x" * 3000,
        lambda link: "/desk/thread/W10.x",
    ],
)
def test_address_that_is_not_ours_leads_nowhere(
    world: World, desk: ZendeskAtHand, spoil: object
) -> None:
    build_page(world)
    answer = world.client.get(spoil(link_of(world, desk)))  # type: ignore[operator]
    assert answer.status_code == 403 and "desk-session" not in answer.text


def test_address_is_late_after_an_hour_and_dead_once_its_thread_or_account_is_gone(
    world: World, desk: ZendeskAtHand
) -> None:
    build_page(world)
    link = link_of(world, desk)
    world.clock.advance(minutes=59)
    assert world.client.get(link).status_code == 200
    world.clock.advance(minutes=1)
    late = world.client.get(link)
    assert late.status_code == 403 and "good for an hour" in late.text
    for other in ({"conversation_id": 999}, {"account_id": 999}, {"subdomain": "rich"}):
        assert world.client.get(link_of(world, desk, **other)).status_code == 403


def test_address_that_is_opened_too_often_waits(world: World, desk: ZendeskAtHand) -> None:
    build_page(world)
    link = link_of(world, desk)
    for _ in range(int(LINK_OPENED.split()[0])):
        assert world.client.get(link).status_code == 200
    refused = world.client.get(link)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0


# --- Sessions


def test_session_ends_after_an_hour_wherever_it_was(world: World, desk: ZendeskAtHand) -> None:
    page = in_zendesk(world)
    world.clock.advance(minutes=59, seconds=59)
    assert page.thread(ticket_id=desk.ticket_id)
    world.clock.advance(seconds=1)
    refused_everywhere(page, 1, 401, "session_ended")


def forged_sessions(world: World, desk: ZendeskAtHand) -> dict[str, str]:
    keys, now = world.ports.keys.signing_keys, world.clock.now()
    said: dict[str, object] = {
        "surface": "zendesk", "account_ids": [desk.account.id], "subdomain": SUBDOMAIN,
        "agent": "zendesk:1",
    }  # fmt: skip
    genuine = begin_session(keys, now=now, **said)  # type: ignore[arg-type]
    body, proof = genuine.rsplit(".", 1)
    link = link_of(world, desk).rpartition("/")[2]
    return {
        "empty": "",
        "garbage": "a.b.c",
        "endless": "x" * 9000,
        "signed by another key": begin_session(["not ours"], now=now, **said),  # type: ignore[arg-type]
        "cut off": genuine[:-1],
        "of another": f"{body}.{begin_session(keys, now=now, **said).rsplit('.', 1)[1]}",  # type: ignore[arg-type]
        "without a proof": f"{body}.",
        "an address of a thread": link,
        "Zendesk's own token": token_for(world),
        "with spaces": f" {genuine}",
        "proof alone": proof,
    }


def test_forged_session_opens_no_door(world: World, desk: ZendeskAtHand) -> None:
    for kind, token in forged_sessions(world, desk).items():
        refused_everywhere(AgentsPage(world, token), 1, 401, "no_session")
        assert kind
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Cookie": "session=x"}):
        answer = world.client.get("/api/desk/thread?ticket_id=1", headers=headers)
        assert answer.status_code == 401
    assert world.texts(author="agent") == []


def test_session_is_no_address_of_a_thread(world: World, desk: ZendeskAtHand) -> None:
    build_page(world)
    token = island_of(open_app(world))["token"]
    assert world.client.get(f"/desk/thread/{token}").status_code == 403


@pytest.mark.parametrize(
    "happens",
    [
        "UPDATE helpdesk_accounts SET state = 'disconnected'",
        "UPDATE helpdesk_accounts SET subdomain = 'rich'",
        "UPDATE shops SET state = 'uninstalled'",
        "DELETE FROM helpdesk_accounts",
    ],
)
def test_session_ends_with_what_it_rests_on(
    world: World, desk: ZendeskAtHand, happens: str
) -> None:
    page = in_zendesk(world)
    world.execute(happens)
    refused_everywhere(page, 1, 401, "session_ended")


def test_tickets_number_of_a_helpdesk_that_was_left_means_nothing_in_the_next(
    world: World, desk: ZendeskAtHand
) -> None:
    """A ticket closed at the old Zendesk; the new one counts its tickets from one again."""
    world.execute("UPDATE ticket_links SET state = 'closed'")
    world.clock.advance(minutes=1)
    assert desk.connect("acme-new").status_code == 200
    build_page(world)
    query = zaf.QUERY.replace("acme", "acme-new")
    said = zaf.claims(world.clock.now().timestamp(), subdomain="acme-new", query=query)
    page = AgentsPage(world, island_of(open_app(world, zaf.signed(said), query=query))["token"])
    answer = page.call("GET", f"/thread?ticket_id={desk.ticket_id}")
    assert (answer.status_code, answer.get_json()["error"]) == (404, "no_thread")


def test_keys_may_be_rotated_under_an_open_page(world: World, desk: ZendeskAtHand) -> None:
    page = in_zendesk(world)
    keys = world.ports.settings.encryption_keys.get_secret_value()
    fresh = Fernet.generate_key().decode()
    world.redeploy(encryption_keys=type(world.ports.settings.encryption_keys)(f"{fresh},{keys}"))
    assert page.thread(ticket_id=desk.ticket_id)


# --- Another shop


def other_shop(world: World, subdomain: str) -> ZendeskAtHand:
    """With a Zendesk (perhaps the same one) and a buyer who writes."""
    shop = world.shop(OTHER, line=OTHER_LINE)
    other = ZendeskAtHand(world, shop)
    assert other.connect(subdomain).status_code == 200
    other.text("Hello from elsewhere", sender=STRANGER)
    world.settle()
    return other


def test_agent_of_another_shops_zendesk_reaches_no_thread_of_ours(
    world: World, desk: ZendeskAtHand
) -> None:
    build_page(world)
    ours, our_ticket = desk.link().conversation_id, desk.ticket_id
    other_shop(world, "rich")
    query = zaf.QUERY.replace("acme", "rich")
    said = zaf.claims(world.clock.now().timestamp(), subdomain="rich", query=query)
    page = AgentsPage(world, island_of(open_app(world, zaf.signed(said), query=query))["token"])
    refused_everywhere(page, ours, 404, "no_thread")
    shown: TestResponse = page.call("GET", f"/thread?ticket_id={our_ticket}")
    assert shown.status_code in (200, 404)
    assert BUYER not in shown.text
    assert world.texts(author="agent") == []
    assert world.contact().opted_out_at is None


def test_two_shops_in_one_zendesk_each_show_their_own_tickets(
    world: World, desk: ZendeskAtHand
) -> None:
    ours, our_ticket = desk.link().conversation_id, desk.ticket_id
    other = other_shop(world, SUBDOMAIN)
    page = in_zendesk(world)
    assert page.thread(ticket_id=our_ticket)["buyer"]["phone"] == BUYER
    theirs = page.thread(ticket_id=other.ticket_id)
    assert theirs["buyer"]["phone"] == STRANGER
    assert page.reply(theirs["conversation_id"], "Hello there").status_code == 201
    [text] = world.texts(author="agent")
    assert text.shop_id == other.shop.id != desk.shop.id
    assert page.thread(conversation_id=ours)["buyer"]["phone"] == BUYER


def test_sessions_of_a_page_are_counted_by_time_passed_in(
    world: World, desk: ZendeskAtHand
) -> None:
    """Not by this machine's clock: tests and the sandbox have their own."""
    world.clock.move(world.clock.now() + timedelta(days=400))
    page = in_zendesk(world)
    assert page.call("GET", f"/thread?ticket_id={desk.ticket_id}").status_code == 200
