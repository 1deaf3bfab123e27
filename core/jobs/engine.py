"""The durable queue as every door sees it: put work on it, read where it stands, cancel it.

Built on DBOS: a job is a workflow in the job database, so it outlives the click, the page and the process.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from core.domain.assessment import ASSESSMENT_PREFIX, Assessment, AssessmentRequest
from core.domain.errors import LabError, NotFound, QueueFull
from core.domain.jobs import TRAINING_PREFIX, Failure, Job, JobState, Request, TrainingRequest, TrialRequest
from core.domain.runs import TrainingOutcome
from core.domain.scoring import ScoringReport, ScoringRequest
from core.domain.settings import Settings
from core.jobs.board import Posted, ProgressBoard
from core.jobs.connection import JOB_VERSION, open_database
from core.jobs.database import database_errors
from core.jobs.roster import Roster, Worker
from core.jobs.sweep_book import SweepBook

if TYPE_CHECKING:
    from dbos import WorkflowStatus

TRAINING_QUEUE: Final = "training"
TRAINING_WORKFLOW: Final = "train"
TRIAL_WORKFLOW: Final = "trial"
SCORING_QUEUE: Final = "scoring"
"""Apart from the trainings: a file does not wait for a forest."""

SCORING_WORKFLOW: Final = "score"
ASSESSMENT_QUEUE: Final = "assessment"
"""Apart from the trainings as well: an assessment steps back for each of them."""

ASSESSMENT_WORKFLOW: Final = "assess"
_STATES: Final = {
    "ENQUEUED": JobState.QUEUED,
    "DELAYED": JobState.QUEUED,
    "PENDING": JobState.RUNNING,
    "SUCCESS": JobState.SUCCEEDED,
    "ERROR": JobState.FAILED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": JobState.FAILED,
    "CANCELLED": JobState.CANCELLED,
}
_REQUESTS: Final[Mapping[str, type[Request]]] = {
    TRAINING_WORKFLOW: TrainingRequest,
    TRIAL_WORKFLOW: TrialRequest,
    SCORING_WORKFLOW: ScoringRequest,
    ASSESSMENT_WORKFLOW: AssessmentRequest,
}
_log = logging.getLogger(__name__)
_ACTIVE: Final = ["ENQUEUED", "DELAYED", "PENDING"]


class Standing(Enum):
    """What a worker is to do about a job it has in hand."""

    GO_ON = auto()
    CANCELLED = auto()
    TAKEN_OVER = auto()


class JobQueue:
    """The queue of these settings. Make one a process: it keeps a small pool of connections.

    Raises:
        QueueUnavailable: by every method, when the job database does not answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine, self._client = open_database(settings)
        self.board = ProgressBoard(self._engine)
        self.roster = Roster(self._engine)
        self.sweeps = SweepBook(self._engine)

    def submit(self, request: TrainingRequest) -> str:
        """Put a training on the queue and return the job's id at once.

        Raises:
            QueueFull: as many jobs wait as ``jobs.queued`` allows.
        """
        self._refuse_when_full(TRAINING_WORKFLOW, TRAINING_QUEUE, "trainings")
        job_id = f"{TRAINING_PREFIX}{uuid.uuid4().hex[:12]}"
        self._enqueue(TRAINING_WORKFLOW, job_id, request)
        return job_id

    def submit_trial(self, request: TrialRequest) -> None:
        """Put a trial on the queue; a second time changes nothing.

        The limit of waiting jobs is not for trials: a sweep has no more of them waiting than it has workers.
        """
        self._enqueue(TRIAL_WORKFLOW, request.job_id, request)

    def submit_scoring(self, job_id: str, request: ScoringRequest) -> None:
        """Put the pricing of a file on its queue, the file being in the job's folder.

        Raises:
            QueueFull: as many files wait as ``jobs.queued`` allows.
        """
        self._refuse_when_full(SCORING_WORKFLOW, SCORING_QUEUE, "files")
        self._enqueue(SCORING_WORKFLOW, job_id, request, SCORING_QUEUE)

    def submit_assessment(self, request: AssessmentRequest, job_id: str = "") -> str:
        """Put the measuring of a version's range on its queue and return the job's id.

        Under the same ``job_id`` a second time changes nothing; without one it is a job of its own.
        """
        named = job_id or f"{ASSESSMENT_PREFIX}{uuid.uuid4().hex[:12]}"
        self._enqueue(ASSESSMENT_WORKFLOW, named, request, ASSESSMENT_QUEUE)
        return named

    def get(self, job_id: str) -> Job:
        """One job as it stands now.

        Raises:
            NotFound: there is none of that id.
        """
        found = self._jobs(self._list(workflow_ids=[job_id]))
        if not found:
            raise NotFound(
                f"There is no job {job_id!r}.",
                remedy="Take `job` out of the address to see the newest, or list all with `python -m core jobs`.",
            )
        return found[0]

    def list_jobs(self, *, limit: int = 50, active_only: bool = False, trials: bool = False) -> list[Job]:
        """The newest trainings first, or with ``trials`` the newest jobs of every kind."""
        # By name, not by queue: the engine takes a cancelled job's queue away from it.
        names = list(_REQUESTS) if trials else [TRAINING_WORKFLOW]
        return self._newest(names, limit, active_only=active_only)

    def list_scorings(self, *, limit: int = 50, active_only: bool = False) -> list[Job]:
        """The files priced or to be priced, the newest first."""
        return self._newest([SCORING_WORKFLOW], limit, active_only=active_only)

    def list_assessments(self, *, limit: int = 50, active_only: bool = False) -> list[Job]:
        """The versions whose range was or is to be measured, the newest job first."""
        return self._newest([ASSESSMENT_WORKFLOW], limit, active_only=active_only)

    def states(self, job_ids: Iterable[str]) -> dict[str, JobState]:
        """The states of those jobs the queue knows; others are left out."""
        wanted = list(job_ids)
        found = self._briefly(workflow_ids=wanted) if wanted else []
        return {status.workflow_id: _STATES[status.status] for status in found}

    def standing(self, job_id: str, worker_id: str) -> Standing:
        """What the worker that has this job in hand is to do. Cheap: a training asks after every step."""
        found = self._briefly(workflow_ids=[job_id])
        if not found or found[0].status == "CANCELLED":
            return Standing.CANCELLED if found else Standing.GO_ON
        waits_again = found[0].status in ("ENQUEUED", "DELAYED")
        return Standing.TAKEN_OVER if waits_again or found[0].executor_id != worker_id else Standing.GO_ON

    def deserted(self) -> set[str]:
        """Names of workers that have a job in hand and have not been heard of for a while."""
        alive = {worker.worker_id for worker in self.live_workers()}
        return {str(status.executor_id) for status in self._briefly(status="PENDING")} - alive

    def held_by(self, worker_id: str) -> set[str]:
        """The jobs that count as running at this worker."""
        return {status.workflow_id for status in self._briefly(status="PENDING", executor_id=worker_id)}

    def cancel(self, job_id: str) -> Job:
        """Ask a job to stop: a queued one never starts, a running one ends after its current step.

        Raises:
            NotFound: there is none of that id.
        """
        job = self.get(job_id)
        if not job.state.is_final:
            with database_errors():
                self._client.cancel_workflow(job_id)
        return self.get(job_id)

    def live_workers(self) -> list[Worker]:
        """The workers heard of in the last seconds."""
        return [worker for worker in self.roster.workers() if worker.is_alive]

    def close(self) -> None:
        """Give the connections back."""
        self._client.destroy()
        self._engine.dispose()

    def _newest(self, names: list[str], limit: int, *, active_only: bool) -> list[Job]:
        wanted: dict[str, Any] = {"status": _ACTIVE} if active_only else {}
        return self._jobs(self._list(name=names, limit=limit, **wanted))

    def _refuse_when_full(self, workflow: str, queue: str, what: str) -> None:
        limit = self._settings.jobs.queued
        waiting = self._briefly(name=workflow, queue_name=queue, status="ENQUEUED", limit=limit)
        if len(waiting) >= limit:
            raise QueueFull(
                f"{limit} {what} wait already.",
                where="jobs.queued",
                remedy="Wait for some to end, cancel some, or raise jobs.queued.",
            )

    def _list(self, **wanted: Any) -> list[WorkflowStatus]:
        with database_errors():
            return self._client.list_workflows(sort_desc=True, **wanted)

    def _jobs(self, statuses: Iterable[WorkflowStatus]) -> list[Job]:
        listed = list(statuses)
        posted = self.board.read(status.workflow_id for status in listed)
        queues = {str(status.queue_name) for status in listed if status.status == "ENQUEUED"}
        places = {job_id: place for queue in queues for place, job_id in enumerate(self._waiting(queue), start=1)}
        jobs = []
        for status in listed:
            try:
                jobs.append(_job(status, posted.get(status.workflow_id), places.get(status.workflow_id)))
            except (LabError, KeyError, TypeError, ValueError) as error:
                # One job of another version of the lab must not hide all the others.
                _log.warning("job %s cannot be read: %s", status.workflow_id, error)
        return jobs

    def _waiting(self, queue: str) -> list[str]:
        """Ids of the jobs on that queue, the next to start first."""
        return [status.workflow_id for status in self._briefly(queue_name=queue, status="ENQUEUED")]

    def _briefly(self, **wanted: Any) -> list[WorkflowStatus]:
        """Only how they stand: neither what was asked nor what came of it."""
        with database_errors():
            return self._client.list_workflows(**wanted, load_input=False, load_output=False)

    def _enqueue(self, workflow: str, job_id: str, request: Request, queue: str = TRAINING_QUEUE) -> None:
        with database_errors():
            self._client.enqueue(
                {
                    "workflow_name": workflow,
                    "queue_name": queue,
                    "workflow_id": job_id,
                    "app_version": JOB_VERSION,
                },
                request.as_payload(),
            )


