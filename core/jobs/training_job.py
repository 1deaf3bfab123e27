"""A training as a durable workflow: each part is a step whose result outlives the process."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any, Final

from core.domain.assessment import AssessmentRequest, assessment_id
from core.domain.errors import QueueUnavailable, TrainingCancelled
from core.domain.jobs import Progress, TrainingRequest
from core.jobs.desk import Desk, Workplace
from core.jobs.engine import TRAINING_WORKFLOW
from core.models.checkpoint import TreeCheckpoints
from core.workflows.opening import open_run
from core.workflows.recording import abandon, has_model, record
from core.workflows.training import fit
from core.workflows.training_state import Fitted, OpenedRun, WorkFolder

MOST_RESUMES: Final = 3
"""How often a job is taken up again after its worker ended in the middle of it; then it fails with that reason."""

PATIENCE: Final = {
    "retries_allowed": True,
    "interval_seconds": 1.0,
    "max_attempts": 6,
    "should_retry": lambda error: isinstance(error, QueueUnavailable),
}
"""A job database that restarts is waited for, half a minute at most."""

_log = logging.getLogger(__name__)

RunStep = Callable[..., Any]
"""The engine's way to run a part once: its result is kept, and a restarted job does not repeat it."""


def register_training(place: Workplace) -> None:
    """Make the training workflow known to this process's engine. Call it before the engine launches."""
    from dbos import DBOS

    @DBOS.workflow(name=TRAINING_WORKFLOW, max_recovery_attempts=MOST_RESUMES)
    def train(payload: dict[str, Any]) -> dict[str, object]:
        job_id = str(DBOS.workflow_id)
        desk = Desk(place, job_id, partial(abandon, place.settings, place.connect, job_id))
        with desk:
            return _train(desk, TrainingRequest.from_payload(payload), DBOS.run_step)


def _train(desk: Desk, request: TrainingRequest, run_step: RunStep) -> dict[str, object]:
    settings, connect, job_id = desk.place.settings, desk.place.connect, desk.job_id
    desk.publish(Progress("opening the run"))

    def opened() -> dict[str, Any]:
        # Known to the desk before the engine keeps it: a cancel that comes meanwhile must find the run to close.
        desk.run = open_run(request, connect, job_id)
        return asdict(desk.run)

    desk.run = OpenedRun(**run_step({"name": "open_run"}, opened))

    def fitting() -> Fitted:
        return fit(
            settings,
            request,
            connect,
            job_id,
            desk.run,
            report=desk.publish,
            should_stop=desk.should_stop,
            checkpoints=_checkpoints(desk),
            note=desk.note,
        )

    def recorded() -> dict[str, object]:
        # Its files lie on the host that fitted it: when that is gone, the very same model is fitted here.
        ready = Fitted.from_payload(fitted)
        whole = ready if has_model(settings, job_id, ready) else fitting()
        desk.publish(Progress("recording"))
        if desk.must_stop():
            raise TrainingCancelled
        return record(
            settings, request, connect, job_id, desk.run, whole, note=desk.note, should_stop=desk.must_stop
        ).as_report()

    fitted = run_step({"name": "fit"}, lambda: fitting().as_payload())
    desk.publish(Progress("recording"))
    report = dict(run_step({"name": "record"}, recorded))
    if settings.evaluation.assesses:
        _queue_assessment(desk, request, str(report["version"] or report["local_version"]), run_step)
    return report


def _queue_assessment(desk: Desk, request: TrainingRequest, version: str, run_step: RunStep) -> None:
    """Have the range measured of what was just registered: once, however often the training is taken up again."""
    from dbos import error as engine_errors

    asked = AssessmentRequest(version, request.run_name, request.actor)

    def queued() -> str:
        return desk.place.queue.submit_assessment(asked, assessment_id(desk.job_id))

    try:
        run_step({"name": "queue_assessment", **PATIENCE}, queued)
    except (QueueUnavailable, engine_errors.DBOSMaxStepRetriesExceeded) as error:
        # The model is registered, and a range can be measured later.
        _log.warning("version %s goes without a range for now: %s", version, error)


def _checkpoints(desk: Desk) -> TreeCheckpoints:
    """A forest's checkpoints: files in the work folder of this host, their digests in the job database."""
    settings, job_id = desk.place.settings, desk.job_id
    ledger = desk.place.queue.board.checkpoints(job_id)
    return TreeCheckpoints(WorkFolder(settings, job_id).checkpoints, ledger, settings.jobs.checkpoint_seconds)
