"""A merchant's check-in copy is refused when it is saved, never when it is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.checkins.wording import CopyKind, CopyProblem, validate_copy
from app.foundation.db import Session
from app.foundation.errors import Refused
from app.shops.configure import save_preferences

FIELDS = {CopyKind.OPENER: "opener_copy", CopyKind.SOFT_OPENER: "soft_opener_copy"}


class CopyRefused(Refused):
    """`problems` says what is wrong, each with its remedy."""

    def __init__(self, problems: Sequence[CopyProblem]) -> None:
        super().__init__("copy", " ".join(problem.text for problem in problems))
        self.problems = tuple(problems)


def save_copy(
    session: Session,
    *,
    now: datetime,
    shop_id: int,
    shop_name: str,
    actor: str,
    kind: CopyKind,
    template: str | None,
) -> Sequence[CopyProblem]:
    """Save the shop's own words (None: back to ours). Returns warnings; raises CopyRefused."""
    warnings: Sequence[CopyProblem] = ()
    if template is not None:
        problems = validate_copy(template, kind=kind, shop_name=shop_name)
        blocking = [problem for problem in problems if problem.blocking]
        if blocking:
            raise CopyRefused(blocking)
        warnings = problems
    save_preferences(
        session, now=now, shop_id=shop_id, actor=actor, changes={FIELDS[kind]: template}
    )
    return warnings
