"""Routing rules are checked when they are saved, never when a buyer's ticket opens.

Called by the merchant's door (`api`) and the operator's command.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from app.foundation.db import Session
from app.foundation.errors import Refused
from app.helpdesk.routing.rules import RULES
from app.shops.configure import save_preferences


def save_rules(session: Session, *, now: datetime, shop_id: int, actor: str, rules: object) -> None:
    """`rules`: a list of {"when": {…}, "then": {…}}, the first that fits decides. Raises Refused,
    naming the first fault and where it is."""
    try:
        checked = RULES.validate_python(rules)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "the list"
        raise Refused("routing_rules", f"routing_rules, {where}: {fault['msg']}") from None
    stored = RULES.dump_python(checked, mode="json", exclude_defaults=True)
    save_preferences(
        session, now=now, shop_id=shop_id, actor=actor, changes={"routing_rules": stored}
    )
