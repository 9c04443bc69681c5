"""The emulated Zendesk is as strict as the real one: sign-in, limits, people, restarts."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sandbox import clock
from tests.vendors.zendesk_acts import (
    COMMENT,
    FIXTURES,
    keys,
    make_user,
    open_ticket,
)
from tests.vendors.zendesk_sandbox import (
    MARKETPLACE,
    EmulatedZendesk,
    running,
)


@pytest.fixture
def zendesk() -> Iterator[EmulatedZendesk]:
    with running() as emulated:
        yield emulated


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
