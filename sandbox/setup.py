"""`python -m sandbox.setup`: connects the demo shop to Doorstep, through Doorstep's real doors.

Run by `make run` once web and sandbox answer; running it again changes nothing. Three steps: the
merchant installs the app and opens its page, the operator registers the Twilio number, the
merchant's helpdesk admin approves (Zendesk's, or Gorgias's where SANDBOX_HELPDESK says so). Each
uses what a real merchant or operator would use.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from sandbox.settings import Settings, from_environ

TOKEN_VARIABLE = "SANDBOX_TWILIO_AUTH_TOKEN"
COMMAND_SECONDS = 60
MOST_REDIRECTS = 8


@dataclass(frozen=True)
class Helpdesk:
    """One of the helpdesks that the demo shop may use, as this file needs to know it."""

    key: str
    name: str
    approve: str  # the end of the page where an admin approves
    hooks: str  # where its webhooks are listed
    endpoints: Callable[[dict[str, Any]], list[str]]
    headers: Mapping[str, str] = field(default_factory=dict)


HELPDESKS = {
    "zendesk": Helpdesk(
        "zendesk",
        "Zendesk",
        "/oauth/authorizations/new",
        "/api/v2/webhooks",
        lambda told: [str(one["endpoint"]) for one in told["webhooks"]],
        {
            "X-Zendesk-Marketplace-Name": "Doorstep sandbox",
            "X-Zendesk-Marketplace-Organization-Id": "0",
            "X-Zendesk-Marketplace-App-Id": "0",
        },
    ),
    "gorgias": Helpdesk(
        "gorgias",
        "Gorgias",
        "/oauth/authorize",
        "/api/integrations",
        lambda told: [str(one["http"]["url"]) for one in told["data"]],
    ),
}


class SetupFailed(Exception):
    """A step did not work; the text says which and why."""


class Setup:
    """The three steps, over one HTTP client that keeps cookies as a browser would."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._browser = httpx.Client(timeout=30, trust_env=False)

    def run(self) -> None:
        """Raises SetupFailed."""
        self.wait_for(f"{self._settings.url}/healthz")
        self.wait_for(f"{self._settings.app_url}/healthz")
        self.install()
        self.connect_number()
        self.connect_helpdesk()

    def wait_for(self, url: str) -> None:
        """Until it answers, at most 20 seconds."""
        until = time.monotonic() + 20
        while True:
            try:
                if self._browser.get(url).status_code < 500:
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() > until:
                raise SetupFailed(f"{url} does not answer")
            time.sleep(0.2)

    def install(self) -> None:
        """The merchant installs the app and opens its page with a fresh ID token."""
        if not self._get("/shopify/_actions/state")["shop"]["installed"]:
            self._post("/shopify/_actions/install", {})
        opened = self._post("/shopify/_actions/open_app", {"visit": True})
        if opened.get("status") != 200:
            raise SetupFailed(f"the app's page answered {opened.get('status')}")
        print(f"sandbox: {self._settings.shop_domain} is installed")

    def connect_number(self) -> None:
        """The operator registers the number, and sets its webhooks at Twilio."""
        here = self._settings
        urls = json.loads(
            self._operator(
                "connect-number",
                *("--shop", here.shop_domain),
                *("--account-sid", here.twilio_account_sid),
                *("--auth-token-env", TOKEN_VARIABLE),
                *("--messaging-service-sid", here.twilio_service_sid),
                *("--phone", here.twilio_phone),
                *("--kind", "toll_free"),
                *("--mps", "3"),
            )
        )
        self._post(
            "/twilio/_actions/numbers",
            {
                "phone": here.twilio_phone,
                "account_sid": here.twilio_account_sid,
                "auth_token": here.twilio_auth_token,
                "service_sid": here.twilio_service_sid,
                "kind": "toll_free",
                "mps": 3,
                "inbound_url": urls["inbound"],
                "fallback_url": urls["fallback"],
            },
        )
        print(f"sandbox: {here.twilio_phone} is connected")

    def connect_helpdesk(self) -> None:
        """The helpdesk's admin follows the operator's link and approves, as in a browser."""
        kind, account = HELPDESKS[self._settings.helpdesk], self._settings.helpdesk_account
        if self._is_connected(kind, account):
            print(f"sandbox: {kind.name} was connected before")
            return
        words = ("--shop", self._settings.shop_domain, "--kind", kind.key, "--subdomain", account)
        url = self._operator("helpdesk-link", *words).strip()
        for _ in range(MOST_REDIRECTS):
            answer = self._browser.get(url)
            if not answer.is_redirect:
                break
            url = str(answer.url.join(answer.headers["Location"]))
            if urlsplit(url).path.endswith(kind.approve):
                url += "&auto=1"  # the admin presses "Allow"
        if answer.status_code != 200 or "error" in parse_qs(urlsplit(url).query):
            path = urlsplit(url).path
            raise SetupFailed(f"connecting {kind.name} ended at {path} with {answer.status_code}")
        print(f"sandbox: {kind.name} account {account} is connected")

    def _is_connected(self, kind: Helpdesk, account: str) -> bool:
        """Whether a webhook leads to a door that Doorstep, with the data it has now, knows."""
        base = f"/{kind.key}/{account}"
        token = self._post(f"{base}/_ui/grant", {})["access_token"]
        answer = self._browser.get(
            f"{self._settings.url}{base}{kind.hooks}",
            headers={"Authorization": f"Bearer {token}", **kind.headers},
        )
        # An unsigned knock: a door that exists refuses it, one that does not is not found.
        return any(
            self._browser.post(one, json={}).status_code not in (404, 405, 410)
            for one in kind.endpoints(self._told(answer, kind.hooks))
            if one.startswith(self._settings.app_url)
        )

    def _operator(self, *words: str) -> str:
        """Run one of the operator's commands; its output."""
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", *words],
            env={**os.environ, TOKEN_VARIABLE: self._settings.twilio_auth_token},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise SetupFailed(f"`doorstep {words[0]}` failed: {done.stderr.strip()[-600:]}")
        return done.stdout

    def _get(self, path: str) -> dict[str, Any]:
        return self._told(self._browser.get(self._settings.url + path), path)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._told(self._browser.post(self._settings.url + path, json=body), path)

    def _told(self, answer: httpx.Response, path: str) -> dict[str, Any]:
        if answer.status_code >= 300:
            raise SetupFailed(f"{path} answered {answer.status_code}: {answer.text[:300]}")
        told: dict[str, Any] = answer.json()
        return told


def main() -> int:
    try:
        Setup(from_environ()).run()
    except (SetupFailed, httpx.HTTPError, subprocess.TimeoutExpired) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
