"""Zendesk's webhooks: proof byte for byte, meaning, and everything that is neither."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.foundation.errors import Refused
from app.helpdesk.ports import HelpdeskHook, HookKind, TicketState
from app.vendors.zendesk.webhooks import (
    MAX_BODY_BYTES,
    SIGNATURE,
    TIMESTAMP,
    TOLERANCE,
    Forged,
    Malformed,
    parse,
    verify,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "zendesk"
VECTORS = json.loads((FIXTURES / "signature_vectors.json").read_text())["vectors"]
NOW = datetime(2026, 11, 20, 17, 14, 5, tzinfo=UTC)
AGENT, BOT, DANA = "27182818284590", "16180339887498", "31415926535897"

by_file = pytest.mark.parametrize("vector", VECTORS, ids=[one["file"] for one in VECTORS])


def check(vector: dict[str, Any], *, now: datetime = NOW, **other: Any) -> None:
    given = {
        "secret": vector["signing_secret"],
        "signature": vector["headers"][SIGNATURE],
        "timestamp": vector["headers"][TIMESTAMP],
        "body": (FIXTURES / vector["file"]).read_bytes(),
        **other,
    }
    verify(**given, now=now)


def body_of(name: str) -> bytes:
    return (FIXTURES / f"event_{name}.json").read_bytes()


def changed(name: str, *path: str, to: Any) -> bytes:
    event: Any = json.loads(body_of(name))
    at = event
    for step in path[:-1]:
        at = at[step]
    if to is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return json.dumps(event).encode()


# Proof


@by_file
def test_signed_bodies_pass(vector: dict[str, Any]) -> None:
    check(vector)


@by_file
def test_one_changed_byte_is_forged(vector: dict[str, Any]) -> None:
    body = (FIXTURES / vector["file"]).read_bytes()
    for forged in (body + b"\n", body.replace(b"40217", b"40218"), b""):
        with pytest.raises(Forged):
            check(vector, body=forged)


def test_another_secret_timestamp_or_signature_is_forged() -> None:
    vector = VECTORS[0]
    for other in (
        {"secret": "another"},
        {"timestamp": "2026-11-20T17:14:03Z"},
        {"signature": base64.b64encode(bytes(32)).decode()},
        {"signature": vector["headers"][SIGNATURE].rstrip("=")},
    ):
        with pytest.raises(Forged):
            check(vector, **other)


@pytest.mark.parametrize("header", ["signature", "timestamp"])
@pytest.mark.parametrize("value", [None, "", "\u00e9", "\udcff", "a" * 100_000])
def test_odd_headers_are_refused_and_no_error(header: str, value: str | None) -> None:
    with pytest.raises(Forged):
        check(VECTORS[0], now=NOW, **{header: value})


def sign(timestamp: str, body: bytes) -> str:
    digest = hmac.new(b"secret", timestamp.encode() + body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


@pytest.mark.parametrize("timestamp", ["yesterday", "2026-11-20", "2026-11-20T17:14:02", "0"])
def test_a_signed_timestamp_that_is_no_moment_is_refused(timestamp: str) -> None:
    with pytest.raises(Forged):
        verify(
            secret="secret",
            signature=sign(timestamp, b"{}"),
            timestamp=timestamp,
            body=b"{}",
            now=NOW,
        )


def test_late_is_fine_for_a_day_and_then_no_more() -> None:
    signed_at = datetime.fromisoformat(VECTORS[0]["headers"][TIMESTAMP])
    check(VECTORS[0], now=signed_at + TOLERANCE)
    for moment in (
        signed_at + TOLERANCE + timedelta(seconds=1),
        signed_at - TOLERANCE - timedelta(seconds=1),
    ):
        with pytest.raises(Forged) as raised:
            check(VECTORS[0], now=moment)
        assert raised.value.reason == "stale"


# Meaning


def test_an_agents_public_reply() -> None:
    assert parse(body_of("comment_added_agent_public")) == HelpdeskHook(
        event_id="d4f5c389-8f4a-4c2e-a1b9-8e4f39c71d52",
        kind=HookKind.COMMENT_ADDED,
        ticket_id="40217",
        comment_id="9990000000301",
        public=True,
        by_staff=True,
        author_id=AGENT,
    )


@pytest.mark.parametrize(
    ("name", "public", "by_staff", "author"),
    [
        ("comment_added_agent_private_note", False, True, AGENT),
        ("comment_added_echo_ai_reply", True, True, BOT),
        ("comment_added_echo_customer_sms", True, False, DANA),
    ],
)
def test_notes_and_echoes_are_told_apart(
    name: str, public: bool, by_staff: bool, author: str
) -> None:
    hook = parse(body_of(name))
    assert (hook.public, hook.by_staff, hook.author_id) == (public, by_staff, author)


def test_a_solved_ticket() -> None:
    hook = parse(body_of("status_changed_solved"))
    assert (hook.kind, hook.ticket_id, hook.state) == (
        HookKind.STATE_CHANGED,
        "40217",
        TicketState.SOLVED,
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("NEW", TicketState.OPEN),
        ("HOLD", TicketState.PENDING),
        ("CLOSED", TicketState.CLOSED),
        ("SOMETHING_NEW", None),
        (7, None),
    ],
)
def test_states_in_the_ports_words(status: Any, state: TicketState | None) -> None:
    hook = parse(changed("status_changed_solved", "event", "current", to=status))
    assert hook.state is state


@pytest.mark.parametrize(
    ("event", "target"),
    [
        ({"target_ticket_id": "40300"}, "40300"),
        ({"target_ticket_id": 40300}, "40300"),
        ({"target_ticket": {"id": "40300"}}, "40300"),
        ({}, None),
        ({"target_ticket_id": "../40300"}, None),
    ],
)
def test_a_merge_names_its_target_or_leaves_it_open(event: Any, target: str | None) -> None:
    said = json.loads(changed("status_changed_solved", "event", to=event))
    said["type"] = "zen:event-type:ticket.merged"
    hook = parse(json.dumps(said).encode())
    assert (hook.kind, hook.ticket_id, hook.merged_into) == (HookKind.MERGED, "40217", target)


def test_a_linked_attachment_is_of_no_concern_by_itself() -> None:
    hook = parse(body_of("attachment_linked_to_comment"))
    assert (hook.kind, hook.ticket_id) == (HookKind.OTHER, "40217")


def test_the_same_event_twice_has_the_same_key() -> None:
    body = body_of("comment_added_agent_public")
    assert parse(body) == parse(body)
    other = parse(body_of("comment_added_agent_private_note"))
    assert parse(body).event_id != other.event_id


@pytest.mark.parametrize(
    "kind", ["zen:event-type:ticket.poked", "zen:event-type:user.created", "", "comment_added"]
)
def test_unknown_kinds_are_other(kind: str) -> None:
    assert parse(changed("comment_added_agent_public", "type", to=kind)).kind is HookKind.OTHER


def test_unknown_fields_change_nothing() -> None:
    plain = parse(body_of("comment_added_agent_public"))
    assert parse(changed("comment_added_agent_public", "event", "mood", to={"a": [1]})) == plain
    assert parse(changed("comment_added_agent_public", "detail", "colour", to="blue")) == plain


@pytest.mark.parametrize("value", ["true", 1, None, "yes"])
def test_only_true_is_public(value: Any) -> None:
    body = changed("comment_added_agent_public", "event", "comment", "is_public", to=value)
    assert parse(body).public is False


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"id":"1"',
        b"[" * 100_000,
        b'{"id":1,"type":"zen:event-type:ticket.comment_added"}',
        b'{"id":"1","type":"zen:event-type:ticket.comment_added","detail":[],"event":7}',
        b" " * (MAX_BODY_BYTES + 1),
        changed("comment_added_agent_public", "detail", "id", to=...),
        changed("comment_added_agent_public", "detail", "id", to="40217/../1"),
        changed("comment_added_agent_public", "detail", "id", to=True),
        changed("comment_added_agent_public", "detail", "id", to="\u0664\u0660"),
        changed("comment_added_agent_public", "event", "comment", to=None),
        changed("comment_added_agent_public", "event", "comment", "id", to={}),
        changed("comment_added_agent_public", "id", to="x" * 65),
        changed("comment_added_agent_public", "id", to="\x00"),
    ],
)
def test_what_is_no_event_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse(body)


def test_both_refusals_are_the_houses() -> None:
    assert issubclass(Forged, Refused)
    assert issubclass(Malformed, Refused)
