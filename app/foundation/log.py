"""Structured logs, one JSON object a line: ids and codes, never texts, names or numbers.

Called once by each process. Sentry, where a DSN is given, gets errors without request bodies
or local variables, for those hold what buyers wrote.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from app.settings import Settings


def configure(settings: Settings, *, process: str) -> None:
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.dict_tracebacks
            if settings.doorstep_env == "production"
            else structlog.processors.format_exc_info,
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
