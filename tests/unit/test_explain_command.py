"""`doorstep permission explain`: runs on nothing, answers in JSON, says what to mend."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app import cli
from app.consent.state_rules import load_rules


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "ENCRYPTION_KEYS", "SHOPIFY_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert cli.main(["permission", "explain", *words]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_the_answer_holds_verdict_places_rules_and_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = ask(
        capsys,
        *("--to", "+14015550142", "--zip", "60601", "--at", "2026-11-26T12:00", "--zone"),
        *("America/New_York", "--purpose", "check_in"),
    )
    assert answer["verdict"] == "not_before"
    assert answer["reason"] == "quiet_hours"
    assert answer["not_before"] == "2026-11-27T16:00:00+00:00"
    assert answer["window"]["end"] == "2026-11-27T23:00:00+00:00"
    assert answer["regions"] == ["US", "US-IL", "US-RI"]
    assert answer["local_times"]["America/Chicago"] == "Thursday 2026-11-26 11:00 CST"
    assert "Rhode Island allows no texts on Thanksgiving Day" in answer["words"]
    [row] = [rule for rule in answer["rules"] if rule["region"] == "US-RI"]
    assert row["closed_today"] == "Thanksgiving Day"
    assert (row["as_of"], row["confidence"]) == ("2026-11-28", "confirmed")
    assert "5-61-2" in row["source"]
    assert answer["law_version"] == load_rules().version
    assert "5550142" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("words", "verdict", "reason"),
    [
        ([], "allowed", None),
        (["--consent", "none"], "denied", "no_consent"),
        (["--consent", "pending"], "denied", "consent_unconfirmed"),
        (["--consent", "number"], "allowed", None),
        (["--consent", "number", "--policy", "care_opt_in"], "denied", "no_consent"),
        (["--opted-out"], "denied", "opted_out"),
        (["--billing-zip", "96701"], "not_before", "quiet_hours"),
        (["--country", "DE", "--zip", "10115"], "denied", "country_not_supported"),
        (["--number-is", "landline"], "denied", "landline"),
        (["--last-inbound", "2026-11-30T11:00-05:00"], "denied", "already_talking"),
        (["--last-inbound", "2026-11-30T11:00-05:00", "--purpose", "reply"], "allowed", None),
        (["--other-check-in", "2026-11-30T11:00-05:00"], "denied", "recently_texted"),
        (["--shop-hours", "mon_sat=14:00-15:00"], "not_before", "quiet_hours"),
        (["--sent", "2026-11-30T11:00-05:00"] * 3, "not_before", "cap_reached"),
        (["--paused"], "denied", "shop_paused"),
    ],
)
def test_each_fact_may_be_given(
    capsys: pytest.CaptureFixture[str], words: list[str], verdict: str, reason: str | None
) -> None:
    answer = ask(capsys, "--to", "+12125550142", "--at", "2026-11-30T12:00-05:00", *words)
    assert (answer["verdict"], answer["reason"]) == (verdict, reason)


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["--to", "12", "--at", "2026-11-30T12:00-05:00"], "+12125550142"),
        (["--to", "+12125550142", "--at", "noon"], "2026-03-08T09:30-05:00"),
        (["--to", "+12125550142", "--at", "2026-11-30T12:00"], "--zone America/Chicago"),
        (["--to", "+12125550142", "--at", "2026-11-30T12:00", "--zone", "Mars"], "--zone Mars"),
        (["--to", "+12125550142", "--at", "2026-11-30T12:00Z", "--zip", "1"], "(10001)"),
        (["--to", "+12125550142", "--at", "2026-11-30T12:00Z", "--shop-hours", "mon"], "mon_sat="),
    ],
)
def test_a_slip_is_named_with_its_remedy(
    capsys: pytest.CaptureFixture[str], words: list[str], remedy: str
) -> None:
    assert cli.main(["permission", "explain", *words]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert remedy in told.err


def test_an_unknown_purpose_ends_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(
            ["permission", "explain", "--to", "+12125550142", "--at", "x", "--purpose", "spam"]
        )
    assert ended.value.code == 2
