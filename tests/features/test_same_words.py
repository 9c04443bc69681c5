"""An agent and a buyer may say the very same words; neither is taken for the other's."""

from __future__ import annotations

from app.foundation.errors import Unknowable
from app.helpdesk.ledger import body_hash
from app.helpdesk.ports import Author, Comment
from tests.factories.world import World
from tests.factories.zendesk import talking


def test_lost_text_of_the_buyer_is_not_found_in_an_agents_same_words(world: World) -> None:
    """The agent's "ok" came after the last comment of ours; our own was never written."""
    desk = talking(world)
    reply = world.helpdesk.agent_replies(desk.ticket_id, "ok")
    desk.text("ok")
    world.execute(
        "INSERT INTO ticket_writes (shop_id, link_id, message_ids, body_hash) VALUES"
        " (:shop, :link, ARRAY[(SELECT max(id) FROM messages)], :words)",
        shop=desk.shop.id,
        link=desk.link().id,
        words=body_hash(["ok"]),
    )  # a worker died between storing the intent and calling
    desk.let_intents_age()
    world.settle()
    desk.tell_comment(reply)
    world.settle()
    assert desk.said()[-2:] == ["ok", "ok"]
    assert world.sent()[-1] == "ok"


def test_lost_answer_about_the_buyers_words_is_found_beside_an_agents_same_words(
    world: World,
) -> None:
    desk = talking(world)
    reply = world.helpdesk.agent_replies(desk.ticket_id, "ok")
    world.helpdesk.fail_next(Unknowable("fake", "the line broke"))
    desk.text("ok")
    world.settle()
    desk.let_intents_age()
    world.settle()
    desk.tell_comment(reply)
    world.settle()
    assert desk.said()[-2:] == ["ok", "ok"]
    assert world.sent()[-1] == "ok"


def test_admin_who_connected_us_may_say_what_the_buyer_said(world: World) -> None:
    desk = talking(world)
    desk.text("Thanks!")
    world.settle()
    answer = Comment(Author.SYSTEM, ("Thanks!",))
    world.helpdesk.add_comment(desk.access, desk.ticket_id, answer, requester_id="0")
    desk.tell_comment(desk.comments()[-1])
    world.settle()
    assert world.sent()[-1] == "Thanks!"
