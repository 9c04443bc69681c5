"""The Procfile starts what exists, and stops it without cutting a request short."""

from __future__ import annotations

import importlib.util
import re

from scripts.processes import procfile
from tests.house.source_files import ROOT


def test_the_processes_are_those_of_the_house() -> None:
    assert set(procfile()) == {"web", "worker", "ticker", "release"}


def test_web_serves_our_app_with_threads_on_the_given_port() -> None:
    web = procfile()["web"]
    assert web.startswith("gunicorn ")
    assert web.endswith(" app.wsgi:app")
    assert "--worker-class gthread" in web
    assert "${PORT" in web
    graceful = re.search(r"--graceful-timeout (\d+)", web)
    assert graceful, "requests under way must get time to end"
    assert int(graceful[1]) < 30, "platforms kill after 30 s"


def test_every_module_that_is_started_exists() -> None:
    started = re.findall(r"python -m (\S+)|(\S+):app", (ROOT / "Procfile").read_text())
    modules = [module or served for module, served in started]
    assert modules
    for module in modules:
        assert importlib.util.find_spec(module), f"{module} does not exist"


def test_migrations_run_before_a_release() -> None:
    assert procfile()["release"] == "alembic upgrade head"
