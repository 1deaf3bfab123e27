"""The pricing of a file as a durable workflow, on a queue of its own. One that lost its worker starts anew."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any, Final

from core.domain.jobs import Progress
from core.domain.scoring import SCORING_PREFIX, ScoringRequest
from core.jobs.desk import Desk, Workplace
from core.jobs.engine import SCORING_WORKFLOW
from core.jobs.training_job import MOST_RESUMES, RunStep
from core.workflows.loaded_models import LoadedModels
from core.workflows.scored_files import ScoredFolder, outdated
from core.workflows.scoring import score_file
from core.workflows.training_state import OpenedRun

DISCARD_SECONDS: Final = 600.0


def register_scoring(place: Workplace) -> None:
    """Make the scoring workflow known to this process's engine. Call it before the engine launches."""
    from dbos import DBOS

    @DBOS.workflow(name=SCORING_WORKFLOW, max_recovery_attempts=MOST_RESUMES)
    def score(payload: dict[str, Any]) -> dict[str, object]:
        job_id = str(DBOS.workflow_id)
        desk = Desk(place, job_id, partial(abandon_scoring, place, job_id))
        with desk:
            return _score(desk, ScoringRequest.from_payload(payload), DBOS.run_step)


def _score(desk: Desk, request: ScoringRequest, run_step: RunStep) -> dict[str, object]:
    settings, connect = desk.place.settings, desk.place.connect

    def scored() -> dict[str, object]:
        files = ScoredFolder(settings, desk.job_id).begin()
        desk.publish(Progress("loading the model"))
        # Not kept: a file is seldom followed by another one, and a deep forest is 200 MB.
        model = LoadedModels(settings, connect).served(request.version)
        report = score_file(settings, model, files, request.columns, report=desk.publish, should_stop=desk.should_stop)
        # When it was asked for it was the champion, say, or chosen; here it is only named.
        return replace(report, source=request.source).as_report()

    return dict(run_step({"name": "score"}, scored))


def abandon_scoring(place: Workplace, job_id: str, run: OpenedRun, error: BaseException) -> tuple[str, ...]:
    """Leave nothing of a file that was cancelled or could not be priced."""
    ScoredFolder(place.settings, job_id).remove()
    return ()


def is_scoring(job_id: str) -> bool:
    """Whether the job prices a file."""
    return job_id.startswith(SCORING_PREFIX)


class OldFiles:
    """Removes the files of scorings that nobody added to for days, unless their job still waits for a worker."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._next_look = 0.0

    def look(self) -> None:
        """Look now and then: days are long."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + DISCARD_SECONDS
        folders = {folder.root.name: folder for folder in outdated(self._place.settings)}
        states = self._place.queue.states(folders)
        for job_id, folder in folders.items():
            state = states.get(job_id)
            if state is None or state.is_final:
                folder.remove()
