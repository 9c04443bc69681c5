"""A shop with living threads connects its helpdesk: each comes with its history, once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.foundation.errors import Permanent, Temporary, Unknowable
from app.helpdesk import jobs
from app.helpdesk.models import TicketWrite
from app.helpdesk.ports import HelpdeskAccess, OpenedTicket, ReadComment
from app.shops.configure import save_preferences
from tests.factories.photos import jpeg_with_place, photo_of
from tests.factories.staff import open_page
from tests.factories.world import World
from tests.factories.zendesk import ZendeskAtHand

OTHER = "+19075550123"


def before(world: World) -> ZendeskAtHand:
    """The buyer answered their check-in two days ago; no helpdesk yet."""
    desk = ZendeskAtHand(world, world.shop())
    world.checked_in(desk.shop)
    world.clock.advance(hours=1)
    desk.text("The zip broke")
    world.clock.advance(minutes=3)
    desk.text("Can you help?")
    world.settle()
    world.clock.advance(days=2)
    return desk


def connect(world: World, desk: ZendeskAtHand) -> str:
    page = desk.connect()
    assert page.status_code == 200
    world.settle()
    return page.text


def poll(world: World, desk: ZendeskAtHand) -> None:
    world.clock.advance(minutes=20)
    jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    world.settle()


def test_every_earlier_text_is_a_comment_at_its_own_time(world: World) -> None:
    desk = before(world)
    opener = world.texts(purpose="check_in")[0]
    page = connect(world, desk)
    assert "1 conversation that came earlier is being added now" in page
    assert desk.said() == [f"Doorstep:\n\n{opener.body}", "The zip broke", "Can you help?"]
    times = [one.created_at for one in desk.comments() if one.public]
    assert times == [opener.sent_at, *(text.created_at for text in world.texts(direction="in"))]
    assert len(desk.notes()) == 1 and "Trail Runner Jacket" in desk.notes()[0]
    [written] = world.all(TicketWrite)
    assert (written.state, written.comments) == ("settled", 4)
    assert desk.link().mirrored_to == world.texts()[-1].id


def test_thread_goes_on_in_that_ticket_both_ways(world: World) -> None:
    desk = before(world)
    connect(world, desk)
    desk.text("Hello?")
    world.settle()
    assert len(desk.links()) == 1 and desk.said()[-1] == "Hello?"
    reply = world.helpdesk.agent_replies(desk.ticket_id, "A new one is on its way.")
    desk.tell_comment(reply)
    world.settle()
    assert world.sent()[-1] == "A new one is on its way."


def test_nothing_of_the_history_is_texted_or_brought_again(world: World) -> None:
    desk = before(world)
    connect(world, desk)
    sent, comments = world.sent(), desk.comments()
    for comment in comments:  # the vendor does not say whether it tells of imported ones
        desk.tell_comment(comment)
    for _ in range(3):
        poll(world, desk)
    assert desk.connect().status_code == 200
    world.settle()
    assert (world.sent(), desk.comments(), len(desk.links())) == (sent, comments, 1)


def test_thread_that_nobody_wrote_in_for_a_month_waits_for_its_buyer(world: World) -> None:
    desk = before(world)
    world.clock.advance(days=29)
    assert "came earlier" not in connect(world, desk)
    poll(world, desk)
    assert desk.links() == []
    desk.text("It broke again")
    world.settle()
    assert desk.said() == ["It broke again"]


def test_resolved_thread_is_brought_when_its_buyer_writes_again(world: World) -> None:
    desk = before(world)
    world.execute("UPDATE conversations SET state = 'resolved'")
    connect(world, desk)
    poll(world, desk)
    assert desk.links() == []
    desk.text("Not quite")
    world.settle()
    assert desk.said()[1:] == ["The zip broke", "Can you help?", "Not quite"]


def test_check_in_that_nobody_answered_is_no_living_thread(world: World) -> None:
    desk = ZendeskAtHand(world, world.shop())
    opener = world.checked_in(desk.shop)
    with world.db.shop(desk.shop.id) as session:
        save_preferences(
            session,
            now=world.clock.now(),
            shop_id=desk.shop.id,
            actor="test",
            changes={"ticket_opens": "arrival"},
        )
    world.clock.advance(hours=2)
    connect(world, desk)
    poll(world, desk)
    assert desk.links() == []
    desk.text("Thanks!")
    world.settle()
    assert desk.said() == [f"Doorstep:\n\n{opener.body}", "Thanks!"]


def test_where_tickets_open_at_the_handoff_only_a_raised_thread_is_brought(world: World) -> None:
    desk = before(world)
    world.execute("UPDATE shop_preferences SET ticket_opens = 'handoff'")
    connect(world, desk)
    poll(world, desk)
    assert desk.links() == []
    world.execute("UPDATE conversations SET raised_at = now()")
    poll(world, desk)
    assert desk.said()[1:] == ["The zip broke", "Can you help?"]


def test_photos_of_the_history_come_along(world: World) -> None:
    desk = ZendeskAtHand(world, world.shop())
    desk.text("Look", photos=[photo_of(world, jpeg_with_place())])
    world.settle(patient=True)
    world.clock.advance(days=1)
    connect(world, desk)
    [comment] = [one for one in desk.comments() if one.public]
    assert (comment.text, len(comment.files)) == ("Look", 1)


# --- Crashes and limits


@pytest.mark.parametrize("agent_was_quicker", [False, True])
def test_import_whose_answer_was_lost_is_found_whole_and_never_echoed(
    world: World, agent_was_quicker: bool
) -> None:
    desk = before(world)
    desk.text("HELP")  # and is answered by us, in words that an echo would text once more
    world.settle()
    world.clock.advance(hours=1)
    lose_the_answer(world)
    connect(world, desk)
    [intended] = world.all(TicketWrite)
    assert (intended.state, desk.link().ticket_id) == ("intent", None)
    found = world.helpdesk.find_ticket(HelpdeskAccess(0, "acme", ""), desk.link().external_id)
    assert found is not None
    if agent_was_quicker:
        world.helpdesk.agent_replies(found.ticket_id, "I am on it.")
    sent = world.sent()
    desk.let_intents_age()
    world.settle(patient=True)
    assert desk.ticket_id == found.ticket_id and len(desk.links()) == 1
    poll(world, desk)
    assert desk.said()[1:4] == ["The zip broke", "Can you help?", "HELP"]
    assert desk.said()[4].startswith("Doorstep:")
    assert world.sent() == [*sent, *(["I am on it."] if agent_was_quicker else [])]
    assert {write.state for write in world.all(TicketWrite)} == {"settled"}


def test_import_that_never_happened_is_made_again_with_what_came_meanwhile(world: World) -> None:
    desk = before(world)
    assert desk.connect().status_code == 200
    world.helpdesk.fail_next(Temporary("fake", "down", status=503))
    world.settle()
    assert [link.ticket_id for link in desk.links()] == [None]
    desk.text("Hello?")
    world.settle(patient=True)
    assert desk.said()[1:] == ["The zip broke", "Can you help?", "Hello?"]
    assert len(desk.links()) == 1


@pytest.mark.parametrize("came_since", [True, False])
def test_thread_whose_history_is_refused_gets_an_ordinary_ticket(
    world: World, came_since: bool
) -> None:
    desk = before(world)
    refuse_histories(world)
    assert desk.connect().status_code == 200
    if came_since:
        desk.text("Hello?")
    world.settle(patient=True)
    assert len(desk.links()) == 1 and "Trail Runner Jacket" in desk.notes()[0]
    opener = f"Doorstep:\n\n{world.texts(purpose='check_in')[0].body}"
    expected = ["Hello?"] if came_since else [opener, "The zip broke\n\nCan you help?"]
    assert desk.said() == expected
    desk.text("And now?")
    world.settle(patient=True)
    poll(world, desk)
    assert desk.said() == [*expected, "And now?"] and len(desk.links()) == 1


def test_imports_leave_half_of_the_accounts_limit_to_buyers_who_write_now(world: World) -> None:
    desk = before(world)
    connect(world, desk)
    desk.text("And I?", sender=OTHER)
    world.execute("UPDATE messages SET created_at = created_at - interval '1 hour'")
    world.execute("UPDATE helpdesk_accounts SET updates_per_minute = 2")
    world.settle()
    assert len(desk.links()) == 1  # the other waits for its minute
    desk.text("I am new", sender="+12065550177")
    world.settle()
    assert len(desk.links()) == 2
    desk.let_writes_age(1)
    world.settle(patient=True)
    assert len(desk.links()) == 3


def test_home_page_says_how_many_are_left(world: World) -> None:
    desk = before(world)
    desk.text("And I?", sender=OTHER)
    world.settle()
    assert "2 conversations that came earlier" in desk.connect().text
    assert "2 earlier conversations are still being added" in open_page(world).text
    world.settle()
    assert "still being added" not in open_page(world).text


def lose_the_answer(world: World) -> None:
    behind = world.helpdesk

    class Lost:
        def __getattr__(self, name: str) -> object:
            return getattr(behind, name)

        def import_ticket(self, *args: object) -> OpenedTicket:
            helpdesks["zendesk"] = behind
            behind.import_ticket(*args)  # type: ignore[arg-type]
            raise Unknowable("fake", "the line broke")

    helpdesks = world.ports.helpdesks
    assert isinstance(helpdesks, dict)
    helpdesks["zendesk"] = Lost()


def test_history_that_is_shown_late_is_waited_for_and_never_texted(world: World) -> None:
    desk = before(world)
    desk.text("HELP")  # our answer is the last of the history
    world.settle()
    world.clock.advance(hours=1)
    shown: list[int] = [2, 2]
    show_only(world, shown)
    sent = world.sent()
    connect(world, desk)
    assert (desk.link().ticket_id, shown) == (None, [2])
    desk.let_intents_age()
    world.settle()
    assert (desk.link().ticket_id, shown) == (None, [])
    desk.let_intents_age()
    world.settle(patient=True)
    assert desk.link().read_to == desk.comments()[-1].comment_id
    poll(world, desk)
    assert world.sent() == sent and len(desk.links()) == 1


def show_only(world: World, shown: list[int]) -> None:
    """Of a new ticket the first so many comments, at each look once."""
    behind = world.helpdesk

    class Slow:
        def __getattr__(self, name: str) -> object:
            return getattr(behind, name)

        def import_ticket(self, *args: object) -> OpenedTicket:
            opened = behind.import_ticket(*args)  # type: ignore[arg-type]
            return OpenedTicket(opened.ticket_id, opened.comment_ids[: shown.pop()])

        def read_comments_since(self, *args: object) -> Sequence[ReadComment]:
            read = behind.read_comments_since(*args)  # type: ignore[arg-type]
            return read[: shown.pop()] if shown else read

    helpdesks = world.ports.helpdesks
    assert isinstance(helpdesks, dict)
    helpdesks["zendesk"] = Slow()


def refuse_histories(world: World) -> None:
    behind = world.helpdesk

    class Refusing:
        def __getattr__(self, name: str) -> object:
            return getattr(behind, name)

        def import_ticket(self, *args: object) -> OpenedTicket:
            raise Permanent("fake", "only admins may", status=403)

    helpdesks = world.ports.helpdesks
    assert isinstance(helpdesks, dict)
    helpdesks["zendesk"] = Refusing()
