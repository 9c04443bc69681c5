"""The environment of the development processes, and the secrets made once for this machine.

Who wins: the real environment, then `.env`, then what is decided here. `.env.example` explains
the names. The vendors' base addresses point at the sandbox; production refuses such overrides.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.places import ROOT, STATE, VENV, VENV_BIN, VENV_PYTHON
from scripts.screen import Problem

SECRETS_FILE = STATE / "dev.env"


@dataclass(frozen=True)
class Ports:
    web: int
    sandbox: int

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.web}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox}"


def given() -> dict[str, str]:
    """What the developer said: `.env`, overruled by the real environment. Empty means unsaid."""
    said = {**read_env_file(ROOT / ".env"), **os.environ}
    return {name: value for name, value in said.items() if value}


def ports(said: Mapping[str, str]) -> Ports:
    return Ports(web=_port(said, "PORT", 8080), sandbox=_port(said, "SANDBOX_PORT", 8090))


def development(
    said: Mapping[str, str], *, database_url: str, redis_url: str, at: Ports
) -> dict[str, str]:
    """Everything that web, worker, ticker and sandbox read."""
    decided = {
        "DOORSTEP_ENV": "development",
        "PUBLIC_URL": at.web_url,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "MEDIA_PATH": str(STATE / "media"),
        "ANCHOR_PATH": str(STATE / "anchors"),
        "PROMETHEUS_MULTIPROC_DIR": str(STATE / "metrics"),
        "SHOPIFY_API_KEY": "doorstep-sandbox-key",
        "SHOPIFY_BASE_URL": f"{at.sandbox_url}/shopify/{{shop}}",
        "TWILIO_BASE_URL": f"{at.sandbox_url}/twilio",
        "ZENDESK_CLIENT_ID": "doorstep-sandbox",
        "ZENDESK_ORGANIZATION_ID": "12345",
        "ZENDESK_APP_ID": "99999",
        "ZENDESK_BASE_URL": f"{at.sandbox_url}/zendesk/{{subdomain}}",
        "GORGIAS_CLIENT_ID": "doorstep-sandbox",
        "GORGIAS_BASE_URL": f"{at.sandbox_url}/gorgias/{{subdomain}}",
        "SANDBOX_URL": at.sandbox_url,
        "SANDBOX_CLOCK_PATH": str(STATE / "clock"),
        "SANDBOX_STATE_PATH": str(STATE / "sandbox"),
        "BIND_ADDRESS": "127.0.0.1",
        **development_secrets(),
    }
    return {
        **decided,
        **said,
        "PORT": str(at.web),
        "SANDBOX_PORT": str(at.sandbox),
        "VIRTUAL_ENV": str(VENV),
        "PATH": f"{VENV_BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        # A proxy of the network must not stand between our processes.
        "NO_PROXY": _no_proxy(said),
        "no_proxy": _no_proxy(said),
    }


def development_secrets() -> dict[str, str]:
    """Made at the first start and kept, because the database is encrypted with them."""
    known = read_env_file(SECRETS_FILE)
    fresh = {
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "SHOPIFY_API_SECRET": secrets.token_hex(24),
        "ZENDESK_CLIENT_SECRET": secrets.token_hex(24),
        "GORGIAS_CLIENT_SECRET": secrets.token_hex(24),
        "METRICS_TOKEN": secrets.token_urlsafe(24),
    }
    if "SANDBOX_ZENDESK_APP_KEY" not in known:
        fresh |= _app_keys()
    if not fresh.keys() <= known.keys():
        known = {**fresh, **known}
        lines = ["# Secrets of this machine's development, made once. Losing them loses the data."]
        lines += [f"{name}={value}" for name, value in sorted(known.items())]
        written = SECRETS_FILE.with_suffix(".new")
        written.touch(mode=0o600)
        written.write_text("\n".join(lines) + "\n")
        written.replace(SECRETS_FILE)
    return known


def _app_keys() -> dict[str, str]:
    """With which the sandbox's Zendesk signs the app's addresses, and Doorstep checks them."""
    making = (
        "import json; from sandbox.zendesk.signing import make_key, public_half;"
        " key = make_key(); print(json.dumps([key, public_half(key)]))"
    )
    asked = subprocess.run(
        [str(VENV_PYTHON), "-c", making], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    private, public = (pem.replace("\n", "\\n") for pem in json.loads(asked.stdout))
    return {"SANDBOX_ZENDESK_APP_KEY": private, "ZENDESK_APP_PUBLIC_KEY": public}


def read_env_file(path: Path) -> dict[str, str]:
    """NAME=value lines; `#` begins a comment line; quotes around a value are dropped."""
    found: dict[str, str] = {}
    if not path.exists():
        return found
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise Problem(f"{path}, line {number} is not NAME=value.", "correct that line.")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        found[name.strip()] = value
    return found


def _port(said: Mapping[str, str], name: str, default: int) -> int:
    text = said.get(name, str(default))
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Problem(f"{name} is {text!r}, which is no port.", f"set {name} to 1…65535.")
    return int(text)


def _no_proxy(said: Mapping[str, str]) -> str:
    known = said.get("NO_PROXY") or said.get("no_proxy") or ""
    return ",".join(part for part in (known, "127.0.0.1", "localhost") if part)
