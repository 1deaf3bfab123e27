"""The worker process: takes trainings off the queue and runs them.

The embedded worker is started by the app, there is never more than one a home, and it ends with its last
job when the app is gone. Others are started by hand, on any host that reaches the same database.
"""

from __future__ import annotations

import functools
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import Final

import psutil
from filelock import FileLock, Timeout

from core.domain.errors import StoreUnavailable
from core.domain.settings import Settings
from core.jobs.board import HEARTBEAT_SECONDS
from core.jobs.engine import APPLICATION, JOB_VERSION, TRAINING_QUEUE, JobQueue
from core.jobs.training_job import register_training
from core.tracking.store import open_store
from core.workflows.training import Connect

EMBEDDED_ID: Final = "embedded"
POLL_SECONDS: Final = 0.25
_log = logging.getLogger(__name__)


def run_worker(
    settings: Settings, *, concurrency: int | None = None, parent_pid: int | None = None, worker_id: str | None = None
) -> bool:
    """Work until told to stop (SIGTERM, SIGINT) or, with a parent, until it is gone and the queue is empty.

    Args:
        concurrency: trainings at a time; by default ``jobs.running``.
        parent_pid: the app's process, for the embedded worker.
        worker_id: the engine's name for this process. A worker that restarts under its old name takes up
            what it left unfinished.

    Returns:
        False when an embedded worker of this home is alive already.

    Raises:
        QueueUnavailable: the job database does not answer.
    """
    if parent_pid is None:
        name = worker_id or f"{socket.gethostname()}-{os.getpid()}"
        _work(settings, name, concurrency, keep_on=lambda queue: True)
        return True
    settings.paths.locks.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.paths.locks / "worker.lock", timeout=0):
            wanted = _app_lives_or_work_waits(parent_pid)
            _work(settings, worker_id or EMBEDDED_ID, concurrency, keep_on=wanted)
    except Timeout:
        return False
    return True


def _work(settings: Settings, worker_id: str, concurrency: int | None, keep_on: Callable[[JobQueue], bool]) -> None:
    from dbos import DBOS, DBOSPortableJSONSerializer

    stop = threading.Event()
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda *_: stop.set())
    queue = JobQueue(settings)
    DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": settings.database_url,
            "serializer": DBOSPortableJSONSerializer(),
            "application_version": JOB_VERSION,
            "executor_id": worker_id,
            "console_log_level": "WARNING",
        }
    )
    connect = functools.cache(lambda: open_store(settings))
    register_training(settings, queue, connect)
    queue.board.beat(worker_id)
    DBOS.logger.addFilter(_is_no_cancel)
    DBOS.launch()
    threading.Thread(target=_warm, args=(connect,), name="warm-up", daemon=True).start()
    try:
        DBOS.register_queue(
            TRAINING_QUEUE,
            worker_concurrency=concurrency or settings.jobs.running,
            polling_interval_sec=POLL_SECONDS,
            on_conflict="always_update",
        )
        _log.info("worker %s is ready", worker_id)
        while not stop.wait(HEARTBEAT_SECONDS) and keep_on(queue):
            queue.board.beat(worker_id)
    finally:
        # Unfinished jobs stay in the database; whoever starts next under this name goes on with them.
        DBOS.destroy(workflow_completion_timeout_sec=0)
        queue.board.leave(worker_id)
        queue.close()


def _is_no_cancel(record: logging.LogRecord) -> bool:
    """Lets all through but the engine's stack trace for a job that was cancelled, which is no error."""
    from dbos import error

    return not (record.exc_info and isinstance(record.exc_info[1], error.DBOSAwaitedWorkflowCancelledError))


def _warm(connect: Connect) -> None:
    """Import what is slow and open the store while nobody waits for it yet."""
    import pandera.pandas  # noqa: F401
    import sklearn.ensemble  # noqa: F401

    try:
        connect()
    except StoreUnavailable as error:
        _log.warning("%s", error)


def _app_lives_or_work_waits(parent_pid: int) -> Callable[[JobQueue], bool]:
    try:
        parent = psutil.Process(parent_pid)
    except psutil.NoSuchProcess:
        return lambda queue: bool(queue.list_jobs(active_only=True, limit=1))
    # is_running compares the start time too, so a reused process id is not taken for the app.
    return lambda queue: parent.is_running() or bool(queue.list_jobs(active_only=True, limit=1))
