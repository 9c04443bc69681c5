"""How Zendesk says no: status, body and headers of each refusal that the emulator gives.

Raised anywhere below the blueprint, turned into an answer by `doors`. Callers of the real vendor
branch on the status and on `error`, never on the text, so the texts here are only for people.
"""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """An answer that is not 2xx."""

    def __init__(
        self, status: int, body: dict[str, Any] | str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}


def not_authenticated() -> Refusal:
    return Refusal(401, {"error": "Couldn't authenticate you"})


def invalid_token() -> Refusal:
    return Refusal(
        401,
        {
            "error": "invalid_token",
            "error_description": "The access token is expired, revoked or not of this account.",
        },
    )


def forbidden(description: str) -> Refusal:
    return Refusal(403, {"error": "Forbidden", "description": description})


def not_found() -> Refusal:
    return Refusal(404, {"error": "RecordNotFound", "description": "Not found"})


def no_such_account() -> Refusal:
    return Refusal(404, "No help center at this address")


def unparsable() -> Refusal:
    return Refusal(422, {"error": "Unprocessable Entity", "message": "Server could not parse JSON"})


def invalid_attribute(name: str, why: str) -> Refusal:
    """An unknown field, or a value of the wrong kind."""
    return Refusal(
        400, {"error": {"title": "Invalid attribute", "message": f"The {name} attribute {why}"}}
    )


def record_invalid(field: str, description: str) -> Refusal:
    return Refusal(
        422,
        {
            "error": "RecordInvalid",
            "description": "Record validation errors",
            "details": {field: [{"description": description}]},
        },
    )


def closed_ticket() -> Refusal:
    return record_invalid("status", "Status: closed prevents ticket update")


def update_conflict() -> Refusal:
    return Refusal(
        409,
        {
            "error": "UpdateConflict",
            "description": "Safe update: the ticket has changed since updated_stamp.",
        },
    )


def idempotency_mismatch() -> Refusal:
    return Refusal(
        400,
        {
            "error": "IdempotentRequestError",
            "description": "This idempotency key was used with other parameters.",
        },
    )


def oauth(error: str, description: str, status: int = 400) -> Refusal:
    return Refusal(status, {"error": error, "error_description": description})


def too_many(retry_after: int, headers: dict[str, str]) -> Refusal:
    return Refusal(
        429,
        {"error": "APIRateLimitExceeded", "description": "Too many requests of this kind."},
        {"Retry-After": str(retry_after), **headers},
    )
