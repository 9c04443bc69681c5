"""A sandbox of a test's own, and shortcuts that stand for Doorstep."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from werkzeug.serving import make_server

from sandbox import clock, faults
from sandbox.app import create_app
from sandbox.settings import Settings

MAYA = "+14155550142"


@dataclass
class Sandbox:
    """The sandbox under test."""

    url: str
    settings: Settings

    @property
    def zendesk(self) -> str:
        return f"{self.url}/zendesk/{self.settings.zendesk_subdomain}"

    def post(self, path: str, **body: Any) -> Any:
        answer = httpx.post(f"{self.url}{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.text else None

    def text_to(self, buyer: str, body: str) -> None:
        account = self.settings.twilio_account_sid
        answer = httpx.post(
            f"{self.url}/twilio/2010-04-01/Accounts/{account}/Messages.json",
            auth=(account, self.settings.twilio_auth_token),
            data={
                "To": buyer,
                "Body": body,
                "MessagingServiceSid": self.settings.twilio_service_sid,
            },
        )
        assert answer.status_code == 201, answer.text

    def open_ticket(self, subject: str) -> int:
        account = self.zendesk
        token = httpx.post(f"{account}/_ui/grant", json={}).json()["access_token"]
        headers = {
            "Authorization": f"Bearer {token}",
            "X-Zendesk-Marketplace-Name": "Doorstep",
            "X-Zendesk-Marketplace-Organization-Id": "1",
            "X-Zendesk-Marketplace-App-Id": "1",
        }
        buyer = httpx.post(
            f"{account}/api/v2/users/create_or_update",
            headers=headers,
            json={"user": {"name": "Maya Okafor", "external_id": "maya", "phone": MAYA}},
        ).json()["user"]["id"]
        body = {"subject": subject, "requester_id": buyer, "comment": {"body": "It is too tight."}}
        ticket = httpx.post(f"{account}/api/v2/tickets", headers=headers, json={"ticket": body})
        number = int(ticket.json()["ticket"]["id"])
        note = {"comment": {"html_body": "<p>Order <b>#1001</b></p>", "public": False}}
        httpx.put(f"{account}/api/v2/tickets/{number}", headers=headers, json={"ticket": note})
        return number


@contextmanager
def running_sandbox(folder: Path, **more: Any) -> Iterator[Sandbox]:
    """Served on a free port; `more` are settings."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    settings = Settings(port=port, url=url, clock_path=folder / "clock", **more)
    app = create_app(settings)
    server = make_server("127.0.0.1", port, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield Sandbox(url, settings)
    finally:
        server.shutdown()
        app.extensions["world"].stop()
        faults.clear()
        clock.set_offset(0)
