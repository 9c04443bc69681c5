"""gunicorn loads the app once and then forks: what the web processes share, and what they must not.

A connection or a thread of the parent would be broken in every child, or in all but one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from cryptography.fernet import Fernet

from scripts import suite
from scripts.processes import procfile
from tests.house.source_files import ROOT

LOAD = """
import gc, json, os, stat, sys, threading
import app.wsgi

def is_socket(number):
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False

tasks = "/proc/self/task"
print(json.dumps({
    "threads": len(os.listdir(tasks)) if os.path.exists(tasks) else threading.active_count(),
    "sockets": sum(map(is_socket, range(3, 256))),
    "frozen": gc.get_freeze_count(),
    "loaded": [name for name, module in sys.modules.items() if module is not None],
}))
"""
BUCKET = {
    "MEDIA_S3_BUCKET": "photos",
    "MEDIA_S3_ENDPOINT": "https://bucket.example",
    "MEDIA_S3_KEY": "key",
    "MEDIA_S3_SECRET": "secret",
}
SENTRY = {"SENTRY_DSN": "https://0123456789abcdef@sentry.example/1"}


def loaded_web(**settings: str) -> dict[str, Any]:
    """What a Python that has just loaded `app.wsgi` says of itself."""
    given = {
        "DOORSTEP_ENV": "production",
        "PUBLIC_URL": "https://doorstep.example",
        "DATABASE_URL": "postgresql://doorstep_app@127.0.0.1:1/doorstep",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "SHOPIFY_API_KEY": "key",
        "SHOPIFY_API_SECRET": "secret",
        **settings,
    }
    asked = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=ROOT, env={**suite.test_environment(faults="small"), **given},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    said: dict[str, Any] = json.loads(asked.stdout)
    return said


def test_web_is_loaded_before_the_fork() -> None:
    assert " --preload " in procfile()["web"]


@pytest.mark.parametrize("settings", [{}, BUCKET, SENTRY], ids=["plain", "bucket", "sentry"])
def test_loading_web_opens_no_connection_and_starts_no_thread(settings: dict[str, str]) -> None:
    web = loaded_web(**settings)
    assert (web["threads"], web["sockets"]) == (1, 0)


def test_web_keeps_its_pages_shared_and_leaves_out_what_only_others_use() -> None:
    web = loaded_web()
    assert web["frozen"] > 100_000
    for costly in ("rich", "pygments", "twilio.rest", "requests", "PIL", "pi_heif", "obstore"):
        assert costly not in web["loaded"], f"{costly} takes megabytes of every web process"
