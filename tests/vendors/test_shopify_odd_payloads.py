"""No payload makes a parser stumble: it is understood, passed by, or refused for lack of ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.foundation.errors import Refused
from app.vendors.shopify.webhooks import TOPICS, MalformedPayload

WEBHOOKS = Path(__file__).parents[1] / "fixtures" / "shopify" / "webhooks"
ORDER: dict[str, Any] = json.loads((WEBHOOKS / "orders_updated.json").read_text())

NEEDS_IDS = sorted(set(TOPICS) - {"app/uninstalled", "app/scopes_update", "shop/redact"})


@pytest.mark.parametrize("topic", NEEDS_IDS)
@pytest.mark.parametrize(
    "body", [{}, {"id": "x"}, {"id": True, "order_id": -1}, {"id": 2**70}, {"order": 1}]
)
def test_a_payload_without_its_ids_is_refused(topic: str, body: dict[str, Any]) -> None:
    with pytest.raises(MalformedPayload) as caught:
        TOPICS[topic](body)
    assert isinstance(caught.value, Refused) and caught.value.reason == "malformed_payload"


NAMES = sorted({key for one in WEBHOOKS.glob("*.json") for key in json.loads(one.read_text())})
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    topic=st.sampled_from(sorted(TOPICS)),
    changes=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8),
    bare=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_no_payload_makes_a_parser_stumble(topic: str, changes: dict[str, Any], bare: bool) -> None:
    sent = changes if bare else {**ORDER, **changes}
    try:
        fact = TOPICS[topic](sent)
    except MalformedPayload:
        return
    repr(fact).encode()  # nothing in it that could not be written


@given(body=JSON.filter(lambda value: not isinstance(value, dict)))
@settings(max_examples=50, deadline=None)
def test_what_is_no_object_is_refused_or_empty(body: Any) -> None:
    for topic in NEEDS_IDS:
        with pytest.raises(MalformedPayload):
            TOPICS[topic](body)
