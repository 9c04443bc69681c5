"""The emulated Gorgias takes what the reference knows, refuses the rest, misbehaves on demand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import clock, faults
from tests.vendors.gorgias_sandbox import EmulatedGorgias, running
from tests.vendors.zendesk_sandbox import Listener, listening

FIXTURES = Path(__file__).parents[1] / "fixtures" / "gorgias"
MESSAGE = {
    "channel": "sms",
    "via": "api",
    "from_agent": False,
    "sent_datetime": "2026-11-20T17:09:44Z",
    "body_text": "The box was crushed",
}


def fixture(name: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    return said


@pytest.fixture
def gorgias() -> Iterator[EmulatedGorgias]:
    with running() as emulated:
        yield emulated


@pytest.fixture
def api(gorgias: EmulatedGorgias) -> Iterator[httpx.Client]:
    with gorgias.api() as client:
        yield client


@pytest.fixture
def door() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


def make_customer(api: httpx.Client) -> int:
    answer = api.post("/customers", json=fixture("customer_create")["request"]["json"])
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def open_ticket(api: httpx.Client, **more: Any) -> int:
    customer = make_customer(api)
    body = {
        "via": "api",
        "channel": "sms",
        "customer": {"id": customer},
        "messages": [{**MESSAGE, "sender": {"id": customer}}],
        **more,
    }
    answer = api.post("/tickets", json=body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def write(api: httpx.Client, ticket: int, **fields: Any) -> httpx.Response:
    body = {**MESSAGE, "from_agent": True, "sender": {"id": 118}, **fields}
    return api.post(f"/tickets/{ticket}/messages", json={k: v for k, v in body.items() if v != ...})


# Shapes


def test_the_samples_requests_are_taken_and_answered_in_their_shape(api: httpx.Client) -> None:
    customer = make_customer(api)
    assert customer == 281946293
    opening = fixture("ticket_create")
    opened = api.post("/tickets", json=opening["request"]["json"])
    assert opened.status_code == 201, opened.text
    assert set(opened.json()) >= set(opening["response"]["json"])
    assert opened.headers["X-Gorgias-Account-Api-Call-Limit"].endswith("/80")
    ticket = opened.json()["id"]
    inbound = fixture("message_inbound_with_photo")
    for name in (
        "message_inbound_with_photo",
        "message_ai_reply_already_sent",
        "message_internal_note",
    ):
        body = fixture(name)["request"]["json"]
        answer = api.post(f"/tickets/{ticket}/messages", json=body)
        assert answer.status_code == 201, (name, answer.text)
        assert set(answer.json()) >= set(inbound["response"]["json"])
    for name in ("integration_create_events", "integration_create_sidebar"):
        answer = api.post("/integrations", json=fixture(name)["request"]["json"])
        assert answer.status_code == 201, (name, answer.text)
    widget = fixture("widget_create")["request"]["json"] | {"integration_id": answer.json()["id"]}
    assert api.post("/widgets", json=widget).status_code == 201
    found = api.get(
        "/customers", params={"channel_type": "phone", "channel_address": "+14155550142"}
    )
    assert [one["id"] for one in found.json()["data"]] == [customer]
    assert set(found.json()) == set(fixture("customer_lookup")["response"]["json"])


def test_a_webhook_with_the_whole_context_has_the_samples_shape(
    gorgias: EmulatedGorgias, api: httpx.Client, door: Listener
) -> None:
    ticket = open_ticket(api)
    subscribe(api, door.url, form="{{context}}")
    gorgias.agent_replies(ticket, "So sorry about that!")
    [heard] = door.wait(1)
    told, sample = json.loads(heard.body), fixture("webhook_context_agent_reply")
    assert set(told) == set(sample)
    for part in ("event", "message", "user"):
        assert set(told[part]) == set(sample[part])
    assert set(told["ticket"]) >= set(sample["ticket"])
    assert heard.headers["X-Doorstep-Key"] == "secret"


def test_a_templated_webhook_says_everything_as_strings(
    gorgias: EmulatedGorgias, api: httpx.Client, door: Listener
) -> None:
    ticket = open_ticket(api)
    template = {
        "ticket": {"id": "{{ticket.id}}"},
        "message": {
            "public": "{{message.public}}",
            "external_id": "{{message.external_id}}",
            "nothing": "{{message.nothing}}",
        },
    }
    subscribe(api, door.url, form=template)
    gorgias.agent_replies(ticket, "Hi")
    [heard] = door.wait(1)
    assert json.loads(heard.body) == {
        "ticket": {"id": str(ticket)},
        "message": {"public": "True", "external_id": "None", "nothing": "None"},
    }


def subscribe(api: httpx.Client, url: str, **more: Any) -> int:
    http = {
        "url": url,
        "method": "POST",
        "request_content_type": "application/json",
        "response_content_type": "application/json",
        "headers": {"X-Doorstep-Key": "secret"},
        "triggers": {"ticket-message-created": True, "ticket-message-failed": True},
        **more,
    }
    answer = api.post("/integrations", json={"name": "Doorstep", "type": "http", "http": http})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


# Strictness


def test_a_message_without_its_moment_is_one_that_gorgias_tries_to_send(
    gorgias: EmulatedGorgias, api: httpx.Client, door: Listener
) -> None:
    ticket = open_ticket(api)
    subscribe(api, door.url, form="{{context}}")
    sent = write(api, ticket).json()
    assert (sent["failed_datetime"], gorgias.tried_to_send()) == (None, [])
    tried = write(api, ticket, sent_datetime=...).json()
    assert tried["failed_datetime"] and tried["last_sending_error"]
    assert gorgias.tried_to_send() == [tried["id"]]
    told = [json.loads(one.body)["event"]["type"] for one in door.wait(3)]
    assert sorted(told) == ["ticket-message-created"] * 2 + ["ticket-message-failed"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"mood": "sad"}, "mood"),
        ({"channel": ...}, "channel"),
        ({"via": ...}, "via"),
        ({"from_agent": ...}, "from_agent"),
        ({"sender": ...}, "sender"),
        ({"sender": {"id": 118, "phone": "+1"}}, "phone"),
        ({"sender": {"id": 4040}}, "sender"),
        ({"body_text": ...}, "body_text"),
        ({"channel": "pigeon"}, "channel"),
        ({"channel": "internal-note"}, "public"),
        ({"sent_datetime": "yesterday"}, "sent_datetime"),
        ({"sent_datetime": "2026-11-20T17:09:44"}, "sent_datetime"),
        ({"source": {"type": "sms", "from": {"address": "+1"}}}, "to"),
        ({"attachments": [{"url": "https://x.example"}]}, "content_type"),
    ],
)
def test_what_a_message_may_not_hold_is_refused(
    api: httpx.Client, fields: dict[str, Any], named: str
) -> None:
    ticket = open_ticket(api)
    refused = write(api, ticket, **fields)
    assert refused.status_code == 400
    assert named in refused.json()["error"]["data"]


def test_unknown_fields_and_parameters_are_refused_everywhere(api: httpx.Client) -> None:
    ticket = open_ticket(api)
    for answer in (
        api.post("/customers", json={"channels": [], "mood": 1}),
        api.post("/customers", json={"name": "no channels"}),
        api.get("/customers", params={"phone": "+14155550142"}),
        api.put(f"/tickets/{ticket}", json={"state": "closed"}),
        api.put(f"/tickets/{ticket}", json={"status": "solved"}),
        api.post(f"/tickets/{ticket}/tags", json={"tags": ["a"]}),
        api.get("/messages", params={"ticket": ticket}),
        api.get("/tickets", params={"external": "x"}),
        api.post("/tickets", json={"via": "api", "customer": {"id": 1}, "messages": []}),
        api.post("/integrations", json={"name": "x", "type": "http"}),
    ):
        assert answer.status_code == 400, (answer.request.url, answer.text)
    plain = {"Content-Type": "text/plain"}
    assert api.post("/customers", content=b"{}", headers=plain).status_code == 415


def test_integrations_are_for_admins_and_https(gorgias: EmulatedGorgias, api: httpx.Client) -> None:
    agent = gorgias.api(gorgias.grant(user="marcus")["access_token"])
    assert agent.get("/integrations").status_code == 403
    body = fixture("integration_create_events")["request"]["json"]
    body["http"]["url"] = "http://app.doorstep.example/"
    assert api.post("/integrations", json=body).status_code == 400
    body["http"]["url"] = "https://app.doorstep.example/"
    body["http"]["triggers"] = {"ticket-poked": True}
    assert api.post("/integrations", json=body).status_code == 400


def test_widgets_know_cards_and_texts_only(api: httpx.Client) -> None:
    sidebar = fixture("integration_create_sidebar")["request"]["json"]
    number = api.post("/integrations", json=sidebar).json()["id"]
    widget = fixture("widget_create")["request"]["json"] | {"integration_id": number}
    link = {"type": "link", "path": "url", "title": "Open"}
    card = {"type": "card", "path": "doorstep", "title": "Doorstep", "widgets": [link]}
    odd = widget | {"template": {"type": "wrapper", "widgets": [card]}}
    assert api.post("/widgets", json=odd).status_code == 400
    assert api.post("/widgets", json=widget).status_code == 201
    assert api.post("/widgets", json=widget).status_code == 409, "one for one integration"


def test_tokens_scopes_and_accounts_are_checked(gorgias: EmulatedGorgias) -> None:
    narrow = gorgias.api(scope="tickets:read")
    assert gorgias.http.get("/api/tickets").status_code == 401
    assert gorgias.api("forged").get("/tickets").status_code == 401
    assert narrow.get("/tickets").status_code == 200
    assert narrow.get("/customers").status_code == 403
    clock.advance(24 * 3600 + 1)
    assert narrow.get("/tickets").status_code == 401


def test_eighty_requests_in_twenty_seconds(api: httpx.Client) -> None:
    answers = [api.get("/tickets") for _ in range(81)]
    assert {one.status_code for one in answers[:80]} == {200}
    assert answers[79].headers["X-Gorgias-Account-Api-Call-Limit"] == "80/80"
    sample = fixture("rate_limited")
    assert answers[80].status_code == sample["status"]
    assert set(sample["headers"]) <= {
        "Retry-after",
        "X-Gorgias-Account-Api-Call-Limit",
    } and all(name in answers[80].headers for name in sample["headers"])
    clock.advance(20)
    assert api.get("/tickets").status_code == 200


# Tickets


def test_a_customers_message_opens_a_closed_ticket_and_a_note_does_not(api: httpx.Client) -> None:
    ticket = open_ticket(api)
    assert api.put(f"/tickets/{ticket}", json={"status": "closed"}).status_code == 202
    assert api.get(f"/tickets/{ticket}").json()["closed_datetime"]
    note = {"channel": "internal-note", "public": False}
    assert write(api, ticket, **note).status_code == 201
    assert api.get(f"/tickets/{ticket}").json()["status"] == "closed"
    customer = api.get(f"/tickets/{ticket}").json()["customer"]["id"]
    write(api, ticket, from_agent=False, sender={"id": customer})
    shown = api.get(f"/tickets/{ticket}").json()
    assert (shown["status"], shown["closed_datetime"]) == ("open", None)


def test_tags_are_added_and_nothing_goes(api: httpx.Client) -> None:
    ticket = open_ticket(api, tags=[{"name": "doorstep"}])
    assert api.post(f"/tickets/{ticket}/tags", json={"names": ["vip"]}).status_code == 204
    assert api.post(f"/tickets/{ticket}/tags", json={"names": ["vip"]}).status_code == 204
    tags = [one["name"] for one in api.get(f"/tickets/{ticket}").json()["tags"]]
    assert tags == ["doorstep", "vip"]


def test_the_mark_of_sending_is_taken_as_the_sample_has_it(
    gorgias: EmulatedGorgias, api: httpx.Client
) -> None:
    ticket = open_ticket(api)
    message = gorgias.agent_replies(ticket, "typed by an agent")
    path = f"/tickets/{ticket}/messages/{message}"
    assert api.get(path).json()["sent_datetime"] is None
    assert api.put(path, json=fixture("message_mark_sent")["request"]["json"]).status_code == 202
    assert api.get(path).json()["sent_datetime"] == "2026-11-20T17:14:05Z"
    assert api.put(path, json={"sent_datetime": "2026-11-20T17:14:05Z"}).status_code == 400


# Misbehaving


def test_webhooks_are_lost_doubled_and_early_on_demand(
    gorgias: EmulatedGorgias, api: httpx.Client, door: Listener
) -> None:
    ticket = open_ticket(api)
    subscribe(api, door.url, form="{{context}}")
    faults.add("gorgias", "drop", count=1)
    gorgias.agent_replies(ticket, "lost")
    faults.add("gorgias", "duplicate", count=1)
    gorgias.agent_replies(ticket, "twice")
    said = [json.loads(one.body)["message"]["body_text"] for one in door.wait(2)]
    assert said == ["twice", "twice"]
    faults.add("gorgias", "webhook_before_answer")
    write(api, ticket)
    assert len(door.heard) == 3, "it was there before the answer"


def test_a_failed_webhook_is_not_repeated(
    gorgias: EmulatedGorgias, api: httpx.Client, door: Listener
) -> None:
    ticket = open_ticket(api)
    subscribe(api, door.url, form="{{context}}")
    door.answers.append((503, {"Retry-After": "1"}))
    gorgias.agent_replies(ticket, "first")
    gorgias.agent_replies(ticket, "second")
    said = [json.loads(one.body)["message"]["body_text"] for one in door.wait(2)]
    assert sorted(said) == ["first", "second"]


def test_without_a_form_the_body_is_empty(
    gorgias: EmulatedGorgias, api: httpx.Client, door: Listener
) -> None:
    ticket = open_ticket(api)
    subscribe(api, door.url)
    gorgias.agent_replies(ticket, "Hi")
    assert door.wait(1)[0].body == b""


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as before:
        before_api = before.api()
        ticket = open_ticket(before_api)
        before.agent_replies(ticket, "kept")
        token = before_api.headers["Authorization"].removeprefix("Bearer ")
    with running(tmp_path) as after:
        assert after.ticket(ticket)["comments"][-1]["text"] == "kept"
        assert after.api(token).get(f"/tickets/{ticket}").status_code == 200
