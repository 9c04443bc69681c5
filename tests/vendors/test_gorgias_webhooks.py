"""Gorgias's webhooks: what is kept of them, their meaning, and everything that is neither."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from app.helpdesk.ports import HelpdeskHook, HookKind, TicketState
from app.vendors.gorgias.webhooks import Malformed, is_genuine, parse, slim

FIXTURES = Path(__file__).parents[1] / "fixtures" / "gorgias"
NAMES = sorted(path.stem for path in FIXTURES.glob("webhook_*.json"))
HEARD_AT = "2026-11-20T17:14:05+00:00"


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((FIXTURES / f"webhook_{name}.json").read_text())
    return event


def hook_of(event: Any, heard_at: str = HEARD_AT) -> HelpdeskHook:
    return parse(slim(json.dumps(event).encode(), heard_at=heard_at))


def changed(name: str, *path: str, to: Any) -> dict[str, Any]:
    event = sample(name)
    at: Any = event
    for step in path[:-1]:
        at = at[step]
    if to is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return event


# Meaning


@pytest.mark.parametrize("name", ["context_agent_reply", "templated_agent_reply"])
def test_an_agents_reply_asks_to_be_read(name: str) -> None:
    hook = hook_of(sample(name))
    assert (hook.kind, hook.ticket_id, hook.comment_id) == (
        HookKind.COMMENT_ADDED,
        "81402233",
        "990100301",
    )
    assert (hook.public, hook.by_staff, hook.author_id) == (True, True, "93")
    assert hook.asks_something


def test_whole_context_and_strings_are_the_same_news() -> None:
    """Whoever templates the body by hand later is not texted twice."""
    whole, strings = (hook_of(sample(f"{one}_agent_reply")) for one in ("context", "templated"))
    assert whole == strings


@pytest.mark.parametrize("name", ["context_echo_ai", "context_echo_customer"])
def test_echoes_ask_nothing(name: str) -> None:
    assert not hook_of(sample(name)).asks_something


def test_a_colleagues_note_is_looked_at_for_it_may_hand_the_thread_back() -> None:
    hook = hook_of(sample("context_internal_note"))
    assert hook.asks_something and not hook.public


def test_a_rules_answer_is_looked_at_and_judged_by_what_the_message_says() -> None:
    hook = hook_of(sample("context_rule_autoreply"))
    assert (hook.kind, hook.by_staff) == (HookKind.COMMENT_ADDED, True)


def test_a_closed_ticket() -> None:
    hook = hook_of(sample("ticket_updated_closed"))
    assert (hook.kind, hook.ticket_id, hook.state) == (
        HookKind.STATE_CHANGED,
        "81402233",
        TicketState.SOLVED,
    )


@pytest.mark.parametrize("kind", ["ticket-poked", "ticket-assignment-updated", "user-created"])
def test_unknown_and_idle_kinds_are_other(kind: str) -> None:
    hook = hook_of(changed("context_agent_reply", "event", "type", to=kind))
    assert (hook.kind, hook.asks_something) == (HookKind.OTHER, False)


@pytest.mark.parametrize("value", ["None", "", None])
def test_no_external_id_is_an_agents(value: Any) -> None:
    assert hook_of(changed("context_agent_reply", "message", "external_id", to=value)).by_staff


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (True, True),
        ("True", True),
        ("true", True),
        (False, False),
        ("False", False),
        ("None", False),
        (None, False),
        (1, False),
        ("yes", False),
    ],
)
def test_only_true_is_public_and_by_staff(value: Any, meant: bool) -> None:
    assert hook_of(changed("context_agent_reply", "message", "public", to=value)).public is meant
    event = changed("context_agent_reply", "message", "from_agent", to=value)
    assert hook_of(event).by_staff is meant


# Dedupe


@pytest.mark.parametrize("name", NAMES)
def test_the_same_event_twice_has_the_same_key(name: str) -> None:
    event = json.loads((FIXTURES / f"{name}.json").read_text())
    assert hook_of(event) == hook_of(event, heard_at="2026-11-20T18:00:00+00:00")


def test_different_events_have_different_keys() -> None:
    events = [sample(name.removeprefix("webhook_")) for name in NAMES if "templated" not in name]
    events.append(changed("context_agent_reply", "event", "type", to="ticket-message-failed"))
    assert len({hook_of(event).event_id for event in events}) == len(events)


def test_changes_without_a_moment_of_their_own_are_told_apart() -> None:
    event = changed("ticket_updated_closed", "ticket", "closed_datetime", to=None)
    first, second = hook_of(event), hook_of(event, heard_at="2026-11-20T18:00:00+00:00")
    assert first.event_id != second.event_id


@pytest.mark.parametrize("name", NAMES)
def test_unknown_fields_and_order_change_nothing(name: str) -> None:
    event = json.loads((FIXTURES / f"{name}.json").read_text())
    plain = hook_of(event)
    for part in event.values():
        if isinstance(part, dict):
            part["mood"] = {"a": [1, None]}
    parts = list({**event, "weather": "rain"}.items())
    random.Random(3).shuffle(parts)
    assert hook_of(dict(parts)) == plain


# Privacy and nonsense


def test_half_a_character_is_no_error() -> None:
    event = changed("ticket_updated_closed", "ticket", "status", to="\ud800")
    assert hook_of(event).state is None


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_anybody_said_or_is_called_is_kept(name: str) -> None:
    kept = slim((FIXTURES / f"{name}.json").read_bytes(), heard_at=HEARD_AT).decode()
    for word in ("Dana", "Priya", "sorry", "mug", "14155550142", "acme-apparel", "Monday"):
        assert word not in kept
    assert len(kept) < 500


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"event":',
        b"[" * 100_000,
        b'{"event":[]}',
        b'{"event":{"type":7},"ticket":{"id":1}}',
        b'{"event":{"type":"ticket-updated"},"ticket":null}',
        json.dumps(changed("context_agent_reply", "event", "type", to="x" * 65)).encode(),
        json.dumps(changed("context_agent_reply", "message", to=None)).encode(),
        json.dumps(changed("context_agent_reply", "message", "id", to={})).encode(),
        json.dumps(changed("context_agent_reply", "message", "id", to="../1")).encode(),
        json.dumps(changed("context_agent_reply", "message", "id", to="\u0664")).encode(),
    ],
)
def test_what_is_no_event_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        slim(body, heard_at=HEARD_AT)


def test_a_message_names_its_ticket_where_the_ticket_is_missing() -> None:
    event = changed("context_agent_reply", "ticket", to=None)
    assert hook_of(event).ticket_id == "81402233"


@pytest.mark.parametrize("given", [None, "", "secre", "secret ", "SECRET", "sch\u00f6n", "\udcff"])
def test_only_the_very_key_is_proof(given: str | None) -> None:
    assert is_genuine("secret", "secret")
    assert not is_genuine("secret", given)
