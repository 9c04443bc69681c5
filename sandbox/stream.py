"""What happens in the sandbox, told live to the page: `publish` in, Server-Sent Events out.

Emulators call `publish(kind, data)`. Each open page has a bounded queue: a page that does not
read loses its oldest events and is told to look afresh (`resync`), the emulators never wait.
"""

from __future__ import annotations

import itertools
import json
import queue
import threading
from collections.abc import Iterator
from typing import Any

HEARTBEAT_SECONDS = 10.0
QUEUE_LENGTH = 256

_lock = threading.Lock()
_listeners: set[queue.Queue[str]] = set()
_numbers = itertools.count(1)


def publish(kind: str, data: dict[str, Any]) -> None:
    """Tell every open page that something of this kind happened."""
    if not _listeners:
        return
    event = f"id: {next(_numbers)}\nevent: {kind}\ndata: {json.dumps(data, default=str)}\n\n"
    with _lock:
        listeners = list(_listeners)
    for listener in listeners:
        _offer(listener, event)


def _offer(listener: queue.Queue[str], event: str) -> None:
    try:
        listener.put_nowait(event)
    except queue.Full:
        with listener.mutex:
            listener.queue.clear()
        listener.put_nowait("event: resync\ndata: {}\n\n")


def listen() -> Iterator[str]:
    """The events from now on, as lines of a `text/event-stream`, until the reader goes."""
    mine: queue.Queue[str] = queue.Queue(QUEUE_LENGTH)
    with _lock:
        _listeners.add(mine)
    try:
        yield "retry: 1000\nevent: hello\ndata: {}\n\n"
        while True:
            try:
                yield mine.get(timeout=HEARTBEAT_SECONDS)
            except queue.Empty:
                yield ": still here\n\n"
    finally:
        with _lock:
            _listeners.discard(mine)
