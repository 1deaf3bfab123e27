"""The records of one moment, each read once, and what became of the jobs they name."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from core.domain.jobs import JobState
from core.domain.provenance import JOB_TAG
from core.domain.runs import ModelVersion, Run
from core.domain.settings import SQLITE, Settings
from core.jobs.engine import JobQueue
from core.tracking.leftovers import open_runs
from core.tracking.local_registry import open_registry
from core.tracking.local_version import LocalVersion
from core.tracking.rebuild import entries_from_mlflow
from core.tracking.registry import all_versions
from core.tracking.store import Store
from core.workflows.inline_jobs import inline_job_lives, is_inline
from core.workflows.promotion_records import PromotionRecords
from core.workflows.training_state import Connect


class Fate(StrEnum):
    """What became of a job, seen from here."""

    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    GONE = "gone"
    """Its process is gone, or the queue has no such job."""
    UNKNOWABLE = "unknowable"
    """Another host or another queue knows."""

    @property
    def has_ended(self) -> bool:
        return self not in (Fate.ACTIVE, Fate.UNKNOWABLE)


_FATES = {
    JobState.QUEUED: Fate.ACTIVE,
    JobState.RUNNING: Fate.ACTIVE,
    JobState.SUCCEEDED: Fate.SUCCEEDED,
    JobState.FAILED: Fate.FAILED,
    JobState.CANCELLED: Fate.CANCELLED,
}


class Evidence:
    """What the looks share. Close it after use.

    Raises:
        StoreUnavailable, QueueUnavailable: when what is asked for cannot be read.
    """

    def __init__(self, settings: Settings, connect: Connect) -> None:
        self.settings = settings
        self.connect = connect
        self.registry = open_registry(settings, connect)

    @cached_property
    def store(self) -> Store:
        return self.connect()

    @cached_property
    def queue(self) -> JobQueue:
        return JobQueue(self.settings)

    @cached_property
    def open_runs(self) -> list[Run]:
        """Runs that say RUNNING."""
        return open_runs(self.store)

    @cached_property
    def versions(self) -> list[ModelVersion]:
        """MLflow's versions, newest first."""
        return all_versions(self.store)

    @cached_property
    def entries(self) -> list[LocalVersion]:
        """Those of registry.json; where it is missing or corrupt, what it would be rebuilt from."""
        if self.registry.path.exists():
            return self.registry.list_models()
        return entries_from_mlflow(self.settings, self.store)

    @cached_property
    def promotions(self) -> PromotionRecords:
        """Ledger, aliases and stages."""
        return PromotionRecords(self.settings, self.connect)

    def version_of(self, run_id: str) -> ModelVersion | None:
        return next((version for version in self.versions if version.run_id == run_id), None)

    def entry_of(self, run_id: str) -> LocalVersion | None:
        return next((entry for entry in self.entries if entry.run_id == run_id), None)

    def fates(self, job_ids: Iterable[str], *, unknown: Fate | None = None) -> dict[str, Fate]:
        """What became of these jobs, as of now.

        Args:
            unknown: what a job is that the queue does not know; by default what a record in MLflow means by it.
        """
        wanted = set(job_ids)
        queued = {job_id for job_id in wanted if not is_inline(job_id)}
        strange = self._unknown_to_the_queue if unknown is None else unknown
        fates = dict.fromkeys(queued, strange)
        if queued:
            # Asked first: a job leaves a worker's hands only after it has ended.
            held = self._in_living_hands()
            fates |= {job_id: _FATES[state] for job_id, state in self.queue.states(queued).items()}
            fates |= dict.fromkeys(queued & held, Fate.ACTIVE)
        return fates | {job_id: _fate_of_inline(job_id) for job_id in wanted - queued}

    def fates_of(self, records: Iterable[Run | ModelVersion]) -> dict[str, Fate]:
        """What became of the jobs that runs or versions name; those without one are left out."""
        return self.fates(record.tags[JOB_TAG] for record in records if JOB_TAG in record.tags)

    def close(self) -> None:
        """Give the connections back."""
        if "queue" in self.__dict__:
            self.queue.close()
        if "promotions" in self.__dict__:
            self.promotions.ledger.close()

    def _in_living_hands(self) -> set[str]:
        """Jobs a living worker has not put down yet: a cancelled one runs to the end of its step."""
        alive = {worker.worker_id for worker in self.queue.live_workers()}
        return {job_id for job_id, worker_id in self.queue.board.open_jobs().items() if worker_id in alive}

    @property
    def _unknown_to_the_queue(self) -> Fate:
        """A store under this home holds this queue's jobs; a shared one may hold those of another lab's queue."""
        uri = self.settings.tracking_uri
        is_own = uri.startswith(SQLITE) and Path(uri.removeprefix(SQLITE)).is_relative_to(self.settings.home)
        return Fate.GONE if is_own else Fate.UNKNOWABLE


def _fate_of_inline(job_id: str) -> Fate:
    match inline_job_lives(job_id):
        case None:
            return Fate.UNKNOWABLE
        case True:
            return Fate.ACTIVE
        case _:
            return Fate.GONE
