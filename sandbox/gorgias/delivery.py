"""HTTP integrations: what happened is posted to whoever asked for it, once.

`doors` and `desk` hand over what happened once their lock is released. Whether and how Gorgias
repeats a failed call is not documented, so this never repeats one. The sandbox's switches can
double, delay or drop a webhook, or send it before the answer of the request that caused it.
"""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

from sandbox import clock, faults, stream
from sandbox.gorgias.happened import Happened
from sandbox.gorgias.world import Account, GorgiasWorld, Record

USUAL_DELAY_SECONDS = 0.15
TIMEOUT_SECONDS = 12.0
KEPT_CALLS = 50
WHOLE = "{{context}}"
PLACEHOLDER = re.compile(r"\{\{\s*([a-z_.]+)\s*\}\}")


class Courier:
    """Takes what happened to the integrations with that trigger."""

    def __init__(self, world: GorgiasWorld) -> None:
        self._world = world

    def dispatch(self, account: Account, events: list[Happened], *, caused_by: str) -> None:
        """Returns at once unless a switch says no."""
        if not events:
            return
        with self._world.changing():
            hooks = [
                one
                for one in account.integrations.values()
                if one["deactivated_datetime"] is None and one["http"]["method"] == "POST"
            ]
        early = bool(faults.take("gorgias", caused_by, "webhook_before_answer"))
        for event in events:
            for hook in hooks:
                if not hook["http"]["triggers"].get(event.trigger):
                    continue
                fate = faults.webhook_fate("gorgias", event.trigger)
                for _ in range(fate.copies):
                    if early:
                        self._post(hook, event)
                        continue
                    wait = USUAL_DELAY_SECONDS + fate.delay_seconds
                    self._world.shared.later(wait, self._post, hook, event)

    def _post(self, hook: Record, event: Happened) -> None:
        there = hook["http"]
        try:
            answer = self._world.shared.http.post(
                there["url"],
                content=rendered(there.get("form"), event.context),
                headers={**there["headers"], "Content-Type": there["request_content_type"]},
                timeout=TIMEOUT_SECONDS,
            )
            outcome = str(answer.status_code)
        except httpx.HTTPError as error:
            outcome = type(error).__name__
        with self._world.changing():
            kept = hook["calls"]
            kept.append(
                {"trigger": event.trigger, "outcome": outcome, "at": clock.now().isoformat()}
            )
            del kept[:-KEPT_CALLS]
        stream.publish("gorgias_webhook", {"event": event.trigger, "outcome": outcome})


def rendered(form: Any, context: dict[str, Any]) -> bytes:
    """The body: nothing without a form, all of it for the bare placeholder, else the template."""
    if form is None:
        return b""
    if form == WHOLE:
        return json.dumps(context).encode()
    return json.dumps(_fill(form, context)).encode()


def _fill(form: Any, context: dict[str, Any]) -> Any:
    if isinstance(form, dict):
        return {name: _fill(value, context) for name, value in form.items()}
    return PLACEHOLDER.sub(lambda match: str(_at(context, match[1])), str(form))


def _at(context: Any, path: str) -> Any:
    """Values arrive as Python writes them: "True", "None", and numbers as strings."""
    for step in path.split("."):
        context = context.get(step) if isinstance(context, dict) else None
    return context
