"""The durable queue as every door sees it: put a training on it, read where it stands, cancel it.

Built on DBOS: a job is a workflow in the job database, so it outlives the click, the page and the process.
"""

from __future__ import annotations

import logging
import sqlite3
import uuid
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from filelock import FileLock

from core.domain.errors import LabError, NotFound, QueueFull
from core.domain.jobs import Failure, Job, JobState, TrainingRequest
from core.domain.runs import TrainingOutcome
from core.domain.settings import SQLITE, Settings
from core.jobs.board import Posted, ProgressBoard, Worker, database_errors
from core.jobs.old_sqlite import teach_subseconds

if TYPE_CHECKING:
    from dbos import DBOSClient, WorkflowStatus

APPLICATION: Final = "housing-price-lab"
TRAINING_QUEUE: Final = "training"
TRAINING_WORKFLOW: Final = "train"
JOB_VERSION: Final = "1"
"""The version of what crosses the queue. Fixed: by default it is a hash of the code, which strands old jobs."""

_STATES: Final = {
    "ENQUEUED": JobState.QUEUED,
    "DELAYED": JobState.QUEUED,
    "PENDING": JobState.RUNNING,
    "SUCCESS": JobState.SUCCEEDED,
    "ERROR": JobState.FAILED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": JobState.FAILED,
    "CANCELLED": JobState.CANCELLED,
}
_LOCK_SECONDS: Final = 120
_BUSY_SECONDS: Final = 30
_log = logging.getLogger(__name__)
_ACTIVE: Final = ["ENQUEUED", "DELAYED", "PENDING"]


class JobQueue:
    """The queue of these settings. Make one a process: it keeps a small pool of connections.

    Raises:
        QueueUnavailable: by every method, when the job database does not answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        teach_subseconds()
        _migrate(settings)
        with database_errors():
            self._engine = sa.create_engine(
                settings.database_url, pool_pre_ping=True, connect_args=_connect_args(settings.database_url)
            )
            self._client = _client(settings)
        self.board = ProgressBoard(self._engine)
        self.board.create()

    def submit(self, request: TrainingRequest) -> str:
        """Put a training on the queue and return the job's id at once.

        Raises:
            QueueFull: as many jobs wait as ``jobs.queued`` allows.
        """
        limit = self._settings.jobs.queued
        with database_errors():
            waiting = self._client.list_workflows(
                queue_name=TRAINING_QUEUE, status="ENQUEUED", limit=limit, load_input=False, load_output=False
            )
            if len(waiting) >= limit:
                raise QueueFull(
                    f"{limit} trainings wait already.",
                    where="jobs.queued",
                    remedy="Wait for some to end, cancel some, or raise jobs.queued.",
                )
            job_id = f"train-{uuid.uuid4().hex[:12]}"
            self._client.enqueue(
                {
                    "workflow_name": TRAINING_WORKFLOW,
                    "queue_name": TRAINING_QUEUE,
                    "workflow_id": job_id,
                    "app_version": JOB_VERSION,
                },
                request.as_payload(),
            )
        return job_id

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

    def list_jobs(self, *, limit: int = 50, active_only: bool = False) -> list[Job]:
        """The newest jobs first."""
        # By name, not by queue: the engine takes a cancelled job's queue away from it.
        wanted: dict[str, Any] = {"status": _ACTIVE} if active_only else {}
        return self._jobs(self._list(name=TRAINING_WORKFLOW, limit=limit, **wanted))

    def is_cancelled(self, job_id: str) -> bool:
        """Whether somebody asked this job to stop. Cheap: a training asks after every step."""
        with database_errors():
            status = self._client.list_workflows(workflow_ids=[job_id], load_input=False, load_output=False)
        return bool(status) and status[0].status == "CANCELLED"

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
        return [worker for worker in self.board.workers() if worker.is_alive]

    def close(self) -> None:
        """Give the connections back."""
        self._client.destroy()
        self._engine.dispose()

    def _list(self, **wanted: Any) -> list[WorkflowStatus]:
        with database_errors():
            return self._client.list_workflows(sort_desc=True, **wanted)

    def _jobs(self, statuses: Iterable[WorkflowStatus]) -> list[Job]:
        listed = list(statuses)
        posted = self.board.read(status.workflow_id for status in listed)
        waiting = self._waiting() if any(status.status == "ENQUEUED" for status in listed) else []
        places = {job_id: place for place, job_id in enumerate(waiting, start=1)}
        jobs = []
        for status in listed:
            try:
                jobs.append(_job(status, posted.get(status.workflow_id), places.get(status.workflow_id)))
            except (LabError, KeyError, TypeError, ValueError) as error:
                # One job of another version of the lab must not hide all the others.
                _log.warning("job %s cannot be read: %s", status.workflow_id, error)
        return jobs

    def _waiting(self) -> list[str]:
        """Ids of the queued jobs, the next to start first."""
        with database_errors():
            queued = self._client.list_workflows(
                queue_name=TRAINING_QUEUE, status="ENQUEUED", load_input=False, load_output=False
            )
        return [status.workflow_id for status in queued]


def _job(status: WorkflowStatus, word: Posted | None, place: int | None) -> Job:
    request = TrainingRequest.from_payload(status.input["args"][0])  # type: ignore[index]
    return Job(
        job_id=status.workflow_id,
        state=_STATES[status.status],
        request=request,
        created=_time(status.created_at),
        updated=_time(status.updated_at),
        progress=word.progress if word else None,
        queue_position=place,
        run_id=word.run_id if word else None,
        outcome=None if status.output is None else TrainingOutcome.from_report(status.output),
        failure=_failure(status),
    )


def _failure(status: WorkflowStatus) -> Failure | None:
    if status.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        return Failure(
            "Its worker ended in the middle of it too often, so it was given up.",
            "Look at logs/worker.log for the reason, then train again.",
        )
    if status.error is None:
        return None
    told = getattr(status.error, "data", None)
    if isinstance(told, dict):
        return Failure(**told)
    return Failure(str(status.error), "Look at logs/worker.log, then train again.")


def _migrate(settings: Settings) -> None:
    """Create the engine's tables. Under a lock: two processes must not create one database at once."""
    from dbos import DBOS

    url = settings.database_url
    with database_errors():
        settings.paths.locks.mkdir(parents=True, exist_ok=True)
        with FileLock(settings.paths.locks / "jobs.lock", timeout=_LOCK_SECONDS):
            DBOS.migrate(url)
            if url.startswith(SQLITE):
                # Readers then never wait for the worker's writes. The mode stays with the file.
                with closing(sqlite3.connect(url.removeprefix(SQLITE), timeout=_BUSY_SECONDS)) as database:
                    database.execute("PRAGMA journal_mode=WAL")


def _connect_args(url: str) -> dict[str, Any]:
    return {"timeout": _BUSY_SECONDS} if url.startswith(SQLITE) else {}


def _client(settings: Settings) -> DBOSClient:
    from dbos import DBOSClient, DBOSPortableJSONSerializer

    # JSON, not pickles: a row of the job database must not be able to run code in the app.
    return DBOSClient(
        system_database_url=settings.database_url,
        serializer=DBOSPortableJSONSerializer(),
        application_name=APPLICATION,
        retry_connection_errors=False,
    )


def _time(milliseconds: int | None) -> datetime:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)
