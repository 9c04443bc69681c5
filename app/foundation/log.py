"""Structured logs, one JSON object a line: ids and codes, never texts, names or numbers.

Called once by each process. Sentry, where a DSN is given, gets what is logged with an exception:
its kind, where it happened, and our own ids. Never the errors' words, requests, local variables or
what was logged before, for those may hold what buyers wrote.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any, cast

import structlog

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

    from app.settings import Settings


def frames_only(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Where it went wrong and of what kind, without the errors' own words: a database's or
    vendor's message may quote a number or a text."""
    wanted = event.pop("exc_info", None)
    if not wanted:
        return event
    error = wanted if isinstance(wanted, BaseException) else sys.exc_info()[1]
    kinds: list[str] = []
    frames: list[str] = []
    while error is not None:
        kinds.append(f"{type(error).__module__}.{type(error).__name__}")
        frames += [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        error = error.__cause__ or error.__context__
    event["error_kinds"], event["frames"] = kinds, frames
    return event


def to_sentry(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """An error that is logged with its frames goes to Sentry too, if that was set up."""
    wanted = event.get("exc_info")
    if wanted and "sentry_sdk" in sys.modules:
        import sentry_sdk

        sentry_sdk.capture_exception(wanted if isinstance(wanted, BaseException) else None)
    return event


def configure(settings: Settings, *, process: str) -> None:
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            to_sentry,
            frames_only,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, force=True)
    # These print addresses with buyers' numbers in them.
    for name in ("twilio", "httpx", "httpcore", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if settings.sentry_dsn:
        tell_sentry(settings.sentry_dsn.get_secret_value(), settings.doorstep_env)


def tell_sentry(dsn: str, environment: str) -> None:
    """Send errors there. Without its own integrations: they hear of every request, query and log
    line, and all that should leave passes through `to_sentry`."""
    import sentry_sdk

    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        default_integrations=False,
        auto_enabling_integrations=False,
        before_send=bare,
    )


def bare(event: Event, hint: Hint) -> Event:
    """The event with nothing in it but kinds, places and our ids."""
    kept = ("event_id", "timestamp", "level", "platform", "environment", "release", "exception")
    reduced: dict[str, Any] = {name: value for name, value in event.items() if name in kept}
    for error in reduced.get("exception", {}).get("values", []):
        error.pop("value", None)
        error.pop("mechanism", None)
    reduced["tags"] = {
        name: str(value)
        for name, value in structlog.contextvars.get_contextvars().items()
        if isinstance(value, str | int)
    }
    return cast("Event", reduced)
