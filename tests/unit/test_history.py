"""Which threads are brought to a new helpdesk, and how their texts look there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.helpdesk.history import LIVING, MOST_PHOTOS, comments_of, history
from app.helpdesk.texts import Photo, Text

CONNECTED = datetime(2026, 11, 20, 12, tzinfo=UTC)
STORED = Photo(0, "stored", "image/jpeg", "1/ab/key")
ASKED = Text(
    id=2,
    direction="in",
    author="contact",
    author_name=None,
    purpose=None,
    state="received",
    body="The zip broke",
    dedupe_key=None,
    created_at=CONNECTED - timedelta(days=3),
    sent_at=None,
    photos=(),
    is_written=False,
)
OPENER = replace(
    ASKED,
    id=1,
    direction="out",
    author="system",
    purpose="check_in",
    state="delivered",
    body="Did it arrive okay?",
    created_at=CONNECTED - timedelta(days=4),
    sent_at=CONNECTED - timedelta(days=4) + timedelta(seconds=9),
)
LATER = replace(ASKED, id=3, body="Hello?", created_at=CONNECTED + timedelta(minutes=1))


def brought(*texts: Text, is_resolved: bool = False) -> list[int]:
    found = history(texts, connected_at=CONNECTED, is_resolved=is_resolved)
    return [text.id for text in found]


def test_all_before_the_connection_is_brought_and_nothing_after() -> None:
    assert brought(OPENER, ASKED, LATER) == [1, 2]


@pytest.mark.parametrize(
    "texts",
    [
        (OPENER, LATER),
        (OPENER, replace(ASKED, purpose="join"), LATER),
        (replace(ASKED, created_at=CONNECTED - LIVING - timedelta(seconds=1)), LATER),
    ],
)
def test_thread_that_was_not_living_is_left_alone(texts: tuple[Text, ...]) -> None:
    assert brought(*texts) == []


def test_thread_that_somebody_resolved_is_left_alone() -> None:
    assert brought(OPENER, ASKED, is_resolved=True) == []


def test_each_text_keeps_its_label_and_its_time() -> None:
    first, second = comments_of([OPENER, ASKED])
    assert (first.paragraphs, first.at) == (("Doorstep:", "Did it arrive okay?"), OPENER.sent_at)
    assert (second.paragraphs, second.at) == (("The zip broke",), ASKED.created_at)


def test_only_the_newest_photos_go_along_and_of_older_ones_is_told() -> None:
    texts = [replace(ASKED, id=n, photos=(STORED,)) for n in range(MOST_PHOTOS + 2)]
    comments = comments_of(texts)
    assert [len(one.photos) for one in comments] == [0, 0, *[1] * MOST_PHOTOS]
    told = ("The zip broke", "(A photo came with this text; Doorstep has it.)")
    assert comments[0].paragraphs == told
