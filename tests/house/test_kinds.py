"""How `make test` runs its kinds: who may run beside whom, and what it says of one that breaks."""

from __future__ import annotations

import sys
import time

import pytest

from scripts import kinds, suite


def run_of(kind: str) -> kinds.Run:
    run = object.__new__(kinds.Run)
    run.kind = kind
    return run


@pytest.mark.parametrize("kind", [*kinds.ALONE, "a_new_folder"])
def test_what_watches_time_runs_alone(kind: str) -> None:
    assert kinds._may_begin(kind, [])
    assert not kinds._may_begin(kind, [run_of("unit")])
    assert not kinds._may_begin("unit", [run_of(kind)])


def test_two_kinds_run_beside_each_other_and_no_third() -> None:
    assert kinds._may_begin("vendors", [run_of("features")])
    assert not kinds._may_begin("unit", [run_of("features"), run_of("vendors")])


def test_every_folder_of_tests_is_run() -> None:
    assert set(suite.kinds_present()) == {*kinds.BESIDE_EACH_OTHER, *kinds.ALONE}


def test_words_for_pytest_keep_the_front_ends_runner_out(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(suite, "ensure_installed", lambda _: None)
    monkeypatch.setattr(suite.frontend, "ensure_built", lambda: None)
    monkeypatch.setattr(suite.chromium, "ensure", lambda: "chromium")
    monkeypatch.setattr(suite, "run_all", lambda kinds, *_: ran.append([*kinds]) or [])
    suite.test([])
    suite.test(["-k", "quiet_hours"])
    assert kinds.FRONTEND in ran[0]
    assert set(ran[0]) - set(ran[1]) == {kinds.FRONTEND}


def test_a_front_end_that_ends_before_any_test_counts_as_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = suite.test_environment(faults="small")
    for code, remark in ((1, "it ended before any test"), (2, "npm test ended with 2")):
        words = [sys.executable, "-c", f"raise SystemExit({code})"]
        monkeypatch.setattr(kinds.frontend, "npm", lambda *_, words=words: (words, here))
        run = kinds.Run(kinds.FRONTEND, [], here, aside=True)
        while not run.ended():
            time.sleep(0.02)
        assert (run.tally().failed, run.tally().remark) == (1, remark)


def test_a_pytest_that_breaks_counts_as_a_failure_and_its_output_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment = suite.test_environment(faults="small")
    [tally] = kinds.run_all(["no_such_kind"], ["-p", "no:cacheprovider"], environment)
    assert (tally.failed, tally.remark) == (1, "pytest ended with 4")
    said = capsys.readouterr().out
    assert "✗ no_such_kind" in said
    assert "── no_such_kind ─" in said and "no tests ran" in said


def test_a_kind_that_never_ends_is_ended_and_says_so() -> None:
    environment = suite.test_environment(faults="small")
    run = kinds.Run("no_such_kind", [], environment, aside=True, limit=0)
    while not run.ended():
        time.sleep(0.05)
    assert run.tally().remark == "ended after 0 s without a result"
