"""The developer's commands by name. A problem ends one with an explanation, not a traceback."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence

from scripts import environment, install, operating, run, suite, zendesk_app
from scripts.places import STATE, make_state_folder, only_one
from scripts.screen import Problem, explain, say
from scripts.server_binaries import postgres_home

COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "run": lambda words: run.run(),
    "test": suite.test,
    "test-faults": suite.test_faults,
    "check": lambda words: suite.check(),
    "format": lambda words: suite.tidy(),
    "bench": suite.bench,
    "eval": suite.evaluate,
    "install": lambda words: run.install(),
    "requirements": lambda words: requirements(),
    "reset": lambda words: reset(),
    "zendesk-app": zendesk_app.build,
    "operator": operating.operate,
}


def run_command(words: Sequence[str]) -> int:
    """The exit code: 0 done, 1 a problem (explained), 2 called wrongly, 130 interrupted."""
    if not words or words[0] not in COMMANDS:
        say(f"usage: doorstep_dev.py {'|'.join(COMMANDS)} …; `make help` explains them.")
        return 2
    try:
        make_state_folder()
        return COMMANDS[words[0]](list(words[1:]))
    except Problem as problem:
        explain(problem)
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted.")
        return 130


def requirements() -> int:
    install.compile_requirements()
    return 0


def reset() -> int:
    """Forget everything that `make run` stored: database, photos, the sandbox's world, secrets."""
    with only_one("run"):
        shutil.rmtree(postgres_home(STATE / "postgres"), ignore_errors=True)
        for name in ("redis", "sandbox", "media"):
            shutil.rmtree(STATE / name, ignore_errors=True)
        for name in ("clock", environment.SECRETS_FILE.name):
            (STATE / name).unlink(missing_ok=True)
    say("Forgotten. `make run` starts afresh.")
    return 0
