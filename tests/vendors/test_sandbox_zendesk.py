"""The emulated Zendesk is as strict as the real one, and says the same things."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sandbox import clock, faults
from tests.vendors.zendesk_sandbox import (
    MARKETPLACE,
    EmulatedZendesk,
    Listener,
    listening,
    running,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "zendesk"
COMMENT = {"html_body": "<p>The box was crushed</p>"}


@pytest.fixture
def zendesk() -> Iterator[EmulatedZendesk]:
    with running() as emulated:
        yield emulated


@pytest.fixture
def door() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


def make_user(api: httpx.Client, external_id: str = "c-1", **more: Any) -> int:
    body = {"name": "Dana Whitfield", "external_id": external_id, "role": "end-user", **more}
    answer = api.post("/users/create_or_update", json={"user": body})
    assert answer.status_code in (200, 201), answer.text
    return int(answer.json()["user"]["id"])


def open_ticket(api: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = api.post("/tickets", json={"ticket": {"comment": COMMENT, **fields}})
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.json()["ticket"]
    return ticket


def update(api: httpx.Client, ticket_id: int, **fields: Any) -> httpx.Response:
    return api.put(f"/tickets/{ticket_id}", json={"ticket": fields})


def subscribe(api: httpx.Client, endpoint: str, *events: str) -> tuple[str, str]:
    wanted = events or ("comment_added", "attachment_linked_to_comment", "status_changed", "merged")
    hook = {
        "name": "Doorstep",
        "endpoint": endpoint,
        "http_method": "POST",
        "request_format": "json",
        "status": "active",
        "subscriptions": [f"zen:event-type:ticket.{name}" for name in wanted],
    }
    webhook_id = api.post("/webhooks", json={"webhook": hook}).json()["webhook"]["id"]
    secret = api.get(f"/webhooks/{webhook_id}/signing_secret").json()["signing_secret"]["secret"]
    return webhook_id, secret


def keys(value: Any) -> Any:
    """The shape of a JSON value: its keys, all the way down."""
    if isinstance(value, dict):
        return {name: keys(one) for name, one in value.items()}
    return type(value).__name__


# OAuth


def authorise(zendesk: EmulatedZendesk, **more: str) -> httpx.Response:
    query = {
        "response_type": "code",
        "client_id": zendesk.settings.zendesk_client_id,
        "redirect_uri": "https://app.doorstep.example/connect/zendesk/callback",
        "scope": "read write",
        "state": "s1",
        **more,
    }
    return zendesk.http.get("/oauth/authorizations/new", params=query)


def exchange(zendesk: EmulatedZendesk, **more: Any) -> httpx.Response:
    body = {
        "client_id": zendesk.settings.zendesk_client_id,
        "client_secret": zendesk.settings.zendesk_client_secret,
        **more,
    }
    return zendesk.http.post("/oauth/tokens", json=body)


def spend_code(zendesk: EmulatedZendesk, code: str, **more: Any) -> httpx.Response:
    redirect_uri = "https://app.doorstep.example/connect/zendesk/callback"
    return exchange(
        zendesk, grant_type="authorization_code", code=code, redirect_uri=redirect_uri, **more
    )


def code_of(answer: httpx.Response) -> str:
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["state"] == ["s1"]
    return query["code"][0]


def test_an_admin_sees_a_page_and_approving_it_yields_a_code(zendesk: EmulatedZendesk) -> None:
    page = authorise(zendesk)
    assert page.status_code == 200
    assert "Allow" in page.text
    answer = zendesk.http.post(page.request.url, data={"answer": "allow"})
    assert spend_code(zendesk, code_of(answer)).status_code == 201


def test_denying_goes_back_with_an_error(zendesk: EmulatedZendesk) -> None:
    answer = zendesk.http.post(authorise(zendesk).request.url, data={"answer": "deny"})
    assert "error=access_denied" in answer.headers["Location"]


def test_token_answer_has_the_documented_shape(zendesk: EmulatedZendesk) -> None:
    wanted = json.loads((FIXTURES / "oauth_token_exchange.json").read_text())["response"]
    answer = spend_code(zendesk, code_of(authorise(zendesk, auto="1")))
    assert answer.status_code == wanted["status"]
    assert keys(answer.json()) == keys(wanted["json"])
    assert answer.json()["expires_in"] == 1800


def test_a_code_is_good_once_and_for_two_minutes(zendesk: EmulatedZendesk) -> None:
    code = code_of(authorise(zendesk, auto="1"))
    assert spend_code(zendesk, code).status_code == 201
    assert spend_code(zendesk, code).json()["error"] == "invalid_grant"
    late = code_of(authorise(zendesk, auto="1"))
    clock.advance(121)
    assert spend_code(zendesk, late).json()["error"] == "invalid_grant"


def test_pkce_is_held_to(zendesk: EmulatedZendesk) -> None:
    digest = hashlib.sha256(b"verifier").digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    more = {"auto": "1", "code_challenge": challenge, "code_challenge_method": "S256"}
    wrong = spend_code(zendesk, code_of(authorise(zendesk, **more)), code_verifier="other")
    assert wrong.json()["error"] == "invalid_grant"
    right = spend_code(zendesk, code_of(authorise(zendesk, **more)), code_verifier="verifier")
    assert right.status_code == 201


def test_refreshing_kills_the_old_pair(zendesk: EmulatedZendesk) -> None:
    old = zendesk.grant()
    answer = exchange(zendesk, grant_type="refresh_token", refresh_token=old["refresh_token"])
    assert answer.status_code == 201
    assert zendesk.api(old["access_token"]).get("/users/me").status_code == 401
    assert zendesk.api(answer.json()["access_token"]).get("/users/me").status_code == 200
    again = exchange(zendesk, grant_type="refresh_token", refresh_token=old["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_access_tokens_live_half_an_hour(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    clock.advance(1801)
    answer = api.get("/users/me")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_a_wrong_client_secret_is_refused(zendesk: EmulatedZendesk) -> None:
    zendesk.grant()
    answer = exchange(zendesk, grant_type="refresh_token", client_secret="wrong")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("field", ["expires_in", "refresh_token_expires_in"])
def test_lifetimes_beyond_the_documented_range_are_refused(
    zendesk: EmulatedZendesk, field: str
) -> None:
    refresh_token = zendesk.grant()["refresh_token"]
    answer = exchange(
        zendesk, grant_type="refresh_token", refresh_token=refresh_token, **{field: 60}
    )
    assert answer.json()["error"] == "invalid_request"


# What every request needs


def test_requests_without_token_or_marketplace_headers_are_refused(
    zendesk: EmulatedZendesk,
) -> None:
    token = zendesk.grant()["access_token"]
    assert zendesk.http.get("/api/v2/users/me", headers=MARKETPLACE).status_code == 401
    for missing in MARKETPLACE:
        headers = {name: one for name, one in MARKETPLACE.items() if name != missing}
        headers["Authorization"] = f"Bearer {token}"
        assert zendesk.http.get("/api/v2/users/me", headers=headers).status_code == 403


def test_scopes_are_held_to(zendesk: EmulatedZendesk) -> None:
    zendesk.grant()
    narrow = zendesk.api(zendesk.grant(scope="tickets:read")["access_token"])
    assert narrow.get("/tickets").status_code == 200
    assert narrow.get("/users/me").status_code == 403
    assert narrow.post("/tickets", json={"ticket": {"comment": COMMENT}}).status_code == 403


@pytest.mark.parametrize(
    "ticket",
    [
        {"comment": COMMENT, "colour": "blue"},
        {"comment": {**COMMENT, "channel": "sms"}},
        {"comment": COMMENT, "tags": "doorstep"},
    ],
)
def test_unknown_or_misshapen_fields_are_refused(
    zendesk: EmulatedZendesk, ticket: dict[str, Any]
) -> None:
    answer = zendesk.api().post("/tickets", json={"ticket": ticket})
    assert (answer.status_code, answer.json()["error"]["title"]) == (400, "Invalid attribute")


def test_a_body_that_is_no_json_is_refused(zendesk: EmulatedZendesk) -> None:
    headers = {"Content-Type": "application/json"}
    answer = zendesk.api().post("/tickets", content=b"{not json", headers=headers)
    assert answer.status_code == 422


def test_the_account_limit_answers_429_with_retry_after(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    zendesk.plan("trial")
    answers = [api.get("/users/me") for _ in range(201)]
    assert [one.status_code for one in answers[:200]] == [200] * 200
    assert answers[199].headers["X-Rate-Limit-Remaining"] == "0"
    assert answers[200].status_code == 429
    assert 1 <= int(answers[200].headers["Retry-After"]) <= 60


# People


def test_users_are_matched_by_external_id_or_email_and_never_by_phone(
    zendesk: EmulatedZendesk,
) -> None:
    zendesk.grant()
    zendesk.plan("unmetered")
    api = zendesk.api()
    first = make_user(api, "c-1", phone="+14155550142", email="dana@buyer.example")
    assert make_user(api, "c-1", phone="+14155550143") == first
    assert make_user(api, "c-1b", email="DANA@buyer.example") == first
    assert make_user(api, "c-2", phone="+14155550142") != first


def test_a_number_is_one_users_direct_line(zendesk: EmulatedZendesk) -> None:
    zendesk.grant()
    zendesk.plan("unmetered")
    api = zendesk.api()
    first = make_user(api, "c-1", phone="+14155550142")
    second = make_user(api, "c-2", phone="+14155550142")
    assert api.get(f"/users/{first}").json()["user"]["shared_phone_number"] is False
    assert api.get(f"/users/{second}").json()["user"]["shared_phone_number"] is True
    body = {"identity": {"type": "phone_number", "value": "+14155550142"}}
    assert api.post(f"/users/{second}/identities", json=body).status_code == 422
    found = api.get("/users/search", params={"query": "phone:+14155550142"}).json()["users"]
    assert {one["id"] for one in found} == {first, second}


def test_user_saving_is_limited_to_one_a_second(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    make_user(api, "c-1")
    body = {"user": {"name": "Sam", "external_id": "c-2"}}
    answer = api.post("/users/create_or_update", json=body)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    clock.advance(1)
    assert api.post("/users/create_or_update", json=body).status_code == 201


# Tickets


def test_a_new_ticket_has_the_documented_shape(zendesk: EmulatedZendesk) -> None:
    wanted = json.loads((FIXTURES / "ticket_create.json").read_text())
    api = zendesk.api()
    dana = make_user(api)
    ticket = {**wanted["request"]["json"]["ticket"], "requester_id": dana}
    answer = api.post("/tickets", json={"ticket": ticket}, headers={"Idempotency-Key": "t1"})
    assert answer.status_code == 201
    assert answer.headers["x-idempotency-lookup"] == "miss"
    shown, documented = answer.json(), wanted["response"]["json"]
    assert set(documented["ticket"]) <= set(shown["ticket"])
    assert shown["ticket"]["status"] == "new"
    event, documented_event = shown["audit"]["events"][0], documented["audit"]["events"][0]
    assert event["type"] == "Comment"
    assert set(documented_event) <= set(event)


def test_the_first_comment_is_the_submitters(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    dana = make_user(api)
    me = api.get("/users/me").json()["user"]["id"]
    ticket = open_ticket(
        api, requester_id=dana, submitter_id=me, comment={**COMMENT, "author_id": dana}
    )
    comments = api.get(f"/tickets/{ticket['id']}/comments").json()["comments"]
    assert comments[0]["author_id"] == me


def test_an_idempotency_key_answers_the_same_for_two_hours(zendesk: EmulatedZendesk) -> None:
    old, headers = zendesk.grant(), {"Idempotency-Key": "thread-1"}
    body = {"ticket": {"comment": COMMENT, "subject": "One"}}
    api = zendesk.api(old["access_token"])
    first = api.post("/tickets", json=body, headers=headers)
    again = api.post("/tickets", json=body, headers=headers)
    assert again.json() == first.json()
    assert again.headers["x-idempotency-lookup"] == "hit"
    other = api.post("/tickets", json={"ticket": {"comment": COMMENT}}, headers=headers)
    assert (other.status_code, other.json()["error"]) == (400, "IdempotentRequestError")
    clock.advance(2 * 3600 + 1)
    late = zendesk.api().post("/tickets", json=body, headers=headers)
    assert late.json()["ticket"]["id"] != first.json()["ticket"]["id"]


def test_tickets_are_found_by_external_id(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    ticket = open_ticket(api, external_id="thread-1")
    open_ticket(api, external_id="thread-2")
    found = api.get("/tickets", params={"external_id": "thread-1"}).json()["tickets"]
    assert [one["id"] for one in found] == [ticket["id"]]


def test_a_comment_comes_back_with_its_id_author_and_files(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    dana = make_user(api)
    ticket = open_ticket(api, requester_id=dana)
    upload = api.post(
        "/uploads",
        params={"filename": "damage.png"},
        content=b"\x89PNG",
        headers={"Content-Type": "image/png"},
    ).json()["upload"]
    comment = {
        "html_body": "<p>Look &amp; see</p><script>alert(1)</script>",
        "author_id": dana,
        "uploads": [upload["token"]],
    }
    answer = update(api, ticket["id"], comment=comment)
    event = answer.json()["audit"]["events"][0]
    shown = api.get(
        f"/tickets/{ticket['id']}/comments",
        params={"page[size]": 100, "sort": "-created_at", "include": "users"},
    ).json()
    assert shown["comments"][0]["id"] == event["id"]
    assert shown["comments"][0]["author_id"] == dana
    assert shown["comments"][0]["plain_body"] == "Look & see"
    assert "script" not in shown["comments"][0]["html_body"]
    assert {one["id"] for one in shown["users"]} >= {dana}
    file = shown["comments"][0]["attachments"][0]
    download = httpx.get(file["content_url"], follow_redirects=True, trust_env=False)
    assert (download.content, download.headers["Content-Type"]) == (b"\x89PNG", "image/png")
    assert update(api, ticket["id"], comment=comment).status_code == 422  # the token is spent


def test_comments_are_paged_both_ways(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    ticket = open_ticket(api)
    for number in range(4):
        update(api, ticket["id"], comment={"html_body": f"<p>{number}</p>"})
    for sort, backwards in (("created_at", False), ("-created_at", True)):
        seen: list[int] = []
        parameters: dict[str, Any] = {"page[size]": 2, "sort": sort}
        while True:
            page = api.get(f"/tickets/{ticket['id']}/comments", params=parameters).json()
            seen += [one["id"] for one in page["comments"]]
            if not page["meta"]["has_more"]:
                break
            parameters["page[after]"] = page["meta"]["after_cursor"]
        assert len(seen) == 5
        assert seen == sorted(seen, reverse=backwards)


def test_thirty_updates_in_ten_minutes_and_no_more(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    ticket = open_ticket(api)
    answers = [update(api, ticket["id"], comment=COMMENT) for _ in range(31)]
    assert [one.status_code for one in answers] == [200] * 30 + [429]
    assert 540 < int(answers[30].headers["Retry-After"]) <= 600
    assert "remaining=0" in answers[30].headers["zendesk-ratelimit-tickets-update"]
    clock.advance(601)
    assert update(api, ticket["id"], comment=COMMENT).status_code == 200


def test_an_account_takes_a_hundred_updates_a_minute(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    tickets = [open_ticket(api)["id"] for _ in range(5)]
    answers = [update(api, tickets[n % 5], priority="low").status_code for n in range(101)]
    assert answers == [200] * 100 + [429]


def test_tags_are_added_and_removed_one_by_one(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    ticket = open_ticket(api, tags=["doorstep", "vip"])
    answer = update(api, ticket["id"], additional_tags=["doorstep_failed"], remove_tags=["vip"])
    assert answer.json()["ticket"]["tags"] == ["doorstep", "doorstep_failed"]


def test_safe_update_conflicts_with_a_newer_ticket(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    ticket = open_ticket(api)
    clock.advance(5)
    update(api, ticket["id"], comment=COMMENT)
    answer = update(
        api, ticket["id"], status="solved", safe_update=True, updated_stamp=ticket["updated_at"]
    )
    assert answer.status_code == 409


def test_a_solved_ticket_reopens_with_the_buyers_words_and_a_closed_one_does_not(
    zendesk: EmulatedZendesk,
) -> None:
    api = zendesk.api()
    dana = make_user(api)
    ticket = open_ticket(api, requester_id=dana)
    zendesk.desk(ticket["id"], "status", {"status": "solved"})
    answer = update(api, ticket["id"], comment={**COMMENT, "author_id": dana})
    assert answer.json()["ticket"]["status"] == "open"
    zendesk.desk(ticket["id"], "status", {"status": "closed"})
    refused = update(api, ticket["id"], comment={**COMMENT, "author_id": dana})
    assert (refused.status_code, refused.json()["error"]) == (422, "RecordInvalid")
    assert "status" in refused.json()["details"]


def test_only_closed_tickets_have_follow_ups(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    dana = make_user(api)
    ticket = open_ticket(api, requester_id=dana, subject="Order #1042")
    body = {
        "ticket": {
            "via_followup_source_id": ticket["id"],
            "requester_id": dana,
            "comment": {**COMMENT, "author_id": dana},
        }
    }
    assert api.post("/tickets", json=body).status_code == 422
    zendesk.desk(ticket["id"], "status", {"status": "closed"})
    answer = api.post("/tickets", json=body).json()
    assert answer["ticket"]["via"]["source"]["rel"] == "follow_up"
    assert answer["ticket"]["subject"] == "Order #1042"
    assert answer["audit"]["events"][0]["author_id"] == dana


def test_merging_closes_the_source_and_says_where_it_went(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    target, source = open_ticket(api)["id"], open_ticket(api)["id"]
    job = api.post(f"/tickets/{target}/merge", json={"ids": [source]}).json()["job_status"]
    assert api.get(f"/job_statuses/{job['id']}").json()["job_status"]["status"] == "completed"
    shown = api.get(f"/tickets/{source}").json()["ticket"]
    assert (shown["status"], "closed_by_merge" in shown["tags"]) == ("closed", True)
    last = api.get(f"/tickets/{source}/comments").json()["comments"][-1]
    assert f"#{target}" in last["plain_body"]


def test_an_unknown_ticket_is_404(zendesk: EmulatedZendesk) -> None:
    answer = zendesk.api().get("/tickets/1")
    assert (answer.status_code, answer.json()["error"]) == (404, "RecordNotFound")


def test_an_upload_needs_a_name_and_a_type_that_fit(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    headers = {"Content-Type": "image/png"}
    for name in ("damage", "damage.jpg"):
        answer = api.post("/uploads", params={"filename": name}, content=b"x", headers=headers)
        assert answer.status_code == 400


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


# The desk, and restarts


def test_the_desk_shows_who_said_what(zendesk: EmulatedZendesk) -> None:
    api = zendesk.api()
    dana = make_user(api, phone="+14155550142")
    ticket = open_ticket(api, requester_id=dana, submitter_id=dana)
    zendesk.desk(ticket["id"], "comments", {"body": "Note", "public": False, "author": "marcus"})
    listed = zendesk.http.get("/_ui/tickets").json()["tickets"][0]
    assert (listed["id"], listed["requester"]["phone"]) == (ticket["id"], "+14155550142")
    comments = zendesk.http.get(f"/_ui/tickets/{ticket['id']}").json()["ticket"]["comments"]
    said = [(one["author"]["name"], one["author"]["role"], one["public"]) for one in comments]
    assert said == [("Dana Whitfield", "end-user", True), ("Marcus Reed", "agent", False)]


def test_a_form_with_files_is_a_comment_too(zendesk: EmulatedZendesk) -> None:
    ticket = open_ticket(zendesk.api())
    answer = zendesk.http.post(
        f"/_ui/tickets/{ticket['id']}/comments",
        data={"body": "The label", "public": "true"},
        files=[("files", ("label.png", b"\x89PNG", "image/png"))],
    )
    file = answer.json()["comment"]["attachments"][0]
    assert (file["filename"], file["size"]) == ("label.png", 4)


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as zendesk:
        token = zendesk.grant()["access_token"]
        ticket = open_ticket(zendesk.api(token), external_id="thread-1")
    with running(tmp_path) as zendesk:
        api = zendesk.api(token)
        assert api.get(f"/tickets/{ticket['id']}").json()["ticket"]["external_id"] == "thread-1"
        assert open_ticket(api)["id"] == ticket["id"] + 1
