"""The emulated Zendesk tells of its tickets as the real one does, and misbehaves on demand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator

import httpx
import pytest

from sandbox import faults
from tests.vendors.zendesk_acts import (
    COMMENT,
    FIXTURES,
    keys,
    open_ticket,
    subscribe,
    update,
)
from tests.vendors.zendesk_sandbox import (
    EmulatedZendesk,
    Listener,
    listening,
    running,
)


@pytest.fixture
def zendesk() -> Iterator[EmulatedZendesk]:
    with running() as emulated:
        yield emulated


@pytest.fixture
def door() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


# Webhooks


def test_webhooks_are_for_admins_https_and_known_events(zendesk: EmulatedZendesk) -> None:
    zendesk.grant()
    agent = zendesk.api(zendesk.grant(user="marcus")["access_token"])
    assert agent.get("/webhooks").status_code == 403
    hook = {
        "name": "Doorstep",
        "endpoint": "https://app.doorstep.example/webhooks/zendesk/door",
        "http_method": "POST",
        "request_format": "json",
        "status": "active",
        "subscriptions": ["zen:event-type:ticket.comment_added"],
    }
    api = zendesk.api()
    assert api.post("/webhooks", json={"webhook": hook}).status_code == 201
    for wrong in (
        {"endpoint": "http://app.doorstep.example/"},
        {"subscriptions": ["ticket.comment"]},
    ):
        assert api.post("/webhooks", json={"webhook": {**hook, **wrong}}).status_code == 400


def test_an_agents_reply_is_told_signed_in_the_documented_envelope(
    zendesk: EmulatedZendesk, door: Listener
) -> None:
    api = zendesk.api()
    ticket = open_ticket(api, external_id="thread-1", type="question", priority="normal")
    _, secret = subscribe(api, door.url, "comment_added")
    said = zendesk.desk(ticket["id"], "comments", {"body": "So sorry, Dana!", "public": True})
    heard = door.wait(1)[0]
    timestamp = heard.headers["X-Zendesk-Webhook-Signature-Timestamp"].encode()
    digest = hmac.new(secret.encode(), timestamp + heard.body, hashlib.sha256).digest()
    assert heard.headers["X-Zendesk-Webhook-Signature"] == base64.b64encode(digest).decode()
    documented = json.loads((FIXTURES / "event_comment_added_agent_public.json").read_bytes())
    event = json.loads(heard.body)
    assert keys(event) == keys(documented)
    assert list(event) == list(documented)
    assert event["subject"] == f"zen:ticket:{ticket['id']}"
    assert event["event"]["comment"]["id"] == str(said["comment"]["id"])
    assert event["event"]["comment"]["author"]["is_staff"] is True
    assert event["detail"]["status"] == "OPEN"


def test_files_solving_and_merging_are_told_too(zendesk: EmulatedZendesk, door: Listener) -> None:
    api = zendesk.api()
    ticket, other = open_ticket(api)["id"], open_ticket(api)["id"]
    subscribe(api, door.url)
    label = {"filename": "label.png", "content": base64.b64encode(b"\x89PNG").decode()}
    zendesk.desk(ticket, "comments", {"body": "The label", "files": [label]})
    zendesk.desk(ticket, "status", {"status": "solved"})
    zendesk.desk(ticket, "merge", {"into": other})
    events = [json.loads(one.body) for one in door.wait(8)]
    short = [one["type"].rpartition(".")[2] for one in events]
    assert short.count("status_changed") == 3  # new to open, to solved, to closed
    assert short.count("attachment_linked_to_comment") == 1
    merged = next(one for one in events if one["type"].endswith("merged"))
    assert merged["detail"]["id"] == str(ticket)
    assert merged["event"]["target_ticket_id"] == str(other)


def test_a_webhook_that_is_gone_is_told_nothing(zendesk: EmulatedZendesk, door: Listener) -> None:
    api = zendesk.api()
    ticket = open_ticket(api)
    webhook_id, _ = subscribe(api, door.url)
    assert api.delete(f"/webhooks/{webhook_id}").status_code == 204
    second, _ = subscribe(api, door.url, "status_changed")
    zendesk.desk(ticket["id"], "comments", {"body": "Hello"})
    event = json.loads(door.wait(1)[0].body)
    assert event["type"].endswith("status_changed")
    assert api.get(f"/webhooks/{second}").json()["webhook"]["id"] == second


@pytest.mark.parametrize(
    ("answers", "attempts"),
    [
        ([(409, {})], 2),
        ([(503, {"Retry-After": "0"})], 2),
        ([(503, {"Retry-After": "90"})], 1),
        ([(429, {})], 1),
        ([(500, {})], 1),
        ([(401, {})], 1),
    ],
)
def test_webhooks_are_repeated_only_as_documented(
    zendesk: EmulatedZendesk,
    door: Listener,
    answers: list[tuple[int, dict[str, str]]],
    attempts: int,
) -> None:
    api = zendesk.api()
    ticket = open_ticket(api)
    door.answers = list(answers)
    webhook_id, _ = subscribe(api, door.url, "comment_added")
    zendesk.desk(ticket["id"], "comments", {"body": "Hello"})
    door.wait(attempts)
    zendesk.desk(ticket["id"], "comments", {"body": "The last"})
    heard = door.wait(attempts + 1)
    texts = [json.loads(one.body)["event"]["comment"]["body"] for one in heard]
    assert texts == ["Hello"] * attempts + ["The last"]
    kept = api.get(f"/webhooks/{webhook_id}/invocations").json()["invocations"]
    assert kept[0]["status"] == str(answers[0][0])


def test_switches_double_and_drop_webhooks(zendesk: EmulatedZendesk, door: Listener) -> None:
    api = zendesk.api()
    ticket = open_ticket(api)
    subscribe(api, door.url, "comment_added")
    faults.add("zendesk", "duplicate", count=1)
    zendesk.desk(ticket["id"], "comments", {"body": "Twice"})
    first, second = door.wait(2)
    assert first.body == second.body
    faults.add("zendesk", "drop", count=1)
    zendesk.desk(ticket["id"], "comments", {"body": "Never"})
    zendesk.desk(ticket["id"], "comments", {"body": "Once"})
    assert [b"Once" in one.body for one in door.wait(3)] == [False, False, True]


def test_a_switch_lets_a_webhook_beat_the_answer(zendesk: EmulatedZendesk, door: Listener) -> None:
    api = zendesk.api()
    ticket = open_ticket(api)
    subscribe(api, door.url, "comment_added")
    faults.add("zendesk", "webhook_before_answer", operation="tickets.update", count=1)
    update(api, ticket["id"], comment=COMMENT)
    assert len(door.heard) == 1


def test_a_cut_after_acting_leaves_the_ticket_behind(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    faults.add("zendesk", "timeout_after_acting", operation="tickets.create", seconds=0.0, count=1)
    with pytest.raises(httpx.TransportError):
        api.post("/tickets", json={"ticket": {"comment": COMMENT, "external_id": "thread-1"}})
    found = api.get("/tickets", params={"external_id": "thread-1"}).json()["tickets"]
    assert len(found) == 1
