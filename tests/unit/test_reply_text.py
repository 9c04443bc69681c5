"""What of an agent's comment is for the phone."""

from __future__ import annotations

import pytest

from app.helpdesk.reply_text import Unsendable, as_text


@pytest.mark.parametrize(
    "below",
    [
        "-- \nPriya Shah\nAcme Outfitters",
        "--\nPriya",
        "On Fri, Nov 20, 2026 at 5:14 PM Dana <dana@buyer.example> wrote:\n> broken",
        "On Fri, Nov 20, 2026 at 5:14 PM Acme Outfitters via Support <support@acme.example>\nwrote:"
        "\n\n> broken",
        "El vie, 20 nov 2026 a las 17:14, Dana (<dana@buyer.example>) escribió:\n> roto",
        "Le ven. 20 nov. 2026 à 17:14, Dana <dana@buyer.example> a écrit :\n> cassé",
        "-----Original Message-----\nFrom: Dana",
        "________________________________\nFrom: Dana\nSent: Friday\nTo: Support",
        "##- Please type your reply above this line -##\nbroken",
        "Sent from my iPhone",
        "Enviado desde mi iPhone",
        "Get Outlook for iOS",
        "Sent from my Galaxy\n\nOn 20 Nov 2026, Dana <dana@buyer.example> wrote:\n> broken",
        "> The zip broke\n> Can you help?",
    ],
)
def test_signatures_and_quoted_mail_are_left_out(below: str) -> None:
    assert as_text(f"It ships today.\n\n{below}") == "It ships today."


@pytest.mark.parametrize(
    "reply",
    [
        "On Friday the carrier wrote:\nit is at the depot.",
        "Turn it on - then wait.\n\nIt was sent from my colleague's desk.",
        "Two ways:\n- swap it\n- send it back",
        "Costs {5} or [6]?",
        "Le paquet est parti.",
        "All done.\nSent to your mobile",
        "See https://video.example/watch?v=1",
    ],
)
def test_plain_words_are_kept(reply: str) -> None:
    assert as_text(reply) == reply


@pytest.mark.parametrize("held", ["{{ticket.requester.first_name}}", "{% if x %}", "{{dc.hi\n}}"])
def test_placeholder_that_nobody_filled_in_is_refused_by_name(held: str) -> None:
    with pytest.raises(Unsendable) as refused:
        as_text(f"Hi {held}, it ships today")
    assert refused.value.reason == "placeholder" and held[:10] in str(refused.value)


@pytest.mark.parametrize("nothing", ["", " \u00a0\n", "-- \nPriya", "> quoted"])
def test_nothing_to_say_is_refused_unless_a_photo_says_it(nothing: str) -> None:
    with pytest.raises(Unsendable):
        as_text(nothing)
    assert as_text(nothing, has_photos=True) == ""
