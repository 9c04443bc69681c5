"""`python -m sandbox`: serves the sandbox on SANDBOX_HOST and SANDBOX_PORT until it is stopped.

One gunicorn process with threads: all state is in its memory. An open page holds one thread.
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from sandbox.app import create_app
from sandbox.settings import Settings, from_environ

THREADS = 96


class Server(BaseApplication):
    """Gunicorn, told in code. The worker makes the program: threads do not survive a fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        here = self._settings
        for name, value in {
            "bind": f"{here.host}:{here.port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "keepalive": 30,
            "graceful_timeout": 1,
            "timeout": 120,
            "loglevel": "warning",
            "control_socket_disable": True,
            "proc_name": "doorstep-sandbox",
            "worker_exit": _save,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self._settings)


def _save(_: Any, worker: Any) -> None:
    """Write the snapshots before the process goes."""
    app = getattr(worker, "wsgi", None)
    if isinstance(app, Flask):
        app.extensions["world"].save()


if __name__ == "__main__":
    Server(from_environ()).run()
