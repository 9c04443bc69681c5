"""An agent's links and pictures in Gorgias, where the plain form of a message may lose them."""

from __future__ import annotations

from typing import Any

import pytest

from app.vendors.gorgias.messages import comment_from

FILE = {"url": "https://files.example/1.png", "name": "1.png", "content_type": "image/png"}


@pytest.mark.parametrize(
    ("plain", "rich", "text"),
    [
        ("It ships\ntoday.", "<div>It ships<br>today.</div>", "It ships\ntoday."),
        (
            "Begin your return",
            '<div><a href="https://acme.example/r">Begin your return</a></div>',
            "Begin your return https://acme.example/r",
        ),
        (
            "See https://acme.example/r.",
            '<p>See <a href="https://acme.example/r">https://acme.example/r</a>.</p>',
            "See https://acme.example/r.",
        ),
        (
            "Ta-da",
            '<p>Ta-da <img src="https://gifs.example/1.gif"></p>',
            "Ta-da https://gifs.example/1.gif",
        ),
        ("Look", '<p>Look <img src="https://files.example/1.png"></p>', "Look"),
    ],
)
def test_addresses_behind_links_and_pictures_are_kept(plain: str, rich: str, text: str) -> None:
    assert comment_from(message(plain, rich), "1").text == text


def message(plain: str, rich: str) -> dict[str, Any]:
    return {
        "id": 1,
        "public": True,
        "channel": "sms",
        "via": "helpdesk",
        "from_agent": True,
        "sender": {"id": 93, "name": "Priya Shah"},
        "body_text": plain,
        "body_html": rich,
        "created_datetime": "2026-11-20T17:14:02.010000+00:00",
        "attachments": [FILE],
    }
