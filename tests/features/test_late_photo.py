"""A photo that loads after its ticket stopped waiting still reaches the agent, once."""

from __future__ import annotations

import pytest

from app.foundation.errors import Unknowable
from app.foundation.outbox import Postponed
from app.helpdesk import jobs
from app.messaging import jobs as messaging_jobs
from app.messaging.models import Media, Sender
from app.messaging.ports import MediaFile, SenderAccess
from tests.factories.photos import jpeg_with_place
from tests.factories.world import ACCOUNT, BUYER, World
from tests.factories.zendesk import ZendeskAtHand, talking

MISSING = "see\n\n(A photo came with this text and could not be loaded.)"


def photo_not_loaded_yet(world: World) -> ZendeskAtHand:
    """The buyer sent a photo, and nobody has come to fetch it."""
    desk = talking(world)
    line: Sender = world.all(Sender)[0]
    access = SenderAccess(line.id, ACCOUNT, "", phone=line.phone)
    sent = world.sms.receive(
        access, from_phone=BUYER, body="", photos=[MediaFile(jpeg_with_place(), "image/jpeg")]
    )
    desk.text("see", photos=[sent.media[0].url])
    world.execute("DELETE FROM outbox WHERE topic = 'messaging.fetch_photos'")
    world.settle()
    world.clock.advance(seconds=61)
    return desk


def load(world: World, desk: ZendeskAtHand) -> None:
    media: Media = world.all(Media)[0]
    messaging_jobs.fetch_photos(world.ports, shop_id=desk.shop.id, message_id=media.message_id)


def test_late_photo_follows_in_a_comment_of_the_buyer_once(world: World) -> None:
    desk = photo_not_loaded_yet(world)
    world.settle(patient=True)
    assert desk.said()[-1] == MISSING
    before = len(desk.comments())
    load(world, desk)
    world.settle(patient=True)
    [follow_up] = desk.comments()[before:]
    assert "came with an earlier text" in follow_up.text and follow_up.public
    assert not follow_up.by_staff and follow_up.author_id == desk.link().requester_id
    assert [file.content_type for file in follow_up.files] == ["image/jpeg"]
    media: Media = world.all(Media)[0]
    write_id = world.scalar(
        "SELECT id FROM ticket_writes WHERE message_ids @> ARRAY[:id]::bigint[]",
        id=media.message_id,
    )
    jobs.add_late_photo(world.ports, shop_id=desk.shop.id, media_id=media.id, write_id=write_id)
    desk.text("well?")
    world.settle(patient=True)
    assert [one.text for one in desk.comments()[before + 1 :]] == ["well?"]


def test_photo_that_loads_in_time_is_in_its_own_comment_only(world: World) -> None:
    desk = photo_not_loaded_yet(world)
    before = len(desk.comments())
    load(world, desk)
    world.settle(patient=True)
    [comment] = desk.comments()[before:]
    assert comment.text == "see" and len(comment.files) == 1


def test_photo_that_loads_while_its_text_is_written_is_added_or_written_with_it(
    world: World,
) -> None:
    desk = photo_not_loaded_yet(world)
    world.helpdesk.fail_next(Unknowable("fake", "the line broke"))
    with pytest.raises(Postponed):  # written, as the fake has it, but nobody knows yet
        jobs.mirror(world.ports, shop_id=desk.shop.id, conversation_id=desk.link().conversation_id)
    before = len(desk.comments())
    load(world, desk)
    world.settle()
    assert len(desk.comments()) == before
    desk.let_intents_age()
    world.settle(patient=True)
    [follow_up] = desk.comments()[before:]
    assert len(follow_up.files) == 1
