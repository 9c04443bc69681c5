"""gunicorn's entry: `gunicorn --preload app.wsgi:app`.

Loaded once, before gunicorn forks its web processes, so that they share its pages. So nothing
here may open a connection or start a thread: each process opens its own at its first request.
"""

from __future__ import annotations

import gc
import sys

# structlog and httpx load these for a developer's terminal wherever they lie (the operator's
# commands use rich). A web process has no terminal, and would carry 4 MB of them along. None is
# Python's own way to say "not here".
sys.modules["rich"] = sys.modules["pygments"] = None  # type: ignore[assignment]

from app import settings as settings_module
from app.bootstrap import build
from app.foundation import log as logging_setup
from app.reactions import react
from app.web import create_app

_settings = settings_module.load()
logging_setup.configure(_settings, process="web")
app = create_app(build(_settings, react))

# What is there now stays for good. Were it collected with the rest, every web process would write
# to these pages and so keep a copy of its own: 29 MB.
gc.collect()
gc.freeze()
