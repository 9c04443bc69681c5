"""Which consent a shop accepts, and what each choice risks, in plain words.

The choice is the merchant's (`shop_preferences.consent_policy`); `permission` obeys it, the
settings page shows `policy_text` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ConsentPolicy(StrEnum):
    """The weakest evidence that a shop accepts; stronger evidence always counts too."""

    CARE_OPT_IN = "care_opt_in"
    SHOPIFY_SMS = "shopify_sms"
    NUMBER_AT_CHECKOUT = "number_at_checkout"


@dataclass(frozen=True)
class PolicyText:
    name: str
    counts: str  # what is accepted
    risk: str


_TEXTS: Mapping[ConsentPolicy, PolicyText] = {
    ConsentPolicy.CARE_OPT_IN: PolicyText(
        "Buyers who asked for care texts",
        "Only buyers who agreed to texts about their order: at checkout, by texting your keyword,"
        " or on your opt-in page. We keep the wording, the time and the place.",
        "The safest choice. The buyer agreed to exactly these texts, and you can prove it. Fewer"
        " buyers are texted.",
    ),
    ConsentPolicy.SHOPIFY_SMS: PolicyText(
        "Also subscribers of your marketing texts",
        "Besides those, buyers who are subscribed to your SMS marketing in Shopify.",
        "Some risk. They agreed to texts from you, but perhaps not to texts about a delivery, and"
        " perhaps not to texts that an assistant writes. Check that your sign-up form speaks of"
        " order updates. Carriers want a registered campaign for each kind of text.",
    ),
    ConsentPolicy.NUMBER_AT_CHECKOUT: PolicyText(
        "Everybody who gave a phone number with the order",
        "Besides those, buyers who typed their number at checkout, without ticking anything.",
        "The most risk. Giving a number for an order has counted as consent to texts about that"
        " order, but courts need not follow the regulator any longer, and some states ask for more."
        " A text that a court calls marketing costs 500 to 1,500 dollars. Ask your lawyer first.",
    ),
}


def policy_text(policy: ConsentPolicy) -> PolicyText:
    """Name, what counts and what it risks, for the merchant's page."""
    return _TEXTS[policy]
