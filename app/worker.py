"""The worker: takes RQ jobs and has the rows they name worked off, see `app/workshop.py`.

Started as `python -m app.worker`: a pool of processes, each an RQ SimpleWorker (no fork per
job, connections stay open). A killed one is replaced within a second.

An RQ job is over as soon as each of its rows has a thread, so that a process takes the next job
while slow vendors hold some of its threads. One process more than WORKER_PROCESSES works for
waiting buyers only (queue `reply`): bulk work may fill all the others.
"""

from __future__ import annotations

from multiprocessing.process import BaseProcess
from typing import Any

from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from rq.worker_pool import WorkerPool

from app import settings as settings_module
from app.bootstrap import build
from app.foundation import log as logging_setup
from app.foundation.outbox import QUEUES
from app.reactions import react
from app.workshop import Workshop

RESERVED = ("reply",)  # the queue that always has a process of its own

_workshop: Workshop | None = None  # of this process


def work_off(rows: dict[str, list[int]]) -> None:
    """The one RQ job: ids by kind. Runs in a worker process."""
    assert _workshop is not None
    _workshop.begin(rows)


class QuietWorker(SimpleWorker):
    """SimpleWorker without RQ's scheduler process: due work is the ticker's."""

    max_connection_wait_time = 2.0  # RQ's own minute is too long for a buyer who waits

    def work(self, *args: Any, **kwargs: Any) -> bool:
        global _workshop
        kwargs["with_scheduler"] = False
        kwargs["logging_level"] = "WARNING"
        # Before the first job, which would else wait a second or two for it.
        settings = settings_module.load()
        _workshop = Workshop(build(settings, react), threads=settings.worker_threads)
        try:
            return bool(super().work(*args, **kwargs))
        finally:
            _workshop.close()


class Pool(WorkerPool):
    """A pool whose first process, and whichever replaces it, takes the reserved queue only."""

    _reserved: BaseProcess | None = None

    def get_worker_process(self, *args: Any, **kwargs: Any) -> BaseProcess:
        if self._reserved is not None and self._reserved.is_alive():
            return super().get_worker_process(*args, **kwargs)
        everything, self._queue_names = self._queue_names, list(RESERVED)
        try:
            self._reserved = super().get_worker_process(*args, **kwargs)
        finally:
            self._queue_names = everything
        return self._reserved


def main() -> None:
    settings = settings_module.load()
    logging_setup.configure(settings, process="worker")
    redis = Redis.from_url(settings.redis_url.get_secret_value())
    Pool(
        list(QUEUES),
        connection=redis,
        num_workers=settings.worker_processes + 1,
        worker_class=QuietWorker,
        serializer=JSONSerializer,
    ).start(logging_level="WARNING")


if __name__ == "__main__":
    from app import worker  # the module that RQ's jobs name, and not a second copy of it

    worker.main()
