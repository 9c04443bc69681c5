"""What the emulators share: settings, a thread that does things a little later, and snapshots.

`create_app` makes one `World` and hands it to each vendor's `create_blueprint(world)`. A vendor
registers its state with `keep`, so that "start afresh" empties it and a restart of `make run`
finds it again.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.settings import Settings

log = logging.getLogger("sandbox")

SNAPSHOT_SECONDS = 2.0


@dataclass(frozen=True)
class Kept:
    """One vendor's state: how to write it as JSON, read it back, and empty it."""

    dump: Callable[[], Any]
    load: Callable[[Any], None]
    reset: Callable[[], None]


class World:
    """Made once per sandbox. `stop()` ends its threads (tests); a process just exits."""

    def __init__(self, settings: Settings, *, workers: int = 16) -> None:
        self.settings = settings
        # Webhooks go to Doorstep through this client; `trust_env` off keeps them on loopback.
        self.http = httpx.Client(
            timeout=15.0,
            trust_env=False,
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=50),
        )
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="sandbox")
        self._kept: dict[str, Kept] = {}
        self._last: dict[str, str] = {}
        self._due: list[tuple[float, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._numbers = itertools.count()
        self._wake = threading.Condition()
        self._stopped = False
        threading.Thread(target=self._run_due, daemon=True, name="sandbox-later").start()
        if settings.state_path is not None:
            threading.Thread(target=self._keep_saving, daemon=True, name="sandbox-save").start()

    def later(self, seconds: float, act: Callable[..., Any], *args: Any) -> None:
        """Call `act(*args)` in another thread after so many real seconds (0: at once)."""
        if self._stopped:
            return
        if seconds <= 0:
            self._submit(act, args)
            return
        with self._wake:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), act, args))
            self._wake.notify()

    def keep(
        self,
        name: str,
        *,
        dump: Callable[[], Any],
        load: Callable[[Any], None],
        reset: Callable[[], None],
    ) -> None:
        """Register a vendor's state, and load its last snapshot if there is one."""
        self._kept[name] = Kept(dump, load, reset)
        if self.settings.state_path is None:
            return
        path = self.settings.state_path / f"{name}.json"
        if path.exists():
            try:
                load(json.loads(path.read_text("utf-8")))
            except (ValueError, KeyError, TypeError) as error:
                log.warning(
                    "sandbox: %s does not fit this version, starting afresh: %s",
                    path,
                    error,
                )
                reset()

    def reset(self) -> None:
        """Empty every vendor."""
        for kept in self._kept.values():
            kept.reset()
        self.save()

    def save(self) -> None:
        """Write the snapshots that changed."""
        folder = self.settings.state_path
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        for name, kept in self._kept.items():
            text = json.dumps(kept.dump(), default=str)
            if text != self._last.get(name):
                half = folder / f"{name}.json.new"
                half.write_text(text, "utf-8")
                half.replace(folder / f"{name}.json")
                self._last[name] = text

    def stop(self) -> None:
        """End the threads and forget what was still to come."""
        self._stopped = True
        with self._wake:
            self._due.clear()
            self._wake.notify()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.save()
        self.http.close()

    def _submit(self, act: Callable[..., Any], args: tuple[Any, ...]) -> None:
        with contextlib.suppress(RuntimeError):  # the pool was shut down meanwhile
            self._pool.submit(self._guarded, act, args)

    def _guarded(self, act: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            act(*args)
        except Exception:
            if not self._stopped:
                log.exception("sandbox: something done later failed")

    def _run_due(self) -> None:
        while not self._stopped:
            with self._wake:
                wait = self._due[0][0] - time.monotonic() if self._due else 60.0
                if wait > 0:
                    self._wake.wait(wait)
                    continue
                _, _, act, args = heapq.heappop(self._due)
            self._submit(act, args)

    def _keep_saving(self) -> None:
        pause = SNAPSHOT_SECONDS
        while not self._stopped:
            time.sleep(pause)
            started = time.monotonic()
            try:
                self.save()
            except (
                OSError,
                RuntimeError,
            ) as error:  # a full disk, or a dict that grew meanwhile
                log.warning("sandbox: snapshot not written: %s", error)
            # A big snapshot is written seldom: it holds the vendors' locks while it is made.
            pause = max(SNAPSHOT_SECONDS, 20 * (time.monotonic() - started))
