"""The ticket's sidebar: a page that hosts Doorstep's app as Zendesk does.

Under `/zendesk/{subdomain}/_ui/app`. The page (folder sidebar/) speaks the messages of Zendesk's
app framework with the app, and opens it as Zendesk opens an app with signed addresses: by a POST of
a form whose field `token` this side has signed, to `/desk/zendesk?origin=…&app_guid=…`.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from urllib.parse import urlencode

from flask import jsonify, request, send_from_directory
from flask.typing import ResponseReturnValue

from sandbox import clock
from sandbox.zendesk import signing
from sandbox.zendesk.desk import AGENTS
from sandbox.zendesk.doors import Doors
from sandbox.zendesk.world import Record

PAGE = Path(__file__).parent / "sidebar"
APP_GUID = "0b9dcd4e-5c8e-4a6c-9f6a-d00257ee9001"


class AppHost:
    """What the host page asks for."""

    def __init__(self, doors: Doors) -> None:
        self.world = doors.world
        self.settings = doors.world.shared.settings

    @cached_property
    def key(self) -> str:
        return self.settings.zendesk_app_key or signing.make_key()

    def page(self, subdomain: str) -> ResponseReturnValue:
        """`?ticket=` and `?scheme=light|dark` are read by the page's own script."""
        app = self.settings.app_url
        answer = send_from_directory(PAGE, "index.html", max_age=0)
        answer.headers["Content-Security-Policy"] = (
            f"default-src 'self'; frame-src {app}; form-action {app}; frame-ancestors 'self'"
        )
        return answer

    def file(self, subdomain: str, name: str) -> ResponseReturnValue:
        return send_from_directory(PAGE, name, max_age=0)

    def visit(self, subdomain: str, ticket_id: int) -> ResponseReturnValue:
        """All that a host knows of this ticket, and a fresh signature for the app's address."""
        agent_id = AGENTS[request.args.get("agent", "priya")]
        with self.world.changing():
            account = self.world.open_account(subdomain)
            ticket = account.ticket(ticket_id)
            agent = account.users[str(agent_id)]
            known = _known(subdomain, ticket, account.user(ticket["requester_id"]) or {}, agent)
        origin = request.host_url.rstrip("/")
        query = urlencode({"origin": origin, "app_guid": APP_GUID})
        token = signing.sign_visit(
            self.key, subdomain=subdomain, agent_id=agent_id, query=query, now=clock.now()
        )
        return jsonify(
            url=f"{self.settings.app_url}/desk/zendesk?{query}",
            token=token,
            app_guid=APP_GUID,
            installation_id=signing.INSTALLATION_ID,
            subdomain=subdomain,
            known=known,
        )


def _known(subdomain: str, ticket: Record, requester: Record, agent: Record) -> Record:
    """The paths that `get` answers, by their names in Zendesk's Apps Support API."""
    return {
        "ticket.id": ticket["id"],
        "ticket.externalId": ticket["external_id"],
        "ticket.subject": ticket["subject"],
        "ticket.status": ticket["status"],
        "ticket.tags": ticket["tags"],
        "ticket.requester": {"id": requester.get("id"), "name": requester.get("name")},
        "currentUser": {
            "id": agent["id"],
            "name": agent["name"],
            "role": agent["role"],
            "locale": "en-US",
        },
        "currentAccount.subdomain": subdomain,
    }


def open_doors(doors: Doors) -> None:
    """The addresses under `_ui/app`."""
    host = AppHost(doors)
    doors.page("GET", "/_ui/app", host.page)
    doors.page("GET", "/_ui/app/<path:name>", host.file)
    doors.page("GET", "/_ui/tickets/<int:ticket_id>/app", host.visit)
