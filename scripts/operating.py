"""`./doorstep COMMAND`: the operator's commands beside a running `make run`.

Where the environment names no database, the settings of the house that runs here are taken.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from scripts.places import ROOT, STATE, VENV_PYTHON
from scripts.screen import Problem

SETTINGS_FILE = STATE / "run.json"
# What a command needs; the rest of the environment is its caller's own.
PREFIXES = ("DOORSTEP_", "PUBLIC_", "DATABASE_URL", "REDIS_", "ENCRYPTION_", "METRICS_", "MEDIA_",
            "SHOPIFY_", "TWILIO_", "ZENDESK_", "GORGIAS_",
            "SANDBOX_")  # fmt: skip

RUN_ON_NOTHING = {"make-key", "permission", "understand"}  # answered before settings are read


def write_settings(known: Mapping[str, str]) -> None:
    """Called by `make run`; readable by its user alone, for it holds the development secrets."""
    kept = {name: value for name, value in known.items() if name.startswith(PREFIXES)}
    handle = os.open(SETTINGS_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(kept, file)


def operate(words: Sequence[str]) -> int:
    """Become `python -m app.cli` with the right settings; returns only by raising Problem."""
    settings: dict[str, str] = {}
    if "DATABASE_URL" not in os.environ and not set(words[:1]) & RUN_ON_NOTHING:
        try:
            settings = json.loads(SETTINGS_FILE.read_text())
        except (OSError, ValueError):
            raise Problem(
                "Doorstep has not run here yet.",
                "start it with `make run` and leave it running, or set DATABASE_URL and the other"
                " settings of .env.example.",
            ) from None
    os.environ.update({**settings, "PYTHONPATH": str(ROOT)})
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), "-m", "app.cli", *words])
