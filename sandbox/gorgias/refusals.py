"""How Gorgias says no. Raised anywhere below the blueprint, turned into an answer by `doors`.

The reference shows statuses and the outer shape `{"error": {"msg": …}}`; the texts are for people.
"""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """An answer that is not 2xx."""

    def __init__(
        self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}


def _error(status: int, message: str, **more: Any) -> Refusal:
    return Refusal(status, {"error": {"msg": message, **more}})


def not_authenticated() -> Refusal:
    return _error(401, "The access token is absent, over, revoked or not of this account.")


def forbidden(message: str) -> Refusal:
    return _error(403, message)


def not_found(what: str = "item") -> Refusal:
    return _error(404, f"The requested {what} does not exist.")


def invalid(name: str, why: str) -> Refusal:
    """An unknown field, an absent required one, or a value of the wrong kind."""
    return _error(400, "The request is not valid.", data={name: [why]})


def conflict(message: str) -> Refusal:
    return _error(409, message)


def oauth(error: str, description: str, status: int = 400) -> Refusal:
    return Refusal(status, {"error": error, "error_description": description})


def too_many(retry_after: int, used: str) -> Refusal:
    return Refusal(
        429,
        {"error": {"msg": "Too many requests."}},
        {"Retry-after": str(retry_after), "X-Gorgias-Account-Api-Call-Limit": used},
    )
