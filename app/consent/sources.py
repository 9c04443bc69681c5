"""Where a fact about consent came from: `consent_events.source`.

Whoever records one names it; `state` knows by it which grants were the buyer's own act.
"""

from __future__ import annotations

from enum import StrEnum


class Source(StrEnum):
    CHECKOUT_BLOCK = "checkout_block"  # our own box at checkout
    CHECKOUT_ATTRIBUTE = "checkout_attribute"  # a box of the shop's theme
    CHECKOUT_PHONE = "checkout_phone"  # a number typed for an order, nothing ticked
    SHOPIFY_SMS = "shopify_sms"
    TEXT = "text"  # the buyer's own words to the shop's number, START and STOP among them
    KEYWORD = "keyword"  # the word that the shop advertises for joining
    JOIN_PAGE = "join_page"  # the shop's hosted page, however they came to it
    IMPORT = "import"
    AGENT = "agent"
    HELPDESK = "helpdesk"  # the buyer's own words in their ticket, by e-mail
    PROVIDER = "provider"
    SILENCE = "silence"  # asked whether to stop, the buyer said nothing


# Only these end an opt-out: texts of the buyer's own, sent from the phone in question. A tick at
# checkout, an import or an agent's word does not, for the carrier would go on blocking us anyway;
# nor does a page, where anybody can type a number.
BUYERS_OWN_ACT = frozenset({Source.TEXT, Source.KEYWORD})
