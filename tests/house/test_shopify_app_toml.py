"""What Shopify is told (`shopify.app.toml`), what the app handles and what it asks for agree.

Checked against the real Admin API schema 2026-10, which the sandbox carries.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import (
    FragmentDefinitionNode,
    NoDeprecatedCustomRule,
    OperationDefinitionNode,
    parse,
    validate,
)

from app.vendors.shopify.webhooks import TOPICS
from sandbox.shopify.admin_schema import expand, load_schema, needs, topic_scopes
from sandbox.shopify.app_toml import COMPLIANCE_TOPICS, BadAppToml, read_app_toml
from sandbox.shopify.cost import MOST_POINTS, requested_cost

ROOT = Path(__file__).parents[2]
APP = read_app_toml(ROOT / "shopify.app.toml")
OPERATIONS = sorted((ROOT / "app" / "vendors" / "shopify" / "operations").glob("*.graphql"))

every_file = pytest.mark.parametrize("path", OPERATIONS, ids=lambda path: path.stem)


def test_every_topic_has_a_handler_and_every_handler_a_topic() -> None:
    deaf = APP.topics - set(TOPICS)
    assert not deaf, f"in shopify.app.toml, without a parser in webhooks.TOPICS: {sorted(deaf)}"
    unasked = set(TOPICS) - APP.topics
    assert not unasked, f"in webhooks.TOPICS, not subscribed to in the toml: {sorted(unasked)}"


def test_compliance_topics_are_subscribed_to_at_their_own_door() -> None:
    doors = {one.topic: one.uri for one in APP.subscriptions}
    assert doors.keys() >= COMPLIANCE_TOPICS
    for topic, uri in doors.items():
        at_compliance = uri == "/webhooks/shopify/compliance"
        assert at_compliance == (topic in COMPLIANCE_TOPICS), topic


def test_required_scopes_suffice_for_every_topic() -> None:
    """A subscription to a topic whose scope is not granted makes the deploy fail."""
    held = expand(APP.scopes)
    for topic in APP.topics - COMPLIANCE_TOPICS:
        any_of = topic_scopes(topic)
        assert not any_of or any_of & held, f"{topic} needs one of {sorted(any_of)}"


def test_no_scope_is_asked_for_twice() -> None:
    assert not APP.scopes & APP.optional_scopes
    implied = expand(APP.scopes) - APP.scopes
    assert not implied & APP.optional_scopes, "a write scope includes reading"


def test_there_are_operations_to_check() -> None:
    assert OPERATIONS


@every_file
def test_operations_are_valid_against_the_real_schema(path: Path) -> None:
    errors = validate(load_schema(), parse(path.read_text("utf-8")))
    assert not errors, [error.message for error in errors]


@every_file
def test_no_operation_uses_a_deprecated_field(path: Path) -> None:
    found = validate(load_schema(), parse(path.read_text("utf-8")), [NoDeprecatedCustomRule])
    assert not found, [error.message for error in found]


@every_file
def test_scopes_of_the_toml_suffice_for_every_field(path: Path) -> None:
    held = expand(APP.scopes | APP.optional_scopes)
    short = [
        f"{need.where}: {need.sentence}"
        for need in needs(parse(path.read_text("utf-8")))
        if any(not group & held for group in need.groups)
    ]
    assert not short


@every_file
def test_queries_need_no_scope_that_a_merchant_may_decline(path: Path) -> None:
    """What Doorstep reads for its main job must work right after the install; what it writes may
    rest on optional scopes."""
    document = parse(path.read_text("utf-8"))
    held = expand(APP.scopes)
    short = {
        need.where
        for need in needs(document)
        if not need.where.startswith("Mutation.") and any(not one & held for one in need.groups)
    }
    assert not short


@every_file
def test_every_operation_fits_into_one_query(path: Path) -> None:
    document = parse(path.read_text("utf-8"))
    fragments = {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            points = requested_cost(load_schema(), operation, fragments, {})
            assert points <= MOST_POINTS, f"{operation.name} asks for {points} points"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ('topics = [ "orders/created" ]', "no such topic"),
        ('topics = [ "orders/create" ]\n  filter = "status:delivered"', "filter"),
        ('compliance_topics = [ "shop/forget" ]', "no such compliance topic"),
    ],
)
def test_a_toml_that_shopify_would_refuse_is_refused(tmp_path: Path, wrong: str, says: str) -> None:
    text = (ROOT / "shopify.app.toml").read_text("utf-8")
    broken = tmp_path / "shopify.app.toml"
    broken.write_text(f'{text}\n  [[webhooks.subscriptions]]\n  {wrong}\n  uri = "/webhooks/x"\n')
    with pytest.raises(BadAppToml, match=says):
        read_app_toml(broken)