def _job(status: WorkflowStatus, word: Posted | None, place: int | None) -> Job:
    payload = status.input["args"][0]  # type: ignore[index]
    report = status.output
    return Job(
        job_id=status.workflow_id,
        state=_STATES[status.status],
        request=_REQUESTS[status.name].from_payload(payload),
        created=_time(status.created_at),
        updated=_time(status.updated_at),
        progress=word.progress if word else None,
        queue_position=place,
        run_id=word.run_id if word else None,
        outcome=TrainingOutcome.from_report(report) if report and status.name == TRAINING_WORKFLOW else None,
        scored=ScoringReport.from_report(report) if report and status.name == SCORING_WORKFLOW else None,
        assessment=Assessment.from_report(report) if report and status.name == ASSESSMENT_WORKFLOW else None,
        failure=_failure(status),
    )


def _failure(status: WorkflowStatus) -> Failure | None:
    if status.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        return Failure(
            "Its worker ended in the middle of it too often, so it was given up.",
            "Look at logs/worker.log for the reason, then start it again.",
        )
    if status.error is None:
        return None
    told = getattr(status.error, "data", None)
    if isinstance(told, dict):
        return Failure(**told)
    return Failure(str(status.error), "Look at logs/worker.log, then start it again.")


def _time(milliseconds: int | None) -> datetime:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)
