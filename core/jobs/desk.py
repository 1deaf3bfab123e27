"""What a job in hand is given: where it posts progress, whether it should stop, and how it is closed."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from core.domain.errors import LabError, QueueUnavailable, TrainingCancelled
from core.domain.jobs import Progress
from core.domain.settings import Settings
from core.jobs.engine import JobQueue, Standing
from core.workflows.training_state import Connect, OpenedRun

CANCEL_CHECK_SECONDS: Final = 0.25
AWAY_SECONDS: Final = 1.0
"""Between two questions to a database that does not answer."""

KEPT_LINES: Final = 12
INTERRUPTED: Final = "taken up again: the job database could not be written, its disk may have been full"
_log = logging.getLogger(__name__)

Abandon = Callable[[OpenedRun, BaseException], tuple[str, ...]]
"""Closes what a job left open; returns what could not be done."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """What all jobs of one worker process share.

    ``in_hand`` holds the ids of those it works on now, ``interrupted`` of those it takes up again for the job database
    could not be written.
    """

    settings: Settings
    queue: JobQueue
    connect: Connect
    worker_id: str
    in_hand: set[str] = field(default_factory=set)
    interrupted: set[str] = field(default_factory=set)


class Desk:
    """One job in hand, from the moment a worker takes it up to the moment nothing of it is left open.

    As a context manager it closes what an error leaves open: a cancel ends the run as KILLED, a failure as
    FAILED; a job that another worker has taken over meanwhile is left to that one. Where the job database has no room
    for what a step came to the job has not ended: nothing is closed, and it is taken up again once there is room.
    """

    def __init__(self, place: Workplace, job_id: str, abandon: Abandon) -> None:
        self.place = place
        self.job_id = job_id
        self.run = OpenedRun(None)
        self._abandon = abandon
        self._looked = 0.0
        self._standing = Standing.GO_ON
        self._last = Progress("")
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)

    def note(self, line: str) -> None:
        """Add a line to what the screens show of this job; it is posted with the next progress."""
        self._lines.append(f"{datetime.now().astimezone():%H:%M:%S} {line}")

    def publish(self, progress: Progress) -> None:
        """Post it; a phase that counts nothing leaves the bar and the curve where the fit left them."""
        if progress.phase != self._last.phase:
            self.note(progress.phase)
        if not progress.total:
            progress = replace(self._last, phase=progress.phase, remaining=None)
        self._last = replace(progress, log=tuple(self._lines))
        try:
            self.place.queue.board.post(self.job_id, self._last, self.run.run_id)
        except QueueUnavailable as error:
            # A picture that stands still for a while is no reason to lose a training.
            _log.warning("%s", error)

    def should_stop(self) -> bool:
        """Whether somebody cancelled the job or took it over; looked up a few times a second at most."""
        now = time.monotonic()
        if self._standing is Standing.GO_ON and now - self._looked >= CANCEL_CHECK_SECONDS:
            self._looked = now
            self._standing = self._look()
        return self._standing is not Standing.GO_ON

    def must_stop(self) -> bool:
        """The same, asked where a model is about to be registered: a database that is away is waited for.

        A host that was cut off cannot know whose its job is by now, and two that register it make two versions of it.
        """
        while self._standing is Standing.GO_ON:
            try:
                self._standing = self.place.queue.standing(self.job_id, self.place.worker_id)
                break
            except QueueUnavailable as error:
                _log.warning("job %s waits to be registered: %s", self.job_id, error)
                time.sleep(AWAY_SECONDS)
        return self._standing is not Standing.GO_ON

    def __enter__(self) -> None:
        self.place.in_hand.add(self.job_id)
        if self.job_id in self.place.interrupted:
            self.place.interrupted.discard(self.job_id)
            self.note(INTERRUPTED)
        try:
            self.place.queue.board.open(self.job_id, self.place.worker_id)
        except QueueUnavailable as error:
            _log.warning("%s", error)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self._close()
            else:
                self._end(error)
        finally:
            self.place.in_hand.discard(self.job_id)

    def _end(self, error: BaseException) -> None:
        from dbos import PortableWorkflowError
        from dbos import error as engine_errors

        # What was heard once holds: a database that is away for a moment must not make this job ours again.
        standing = self._standing if self._standing is not Standing.GO_ON else self._look()
        if standing is Standing.TAKEN_OVER:
            # Everything of this job belongs to another worker by now. The engine's own word for it.
            raise engine_errors.DBOSWorkflowConflictIDError(self.job_id) from error
        if standing is Standing.CANCELLED:
            self._leave(TrainingCancelled())
            raise engine_errors.DBOSWorkflowCancelledError(f"job {self.job_id} was cancelled") from error
        if isinstance(error, sa.exc.OperationalError):
            # Only the engine's own writes raise it bare. To fail the job it would have to write once more, and may
            # well be able to by then: a training would be lost to a disk that was full for a moment.
            _log.warning("job %s waits until the job database can be written: %s", self.job_id, error.orig)
            raise engine_errors.DBOSWorkflowConflictIDError(self.job_id) from error
        if isinstance(error, Exception):
            # The engine's base exceptions are no end of the job.
            self._leave(error)
        if isinstance(error, LabError):
            told: dict[str, Any] = {"what": error.what, "remedy": error.remedy, "where": error.where}
            raise PortableWorkflowError(error.what, type(error).__name__, data=told) from error

    def _leave(self, error: BaseException) -> None:
        if not self._abandon(self.run, error):
            self._close()

    def _close(self) -> None:
        try:
            self.place.queue.board.close(self.job_id)
        except QueueUnavailable as error:
            _log.warning("%s", error)

    def _look(self) -> Standing:
        try:
            return self.place.queue.standing(self.job_id, self.place.worker_id)
        except QueueUnavailable as error:
            _log.warning("%s", error)
            return Standing.GO_ON
