"""gunicorn's entry: `gunicorn app.wsgi:app`."""

from __future__ import annotations

from app import settings as settings_module
from app.bootstrap import build
from app.foundation import log as logging_setup
from app.reactions import react
from app.web import create_app

_settings = settings_module.load()
logging_setup.configure(_settings, process="web")
app = create_app(build(_settings, react))
