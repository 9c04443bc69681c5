"""The kinds of helpdesk that a shop may have, and what differs between them in our own words.

Read by the connect doors, by `place` and by the app's page. What differs in their APIs is behind
the port.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    key: str  # as in addresses, settings and tables
    name: str
    host: str  # what follows the account's name in its address
    # Whether a buyer's e-mail is named to it, to find the customer that the shop's own app made
    # there. Not where the helpdesk mails whoever has an address about each comment.
    knows_buyers_by_email: bool
    advice: str  # read by the merchant who has just connected it


KINDS: Mapping[str, Kind] = {
    "zendesk": Kind(
        "zendesk",
        "Zendesk",
        ".zendesk.com",
        knows_buyers_by_email=False,
        advice="If your Zendesk e-mails requesters about new comments, exclude tickets with the tag"
        " “doorstep” from those triggers.",
    ),
    "gorgias": Kind(
        "gorgias",
        "Gorgias",
        ".gorgias.com",
        knows_buyers_by_email=True,
        advice="Automatic answers of your Gorgias rules stay in Gorgias; only what a person writes"
        " becomes a text.",
    ),
}
