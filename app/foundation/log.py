"""Structured logs, one JSON object a line: ids and codes, never texts, names or numbers.

Called once by each process. Sentry, where a DSN is given, gets errors without request bodies
or local variables, for those hold what buyers wrote.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
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


def configure(settings: Settings, *, process: str) -> None:
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
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
        import sentry_sdk

        sentry_sdk.init(
            dsn=settings.sentry_dsn.get_secret_value(),
            environment=settings.doorstep_env,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
        )
