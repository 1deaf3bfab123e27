"""A training as a durable workflow: each part is a step whose result outlives the process."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Final

from core.domain.errors import LabError, QueueUnavailable, TrainingCancelled
from core.domain.jobs import Progress, TrainingRequest
from core.domain.settings import Settings
from core.jobs.engine import TRAINING_WORKFLOW, JobQueue
from core.workflows.recording import abandon, record
from core.workflows.training import fit, open_run
from core.workflows.training_state import Connect, Fitted, OpenedRun

CANCEL_CHECK_SECONDS: Final = 0.25
MOST_ATTEMPTS: Final = 3

_log = logging.getLogger(__name__)

RunStep = Callable[..., Any]
"""The engine's way to run a part once: its result is kept, and a restarted job does not repeat it."""


def register_training(settings: Settings, queue: JobQueue, connect: Connect) -> None:
    """Make the training workflow known to this process's engine. Call it before the engine launches."""
    from dbos import DBOS

    @DBOS.workflow(name=TRAINING_WORKFLOW, max_recovery_attempts=MOST_ATTEMPTS)
    def train(payload: dict[str, Any]) -> dict[str, object]:
        desk = _Desk(settings, queue, connect, str(DBOS.workflow_id))
        with desk:
            return _train(desk, TrainingRequest.from_payload(payload), DBOS.run_step)


def _train(desk: _Desk, request: TrainingRequest, run_step: RunStep) -> dict[str, object]:
    settings, connect, job_id = desk.settings, desk.connect, desk.job_id
    desk.publish(Progress("opening the run"))

    def opened() -> dict[str, Any]:
        # Known to the desk before the engine keeps it: a cancel that comes meanwhile must find the run to close.
        desk.run = open_run(request, connect, job_id)
        return asdict(desk.run)

    desk.run = OpenedRun(**run_step({"name": "open_run"}, opened))
    fitted = run_step(
        {"name": "fit"},
        lambda: fit(
            settings, request, connect, job_id, desk.run, report=desk.publish, should_stop=desk.should_stop
        ).as_payload(),
    )
    desk.publish(Progress("recording"))
    outcome = run_step(
        {"name": "record"},
        lambda: record(settings, request, connect, job_id, desk.run, Fitted.from_payload(fitted)).as_report(),
    )
    return dict(outcome)


class _Desk:
    """What a running training is given: where it posts progress, whether it should stop, and how it is closed."""

    def __init__(self, settings: Settings, queue: JobQueue, connect: Connect, job_id: str) -> None:
        self.settings = settings
        self.connect = connect
        self.job_id = job_id
        self.run = OpenedRun(None)
        self._queue = queue
        self._looked = 0.0
        self._cancelled = False
        self._last = Progress("")

    def publish(self, progress: Progress) -> None:
        """Post it; a phase that counts nothing leaves the bar and the curve where the fit left them."""
        if not progress.total:
            progress = replace(self._last, phase=progress.phase, remaining=None)
        self._last = progress
        try:
            self._queue.board.post(self.job_id, progress, self.run.run_id)
        except QueueUnavailable as error:
            # A picture that stands still for a while is no reason to lose a training.
            _log.warning("%s", error)

    def should_stop(self) -> bool:
        """Whether somebody cancelled the job; looked up a few times a second at most."""
        now = time.monotonic()
        if not self._cancelled and now - self._looked >= CANCEL_CHECK_SECONDS:
            self._looked = now
            self._cancelled = self._is_cancelled()
        return self._cancelled

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        from dbos import PortableWorkflowError
        from dbos import error as engine_errors

        if self._is_cancelled():
            abandon(self.settings, self.connect, self.job_id, self.run, TrainingCancelled())
            # The engine's own word for it, so that it ends the workflow quietly.
            raise engine_errors.DBOSWorkflowCancelledError(f"job {self.job_id} was cancelled") from error
        if isinstance(error, Exception):
            # The engine's base exceptions (another worker took the job over) are no end of the training.
            abandon(self.settings, self.connect, self.job_id, self.run, error)
        if isinstance(error, LabError):
            told: dict[str, Any] = {"what": error.what, "remedy": error.remedy, "where": error.where}
            raise PortableWorkflowError(error.what, type(error).__name__, data=told) from error

    def _is_cancelled(self) -> bool:
        try:
            return self._queue.is_cancelled(self.job_id)
        except QueueUnavailable as error:
            _log.warning("%s", error)
            return False
