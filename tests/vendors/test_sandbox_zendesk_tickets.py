"""Tickets, comments and files of the emulated Zendesk behave as the real ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox import clock
from tests.vendors.zendesk_acts import (
    COMMENT,
    FIXTURES,
    make_user,
    open_ticket,
    update,
)
from tests.vendors.zendesk_sandbox import (
    EmulatedZendesk,
    running,
)


@pytest.fixture
def zendesk() -> Iterator[EmulatedZendesk]:
    with running() as emulated:
        yield emulated


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
