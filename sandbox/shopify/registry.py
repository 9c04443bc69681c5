"""The table of actions, filled by `actions` and `shop_actions`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Run = TypeVar("Run", bound=Callable[..., Any])


class NoSuchAction(Exception):
    """There is no action of that name."""


class BadArguments(Exception):
    """The action exists and does not take these arguments."""


@dataclass(frozen=True)
class Action:
    run: Callable[..., Any]
    whole: bool  # in one change, all or nothing


ACTIONS: dict[str, Action] = {}


def action(run: Run) -> Run:
    """Offer a function as an action; `run(world, **arguments)` answers what JSON can hold."""
    ACTIONS[run.__name__] = Action(run, whole=True)
    return run
