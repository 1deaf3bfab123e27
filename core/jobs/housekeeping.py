"""What a worker does beside its jobs: take over those of dead workers, take up again those it lost itself, and close
what ended jobs left open."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from typing import Final

from core.domain.errors import JobFailed, LabError, RecordsError, TrainingCancelled
from core.domain.jobs import JobState
from core.jobs.database import database_errors
from core.jobs.desk import Workplace
from core.tracking.runs import find_run_of_job
from core.workflows.training_state import OpenedRun

SILENCE_SECONDS: Final = 5.0
"""How long a silent worker must stay silent before its jobs are taken: all workers of a laptop wake up at once."""

LOST_SECONDS: Final = 5.0
"""How long nobody must work on a job: the engine holds one for a moment before it begins and after it has ended."""

CLOSING_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 60.0
_log = logging.getLogger(__name__)

Recover = Callable[[list[str]], object]
"""Puts the jobs that these workers had in hand back on the queue."""

Requeue = Callable[[str], object]
"""Puts one job back on the queue, if it still belongs to this worker."""

AbandonJob = Callable[[str, OpenedRun, BaseException], tuple[str, ...]]
"""Closes what a job left open, given its id, its run and the reason."""


class Heir:
    """Puts the jobs of workers that died back on the queue, where any worker takes them up.

    Two heirs may do it at once: the engine moves a job only while it still belongs to the dead worker.
    """

    def __init__(self, place: Workplace, recover: Recover) -> None:
        self._place = place
        self._recover = recover
        self._silent_since: dict[str, float] = {}

    def look(self) -> None:
        """Take over from every worker that has been missed for :data:`SILENCE_SECONDS`."""
        now = time.monotonic()
        missed = self._place.queue.deserted() - {self._place.worker_id}
        self._silent_since = {name: self._silent_since.get(name, now) for name in missed}
        dead = sorted(name for name, since in self._silent_since.items() if now - since >= SILENCE_SECONDS)
        if not dead:
            return
        _log.warning("taking over the jobs of %s", ", ".join(dead))
        with database_errors():
            self._recover(dead)
        for name in dead:
            self._place.queue.roster.leave(name)


class Finder:
    """Puts the jobs back on the queue that this worker holds and nobody in it works on.

    The engine drops a job whose end it could not write down, for the disk of the job database is full, say. Its worker
    lives and would never be inherited from, so the job would say RUNNING until somebody starts another worker.

    Args:
        active: the jobs that the engine of this process works on now.
    """

    def __init__(self, place: Workplace, active: Callable[[], Collection[str]], requeue: Requeue) -> None:
        self._place = place
        self._active = active
        self._requeue = requeue
        self._idle_since: dict[str, float] = {}

    def look(self) -> None:
        """Take up again what nobody has worked on for :data:`LOST_SECONDS`."""
        now = time.monotonic()
        held = self._place.queue.held_by(self._place.worker_id)
        self._idle_since = {job_id: self._idle_since.get(job_id, now) for job_id in held.difference(self._active())}
        for job_id, since in self._idle_since.items():
            if now - since >= LOST_SECONDS:
                self._place.interrupted.add(job_id)
                with database_errors():
                    self._requeue(job_id)
                _log.warning("job %s was not ended, and nobody works on it: it is back on the queue", job_id)


class Janitor:
    """Closes runs, versions and files of jobs that ended while no worker could: cancelled or given up meanwhile."""

    def __init__(self, place: Workplace, abandon: AbandonJob) -> None:
        self._place = place
        self._abandon = abandon
        self._next_look = 0.0
        self._not_before: dict[str, float] = {}

    def look(self) -> None:
        """Close every job that is final, still open, and in nobody's hands."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + CLOSING_SECONDS
        queue = self._place.queue
        alive = {worker.worker_id for worker in queue.live_workers()} - {self._place.worker_id}
        left = {
            job_id
            for job_id, worker_id in queue.board.open_jobs().items()
            if worker_id not in alive and job_id not in self._place.in_hand and now >= self._not_before.get(job_id, 0.0)
        }
        for job_id, state in queue.states(left).items():
            if state.is_final and not self._closed(job_id, state):
                self._not_before[job_id] = now + RETRY_SECONDS

    def _closed(self, job_id: str, state: JobState) -> bool:
        try:
            return self._close(job_id, state)
        except LabError as error:
            # One that cannot be closed must not keep the others open.
            _log.warning("job %s cannot be closed yet: %s", job_id, error)
            return False

    def _close(self, job_id: str, state: JobState) -> bool:
        if state is not JobState.SUCCEEDED and self._abandon(job_id, self._run_of(job_id), self._reason(job_id, state)):
            return False
        _log.info("closed what job %s left open", job_id)
        self._place.queue.board.close(job_id)
        return True

    def _run_of(self, job_id: str) -> OpenedRun:
        try:
            run = find_run_of_job(self._place.connect(), job_id)
        except RecordsError:
            posted = self._place.queue.board.read([job_id]).get(job_id)
            return OpenedRun(posted.run_id if posted else None)
        return OpenedRun(run.run_id if run else None)

    def _reason(self, job_id: str, state: JobState) -> LabError:
        if state is JobState.CANCELLED:
            return TrainingCancelled()
        failure = self._place.queue.get(job_id).failure
        if failure is None:
            return JobFailed("It ended without a model.", remedy="Train again.")
        return JobFailed(failure.what, remedy=failure.remedy, where=failure.where)
