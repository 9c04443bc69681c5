"""What agents attach and paste, and replies too long for one text: all of it reaches the phone, or
the agent reads why not."""

from __future__ import annotations

import random
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from app.helpdesk.ports import TicketFile, TicketState
from app.messaging.models import Media
from tests.factories.world import World
from tests.factories.zendesk import ZendeskAtHand, talking

HEIC = Path(__file__).parents[1] / "fixtures" / "photos" / "photo.heic"


def answer(world: World, desk: ZendeskAtHand, text: str, *files: TicketFile) -> list[str]:
    """An agent replies; what went to the phone for it."""
    before = len(world.sent())
    desk.tell_comment(world.helpdesk.agent_replies(desk.ticket_id, text, files=files))
    world.settle()
    return world.sent()[before:]


def test_long_reply_is_cut_after_sentences_and_its_picture_goes_first(world: World) -> None:
    desk = talking(world)
    sentence = "Fold the jacket along the seam and put it into the bag that came with it. "
    parts = answer(world, desk, sentence * 50, picture("label.png", "PNG"))
    assert len(parts) == 3
    assert all(part.endswith("that came with it.") for part in parts)
    assert " ".join(parts) == (sentence * 50).strip()
    sent = world.sms.handed_over[-3:]
    assert [len(text.media_urls) for text in sent] == [1, 0, 0]


@pytest.mark.parametrize("declared", ["image/heic", "application/octet-stream"])
def test_picture_of_a_phone_goes_as_one_that_every_phone_shows(world: World, declared: str) -> None:
    desk = talking(world)
    photo = TicketFile("IMG_0042.HEIC", declared, HEIC.read_bytes())
    assert answer(world, desk, "Like this", photo) == ["Like this"]
    [media] = world.all(Media)
    assert media.content_type == "image/jpeg"
    assert len(desk.notes()) == 1


def test_animated_picture_stays_animated(world: World) -> None:
    desk = talking(world)
    frames = [Image.new("RGB", (40, 30), (shade, 0, 0)) for shade in (0, 120, 240)]
    out = BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=80)
    answer(world, desk, "Ta-da", TicketFile("ta-da.gif", "image/gif", out.getvalue()))
    [media] = world.all(Media)
    kept = Image.open(BytesIO(world.ports.media.get(media.storage_key or "")))
    assert (media.content_type, getattr(kept, "n_frames", 1)) == ("image/gif", 3)


def test_pictures_that_do_not_fit_together_are_named(world: World) -> None:
    desk = talking(world)
    files = [picture(f"{name}.jpg", "JPEG", noise=1900) for name in ("one", "two", "three")]
    assert answer(world, desk, "All three", *files) == ["All three"]
    assert len(world.sms.handed_over[-1].media_urls) == 1
    assert [note for note in desk.notes() if "too large" in note] == desk.notes()[1:]
    assert len(desk.notes()) == 3


def test_film_is_named_as_not_sent_and_a_link_to_one_goes(world: World) -> None:
    desk = talking(world)
    film = TicketFile("how-to.mp4", "video/mp4", b"\x00\x00\x00 ftypisom")
    said = "See https://video.example/watch?v=1"
    assert answer(world, desk, said, film) == [said]
    assert "how-to.mp4 was not sent: only pictures go by text" in desk.notes()[-1]


@pytest.mark.parametrize("text", ["Hi {{ticket.requester.first_name}}!", "-- \nPriya"])
def test_reply_that_was_not_sent_at_all_opens_and_marks_its_ticket(world: World, text: str) -> None:
    desk = talking(world)
    world.helpdesk.put_state(desk.ticket_id, TicketState.SOLVED)
    assert answer(world, desk, text) == []
    status = world.helpdesk.read_status(desk.access, desk.ticket_id)
    assert status.state is TicketState.OPEN and "doorstep_failed" in status.tags


def picture(name: str, kind: str, noise: int = 0) -> TicketFile:
    """A small one, or one of so many pixels a side that nothing makes small."""
    image = Image.new("RGB", (64, 48), (180, 120, 90))
    if noise:
        pixels = random.Random(name).randbytes(noise * noise * 3)
        image = Image.frombytes("RGB", (noise, noise), pixels)
    out = BytesIO()
    image.save(out, kind)
    return TicketFile(name, f"image/{kind.lower()}", out.getvalue())
