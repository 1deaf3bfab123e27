"""The worker process: takes trainings and trials off the queue and runs them.

The embedded worker is started by the app, there is never more than one a home, and it ends with its last
job when the app is gone. Others are started by hand, on any host that reaches the same database.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import psutil
from filelock import FileLock, Timeout

from core.domain.addresses import patient
from core.domain.errors import LabError, QueueUnavailable, RecordsError
from core.domain.jobs import TRIAL_PREFIX
from core.domain.settings import Settings
from core.domain.sweeps import SweepState
from core.jobs.assessment_job import abandon_assessment, is_assessment, register_assessments
from core.jobs.conductor import Conductor
from core.jobs.connection import APPLICATION, JOB_VERSION
from core.jobs.database import database_errors
from core.jobs.desk import Workplace
from core.jobs.engine import ASSESSMENT_QUEUE, SCORING_QUEUE, TRAINING_QUEUE, JobQueue
from core.jobs.housekeeping import Finder, Heir, Janitor
from core.jobs.roster import HEARTBEAT_SECONDS
from core.jobs.scoring_job import OldFiles, abandon_scoring, is_scoring, register_scoring
from core.jobs.sweep_job import register_trials
from core.jobs.training_job import register_training
from core.tracking.store import Connection
from core.workflows.promotion_records import PromotionRecords
from core.workflows.recording import abandon
from core.workflows.training_state import OpenedRun
from core.workflows.trials import abandon_trial

POLL_SECONDS: Final = 0.25
CALM_POLL_SECONDS: Final = 1.0
"""For what nobody watches begin: an idle worker costs mostly its looking whether it is wanted."""

ROUND_SECONDS: Final = 1.0
HEIR_SECONDS: Final = 2.5
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
    lock = FileLock(settings.paths.locks / "worker.lock")
    try:
        with database_errors():
            settings.paths.locks.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        return False
    with lock:
        _work(settings, worker_id or _embedded_name(settings), concurrency, _app_lives_or_work_waits(parent_pid))
    return True


def _work(settings: Settings, worker_id: str, concurrency: int | None, keep_on: Callable[[JobQueue], bool]) -> None:
    from dbos import DBOS, DBOSPortableJSONSerializer

    stop = threading.Event()
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda *_: stop.set())
    queue = JobQueue(settings)
    engine = DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": patient(settings.database_url),
            "serializer": DBOSPortableJSONSerializer(),
            "application_version": JOB_VERSION,
            "executor_id": worker_id,
            "console_log_level": "WARNING",
        }
    )
    place = Workplace(settings, queue, Connection(settings), worker_id)
    conductor = Conductor(queue, place.connect)
    register_training(place)
    register_trials(place, conductor)
    register_scoring(place)
    register_assessments(place)
    queue.roster.beat(worker_id)
    heart = _again_and_again("heartbeat", HEARTBEAT_SECONDS, stop, lambda: queue.roster.beat(worker_id))
    DBOS.logger.addFilter(_is_no_cancel)
    with _or_end(worker_id):
        DBOS.launch()
        threading.Thread(target=_warm, args=(place,), name="warm-up", daemon=True).start()
        DBOS.register_queue(
            TRAINING_QUEUE,
            worker_concurrency=concurrency or settings.jobs.running,
            polling_interval_sec=POLL_SECONDS,
            on_conflict="always_update",
        )
        for queue_name in (SCORING_QUEUE, ASSESSMENT_QUEUE):
            DBOS.register_queue(
                queue_name, worker_concurrency=1, polling_interval_sec=CALM_POLL_SECONDS, on_conflict="always_update"
            )
        _log.info("worker %s is ready", worker_id)
        # The engine has no public word for this, and its public `resume_workflow` would run a job twice when two
        # heirs call it, and forget how often it was tried.
        heir = Heir(place, DBOS._recover_pending_workflows)  # noqa: SLF001
        # Nor for these: which jobs it works on, and putting one of them back while it is this worker's.
        finder = Finder(
            place,
            engine._active_workflows_set.activeList,  # noqa: SLF001
            lambda job_id: engine._sys_db.reenqueue_for_recovery(job_id, [worker_id], TRAINING_QUEUE),  # noqa: SLF001
        )
        # Each by itself: MLflow may let the one that asks it wait for long.
        _again_and_again("heir", HEIR_SECONDS, stop, heir.look)
        _again_and_again("finder", HEIR_SECONDS, stop, finder.look)
        _again_and_again("janitor", ROUND_SECONDS, stop, Janitor(place, functools.partial(_abandon, place)).look)
        _again_and_again("old files", ROUND_SECONDS, stop, OldFiles(place).look)
        _again_and_again("conductor", ROUND_SECONDS, stop, conductor.look)
        while not stop.wait(ROUND_SECONDS) and _is_wanted(queue, keep_on):
            pass
    was_told = stop.is_set()
    stop.set()
    heart.join()  # a last beat after the farewell would keep it on the roster
    _leave(queue, worker_id)
    if was_told:
        # A fit in this process cannot be interrupted, and must not go on beside whoever takes it over. Its job
        # stays in the database, and another worker goes on with it.
        logging.shutdown()
        os._exit(0)
    DBOS.destroy(workflow_completion_timeout_sec=0)
    queue.close()


def _again_and_again(name: str, every: float, stop: threading.Event, deed: Callable[[], None]) -> threading.Thread:
    """Do it in a thread of its own until ``stop``. A database that is away for a while ends no worker."""

    def run() -> None:
        with _or_end(name):
            while not stop.wait(every):
                try:
                    deed()
                except LabError as error:
                    _log.warning("%s", error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


@contextmanager
def _or_end(name: str) -> Iterator[None]:
    """Whatever nobody foresaw ends the whole process: one that lives and does nothing would never be replaced."""
    ended_well = False
    try:
        yield
        ended_well = True
    finally:
        if not ended_well:
            _log.critical("%s ends this worker", name, exc_info=True)
            logging.shutdown()
            os._exit(1)


def _is_wanted(queue: JobQueue, keep_on: Callable[[JobQueue], bool]) -> bool:
    """Whether to go on. A database that is away for a while ends no worker."""
    try:
        return keep_on(queue)
    except QueueUnavailable as error:
        _log.warning("%s", error)
        return True


def _abandon(place: Workplace, job_id: str, run: OpenedRun, error: BaseException) -> tuple[str, ...]:
    if is_scoring(job_id):
        return abandon_scoring(place, job_id, run, error)
    if is_assessment(job_id):
        return abandon_assessment(place, job_id, run, error)
    close = abandon_trial if job_id.startswith(TRIAL_PREFIX) else abandon
    return close(place.settings, place.connect, job_id, run, error)


def _leave(queue: JobQueue, worker_id: str) -> None:
    try:
        queue.roster.leave(worker_id)
    except QueueUnavailable as error:
        _log.warning("%s", error)


def _embedded_name(settings: Settings) -> str:
    """One name a host and home: under it a restarted worker finds its own jobs, and nobody else's."""
    home = hashlib.sha256(str(settings.home).encode()).hexdigest()[:8]
    return f"embedded-{socket.gethostname()}-{home}"


def _is_no_cancel(record: logging.LogRecord) -> bool:
    """Lets all through but the engine's stack trace for a job that was cancelled, which is no error."""
    from dbos import error

    return not (record.exc_info and isinstance(record.exc_info[1], error.DBOSAwaitedWorkflowCancelledError))


def _warm(place: Workplace) -> None:
    """Import what is slow, open the store, and finish promotions a crash cut off, while nobody waits for it yet."""
    import pandera.pandas  # noqa: F401
    import sklearn.ensemble  # noqa: F401

    try:
        PromotionRecords(place.settings, place.connect).look()
    except RecordsError as error:
        _log.warning("%s", error)


def _app_lives_or_work_waits(parent_pid: int) -> Callable[[JobQueue], bool]:
    try:
        parent = psutil.Process(parent_pid)
    except psutil.NoSuchProcess:
        return _work_waits
    # is_running compares the start time too, so a reused process id is not taken for the app.
    return lambda queue: _lives(parent) or _work_waits(queue)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _work_waits(queue: JobQueue) -> bool:
    running = any(sweep.state is SweepState.RUNNING for sweep in queue.sweeps.open())
    return running or bool(queue.list_jobs(active_only=True, trials=True, limit=1))
